"""Thumbnails in the terminal: real pixels where it can draw them, half blocks elsewhere.

A row of thumbnails becomes one strip, so that they stand side by side whatever draws them.
Kitty's protocol and Sixel (which iTerm2 speaks) come from textual-image, the extra ``preview``.
A half block is a character cell whose upper and lower half are a pixel each.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from PIL import Image
from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style

from isa_cli.cli.console import raw_stdout
from isa_cli.errors import IsaError
from isa_cli.pages.thumbnails import small
from isa_cli.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.types import Hit

WIDTH, HEIGHT, GAP = 24, 12, 2
"""Cells of a thumbnail, which make about a square, and the cells between two."""

WIDEST = 297
"""Cells that Kitty's placeholders can count."""

HALVES, PIXELS = (1, 2), (12, 24)
"""Pixels drawn in one cell: by half blocks, and by the terminal itself (it rescales)."""

GREY = (128, 128, 128)


def preview_hits(hits: Sequence[Hit], console: Console | None = None) -> None:
    """Draw the hits' thumbnails; a file that cannot be opened is a grey square."""
    console = console or Console(file=raw_stdout())
    if can_draw(console):
        with ThreadPoolExecutor(4) as pool:
            render_preview(list(pool.map(_thumbnail, hits)), console)


def can_draw(console: Console) -> bool:
    """Return whether pictures may be drawn: on a terminal with colours, and nowhere else."""
    return console.is_terminal and console.color_system is not None


def render_preview(thumbnails: Sequence[tuple[Image.Image, str]], console: Console) -> None:
    """Draw pictures with a caption each, as many side by side as fit; nothing off a terminal."""
    if not can_draw(console):
        return
    draw = _graphics(console)
    width = min(WIDTH, console.width)
    columns = max(1, (min(console.width, WIDEST) + GAP) // (width + GAP))
    for start in range(0, len(thumbnails), columns):
        row = thumbnails[start : start + columns]
        picture = strip([image for image, _ in row], width, PIXELS if draw else HALVES)
        if draw:
            cells = [size // per for size, per in zip(picture.size, PIXELS, strict=True)]
            console.print(draw(picture, *cells))
        else:
            console.print(Segments(half_blocks(picture)), end="")
        captions = [_fitted(caption, width) for _, caption in row]
        console.print((" " * GAP).join(captions).rstrip(), markup=False, highlight=False)


def strip(images: Sequence[Image.Image], width: int, cell: tuple[int, int]) -> Image.Image:
    """Return images side by side on one ground line, mode RGBA, transparent around them.

    Args:
        images: each is made to fit ``width`` by ``HEIGHT`` cells, and keeps its shape.
        width: cells.
        cell: pixels of a cell (across, down); the strip is whole cells wide and high.
    """
    across, down = cell
    fitted = [_contained(image, width * across, HEIGHT * down) for image in images]
    height = max(-(-image.height // down) for image in fitted) * down
    whole = Image.new("RGBA", ((len(images) * (width + GAP) - GAP) * across, height))
    for number, image in enumerate(fitted):
        whole.paste(image, (number * (width + GAP) * across, height - image.height))
    return whole


def half_blocks(image: Image.Image) -> list[Segment]:
    """Return an image of even height as text: a cell for two pixels, one above the other."""
    pixels: Any = image.convert("RGBA").load()
    segments = []
    for y in range(0, image.height, 2):
        cells = [_cell(pixels[x, y], pixels[x, y + 1]) for x in range(image.width)]
        segments += [*Segment.simplify(cells), Segment.line()]
    return segments


def _cell(upper: tuple[int, ...], lower: tuple[int, ...]) -> Segment:
    over, under = _color(upper), _color(lower)
    if over is None and under is None:
        return Segment(" ")
    if over is None:
        return Segment("▄", Style(color=under))
    return Segment("▀", Style(color=over, bgcolor=under))


def _color(pixel: tuple[int, ...]) -> Color | None:
    red, green, blue, alpha = pixel
    return Color.from_rgb(red, green, blue) if alpha >= 128 else None  # noqa: PLR2004


def _contained(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("RGBA").resize(size, Image.Resampling.LANCZOS)


def _fitted(caption: str, width: int) -> str:
    caption = printable(caption)
    if cell_len(caption) > width:
        return set_cell_size(caption, width - 1) + "…"
    return set_cell_size(caption, width)


def _graphics(console: Console) -> Any:
    """The function that draws real pixels (image, cells across, cells down), or ``None``.

    textual-image asks the terminal what it can do when it is imported, and waits for the answer on
    stdin: so both must be the terminal.
    """
    if console.file is not sys.__stdout__ or sys.__stdin__ is None or not sys.__stdin__.isatty():
        return None
    if not os.get_terminal_size(sys.__stdout__.fileno()).columns:  # a terminal in name only
        return None
    try:
        from textual_image import renderable
    except ImportError:
        return None
    real = (renderable.TGPImage, renderable.SixelImage)
    return renderable.Image if renderable.Image in real else None


def _thumbnail(hit: Hit) -> tuple[Image.Image, str]:
    path = hit.photo.paths[0]
    caption = f"{hit.rank}  {hit.score:.3f}  {printable(os.path.basename(path))}"  # noqa: PTH119
    try:
        return small(path), caption
    except (IsaError, OSError):
        return Image.new("RGB", (4, 3), GREY), caption
