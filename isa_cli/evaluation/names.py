"""What the benchmarks are called, and the sizes and seeds of the wardrobe; nothing heavy."""

from __future__ import annotations

from isa_cli.evaluation.datasets import DATASETS

WARDROBE = "wardrobe"
CAPTIONS = "wardrobe-captions"
BENCHMARKS = (*DATASETS, WARDROBE, CAPTIONS)

CSV = "csv"
"""The command that a CSV file's name is short for."""

TEST_SPLITS = ("test", "test1")
"""Splits that results are stated on, and that nothing may be chosen by."""

SEED = 7
"""Of the wardrobe that results are stated on."""
TUNING_SEED = 1
"""Of the wardrobe that choices are made on."""
CASES = 1_200
GALLERY = 6_000
CAPTIONED = 1_000
"""Pictures that are asked for by their captions, each once."""
PICTURES_PER_CASE = 2
"""At least: a reference and a right answer."""

WARDROBE_MODEL = "isa-mini"
"""What the wardrobe is asked of where nobody names a model: the one that knows this world."""
