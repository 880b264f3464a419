"""The published protocols from vectors to numbers, against definitions written down once more.

Nothing here is shared with the package but the benchmark's own words: the references rank by one
sort over exact sums, and read each definition off the ranks of the targets.
"""

import math
import random
from fractions import Fraction
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from isa_cli.evaluation.benchmark import Benchmark, Case, at, within
from isa_cli.evaluation.metrics import average_precision_at, recall_at
from isa_cli.evaluation.report import document
from isa_cli.evaluation.runner import run
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace

DIM, SIZE, CASES = 6, 40, 2000
DEPTH = 12
GROUPS = ("dress", "shirt", "toptee")


class Given:
    """A composer whose vectors are those that the modifiers number."""

    name, space = "given", EmbeddingSpace("given", DIM, "g" * 64)

    def __init__(self, vectors):
        self.vectors = vectors

    def compose(self, queries):
        return self.vectors[[int(query.modifier) for query in queries]]


def unit_rows(rng, count, kinds):
    """Return rows of which many are equal, as (count, DIM) float32."""
    few = rng.normal(size=(kinds, DIM))
    few /= np.linalg.norm(few, axis=1, keepdims=True)
    return few[rng.integers(0, kinds, count)].astype(np.float32)


def exact(query, row):
    """Return a cosine without any rounding but the last."""
    return float(
        np.float32(math.fsum(float(a) * float(b) for a, b in zip(query, row, strict=True)))
    )


def ranked(query, gallery, positions, removed):
    scored = [(-exact(query, gallery[one]), one) for one in positions if one not in removed]
    return [one for _, one in sorted(scored)]


def ranks(ranking, targets):
    return sorted(ranking.index(one) + 1 for one in set(targets) if one in ranking)


def recall(ranking, targets, k):
    return float(sum(rank <= k for rank in ranks(ranking, targets)) > 0)


def average_precision(ranking, targets, k):
    """As the mean over the targets that could have been found, in fractions."""
    found = [rank for rank in ranks(ranking, targets) if rank <= k]
    steps = [Fraction(sum(other <= rank for other in found), rank) for rank in found]
    return float(sum(steps, Fraction()) / min(len(set(targets)), k))


@pytest.fixture(scope="module")
def world():
    """Return vectors with many ties: queries and a gallery."""
    rng = np.random.default_rng(0)
    return unit_rows(rng, CASES, 300), unit_rows(rng, SIZE, 25)


def measured(world, cases, metrics, *, keep_reference, batch=256, **more):
    queries, gallery = world
    benchmark = Benchmark(
        name="made up",
        split="val",
        images=[Path(str(number)) for number in range(SIZE)],
        cases=cases,
        metrics=metrics,
        depth=DEPTH,
        keep_reference=keep_reference,
        **more,
    )
    results = run(benchmark, gallery, [Given(queries)], Silent(), batch=batch)
    return results[0].values, document(benchmark, results, {})["results"][0]


def test_several_answers_with_the_reference_kept(world):
    """CIRCO: mAP@k over min(|T|, k), from rankings that are shorter than some k."""
    draw = random.Random(1)
    cases = [
        Case(str(number), draw.randrange(SIZE), str(number), tuple(draw.sample(range(SIZE), count)))
        for number in range(CASES)
        for count in [draw.randint(1, 14)]
    ]
    metrics = {f"mAP@{k}": at(average_precision_at, k) for k in (1, 5, 10, 25)}
    values, result = measured(world, cases, metrics, keep_reference=True)
    queries, gallery = world
    lists = [ranked(query, gallery, range(SIZE), ())[:DEPTH] for query in queries]
    for k in (1, 5, 10, 25):
        expected = [
            average_precision(one, case.targets, k) for one, case in zip(lists, cases, strict=True)
        ]
        np.testing.assert_allclose(values[f"mAP@{k}"], expected, rtol=0, atol=1e-12)
        assert result["metrics"][f"mAP@{k}"] == pytest.approx(fmean(expected), abs=1e-9)


def test_one_answer_with_the_reference_removed_and_a_subset(world):
    """CIRR: R@k without the reference, and among the five others of a group."""
    draw = random.Random(2)
    cases = []
    for number in range(CASES):
        reference, *others = draw.sample(range(SIZE), 6)
        cases.append(Case(str(number), reference, str(number), (others[0],), subset=tuple(others)))
    metrics = {
        **{f"R@{k}": at(recall_at, k) for k in (1, 5, 10, 50)},
        **{f"R_subset@{k}": within(recall_at, k) for k in (1, 2, 3)},
    }
    values, result = measured(world, cases, metrics, keep_reference=False, batch=77)
    queries, gallery = world
    for k in (1, 5, 10, 50):
        expected = [
            recall(ranked(query, gallery, range(SIZE), {case.reference})[:DEPTH], case.targets, k)
            for query, case in zip(queries, cases, strict=True)
        ]
        assert values[f"R@{k}"].tolist() == expected
        assert result["metrics"][f"R@{k}"] == pytest.approx(fmean(expected), abs=1e-9)
    for k in (1, 2, 3):
        expected = [
            recall(ranked(query, gallery, case.subset, ()), case.targets, k)
            for query, case in zip(queries, cases, strict=True)
        ]
        assert values[f"R_subset@{k}"].tolist() == expected


def test_two_orders_averaged_and_categories_with_galleries_of_their_own(world):
    """FashionIQ: the mean of both orders' vectors, and the mean of the categories' recalls."""
    queries, gallery = world
    draw = random.Random(3)
    galleries = {
        name: np.array(sorted(draw.sample(range(SIZE), size)))
        for name, size in zip(GROUPS, (30, 20, 11), strict=True)
    }
    cases = [
        Case(
            str(number),
            draw.randrange(SIZE),
            str(number),
            (draw.choice(galleries[name].tolist()),),
            (name,),
            wordings=(str((number + 1) % CASES),),
            gallery=galleries[name],
        )
        for number in range(CASES)
        for name in draw.choices(GROUPS, (5, 2, 1))
    ]
    metrics = {f"R@{k}": at(recall_at, k) for k in (1, 10)}
    values, result = measured(
        world, cases, metrics, keep_reference=True, groups=GROUPS, macro=GROUPS
    )
    for k in (1, 10):
        shares = {name: [] for name in GROUPS}
        for number, case in enumerate(cases):
            pair = queries[[number, (number + 1) % CASES]].astype(np.float64)
            query = np.float32(pair.sum(axis=0) / math.hypot(*pair.sum(axis=0)))
            answer = ranked(query, gallery, case.gallery.tolist(), ())[:DEPTH]
            shares[case.groups[0]].append(recall(answer, case.targets, k))
            assert values[f"R@{k}"][number] == shares[case.groups[0]][-1]
        means = {name: fmean(each) for name, each in shares.items()}
        for name, mean in means.items():
            assert result["groups"][name]["metrics"][f"R@{k}"] == pytest.approx(mean, abs=1e-9)
        assert result["metrics"][f"R@{k}"] == pytest.approx(fmean(means.values()), abs=1e-9)


def test_a_small_gallery_for_each_case(world):
    """GeneCIS: R@1/2/3 among 10 to 15 pictures, another set for each question."""
    queries, gallery = world
    draw = random.Random(4)
    cases = []
    for number in range(CASES):
        own = sorted(draw.sample(range(SIZE), draw.randint(10, 15)))
        target = (draw.choice(own),)
        cases.append(Case(str(number), 0, str(number), target, gallery=np.array(own)))
    metrics = {f"R@{k}": at(recall_at, k) for k in (1, 2, 3)}
    values, _ = measured(world, cases, metrics, keep_reference=True)
    for k in (1, 2, 3):
        assert values[f"R@{k}"].tolist() == [
            recall(ranked(query, gallery, case.gallery.tolist(), ()), case.targets, k)
            for query, case in zip(queries, cases, strict=True)
        ]
