"""How far a mean over cases may be trusted: the percentile bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RESAMPLES = 2_000
CONFIDENCE = 0.95
SEED = 0
"""Fixed, so that the same cases give the same interval."""

_BLOCK = 100
"""Resamples drawn at once: 4,000 cases take 3 MB of positions."""


def interval(*strata: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean: quantiles of the means of resampled cases.

    Where every case came out 0, or every one 1, resampling would claim to be certain: the other
    end is then the exact binomial one, 1.7 % for none of 220.

    Args:
        strata: (Q,) one number per case, 0 to 1; of several arrays it is the mean of their means,
            and the cases of each are resampled among themselves.

    Raises:
        ValueError: there is no case.
    """
    low, high = middle(resampled_means(*strata))
    if high == 0.0:
        high = _unseen(strata)
    elif low == 1.0:
        low = 1.0 - _unseen(strata)
    return low, high


def _unseen(strata: Sequence[NDArray[np.float64]]) -> float:
    """Return how often what never happened may happen (Clopper and Pearson, 1934)."""
    outside = (1 - CONFIDENCE) / 2
    return float(np.mean([1 - outside ** (1 / len(values)) for values in strata]))


def middle(means: NDArray[np.float64]) -> tuple[float, float]:
    """Return the quantiles that leave 95 % of the means between them."""
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)


def resampled_means(*strata: NDArray[np.float64], count: int = RESAMPLES) -> NDArray[np.float64]:
    """Return the mean as it comes out for resampled cases, (count,) float64.

    Args:
        strata: as for ``interval``.
        count: how many times, a multiple of 100.

    Raises:
        ValueError: there is no case.
    """
    if not strata or not all(map(len, strata)):
        raise ValueError("no case has no mean")
    rng = np.random.default_rng(SEED)
    means = np.array([_means(values, rng, count) for values in strata], np.float64)
    return np.asarray(means.mean(axis=0))


def _means(
    values: NDArray[np.float64], rng: np.random.Generator, count: int
) -> NDArray[np.float64]:
    """Return the means of resampled values, (count,) float64."""
    means = [
        values[rng.integers(0, len(values), (_BLOCK, len(values)))].mean(axis=1)
        for _ in range(count // _BLOCK)
    ]
    return np.concatenate(means)
