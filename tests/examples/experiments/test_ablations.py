"""The ablations: that each variant differs in what it says, and the table counts right."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from isa_cli.training.config import ComposeConfig, IsaConfig

EXAMPLES = Path(__file__).parents[3] / "examples" / "experiments"


@pytest.fixture(scope="module")
def scripts():
    """Import the ablations as Python does when it runs one of them."""
    names = ("ablation", "ablate_isa", "ablate_two_stage")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        yield {name: importlib.import_module(name) for name in names}
    for name in names:
        del sys.modules[name]


@pytest.fixture(scope="module")
def script(scripts):
    return scripts["ablate_isa"]


@pytest.fixture(scope="module")
def two_stage(scripts):
    return scripts["ablate_two_stage"]


def test_every_variant_can_be_trained_and_is_one_of_its_own(script):
    names = [variant.name for variant in script.VARIANTS]
    assert len(set(names)) == len(names)
    for variant in script.VARIANTS:
        config = replace(IsaConfig(), **variant.change)
        usual = variant.change == {"tokens": IsaConfig().tokens}  # the reference, among the L
        assert (config == IsaConfig()) == usual
    assert {1, 2, 4, 6, 8, 12} == {
        variant.change["tokens"] for variant in script.VARIANTS if variant.group == "tokens"
    }


def test_every_variant_of_two_stages_is_one_of_its_own(two_stage):
    assert len({variant.name for variant in two_stage.VARIANTS}) == len(two_stage.VARIANTS)
    kinds = set()
    for variant in two_stage.VARIANTS:
        mapping = replace(IsaConfig(), **variant.mapping)
        composing = replace(ComposeConfig(), **variant.composing)
        kinds.add((str(mapping), str(composing), variant.triplets, variant.wrong))
    assert len(kinds) == len(two_stage.VARIANTS)
    assert two_stage.VARIANTS[0] == two_stage.Variant(two_stage.ISA)  # nothing differs


def test_wrong_words_are_another_triplets(two_stage, tmp_path):
    lines = [{"reference": f"{n}.jpg", "modifier": f"m{n}", "target": "t.jpg"} for n in range(50)]
    file = tmp_path / "t.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = two_stage.with_wrong_words(file, tmp_path, 0.3)
    changed = [json.loads(line) for line in out.read_text().splitlines()]
    assert sum(a["modifier"] != b["modifier"] for a, b in zip(lines, changed, strict=True)) == 15
    assert sorted(line["modifier"] for line in changed) == sorted(f"m{n}" for n in range(50))
    for before, after in zip(lines, changed, strict=True):
        assert Path(after["reference"]) == tmp_path / before["reference"]


def test_the_table_shows_means_and_how_far_seeds_are_apart(scripts):
    rows = {
        "L = 1": [{"R@1": 0.10, "R@10": 0.5}, {"R@1": 0.14, "R@10": 0.6}],
        "L = 2": [{"R@1": 0.2, "R@10": 0.5}],
    }
    table = scripts["ablation"].table(rows).splitlines()
    assert table[2] == "| L = 1 | 12.0 ± 2.8 | 55.0 ± 7.1 | 2 |"
    assert table[3] == "| L = 2 | 20.0 | 50.0 | 1 |"


def test_the_chart_is_of_the_numbers_of_tokens(script, tmp_path):
    script.chart(tmp_path / "a.png", {"MLP": [{"R@1": 0.1, "R@10": 0.2}]})
    assert not (tmp_path / "a.png").exists()  # a line needs two points
    rows = {f"L = {count}": [{"R@1": 0.1, "R@10": 0.2}] for count in (1, 6)}
    script.chart(tmp_path / "a.png", rows)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_the_chart_of_two_stages_has_every_number_of_triplets(two_stage, tmp_path):
    scores = {"R@1": 0.1, "R@10": 0.2, two_stage.UNSEEN: 0.1}
    two_stage.chart(tmp_path / "a.png", {two_stage.ISA: [scores]})
    assert not (tmp_path / "a.png").exists()  # a line needs two points
    rows = {variant.name: [scores] for variant in two_stage.VARIANTS}
    two_stage.chart(tmp_path / "a.png", rows)
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("given", [True, False])
def test_an_injection_is_added_to_the_query_models_that_are_given(
    two_stage, tmp_path, monkeypatch, given
):
    runs = []

    def trained(run, *_):
        runs.append(run)
        run.out.touch()
        return run

    monkeypatch.setattr(two_stage, "train", trained)
    monkeypatch.setattr(two_stage, "compose", trained)
    isa = [tmp_path / "q0", tmp_path / "q1"]
    arguments = SimpleNamespace(
        gallery=tmp_path / "g",
        triplets=tmp_path / "t",
        work=tmp_path,
        isa=isa if given else None,
        limit=50,
        epochs=1,
    )
    (both,) = (one for one in two_stage.VARIANTS if one.name.startswith("both stages"))
    out = two_stage.composed(both, 1, arguments)
    mapping, composing = runs
    assert (mapping.start, mapping.at_most) == ((isa[1], None) if given else (None, 50))
    assert (composing.start, composing.out) == (mapping.out, out)
    assert mapping.config.injection == (2, 3)
    two_stage.composed(both, 1, arguments)  # what is there is not trained again
    assert runs == [mapping, composing]
