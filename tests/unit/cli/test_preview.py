"""Thumbnails in the terminal, cell by cell."""

import io
import os
import sys
from types import SimpleNamespace

import pytest
from PIL import Image
from rich.console import Console
from rich.segment import Segment

from isa_cli.cli import preview
from isa_cli.cli.preview import (
    GREY,
    HALVES,
    PIXELS,
    half_blocks,
    preview_hits,
    render_preview,
    strip,
)
from isa_cli.types import Hit, Photo, PhotoInfo

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CLEAR = (0, 0, 0, 0)


def picture(*rows):
    """Return an image of these pixels."""
    image = Image.new("RGBA", (len(rows[0]), len(rows)))
    image.putdata([(*pixel, 255)[:4] for row in rows for pixel in row])
    return image


def terminal(width=80, **more):
    more = {"force_terminal": True, "color_system": "truecolor", "legacy_windows": False} | more
    return Console(width=width, file=io.StringIO(), **more)


def cells(segments):
    """Return the lines of cells as (character, upper colour, lower colour)."""
    return [
        [
            (char, *(color and tuple(color.triplet) for color in (style.color, style.bgcolor)))
            for segment in line
            for style in [segment.style or SimpleNamespace(color=None, bgcolor=None)]
            for char in segment.text
        ]
        for line in Segment.split_lines(segments)
    ]


def drawn(console):
    return console.file.getvalue()


# --- half blocks ---------------------------------------------------------------------------------


def test_a_cell_is_two_pixels_one_above_the_other():
    image = picture([RED, GREEN], [BLUE, WHITE])
    assert cells(half_blocks(image)) == [[("▀", RED, BLUE), ("▀", GREEN, WHITE)]]


def test_four_by_four_pixels_are_two_lines_of_four_cells():
    rows = [[(16 * y, 16 * x, 7) for x in range(4)] for y in range(4)]
    assert cells(half_blocks(picture(*rows))) == [
        [("▀", rows[0][x], rows[1][x]) for x in range(4)],
        [("▀", rows[2][x], rows[3][x]) for x in range(4)],
    ]


def test_what_is_transparent_keeps_the_terminals_own_background():
    image = picture([CLEAR, CLEAR, RED], [CLEAR, BLUE, CLEAR])
    assert cells(half_blocks(image)) == [[(" ", None, None), ("▄", BLUE, None), ("▀", RED, None)]]


def test_the_terminal_receives_those_cells_and_the_caption(monkeypatch):
    monkeypatch.setattr(preview, "WIDTH", 1)
    monkeypatch.setattr(preview, "HEIGHT", 1)
    console = terminal()
    render_preview([(picture([RED], [BLUE]), "a")], console)
    assert drawn(console) == "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m\na\n"


# --- strips --------------------------------------------------------------------------------------


def test_a_strip_holds_its_pictures_in_boxes_of_cells_on_one_ground_line(monkeypatch):
    monkeypatch.setattr(preview, "HEIGHT", 2)
    tall, wide = Image.new("RGB", (10, 20), RED), Image.new("RGB", (40, 20), BLUE)
    whole = strip([tall, wide], 4, HALVES)
    assert whole.size == (4 + 2 + 4, 4)
    assert whole.crop((0, 0, 2, 4)).getcolors() == [(8, (*RED, 255))]
    assert whole.crop((6, 2, 10, 4)).getcolors() == [(8, (*BLUE, 255))]
    assert whole.crop((2, 0, 6, 4)).getcolors() == [(16, CLEAR)]
    assert whole.crop((6, 0, 10, 2)).getcolors() == [(8, CLEAR)]


@pytest.mark.parametrize("cell", [HALVES, PIXELS])
@pytest.mark.parametrize("size", [(1000, 1), (1, 1000), (1, 1), (640, 480)])
def test_a_strip_of_any_shape_is_whole_cells(size, cell):
    whole = strip([Image.new("L", size)], 24, cell)
    assert whole.width == 24 * cell[0]
    assert whole.height % cell[1] == 0
    assert 0 < whole.height <= preview.HEIGHT * cell[1]


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "columns"), [(10, 1), (24, 1), (49, 1), (50, 2), (80, 3)])
def test_as_many_stand_side_by_side_as_fit(width, columns):
    console = terminal(width)
    render_preview([(Image.new("RGB", (4, 4)), f"no{n}") for n in range(4)], console)
    captions = [line.split() for line in drawn(console).splitlines() if "no" in line]
    names = [f"no{n}" for n in range(4)]
    assert captions == [names[start : start + columns] for start in range(0, 4, columns)]
    plain = Console(file=io.StringIO(), width=width)
    for line in drawn(console).splitlines():
        assert plain.measure(preview_text(line)).maximum <= width


def preview_text(line):
    from rich.text import Text

    return Text.from_ansi(line)


def test_a_caption_keeps_to_its_column_and_cannot_command_the_terminal():
    console = terminal(50)
    images = [Image.new("RGB", (4, 4))] * 2
    render_preview([*zip(images, ["日本" * 10 + "\x1b[2J", "[b]x\x1b[2J"], strict=True)], console)
    (line,) = [line for line in drawn(console).splitlines() if "x" in line and "38;2" not in line]
    assert line == "日本" * 5 + "日 …  [b]x\\x1b[2J"


@pytest.mark.parametrize("how", [{"force_terminal": False}, {"color_system": None}])
def test_nothing_at_all_where_pictures_cannot_be_drawn(how):
    console = terminal(**how)
    render_preview([(Image.new("RGB", (4, 4)), "a")], console)
    preview_hits([None], console)  # not even opened
    assert drawn(console) == ""


# --- real pixels ---------------------------------------------------------------------------------


class Real:
    """Stands for textual-image's renderables: notes what it is asked to draw."""

    asked = []

    def __init__(self, image, width, height):
        self.asked.append((image.size, width, height))

    def __rich_console__(self, console, options):
        yield Segment("(pixels)\n")


class Answers(io.StringIO):
    def isatty(self):
        return True

    def fileno(self):
        return 1


@pytest.fixture
def real_terminal(monkeypatch):
    """A console on what Python calls the terminal, with textual-image installed."""
    monkeypatch.setattr(sys, "__stdout__", Answers())
    monkeypatch.setattr(sys, "__stdin__", Answers())
    monkeypatch.setattr(os, "get_terminal_size", lambda _=1: os.terminal_size((80, 24)))
    classes = {"TGPImage": Real, "SixelImage": type("Sixel", (Real,), {}), "HalfcellImage": object}
    renderable = SimpleNamespace(**classes, Image=Real)
    monkeypatch.setitem(sys.modules, "textual_image", SimpleNamespace(renderable=renderable))
    monkeypatch.setitem(sys.modules, "textual_image.renderable", renderable)
    monkeypatch.setattr(Real, "asked", [])
    console = Console(file=sys.__stdout__, force_terminal=True, color_system="truecolor", width=80)
    return console, renderable


@pytest.mark.parametrize("kind", ["TGPImage", "SixelImage"])
def test_a_terminal_that_can_draws_each_row_as_one_picture(real_terminal, kind):
    console, renderable = real_terminal
    renderable.Image = getattr(renderable, kind)
    render_preview([(Image.new("RGB", (100, 100)), f"no{n}") for n in range(4)], console)
    whole, last = 3 * 24 + 2 * 2, 24
    across, down = PIXELS
    assert Real.asked == [((cells * across, 12 * down), cells, 12) for cells in (whole, last)]
    lines = drawn(console).splitlines()
    assert lines[0] == "(pixels)"
    assert lines[1].split() == ["no0", "no1", "no2"]


def test_half_blocks_where_the_terminal_cannot(real_terminal):
    console, renderable = real_terminal
    renderable.Image = renderable.HalfcellImage
    render_preview([(Image.new("RGB", (4, 4)), "a")], console)
    assert "▀" in drawn(console)


@pytest.mark.parametrize("lack", ["library", "stdin", "size"])
def test_half_blocks_where_the_terminal_cannot_be_asked(real_terminal, monkeypatch, lack):
    console, _ = real_terminal
    if lack == "library":
        monkeypatch.setitem(sys.modules, "textual_image", None)
    elif lack == "stdin":
        monkeypatch.setattr(sys, "__stdin__", io.StringIO())
    else:
        monkeypatch.setattr(os, "get_terminal_size", lambda _=1: os.terminal_size((0, 0)))
    render_preview([(Image.new("RGB", (4, 4)), "a")], console)
    assert "▀" in drawn(console)
    assert Real.asked == []


# --- hits ----------------------------------------------------------------------------------------


def test_hits_are_drawn_with_rank_score_and_name_and_a_lost_file_is_grey(tmp_path):
    Image.new("RGB", (40, 40), RED).save(tmp_path / "a.png")
    info = PhotoInfo("PNG", 40, 40)
    hits = [
        Hit(rank, 0.25, 1.0, Photo(rank, "", (os.fsencode(tmp_path / name),), 1, info))
        for rank, name in enumerate(["a.png", "lost.png"], 1)
    ]
    console = terminal(50)
    preview_hits(hits, console)
    assert "1  0.250  a.png           2  0.250  lost.png" in drawn(console)
    for color in (RED, GREY):
        assert "38;2;{};{};{}".format(*color) in drawn(console)
