"""The table of what a query costs: its rows, and that its columns say what they claim to."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from isa_cli.encoders.light import load_light

SCRIPT = Path(__file__).parents[3] / "examples" / "experiments" / "query_cost.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("query_cost", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["query_cost"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["query_cost"]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table_has_a_row_per_encoder_and_none_is_set_against_itself(
    script, tiny_model, monkeypatch, capsys
):
    names = ["mobilenetv3_small_050@64", "mobilenetv3_small_075@32"]
    arguments = [SCRIPT.name, "--large", str(tiny_model), "--rounds", "2", *names]
    monkeypatch.setattr(sys, "argv", arguments)
    script.main()
    shown = capsys.readouterr().out
    assert "6 tokens of 32" in shown  # the width of the tiny model's text tower
    header, _, large, *light = map(cells, shown.splitlines()[2:])
    assert [row[:2] for row in (large, *light)] == [
        [tiny_model.name, "32"],
        ["mobilenetv3_small_050", "64"],
        ["mobilenetv3_small_075", "32"],
    ]
    assert all(len(row) == len(header) for row in (large, *light))
    assert (large[4], large[6]) == ("", "")
    for row in light:
        assert float(row[4][:-1]) == pytest.approx(
            float(large[3]) / float(row[3]), rel=0.1, abs=0.1
        )
        assert float(row[5]) > 0


def test_ratios_are_those_within_rounds(script):
    subjects = [
        script.Subject("large", 224, 300_000_000, 160_000_000_000, list),
        script.Subject("light", 224, 5_000_000, 1_600_000_000, list),
    ]
    times = [[100.0, 10.0], [1000.0, 50.0], [90.0, 3.0]]  # 10, 20 and 30 times faster
    _, _, large, light = map(cells, script.rows(subjects, times))
    assert large == ["large", "224", "300.00", "160", "", "100.0", ""]
    assert light == ["light", "224", "5.00", "1.6", "100.0x", "10.0", "20.0x (15.0 to 25.0)"]


def test_operations_are_counted_as_the_light_encoder_does_and_the_learner_adds_to_them(script):
    encoder = load_light("mobilenetv3_small_050", pretrained=False, image_size=64)
    pixels = torch.zeros(1, 3, 64, 64)
    assert script.flops(lambda: encoder.eval()(pixels)) == encoder.flops()
    subject = script.light("mobilenetv3_small_050@64", 32)
    width, tokens, places = script.WIDTH, script.TOKENS, 4
    least = 2 * places * encoder.channels * width + 2 * tokens * 8 * width**2  # project, FFN
    assert encoder.flops() + least < subject.flops < encoder.flops() + 3 * least


def test_attention_counts_although_inference_fuses_it(script):
    attention = torch.nn.MultiheadAttention(16, 2, batch_first=True).eval()
    x = torch.zeros(1, 5, 16)
    by_hand = 2 * 5 * 16 * (4 * 16) + 2 * 2 * 5 * 5 * 16  # four projections, two products
    assert script.flops(lambda: attention(x, x, x, need_weights=False)) == by_hand
    assert torch.backends.mha.get_fastpath_enabled()
