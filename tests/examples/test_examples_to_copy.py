"""The examples that people copy do what they say, on files that the tests draw."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from isa_cli.evaluation.benchmark import Ranking
from isa_cli.evaluation.runner import best
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace, Query
from isa_cli.wardrobe import folder as wardrobe_folder
from isa_cli.wardrobe.garments import draw
from isa_cli.wardrobe.scenes import place

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def example():
    """Import an example by its name, without running it."""

    def load(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def run(monkeypatch, capsys):
    """Run an example as a command would, and return the lines that it prints."""

    def go(module, *arguments):
        monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
        module.main()
        return capsys.readouterr().out.splitlines()

    return go


@pytest.fixture(scope="session")
def drawings(tmp_path_factory):
    """Twelve garments."""
    rng = Random(0)
    scenes = [place(draw(rng), rng) for _ in range(12)]
    folder = tmp_path_factory.mktemp("drawings")
    wardrobe_folder.write(folder, scenes, Silent())
    return folder


@pytest.fixture
def colours(tmp_path):
    """Three photos of one colour each."""
    folder = tmp_path / "colours"
    folder.mkdir()
    for name in ("red", "white", "navy"):
        Image.new("RGB", (40, 30), name).save(folder / f"{name}.jpg", quality=95)
    return folder


def test_every_example_is_tested():
    here = Path(__file__).read_text(encoding="utf-8")
    names = [path.stem for path in EXAMPLES.glob("*.py")]
    assert names
    assert [name for name in names if f'example("{name}")' not in here] == []


# --- search your photos --------------------------------------------------------------------------


def test_photos_are_indexed_and_searched_and_the_reference_is_no_answer(
    example, run, drawings, tmp_path
):
    where = ("--model", "isa-mini", "--gallery", tmp_path / "gallery")
    reference = drawings / "00003.jpg"
    script = example("search_your_photos")
    lines = run(script, drawings, reference, "in green", *where)
    found = [re.fullmatch(r" *(\d+) (-?\d\.\d{3}) (.+)", line).groups() for line in lines]
    assert [int(rank) for rank, _, _ in found] == list(range(1, 11))
    scores = [float(score) for _, score, _ in found]
    assert scores == sorted(scores, reverse=True)
    paths = {Path(path) for _, _, path in found}
    assert len(paths) == 10
    assert reference not in paths
    assert paths <= set(drawings.glob("*.jpg"))
    assert run(script, drawings, reference, "in green", *where) == lines


# --- an encoder ----------------------------------------------------------------------------------


def test_words_find_the_photos_whose_colours_they_name(example, run, colours):
    script = example("encoder_of_your_own")
    for word in ("red", "white", "navy"):
        first, *others = run(script, colours, f"something {word}")
        assert first.endswith(f"{word}.jpg")
        assert len(others) == 2


def test_colours_and_words_are_unit_rows_of_one_space_even_where_all_is_grey(example):
    encoder = example("encoder_of_your_own").MeanColour()
    photos = [Image.new("RGB", (50, 20), name) for name in ("red", "grey")]
    pixels = encoder.encode([encoder.prepare(photo) for photo in photos])
    words = encoder.encode_text(["red", "no colour at all"])
    assert pixels.shape == words.shape == (2, encoder.space.dim)
    np.testing.assert_allclose(np.linalg.norm([pixels, words], axis=2), 1, rtol=1e-6)
    np.testing.assert_allclose(pixels, words, atol=0.01)


# --- a composer ----------------------------------------------------------------------------------


class Axes:
    """A text encoder of three axes: nothing said, then two things."""

    space = EmbeddingSpace("axes", 3, "a" * 64)

    def encode_text(self, texts):
        known = {"a picture": 0, "in red": 1, "long": 2}
        return np.eye(3, dtype=np.float32)[[known[text] for text in texts]]


def test_the_composer_walks_along_what_the_words_say(example):
    script = example("composer_of_your_own")
    reference = np.array([[0.6, 0.0, 0.8]], np.float32)
    queries = [Query(reference, "in red"), Query(reference, "")]
    moved, still = script.Direction(Axes(), step=0.5).compose(queries)
    np.testing.assert_allclose(moved, np.array([0.1, 0.5, 0.8]) / np.sqrt(0.9), rtol=1e-5)
    np.testing.assert_allclose(still, reference[0], rtol=1e-6)


def test_the_composer_is_asked_beside_isas(example, run):
    lines = run(example("composer_of_your_own"), "--questions", 10, "--pictures", 60)
    assert [line.split()[0] for line in lines] == ["direction", "slerp", "calibrated"]
    for line in lines:
        shares = [float(share) for share in re.findall(r"([\d.]+)%", line)]
        assert len(shares) == 4
        assert shares[0] <= shares[1] <= shares[2] <= 100  # R@1, R@5, R@10


# --- a benchmark ---------------------------------------------------------------------------------


def test_each_cut_out_is_the_middle_of_its_photo_and_no_answer(example, colours, tmp_path):
    script = example("benchmark_of_your_own")
    photos = sorted(colours.glob("*.jpg"))
    benchmark = script.cut_outs(photos, tmp_path)
    for case, photo in zip(benchmark.cases, photos, strict=True):
        (target,) = case.targets
        assert benchmark.images[target] == photo
        with Image.open(benchmark.images[case.reference]) as piece, Image.open(photo) as whole:
            assert piece.size == (14, 10)
            assert piece.getpixel((5, 5)) == whole.getpixel((18, 15))
        assert case.gallery.tolist() == [0, 1, 2]


def test_the_metric_is_one_over_the_place_of_the_first_right_answer(example, colours, tmp_path):
    script = example("benchmark_of_your_own")
    case = script.cut_outs(sorted(colours.glob("*.jpg")), tmp_path).cases[1]
    ranked = best(np.array([0.3, 0.2, 0.9], np.float32), 3)
    assert script.reciprocal_rank(Ranking(ranked), case) == pytest.approx(1 / 3)
    assert script.reciprocal_rank(Ranking((2, 0)), case) == 0


def test_the_benchmark_is_measured(example, run, drawings):
    lines = run(example("benchmark_of_your_own"), drawings, "--model", "isa-mini")
    number = r"(-?[\d.]+)%"
    shown = [re.match(rf"(\S+) +{number} .*{number} to {number}", line).groups() for line in lines]
    assert [name for name, *_ in shown] == ["R@1", "MRR@10"]
    for _, *numbers in shown:
        share, low, high = map(float, numbers)
        assert 0 <= low <= share <= high <= 100


def test_a_folder_without_photos_is_refused(example, run, tmp_path):
    with pytest.raises(SystemExit, match="2"):
        run(example("benchmark_of_your_own"), tmp_path)
