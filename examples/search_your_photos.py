"""Search photos from Python: index a folder, ask by a picture and words, print what was found.

    python examples/search_your_photos.py ~/Pictures ref.jpg "same dress but sleeveless"

It is the gallery of the command line: what one of them has indexed, the other finds.
"""

from __future__ import annotations

import argparse
import os

import isa_cli


def main() -> None:
    """Index, search, print."""
    parser = argparse.ArgumentParser(description="Search photos by a picture and words.")
    parser.add_argument("photos", help="the folder to index")
    parser.add_argument("reference", help="the picture to start from")
    parser.add_argument("words", help="what should be different")
    parser.add_argument("--model", help="small, base, large, isa-mini or a folder")
    parser.add_argument("--gallery", help="where the index lives; without it, the usual place")
    asked = parser.parse_args()

    with isa_cli.open(asked.gallery, model=asked.model) as library:
        summary = library.index([asked.photos])  # a second time costs a look at each file
        for path, reason in summary.failures:
            print("skipped", os.fsdecode(path), reason)
        for hit in library.search(asked.reference, asked.words, top=10):
            print(f"{hit.rank:3} {hit.score:.3f} {hit.photo.path}")


if __name__ == "__main__":
    main()
