"""Charts as PNG files, if matplotlib is there: ``pip install 'isa-cli[plot]'``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from isa_cli.atomic import replacing
from isa_cli.errors import UsageError
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 6.0, 4.0
"""Width and height in inches."""

BAR = 0.34
"""A bar's width in inches, at least."""

DOTS = 120
"""Per inch."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points.

    Attributes:
        label: what the legend calls it.
        x, y: N numbers each.
        behind: y before smoothing, drawn faintly in the same colour; empty for none.
        marked: a dot at each point.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    behind: Sequence[float] = ()
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: above it.
        x, y: what the axes say.
        lines: what it shows.
        y_limits: the y axis's ends; ``None``: what suits the lines.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    y_limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar per place on the x axis, each with the interval that it may be trusted within.

    Attributes:
        label: what the legend calls them.
        values: N heights.
        intervals: N times (low, high).
    """

    label: str
    values: Sequence[float]
    intervals: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class BarPanel:
    """One pair of axes with bars side by side.

    Attributes:
        title: above it.
        y: what the y axis says.
        places: the N names below the x axis.
        bars: what stands at each of them, side by side.
    """

    title: str
    y: str
    places: Sequence[str]
    bars: Sequence[Bars]


def check_charts() -> None:
    """Refuse, before hours of work, what could not be drawn after them.

    Raises:
        UsageError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise _missing()


def _missing() -> UsageError:
    return UsageError(
        "charts need matplotlib, which is not installed", "pip install 'isa-cli[plot]'"
    )


def save_chart(path: Path, panels: Sequence[Panel | BarPanel], title: str = "") -> None:
    """Draw panels side by side into a PNG file.

    Args:
        path: of the file; its folder exists.
        panels: at least one.
        title: above all of them.

    Raises:
        UsageError: matplotlib is not installed.
        OSError: the file can't be written.
    """
    figure = draw(panels, title)
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=DOTS)


def draw(panels: Sequence[Panel | BarPanel], title: str = "") -> Figure:
    """Return panels side by side as a figure of matplotlib's, which belongs to no window.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        # not pyplot, whose figures and backend are the whole process's
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - optional
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise _missing() from error
    widths = [_width(panel) for panel in panels]
    figure = Figure(figsize=(sum(widths), PANEL[1]), layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(printable(title), parse_math=False)  # a file's name, maybe
    every = figure.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0]
    for axes, panel in zip(every, panels, strict=True):
        if isinstance(panel, BarPanel):
            _stand(axes, panel)
        else:
            _fill(axes, panel)
    return figure


def _width(panel: Panel | BarPanel) -> float:
    """Return inches: many bars take more than many points do."""
    if isinstance(panel, Panel):
        return PANEL[0]
    return max(PANEL[0], BAR * len(panel.places) * (len(panel.bars) + 1))


def _stand(axes: Axes, panel: BarPanel) -> None:
    share = 1 / (len(panel.bars) + 1)  # one bar's width is left between two places
    for number, bars in enumerate(panel.bars):
        shift = (number - (len(panel.bars) - 1) / 2) * share
        x = [place + shift for place in range(len(bars.values))]
        axes.bar(x, bars.values, share, label=bars.label, zorder=2)
        _reach(axes, x, bars)
        for place, value, (_, high) in zip(x, bars.values, bars.intervals, strict=True):
            axes.annotate(
                f"{value:.1f}",
                (place, high),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                fontsize=7,
            )
    axes.set_title(printable(panel.title), parse_math=False)
    axes.set(ylabel=panel.y)
    axes.set_xticks(range(len(panel.places)), panel.places)
    axes.set_ylim(bottom=0)
    axes.margins(y=0.08)
    axes.grid(alpha=0.3, axis="y", zorder=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _reach(axes: Axes, x: Sequence[float], bars: Bars) -> None:
    """Draw the intervals over the bars."""
    pairs = list(zip(bars.values, bars.intervals, strict=True))
    below = [value - low for value, (low, _) in pairs]
    above = [high - value for value, (_, high) in pairs]
    axes.errorbar(
        x, bars.values, (below, above), fmt="none", ecolor="#333", elinewidth=1, capsize=2, zorder=3
    )


def _fill(axes: Axes, panel: Panel) -> None:
    for line in panel.lines:
        (drawn,) = axes.plot(line.x, line.y, label=line.label, marker="o" if line.marked else "")
        if line.behind:
            axes.plot(line.x, line.behind, color=drawn.get_color(), alpha=0.25, linewidth=0.8)
    axes.set_title(printable(panel.title), parse_math=False)
    axes.set(xlabel=panel.x, ylabel=panel.y)
    if panel.y_limits is not None:
        axes.set_ylim(*panel.y_limits)
    axes.locator_params(axis="x", integer=True)  # steps and epochs are counted
    axes.grid(alpha=0.3)
    if panel.lines:
        axes.legend()
