"""What became of files, written down: the only one that writes outcomes into a catalogue.

Workers may be many, here or elsewhere, and may do a file twice; there is one recorder to a
catalogue.  Each call of ``record`` is a transaction, so whatever kills the process can only lose
what has not been handed in yet.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from isa_cli.gallery.records import Embedded, Failed, Same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.gallery.catalog import Catalog
    from isa_cli.gallery.records import Outcome


class Recorder:
    """One run's outcomes on their way into the catalogue, and the count of them.

    Args:
        catalog: open for writing.

    Attributes:
        embedded: files that went through the encoder.
        reused: files whose bytes were known.
        failures: files that could not be read as a picture, with the reason.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.embedded = self.reused = 0
        self.failures: list[tuple[bytes, str]] = []
        self._catalog = catalog
        self._lock = threading.Lock()
        self._under_way: set[bytes] = set()
        self._reasons: dict[bytes, str] = {}
        self._waiting: list[Same] = []

    def is_known(self, digest: bytes) -> bool:
        """Return whether these bytes are catalogued, or on their way ahead of this file.

        Where they are neither, whoever asks is taken at his word to bring them: the next one to
        ask is told that they are on their way.  Any thread may ask.
        """
        with self._lock:
            if digest in self._under_way:
                return True
            self._under_way.add(digest)
        known = self._catalog.has(digest)
        if known:
            with self._lock:
                self._under_way.discard(digest)
        return known

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Write one batch, and the copies that were waiting for a picture in it.

        Call it from one thread at a time, in the order that files are to be recorded in.

        Raises:
            GalleryError: the catalogue cannot be written.
        """
        embedded = [outcome for outcome in outcomes if isinstance(outcome, Embedded)]
        here = {outcome.digest for outcome in embedded}
        failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        self._reasons |= {bad.digest: bad.reason for bad in failed if bad.digest is not None}
        copies: list[Same] = []
        waiting, self._waiting = self._waiting, []
        for copy in (*waiting, *(o for o in outcomes if isinstance(o, Same))):
            if copy.digest in here or self._catalog.has(copy.digest):
                copies.append(copy)
            elif copy.digest in self._reasons:  # it fails as its original did
                failed.append(Failed(copy.stamp, self._reasons[copy.digest], copy.digest))
            else:  # the picture that it copies is in a later batch
                self._waiting.append(copy)
        self._catalog.record([*embedded, *copies, *failed])
        with self._lock:
            self._under_way -= here
        self.embedded += len(embedded)
        self.reused += len(copies)
        self.failures += [(outcome.stamp.path, outcome.reason) for outcome in failed]

    def finish(self) -> None:
        """Write the copies that still wait; those whose original never came are left undone.

        Raises:
            GalleryError: the catalogue cannot be written.
        """
        if self._waiting:
            self.record([])
