"""A photo collection with its gallery, its large model and what was learned: ``isa_cli.open``."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, Unpack

from isa_cli.config import DEFAULT_MODEL
from isa_cli.encoders.foundation import Foundation
from isa_cli.encoders.names import absolute_name
from isa_cli.errors import GalleryMissing
from isa_cli.gallery.gallery import Gallery
from isa_cli.library import folders as rooms
from isa_cli.library import learning
from isa_cli.library.conditions import where_of
from isa_cli.library.reading import SharedReading
from isa_cli.library.stopping import stopping
from isa_cli.paths import catalogued
from isa_cli.search.request import Request, references_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from isa_cli.config import Settings
    from isa_cli.gallery.indexing import Summary
    from isa_cli.gallery.records import Forgotten, Stats
    from isa_cli.library.conditions import Conditions
    from isa_cli.library.explained import Explained
    from isa_cli.library.stopping import Stop
    from isa_cli.reporting import Reporter
    from isa_cli.search.request import Answer, Picture
    from isa_cli.search.searcher import Searcher


class Library:
    """Use ``isa_cli.open``; any number of threads may share one library.

    Nothing is opened, located or loaded before something needs it.  What another process or thread
    indexes, forgets or trains meanwhile is seen by the next search.

    Attributes:
        settings: gallery, model, device and precision in force.
        model: the model that was asked for by name; ``None``: the gallery's own.
        reporter: hears what there is to say.

    Examples:
        >>> import isa_cli, tempfile
        >>> library = isa_cli.open(tempfile.mkdtemp() + "/gallery", model="isa-mini")
        >>> summary = library.index([wardrobe])          # a folder of pictures
        >>> summary.embedded
        24
        >>> answer = library.search(f"{wardrobe}/00000.jpg", "in green", top=3)
        >>> [hit.rank for hit in answer], answer.method, answer.considered
        ([1, 2, 3], 'two-stage', 24)
        >>> library.forget([wardrobe], dry_run=True).files
        24
        >>> library.close()
    """

    def __init__(self, settings: Settings, model: str | None, reporter: Reporter) -> None:
        self.settings = settings
        self.model = model
        self.reporter = reporter
        self._lock = threading.RLock()
        self._foundation: Foundation | None = None
        self._shared = SharedReading(self._opened)

    def __repr__(self) -> str:
        """Where it is."""
        return f"<isa_cli.Library {self.folder}>"

    # --- opening and closing ---------------------------------------------------------------------

    def close(self) -> None:
        """Close what is open; the library may be used again, and opens what it needs."""
        self._shared.close()
        with self._lock:
            self._foundation = None

    def __enter__(self) -> Self:
        """The library itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    @property
    def folder(self) -> Path:
        """Of the gallery; there need not be one yet."""
        return self.settings.gallery

    def foundation(self, gallery: Gallery | None = None) -> Foundation:
        """The large model: the one asked for, else the gallery's own, else the settings' choice.

        The environment and the settings file say what a *new* gallery gets; only a model that was
        asked for by name is a demand that an existing gallery may have to refuse.

        Args:
            gallery: the library's, where it is open already.
        """
        own = self._own_model() if gallery is None else gallery.catalog.metadata.setting("model")
        name = absolute_name(self.model or own or self.settings.model or DEFAULT_MODEL)
        with self._lock:
            if self._foundation is None or self._foundation.name != name:
                place = self.settings.device, self.settings.precision
                self._foundation = Foundation(name, *place, self.reporter)
            return self._foundation

    def _own_model(self) -> str | None:
        """The model of the gallery by name; ``None``: there is none yet."""
        try:
            with Gallery.open(self.folder) as gallery:
                return gallery.catalog.metadata.setting("model")
        except GalleryMissing:
            return None

    def reading(self) -> AbstractContextManager[tuple[Gallery, Searcher]]:
        """A context with the gallery, open for reading, and its searcher, both as they are now.

        Raises:
            GalleryMissing: there is none.
            SpaceMismatch: it holds another model's vectors than the one asked for.
        """
        return self._shared.current()

    def _opened(self) -> tuple[Gallery, Searcher]:
        from isa_cli.search.searcher import Searcher  # noqa: PLC0415 - numpy

        with ExitStack() as cleanup:
            gallery = cleanup.enter_context(Gallery.open(self.folder, reporter=self.reporter))
            foundation = self.foundation(gallery)
            if self.model is not None:  # also where stored vectors would answer without any model
                gallery.expect(foundation.space)
            cleanup.pop_all()
        return gallery, Searcher(gallery, foundation, self.reporter)

    # --- indexing and forgetting -----------------------------------------------------------------

    def index(
        self,
        folders: Sequence[str | Path] = (),
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        hidden: bool = False,
        retry_failed: bool = False,
        prune: bool = False,
        dry_run: bool = False,
        limit: int | None = None,
        batch_size: int | None = None,
        workers: int | None = None,
        stop: Stop | None = None,
    ) -> Summary:
        """Embed the photos below folders that are new or changed; makes the gallery if need be.

        Args:
            folders: or files; (): all that were ever named.
            include: only what these patterns name, as in ``.gitignore``.
            exclude: not what these name.
            hidden: also hidden files and folders.
            retry_failed: try again what failed and has not changed.
            prune: forget the photos of folders that are gone.
            dry_run: look and count, and change nothing.
            limit: at most so many files.
            batch_size: photos per batch; ``None``: what suits the device.
            workers: decoding threads; ``None``: one per usable core.
            stop: when set, what is under way is finished and saved.  Or a context that gives such
                an event, entered once everything is ready to begin.

        Returns:
            What became of every file.

        Raises:
            UsageError: there is no such folder, or a pattern means nothing.
            ModelError: the model can't be had.
            GalleryError: the gallery can't be written; ``GalleryLocked``: somebody else is at it.
            SpaceMismatch: it holds another model's vectors.
        """
        from isa_cli.gallery.ignore import ScanOptions  # noqa: PLC0415 - a search needs none
        from isa_cli.gallery.indexing import IndexOptions, index_folders  # noqa: PLC0415

        roots = rooms.roots_of(folders, self.folder)
        which = ScanOptions(
            include=tuple(include),
            exclude=tuple(exclude),
            hidden=hidden,
            retry_failed=retry_failed,
            prune=prune,
        )
        how = IndexOptions(which, batch_size, workers, limit, dry_run)
        if not dry_run and not self.folder.exists():
            self.foundation().check()  # no model, no gallery
        with rooms.opened_for_indexing(self.folder, self.reporter, dry_run=dry_run) as gallery:
            roots = roots or rooms.known_roots(gallery.catalog)
            foundation, size = self.foundation(gallery), (0, 0)
            if not dry_run:  # a dry run asks no hub
                foundation.check()
                rooms.adopt(gallery, foundation)
                size = foundation.input_size
                rooms.tell_of_demo_model(gallery, foundation, roots, self.reporter)
            with stopping(stop) as event:
                return index_folders(
                    gallery, roots, foundation.gallery_encoder, size, how, self.reporter, event
                )

    def forget(self, paths: Sequence[str | Path], *, dry_run: bool = False) -> Forgotten:
        """Take files, and all files below folders, out of the gallery; no file is deleted.

        Args:
            paths: which need not exist any more.
            dry_run: say what would go, and change nothing.

        Raises:
            GalleryMissing: there is no gallery.
            GalleryLocked: another process is writing.
        """
        wanted = [catalogued(str(path)) for path in paths]
        Gallery.open(self.folder).close()  # nothing to forget where there is none; never create one
        with Gallery.open(self.folder, writable=not dry_run, reporter=self.reporter) as gallery:
            if dry_run:
                return rooms.would_forget(gallery.catalog, wanted)
            return gallery.forget(wanted)

    @property
    def stats(self) -> Stats:
        """The gallery in numbers.

        Raises:
            GalleryMissing: there is none.
        """
        with Gallery.open(self.folder) as gallery:
            return gallery.catalog.photos.stats()

    # --- searching -------------------------------------------------------------------------------

    def search(
        self,
        reference: Picture | Sequence[Picture] | None = None,
        modifier: str = "",
        *,
        avoid: str | Sequence[str] = (),
        avoid_images: Sequence[Picture] = (),
        top: int = 20,
        method: str = "auto",
        alpha: float | None = None,
        include_reference: bool = False,
        group: float | bool | None = None,
        exact: bool = False,
        **conditions: Unpack[Conditions],
    ) -> Answer:
        """Photos like a picture as words change it; also by the picture or by the words alone.

        Args:
            reference: a path, a file's bytes or a picture of Pillow's; several; or none.
            modifier: the words; '' for none.
            avoid: what must not show, in words.
            avoid_images: pictures whose like must not show.
            top: how many answers.
            method: how picture and words are put together; ``auto``: as was learned, else the
                training-free default.
            alpha: weight of the words in [0, 1]; ``None``: the method's own.
            include_reference: let the reference itself be an answer.
            group: fold near-duplicates into one answer, from this cosine on (``True``: 0.95).
            exact: compare with every photo, however many there are.
            conditions: ``under``, ``after``, ``before``, ``camera``, ``near``, ``min_size`` and
                ``types``, see ``library.conditions.where_of``.

        Raises:
            UsageError: nothing was asked, or something impossible; ``FilterError``: a condition
                can't be read.
            ImageError: a reference can't be opened.
            GalleryMissing: there is no gallery.
            ModelError: the model is needed and can't be had.
        """
        from isa_cli.search.ranking import GROUP_AT  # noqa: PLC0415 - numpy

        if isinstance(group, bool):
            group = GROUP_AT if group else None
        request = Request(
            references=references_of(reference),
            modifier=modifier,
            avoid_texts=(avoid,) if isinstance(avoid, str) else tuple(avoid),
            avoid_images=references_of(avoid_images),
            where=where_of(**conditions),
            top=top,
            method=method,
            alpha=alpha,
            include_reference=include_reference,
            group=group,
            exact=exact,
        )
        return self.ask(request)

    def ask(self, request: Request) -> Answer:
        """The answer to a request; see ``search``, which makes one."""
        with self.reading() as (_, searcher):
            return searcher.search(request)

    def explain(
        self,
        reference: Picture,
        modifier: str,
        *,
        top: int = 3,
        alpha: float | None = None,
        method: str = "auto",
    ) -> Explained:
        """What each word of a learned query looks at, and what each part contributed.

        Args:
            reference: a path, a file's bytes or a picture of Pillow's.
            modifier: the words.
            top: how many answers to take apart.
            alpha: weight of what was learned in [0, 1]; ``None``: the method's own.
            method: a learned one; ``auto``: the query model's best.

        Raises:
            UsageError: nothing was learned for this gallery.
            ImageError: the reference can't be opened.
        """
        from isa_cli.library.explained import take_apart  # noqa: PLC0415 - numpy

        request = Request(references_of(reference), modifier, top=top, alpha=alpha, method=method)
        with self.reading() as (gallery, searcher):
            return take_apart(request, gallery, searcher, self.foundation(gallery))

    # --- learning, which has a room of its own ---------------------------------------------------

    train = learning.train
    compose = learning.compose
