"""What the benchmarks are called, and their sizes; standard library only, for ``--help``."""

from __future__ import annotations

WARDROBE = "wardrobe"
CAPTIONS = "wardrobe-captions"
BENCHMARKS = (WARDROBE, CAPTIONS)

SEED = 7
CASES = 1_200
GALLERY = 6_000
CAPTIONED = 1_000
"""Pictures that are asked for by their captions, each once."""
PICTURES_PER_CASE = 2
"""At least: a reference and a right answer."""

WARDROBE_MODEL = "isa-mini"
"""What the wardrobe is asked of where nobody names a model: the one that knows this world."""
