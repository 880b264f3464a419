"""What the benchmarks are called, and their sizes; standard library only, for ``--help``."""

from __future__ import annotations

BENCHMARKS = ("wardrobe",)

SEED = 7
CASES = 1_200
GALLERY = 6_000
PICTURES_PER_CASE = 2
"""At least: a reference and a right answer."""

WARDROBE_MODEL = "isa-mini"
"""What the wardrobe is asked of where nobody names a model: the one that knows this world."""
