"""``isa eval --chart``: each method's numbers as bars, with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def draw(document: Mapping[str, Any], title: str, path: Path) -> None:
    """Draw a document of ``evaluation.report`` into a PNG file.

    Raises:
        OSError: it can't be written.
    """
    from isa_cli.charts import BarPanel, Bars, save_chart

    results = document["results"]
    names = list(results[0]["metrics"])
    bars = [
        Bars(
            result["method"],
            [100 * result["metrics"][name] for name in names],
            [(100 * low, 100 * high) for low, high in map(result["intervals"].get, names)],
        )
        for result in results
    ]
    save_chart(path, [BarPanel(title, "percent", names, bars)])
