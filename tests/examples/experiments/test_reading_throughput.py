"""The table of what cutting the padding brings: its rows, its ratios, and that nothing is lost."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "examples" / "experiments" / "reading_throughput.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("reading_throughput", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_per_model_whose_ratio_and_differences_agree_with_what_was_measured(
    script, tiny_model, monkeypatch, capsys
):
    model = str(tiny_model)
    sizes = ("--batch", "2", "--rounds", "1", "--tokens", "3")
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, model, model, *sizes])
    script.main()
    header, _, *rows = map(cells, capsys.readouterr().out.splitlines()[2:])
    assert [row[0] for row in rows] == [tiny_model.name] * 2
    for row in rows:
        assert len(row) == len(header)
        whole, trimmed = map(int, row[1].split(" to "))
        assert trimmed == 1 + 3 + 3 + 1 < whole == 77  # start, a photo of, three tokens, end
        ratio = float(row[4].split("x")[0])
        assert ratio == pytest.approx(float(row[2]) / float(row[3]), rel=0.1, abs=0.1)
        assert row[4] == f"{ratio}x ({ratio} to {ratio})"  # of one round
        assert max(float(row[5]), float(row[6])) < 1e-4


def test_no_rounds_are_refused(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, "isa-mini", "--rounds", "0"])
    with pytest.raises(SystemExit, match="2"):
        script.main()
    assert "--rounds must be at least 1" in capsys.readouterr().err
