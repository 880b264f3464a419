"""Text towers, loaded once for all the tests that read with them."""

from __future__ import annotations

from functools import lru_cache

import pytest


@pytest.fixture(scope="session")
def backbones(tmp_path_factory):
    """Load a tower of a kind, once each."""
    from tests.towers import load_family

    return lru_cache(lambda name: load_family(name, tmp_path_factory.mktemp("family")))


@pytest.fixture(scope="session")
def clip(backbones):
    """The plainest tower."""
    return backbones("CLIP")
