"""The bootstrap interval: where it lies, how wide it is, and that it never moves."""

import numpy as np
import pytest

from isa_cli.evaluation.interval import interval


def test_it_is_as_wide_as_the_normal_approximation_says():
    values = np.repeat([0.0, 1.0], [700, 300])
    low, high = interval(values)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    assert low == pytest.approx(0.3 - half, abs=0.004)
    assert high == pytest.approx(0.3 + half, abs=0.004)


def test_the_same_cases_give_the_same_interval():
    values = np.random.default_rng(1).random(250)
    assert interval(values) == interval(values.copy())


def test_it_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    samples = (rng.random((100, 60)) < 0.4).astype(np.float64)
    covered = sum(low <= 0.4 <= high for low, high in map(interval, samples))
    assert 86 <= covered <= 100


def test_what_never_happened_may_still_happen():
    # the exact binomial bound: with this chance of a hit, 220 misses in a row happen in 2.5 %
    low, high = interval(np.zeros(220))
    assert low == 0.0
    assert (1 - high) ** 220 == pytest.approx(0.025)
    low, high = interval(np.ones(40))
    assert low**40 == pytest.approx(0.025)
    assert high == 1.0
    few, many = interval(np.zeros(10))[1], interval(np.zeros(1000))[1]
    assert interval(np.zeros(10), np.zeros(1000)) == (0.0, pytest.approx((few + many) / 2))


def test_a_single_case_and_none():
    assert interval(np.array([0.25])) == (0.25, 0.25)
    with pytest.raises(ValueError, match="no case"):
        interval(np.empty(0))
    with pytest.raises(ValueError, match="no case"):
        interval(np.ones(3), np.empty(0))


def test_strata_are_resampled_among_themselves_and_count_alike():
    few, many = np.repeat([0.0, 1.0], 20), np.repeat([0.0, 1.0], [1200, 400])
    low, high = interval(few, many)
    half = 1.96 * np.sqrt(0.25 / 40 + 0.25 * 0.75 / 1600) / 2
    assert (low + high) / 2 == pytest.approx((0.5 + 0.25) / 2, abs=0.01)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    assert interval(np.zeros(5), np.ones(50)) == (0.5, 0.5)
