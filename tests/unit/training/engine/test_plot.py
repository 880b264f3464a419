"""A run's picture shows its log: losses raw and smoothed, measures by epoch."""

from __future__ import annotations

import sys

import pytest
from PIL import Image

from isa_cli.charts import draw
from isa_cli.reporting import Silent
from isa_cli.training.engine.plot import panels, plot_run, smoothed

STEPS = [{"step": n, "lr": 0.1, "loss": 3.0 - n / 10, "gcd": 2.0} for n in range(1, 9)]
EPOCHS = [{"step": 4 * n, "epoch": n, "R@1": n / 10, "R@10": n / 5} for n in (1, 2)]
LOG = [*STEPS[:4], EPOCHS[0], *STEPS[4:], EPOCHS[1]]


class Notes(Silent):
    def __init__(self):
        self.said = []

    def note(self, message):
        self.said.append(message)

    warn = note


def test_losses_and_measures_are_told_apart():
    losses, held_out = panels(LOG)
    assert [line.label for line in losses.lines] == ["loss", "gcd"]
    assert list(losses.lines[0].behind) == [record["loss"] for record in STEPS]
    assert [(line.label, list(line.x), list(line.y)) for line in held_out.lines] == [
        ("R@1", [1, 2], [0.1, 0.2]),
        ("R@10", [1, 2], [0.2, 0.4]),
    ]


def test_the_figure_draws_them():
    losses, held_out = draw(panels(LOG), "query").axes
    smooth, raw = losses.lines[:2]
    assert list(raw.get_ydata()) == [record["loss"] for record in STEPS]
    assert raw.get_color() == smooth.get_color()
    assert [text.get_text() for text in held_out.get_legend().get_texts()] == ["R@1", "R@10"]
    assert held_out.get_xlabel() == "epoch"


def test_smoothing_starts_unbiased_and_averages():
    assert smoothed([4.0, 4.0, 4.0], 10) == pytest.approx([4.0, 4.0, 4.0])
    assert smoothed([1.0, 3.0], 1) == [1.0, 3.0]  # over one step: not at all
    noisy = smoothed([0.0, 1.0] * 200, 50)
    assert noisy[0] == 0.0
    assert 0.45 < noisy[-1] < 0.55


def test_the_picture_is_a_png_beside_nothing_else(tmp_path):
    path = tmp_path / "query.png"
    assert plot_run(LOG, path, Silent()) == path
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.size == (1440, 480)
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_log_is_a_picture_too(tmp_path):
    assert plot_run([], tmp_path / "query.png", Silent()) is not None


def test_without_matplotlib_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    notes = Notes()
    assert plot_run(LOG, tmp_path / "query.png", notes) is None
    assert len(notes.said) == 1
    assert "pip install 'isa-cli[plot]'" in notes.said[0]
    assert not list(tmp_path.iterdir())


def test_a_picture_that_can_not_be_written_does_not_end_a_run(tmp_path):
    notes = Notes()
    assert plot_run(LOG, tmp_path / "missing" / "query.png", notes) is None
    assert "can't be written" in notes.said[0]
