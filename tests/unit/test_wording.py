"""Lists in messages: a few are named, the others counted."""

import pytest

from isa_cli.wording import enumerated


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, ""), (1, "0"), (5, "0, 1, 2, 3, 4"), (6, "0, 1, 2, 3, 4 and 1 more")],
)
def test_the_first_five_are_named(count, told):
    assert enumerated(range(count)) == told


def test_many_are_counted_as_numbers_are_written():
    assert enumerated(["a b"] * 1_205, "; ").endswith("; a b and 1,200 more")
