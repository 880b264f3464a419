"""A page of each kind about the same words and the same files."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from isa_cli.evaluation.benchmark import Benchmark, Case, Ranking
from isa_cli.evaluation.runner import MethodResult
from isa_cli.pages.contact_sheet import answer_sheet
from isa_cli.pages.explanation import explanation_page
from isa_cli.pages.failures import failures_page
from isa_cli.query.explain import Explanation, Score, Split, Token
from isa_cli.query.vocabulary import Neighbour
from isa_cli.search.request import Answer, Request
from isa_cli.types import Hit, Photo, PhotoInfo


def hit(path, rank=1, score=0.3125, z=4.25, similar=(), more=(), **info):
    info = PhotoInfo("JPEG", 4000, 3000, **info)
    return Hit(rank, score, z, Photo(rank, "00", (path, *more), 1, info), similar)


def sheet_of(words, reference, found):
    request = Request((reference,), words, avoid_texts=(words,), avoid_images=(reference,))
    camera = hit(os.fsencode(found), camera=words, taken_at=words)
    return answer_sheet(Answer([camera], words, 0.5, 1_234, 1_234), request)


def explanation_of(words, reference, found, attention=((1.0, 0.0), (0.5, 0.5))):
    maps = None if attention is None else np.array(attention, np.float32)
    explanation = Explanation(
        tokens=(Token(maps, (Neighbour(words, 0.5), Neighbour("red", 0.25)), 0.125),) * 2,
        query=np.array([1.0, 0.0], np.float32),
        parts={
            "reference": np.array([0.6, 0.8], np.float32),
            "words": np.array([-0.6, 0.8], np.float32),
        },
        seen=np.full((8, 16, 3), 200, np.uint8),
        vocabulary=1_000,
    )
    scores = {"query": Score(0.5, 3.0), "reference": Score(0.4, 1.0), "words": Score(0.3, 2.0)}
    answer = Answer([hit(os.fsencode(found))], words, None, 12, 12)
    return explanation_page(Request((reference,), words), answer, explanation, [Split(scores)])


def failures_of(words, reference, found, most=10):
    """Three questions: the right answer is first, second, and not there at all."""
    benchmark = Benchmark(
        name=words,
        split="test",
        images=[reference, found, reference.with_name("gone.png")],
        cases=[
            Case("first", 0, words, (1,), ("easy",)),
            Case("second", 0, "two", (1, 2), wordings=("in other words",)),
            Case("never", 0, "three", (1,)),
        ],
        metrics={"R@1": lambda ranking, case: float(ranking.top[0] in case.targets)},
        depth=2,
        keep_reference=True,
    )
    rankings = [Ranking((1, 2)), Ranking((0, 1)), Ranking((2, 0))]
    done = SimpleNamespace(
        benchmark=benchmark,
        results=[MethodResult("sum", {"R@1": np.array([1.0, 0.0, 0.0])}, rankings)],
        document={
            "protocol": {"gallery": 3, "template": {"words": "{modifier}"}, "model": words},
            "results": [{"metrics": {"R@1": 1 / 3}}],
        },
    )
    return failures_page(done, most)


PAGES = {"sheet": sheet_of, "explanation": explanation_of, "failures": failures_of}


@pytest.fixture
def files(tmp_path):
    """Two pictures: a reference, and one that was found."""
    paths = tmp_path / "ref.png", tmp_path / "hit.png"
    for path in paths:
        Image.new("RGB", (1000, 500), "teal").save(path)
    return paths


@pytest.fixture(params=PAGES)
def write(request):
    """Each way to make a page of words and two files."""
    return PAGES[request.param]
