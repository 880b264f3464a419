"""``isa eval FILE.csv``: a user's questions, of a folder of pictures or of a gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from isa_cli import wording
from isa_cli.cli import options
from isa_cli.cli.eval.flags import CsvFlags
from isa_cli.cli.eval.outputs import outputs
from isa_cli.cli.spread import spread
from isa_cli.errors import UsageError
from isa_cli.evaluation.names import CSV
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.eval.flags import AskFlags
    from isa_cli.config import Settings
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.config import EvalConfig
    from isa_cli.evaluation.user_photos import UserPhotos


@spread(CsvFlags)
def csv(file: Annotated[str, typer.Argument(metavar="FILE", hidden=True)], flags: CsvFlags) -> int:
    """Ask your own questions of your own photos; of a gallery nothing is embedded again.

    FILE has the columns reference, modifier and target; several targets, with ; between them, are
    all right answers.  Paths start at the photos' folder or at FILE's.

    \b
      isa eval my.csv --gallery ~/Pictures --html failures.html
    """  # noqa: D301 - typer's mark for lines to keep
    wanted = outputs(flags)
    asked = questions(file, flags.gallery, flags, flags.alpha)

    from isa_cli.cli.eval.run import run

    return run(lambda _: asked.benchmark, asked.config, wanted, stored=asked.photos.vectors)


@dataclass(frozen=True, slots=True)
class UserQuestions:
    """A user's benchmark, and what to ask it with.

    Attributes:
        benchmark: the questions.
        photos: what they are asked of; with vectors where those are stored.
        gallery: the folder of the gallery; ``None`` where it is a folder of pictures.
        config: model and methods.
    """

    benchmark: Benchmark
    photos: UserPhotos
    gallery: Path | None
    config: EvalConfig


def questions(
    file: str, gallery: str | None, flags: AskFlags, alpha: float | None = None
) -> UserQuestions:
    """Return the questions of a CSV file.

    Args:
        file: its name.
        gallery: a folder of pictures, or a gallery's; ``None``: the gallery in the settings.
        flags: which model.
        alpha: the weight of the words; ``None``: each method's default.

    Raises:
        UsageError: the file can't be used, or there is no such folder.
        GalleryMissing: there is no gallery.
        SpaceMismatch: the model asked for is not the gallery's.
    """
    path = options.existing_file("the CSV file", file)

    from isa_cli.cli.eval.config import config_for, named_query_model, settings_of
    from isa_cli.config import DEFAULT_MODEL
    from isa_cli.evaluation.user_csv import user_benchmark
    from isa_cli.evaluation.user_photos import UserPhotos
    from isa_cli.gallery.gallery import CATALOG

    settings = settings_of(flags, gallery)
    learned = named_query_model(flags)
    folder = absolute(gallery) if gallery is not None else settings.gallery
    if gallery is not None and not folder.is_dir():
        raise UsageError(f"there is no folder {wording.printable(gallery)!r}", "check --gallery")
    if gallery is None or (folder / CATALOG).exists():
        return _of_gallery(path, folder, settings, flags, learned, alpha)
    config = config_for(CSV, flags, DEFAULT_MODEL, alpha)
    photos = UserPhotos.of_folder(folder)
    return UserQuestions(user_benchmark(path, photos), photos, None, config)


def _of_gallery(
    file: Path,
    folder: Path,
    settings: Settings,
    flags: AskFlags,
    learned: Path | None,
    alpha: float | None,
) -> UserQuestions:
    from isa_cli.cli.eval.config import checked
    from isa_cli.encoders.foundation import Foundation
    from isa_cli.evaluation.user_csv import user_benchmark
    from isa_cli.evaluation.user_photos import UserPhotos
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.query.lookup import query_file

    with Gallery.open(folder) as gallery:
        photos = UserPhotos.of_gallery(gallery)
        benchmark = user_benchmark(file, photos)
        model = options.model_for(flags.model, settings, gallery)
        gallery.expect(Foundation(model).space)
        if learned is None:
            found = query_file(gallery.folder, gallery.space)
            learned = found.path if found else None
    config = checked(CSV, flags, settings, model, learned, alpha)
    return UserQuestions(benchmark, photos, folder, config)
