"""Matrix products and activations in numpy, float32, as fast and as exact as torch's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float32]

_LONE_PRODUCT = 2**18
"""Multiplications up to which OpenBLAS works in one thread.

Its threads wait for each other by spinning.  While something else runs on a core, each of the
tower's thin products then takes 25 ms instead of one; in pieces of this size they take one always.
"""

_COLUMNS = 32
"""Positions that are multiplied together; more would make the pieces of the weights too small."""


def linear(x: Array, weight: Array) -> Array:
    """Return x (..., I) times weight (O, I), (..., O)."""
    columns = x.reshape(-1, x.shape[-1])
    starts = range(0, len(columns), _COLUMNS)
    parts = [product(weight, columns[start : start + _COLUMNS].T).T for start in starts]
    return np.concatenate(parts).reshape(*x.shape[:-1], len(weight))


def product(left: Array, right: Array) -> Array:
    """Return left (..., M, K) times right (..., K, N), in pieces that take one thread each."""
    return np.concatenate(list(_pieces(left, right)), axis=-2)


def _pieces(left: Array, right: Array) -> Iterator[Array]:
    rows = max(1, _LONE_PRODUCT // (right.shape[-2] * right.shape[-1]))
    for start in range(0, left.shape[-2], rows):
        yield left[..., start : start + rows, :] @ right


# --- activations -------------------------------------------------------------------------------

# erf(x) = x P(x^2) / Q(x^2) for |x| < 4 to within 1e-7, the highest power first: the
# coefficients of Eigen and XLA
_ERF_P = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_ERF_Q = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


def gelu(x: Array) -> Array:
    """Return x times the normal distribution's share below x."""
    return x * (0.5 + 0.5 * erf(x * 0.5**0.5))


def quick_gelu(x: Array) -> Array:
    """Return x times the logistic function of 1.702 x, which tanh gives without overflow."""
    activated: Array = x * (0.5 + 0.5 * np.tanh(0.851 * x))
    return activated


def erf(x: Array) -> Array:
    """Return the error function of float32 numbers."""
    x = np.clip(x, -4, 4)
    square = x * x
    ratio: NDArray[np.float64] = np.polyval(_ERF_P, square) / np.polyval(_ERF_Q, square)
    return x * ratio.astype(np.float32)
