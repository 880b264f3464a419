"""Metrics against the definitions, written down once more in another way."""

import random
from fractions import Fraction

import pytest

from isa_cli.evaluation.metrics import average_precision_at, recall_at


def recall_by_definition(ranking, targets, k):
    """By each target's rank instead of by each rank's position."""
    ranks = [ranking.index(target) + 1 for target in targets if target in ranking]
    return 1.0 if ranks and min(ranks) <= k else 0.0


def average_precision_by_definition(ranking, targets, k):
    """As the area under steps: each found target adds the precision at its rank, exactly."""
    ranks = sorted(ranking.index(target) + 1 for target in targets if target in ranking)
    within = [rank for rank in ranks if rank <= k]
    precisions = [Fraction(number, rank) for number, rank in enumerate(within, start=1)]
    return float(sum(precisions, Fraction(0)) / min(len(targets), k))


def test_both_are_what_their_definitions_say():
    rng = random.Random(0)
    for _ in range(5000):
        ranking = rng.sample(range(12), rng.randint(0, 12))  # often shorter than k
        targets = set(rng.sample(range(16), rng.randint(1, 8)))  # 12 to 15 are never found
        k = rng.randint(1, 14)
        assert recall_at(ranking, targets, k) == recall_by_definition(ranking, targets, k)
        assert average_precision_at(ranking, targets, k) == pytest.approx(
            average_precision_by_definition(ranking, targets, k), abs=1e-12
        )


@pytest.mark.parametrize(
    ("ranking", "targets", "k", "recall", "precision"),
    [
        ([4, 2, 9], (4,), 1, 1.0, 1.0),
        ([4, 2, 9], (2,), 1, 0.0, 0.0),
        ([4, 2, 9], (2,), 2, 1.0, 1 / 2),
        ([4, 2, 9], (4, 9), 3, 1.0, (1 + 2 / 3) / 2),
        ([4, 2, 9], (4, 9, 7, 8), 2, 1.0, 1 / 2),  # divided by k, not by the four
        ([4, 2], (9,), 10, 0.0, 0.0),  # a short list
        ([], (9,), 10, 0.0, 0.0),
    ],
)
def test_by_hand(ranking, targets, k, recall, precision):
    assert recall_at(ranking, targets, k) == recall
    assert average_precision_at(ranking, targets, k) == pytest.approx(precision)


@pytest.mark.parametrize("metric", [recall_at, average_precision_at])
@pytest.mark.parametrize(("targets", "k"), [((), 5), ((1,), 0)])
def test_a_senseless_question_is_refused(metric, targets, k):
    with pytest.raises(ValueError, match=r"target|k is 0"):
        metric([1, 2], targets, k)
