"""Metrics: integers in, fractions out; they know no model, no file and no percent.

A ranking is a sequence of distinct gallery positions, best first.  It may be shorter than k: what
it does not name was not found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def recall_at(ranking: Sequence[int], targets: Collection[int], k: int) -> float:
    """Return whether a right answer is among the first k, 0 or 1.

    ``R@k = [ {r_1, ..., r_k} ∩ T ≠ ∅ ]``: one right answer is enough, as in CIRR and FashionIQ,
    whose cases have one target each; its mean over the cases is the share of them answered.

    Raises:
        ValueError: a case without a target, or k < 1.
    """
    _check(targets, k)
    wanted = frozenset(targets)
    return float(any(position in wanted for position in ranking[:k]))


def average_precision_at(ranking: Sequence[int], targets: Collection[int], k: int) -> float:
    """Return the average precision of the first k, 0 to 1; its mean over the cases is mAP@k.

    ``AP@k = 1 / min(|T|, k) * Σ_{i=1..k} P@i [r_i ∈ T]`` with ``P@i = |{r_1, ..., r_i} ∩ T| / i``,
    as in CIRCO: a ranking that opens with all targets, or with k of them, scores 1.

    Raises:
        ValueError: a case without a target, or k < 1.
    """
    _check(targets, k)
    wanted = frozenset(targets)
    found, total = 0, 0.0
    for rank, position in enumerate(ranking[:k], start=1):
        if position in wanted:
            found += 1
            total += found / rank
    return total / min(len(wanted), k)


def _check(targets: Collection[int], k: int) -> None:
    if not targets:
        raise ValueError("a case needs at least one target")
    if k < 1:
        raise ValueError(f"k is {k}, but at least one answer has to be looked at")
