"""Which query model serves a gallery, and that finding out needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from isa_cli.errors import ModelError
from isa_cli.query import lookup
from isa_cli.query.header import METADATA_KEY, Header, MapperConfig
from isa_cli.query.lookup import QUERY_MODEL, bundled, query_file
from isa_cli.types import EmbeddingSpace

HERE = EmbeddingSpace("here", 4, "a" * 64)
ELSEWHERE = EmbeddingSpace("elsewhere", 4, "b" * 64)


def put(path, space, kind="token-learner"):
    header = Header(space, MapperConfig(kind, 4, 4))
    save_file({"x": np.zeros(1)}, path, metadata={METADATA_KEY: header.to_json()})
    return path


@pytest.fixture
def with_isa(tmp_path, monkeypatch):
    """The file that comes with isa, for HERE."""
    path = put(tmp_path / "bundled.safetensors", HERE, "published-phi")
    monkeypatch.setattr(lookup, "BUNDLED_QUERY", path)
    return path


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "gallery"
    made.mkdir()
    return made


@pytest.mark.usefixtures("with_isa")
def test_a_gallerys_own_wins(folder):
    put(folder / QUERY_MODEL, HERE)
    found = query_file(folder, HERE)
    assert (found.path, found.header.method) == (folder / QUERY_MODEL, "isa")


def test_the_bundled_one_serves_its_own_space_alone(folder, with_isa):
    renamed = EmbeddingSpace("a copy of it", HERE.dim, HERE.digest)
    assert query_file(folder, renamed).path == with_isa
    assert bundled(HERE).header.method == "published"
    assert query_file(folder, ELSEWHERE) is None
    assert bundled(ELSEWHERE) is None


def test_without_any_there_is_none(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(lookup, "BUNDLED_QUERY", tmp_path / "not there")
    assert query_file(folder, HERE) is None


@pytest.mark.usefixtures("with_isa")
def test_a_damaged_one_is_told_and_not_passed_over(folder):
    (folder / QUERY_MODEL).write_bytes(b"torn")
    with pytest.raises(ModelError, match=QUERY_MODEL):
        query_file(folder, HERE)


def test_finding_one_imports_no_torch(folder):
    put(folder / QUERY_MODEL, HERE)
    code = """
import json, sys
from pathlib import Path
from isa_cli.query.lookup import query_file
from isa_cli.types import EmbeddingSpace
found = query_file(Path(sys.argv[1]), EmbeddingSpace("here", 4, "a" * 64))
print(json.dumps([found.header.method, sorted({"torch", "timm", "open_clip"} & set(sys.modules))]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["isa", []]
