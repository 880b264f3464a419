"""The ablation: that each variant differs in what it says, and the table counts right."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from isa_cli.training.settings import Settings

SCRIPT = Path(__file__).parents[2] / "examples" / "ablate_isa.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("ablate_isa", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["ablate_isa"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["ablate_isa"]


def test_every_variant_can_be_trained_and_is_one_of_its_own(script):
    names = [variant.name for variant in script.VARIANTS]
    assert len(set(names)) == len(names)
    for variant in script.VARIANTS:
        settings = replace(Settings(), **variant.change)
        usual = variant.change == {"tokens": Settings().tokens}  # the reference, among the L
        assert (settings == Settings()) == usual
    assert {1, 2, 4, 6, 8, 12} == {
        variant.change["tokens"] for variant in script.VARIANTS if variant.group == "tokens"
    }


def test_the_table_shows_means_and_how_far_seeds_are_apart(script):
    rows = {
        "L = 1": [{"R@1": 0.10, "R@10": 0.5}, {"R@1": 0.14, "R@10": 0.6}],
        "L = 2": [{"R@1": 0.2, "R@10": 0.5}],
    }
    table = script.table(rows).splitlines()
    assert table[2] == "| L = 1 | 12.0 ± 2.8 | 55.0 ± 7.1 | 2 |"
    assert table[3] == "| L = 2 | 20.0 | 50.0 | 1 |"


def test_the_chart_is_of_the_numbers_of_tokens(script, tmp_path):
    script.chart(tmp_path / "a.png", {"MLP": [{"R@1": 0.1, "R@10": 0.2}]})
    assert not (tmp_path / "a.png").exists()  # a line needs two points
    rows = {f"L = {count}": [{"R@1": 0.1, "R@10": 0.2}] for count in (1, 6)}
    script.chart(tmp_path / "a.png", rows)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
