"""What a library learns, from photos or from triplets: methods of ``Library``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isa_cli.errors import GalleryMissing
from isa_cli.gallery.gallery import Gallery
from isa_cli.library.stopping import stopping
from isa_cli.paths import absolute
from isa_cli.query.lookup import QUERY_MODEL
from isa_cli.reporting import Lines
from isa_cli.training.options import ComposeOptions, TrainOptions, query_model_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from isa_cli.library.library import Library
    from isa_cli.library.stopping import Stop
    from isa_cli.reporting import Reporter
    from isa_cli.training.runs import Composed, Trained

NO_PHOTOS = "make one with: isa index FOLDER; or name photos to learn from: isa train --images DIR"


def train(
    self: Library,
    options: TrainOptions | None = None,
    *,
    images: Sequence[str | Path] = (),
    out: str | Path | None = None,
    progress: Callable[[str], object] | None = None,
    stop: Stop | None = None,
    **said: Any,
) -> Trained | None:
    """Learn to write a photo as words, from photos alone; searches use it from then on.

    Args:
        self: the library.
        options: how; ``training.options.MapOptions`` make it stage I of two.
        images: folders of photos to learn from; (): the gallery's own.
        out: the query model's file; ``None``: the gallery's own, ``query.safetensors``.
        progress: is told in lines how it goes; ``None``: the library's reporter is.
        stop: as of ``Library.index``.
        said: fields of ``training.options.TrainOptions``, in the place of ``options``.

    Returns:
        The query model and what was reached; ``None`` if ``stop`` ended it: the same call goes
        on from there, to the same result.

    Raises:
        GalleryMissing: there is no gallery, and no photos are named either.
        UsageError: what can't be trained with.
        TrainingError: too few photos, a loss that is no number, another run in the folder.
        ModelError: the large model or the light encoder can't be had.
    """
    from isa_cli.training import folders  # noqa: PLC0415 - numpy, and torch below
    from isa_cli.training.runs import IsaRun  # noqa: PLC0415
    from isa_cli.training.train import train  # noqa: PLC0415

    asked, told = options or TrainOptions(**said), _telling(self, progress)
    target = None if out is None else query_model_path(out)
    named = [folders.folder_of(str(name)) for name in images]
    with stopping(stop) as event:
        if not named:
            _check_there_is(self.folder)
        foundation, gallery = self.foundation(), self.folder
        if named:
            gallery = folders.gallery_for(named, foundation.space)
            target = target or folders.query_model_in(self.folder, foundation.space)
        run = IsaRun.of(asked, gallery, foundation, target or self.folder / QUERY_MODEL)
        if named:
            folders.index_apart(gallery, named, foundation, told, event)
        return None if event.is_set() else train(run, told, event)


def compose(
    self: Library,
    triplets: str | Path,
    options: ComposeOptions | None = None,
    *,
    out: str | Path | None = None,
    progress: Callable[[str], object] | None = None,
    stop: Stop | None = None,
    **said: Any,
) -> Composed | None:
    """Learn from triplets to read a photo together with words: stage II of two.

    Args:
        self: the library.
        triplets: a JSONL file of reference, modifier and target.
        options: how.
        out: as of ``train``.
        progress: as of ``train``.
        stop: as of ``Library.index``.
        said: fields of ``training.options.ComposeOptions``, in the place of ``options``.

    Returns:
        As ``train``.

    Raises:
        GalleryMissing: there is no gallery.
        UsageError: what can't be trained with, no triplets, or no query model to build on.
        TrainingError: too few triplets, pictures that the gallery lacks, another run there.
    """
    from isa_cli.training.compose import compose  # noqa: PLC0415 - torch
    from isa_cli.training.runs import ComposeRun  # noqa: PLC0415

    asked, told = options or ComposeOptions(**said), _telling(self, progress)
    target = self.folder / QUERY_MODEL if out is None else query_model_path(out)
    run = ComposeRun.of(asked, absolute(str(triplets)), self.folder, self.foundation(), target)
    with stopping(stop) as event:
        return compose(run, told, event)


def _telling(library: Library, progress: Callable[[str], object] | None) -> Reporter:
    return library.reporter if progress is None else Lines(progress)


def _check_there_is(gallery: Path) -> None:
    """Refuse to learn from a gallery that is not there, with both ways out."""
    try:
        Gallery.open(gallery).close()
    except GalleryMissing as error:
        raise GalleryMissing(error.message, NO_PHOTOS) from error
