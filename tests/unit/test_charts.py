"""Bars with their intervals; ``tests/unit/training/test_plot.py`` has the lines."""

import sys

import pytest

from isa_cli.charts import BarPanel, Bars, Line, Panel, check_charts, draw, save_chart
from isa_cli.errors import UsageError

BARS = [
    Bars("one", [10.0, 20.0], [(5.0, 15.0), (20.0, 20.0)]),
    Bars("two", [0.0, 30.0], [(0.0, 0.0), (25.0, 35.0)]),
]


def test_each_bar_stands_at_its_place_and_reaches_its_value():
    figure = draw([BarPanel("numbers", "percent", ["R@1", "R@5"], BARS)])
    (axes,) = figure.axes
    bars = [patch for container in axes.containers[::2] for patch in container.patches]
    assert [bar.get_height() for bar in bars] == [10.0, 20.0, 0.0, 30.0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["R@1", "R@5"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]
    middles = sorted(bar.get_x() + bar.get_width() / 2 for bar in bars)
    assert middles == pytest.approx([-1 / 6, 1 / 6, 5 / 6, 7 / 6])
    told = [text.get_text() for text in axes.texts]
    assert told == ["10.0", "20.0", "0.0", "30.0"]


def test_bars_and_lines_share_a_file(tmp_path):
    lines = Panel("loss", "step", "loss", [Line("a", [0, 1], [2.0, 1.0])])
    save_chart(tmp_path / "both.png", [lines, BarPanel("n", "percent", ["x", "y"], BARS)])
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["both.png"]


def test_titles_are_words_whatever_a_file_is_called(tmp_path):
    name = "$\\frac{$ \x1b[2J\n.csv"
    bars = BarPanel(name, "percent", ["x", "y"], BARS)
    lines = Panel(name, "step", "loss", [Line("a", [0, 1], [2.0, 1.0])])
    figure = draw([bars, lines], name)
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    assert titles == [r"$\frac{$ \x1b[2J\n.csv"] * 3
    save_chart(tmp_path / "a.png", [bars, lines], name)  # which matplotlib draws without a warning


def test_without_matplotlib_one_sentence(monkeypatch):
    check_charts()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="charts need matplotlib"):
        check_charts()
