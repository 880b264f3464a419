"""The examples in the docstrings run as they stand: a benchmark of one's own, and the one entry."""

import doctest

import pytest

import isa_cli.evaluation
from isa_cli.evaluation import benchmark, measure


@pytest.mark.parametrize("module", [benchmark, measure], ids=lambda module: module.__name__)
def test_the_examples_do_what_they_say(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = doctest.testmod(module)
    assert found.attempted > 4
    assert found.failed == 0


def test_the_door_has_what_it_names():
    for name in isa_cli.evaluation.__all__:
        assert getattr(isa_cli.evaluation, name).__name__ == name
    with pytest.raises(AttributeError, match="nonsense"):
        isa_cli.evaluation.nonsense  # noqa: B018 - the access is the test
