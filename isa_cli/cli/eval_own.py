"""``isa eval FILE.csv``: a person's own questions, of a folder of pictures or of a gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import eval_run, options
from isa_cli.cli.eval_options import existing_file
from isa_cli.errors import UsageError
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.eval_options import Asking
    from isa_cli.config import Settings
    from isa_cli.evaluation.benchmark import Benchmark
    from isa_cli.evaluation.own import OwnPhotos


@dataclass(frozen=True, slots=True)
class Own:
    """A person's own benchmark, and what to ask.

    Attributes:
        benchmark: the questions.
        photos: what they are asked of; with vectors where those are stored.
        gallery: the folder of the gallery; ``None`` where it is a folder of pictures.
        settings: in force.
        model: its name.
        learned: the query model, if there is one.
    """

    benchmark: Benchmark
    photos: OwnPhotos
    gallery: Path | None
    settings: Settings
    model: str
    learned: Path | None


def questions(file: str, gallery: str | None, asking: Asking) -> Own:
    """Return the questions of a CSV file.

    Args:
        file: its name.
        gallery: a folder of pictures, or a gallery's; ``None``: the gallery in the settings.
        asking: which model.

    Raises:
        UsageError: the file can't be used, or there is no such folder.
        GalleryMissing: there is no gallery.
        SpaceMismatch: the model asked for is not the gallery's.
    """
    path = existing_file("the CSV file", file)
    settings = eval_run.settings_for(asking, gallery)
    learned = eval_run.query_model(asking)

    from isa_cli.gallery.gallery import CATALOG

    folder = absolute(gallery) if gallery is not None else settings.gallery
    if gallery is not None and not folder.is_dir():
        raise UsageError(f"there is no folder {wording.printable(gallery)!r}", "check --gallery")
    if gallery is None or (folder / CATALOG).exists():
        return _of_gallery(path, folder, settings, asking, learned)
    return _of_folder(path, folder, settings, asking, learned)


def _of_folder(
    file: Path, folder: Path, settings: Settings, asking: Asking, learned: Path | None
) -> Own:
    from isa_cli.config import DEFAULT_MODEL
    from isa_cli.evaluation.own import OwnPhotos
    from isa_cli.evaluation.triplets import triplets

    model = eval_run.model_for(asking, settings, learned, DEFAULT_MODEL)
    learned = learned or eval_run.bundled_for(model)
    photos = OwnPhotos.of_folder(folder)
    return Own(triplets(file, photos), photos, None, settings, model, learned)


def _of_gallery(
    file: Path, folder: Path, settings: Settings, asking: Asking, learned: Path | None
) -> Own:
    from isa_cli.encoders import locate
    from isa_cli.evaluation.own import OwnPhotos
    from isa_cli.evaluation.triplets import triplets
    from isa_cli.gallery.gallery import Gallery
    from isa_cli.query.lookup import query_file

    with Gallery.open(folder) as gallery:
        photos = OwnPhotos.of_gallery(gallery)
        benchmark = triplets(file, photos)
        model = options.model_for(asking.model, settings, gallery)
        gallery.expect(locate(model).space)
        if learned is None:
            found = query_file(gallery.folder, gallery.space)
            learned = found.path if found else None
    return Own(benchmark, photos, folder, settings, model, learned)
