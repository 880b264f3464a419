"""Kills an index run at random moments and looks at what is left; one JSON line per trial.

    python killing.py PHOTOS WORK TRIALS SEED

A process of its own: it has no threads when it forks, and each child dies by SIGKILL.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from isa_cli.gallery import stores
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.indexing import IndexOptions, index_folders
from isa_cli.reporting import Silent
from tests.fakes import MeanColour

stores.EXACT_BELOW = 8  # so that the HNSW file is written and killed too


class Slow(MeanColour):
    def encode(self, batch):
        time.sleep(0.004)
        return super().encode(batch)


def run(folder, photos, encoder):
    with Gallery.open(folder, writable=True, space=encoder.space) as gallery:
        return index_folders(
            gallery,
            [os.fsencode(photos)],
            lambda: encoder,
            encoder.input_size,
            IndexOptions(),
            Silent(),
            threading.Event(),
        )


def timed(folder, photos):
    started = time.monotonic()
    run(folder, photos, Slow())
    return time.monotonic() - started


def trial(folder, photos, delay):
    child = os.fork()
    if child == 0:
        run(folder, photos, Slow())
        os._exit(0)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    left, sound = 0, []
    if (folder / "catalog.db").exists():
        with Gallery.open(folder, writable=True) as gallery:
            left, sound = gallery.catalog.photos.stats().files, gallery.catalog.check()
    encoder = MeanColour()
    again = run(folder, photos, encoder)
    with Gallery.open(folder) as gallery:
        stats = gallery.catalog.photos.stats()
        found = set()
        for _, vectors in gallery.catalog.vectors.chunks():
            for keys in gallery.index.search(vectors, 1).keys:
                found.update(keys.tolist())
        return {
            "killed": os.WIFSIGNALED(status),
            "left": left,
            "problems": sound + gallery.catalog.check(),
            "embedded_again": encoder.encoded,
            "forgotten": again.gone,
            "files": stats.files,
            "photos": stats.photos,
            "vectors": stats.vectors,
            "found": len(found),
            "strays": sorted(p.name for p in folder.iterdir() if p.name.endswith(".part")),
        }


def main():
    photos, work, trials, seed = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:5])
    # the shortest of three: the first also imports, and a moment after the run kills nothing
    whole = min(timed(work / f"whole {number}", photos) for number in range(3))
    rng = random.Random(seed)
    for number in range(trials):
        print(json.dumps(trial(work / str(number), photos, rng.uniform(0, whole))), flush=True)


if __name__ == "__main__":
    main()
