"""Galleries and query models of earlier releases open as they are, and answer as they did."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import isa_cli
from isa_cli.encoders import load_backbone
from isa_cli.query.checkpoint import load
from isa_cli.query.reading import reader_of

OLD = Path(__file__).parents[1] / "data" / "format-0.1"


@pytest.fixture
def library(tmp_path):
    (tmp_path / "gallery").mkdir()
    shutil.copy(OLD / "catalog.db", tmp_path / "gallery")
    with isa_cli.open(tmp_path / "gallery", device="cpu", precision="fp32") as opened:
        yield opened


def test_a_gallery_answers_as_it_did(library):
    answer = library.search(modifier="a red dress", top=4)
    assert [hit.photo.path.name for hit in answer] == [
        "00009.jpg",
        "00008.jpg",
        "00012.jpg",
        "00006.jpg",
    ]
    scores = [hit.score for hit in answer]
    np.testing.assert_allclose(scores, [0.439, 0.423, 0.381, 0.371], atol=2e-3)
    assert answer.total == 16


def test_a_gallery_is_written_to_and_nothing_is_embedded_anew(library):
    summary = library.index()  # its folder is not there now, and its photos are kept
    assert (summary.found, summary.embedded, summary.gone) == (0, 0, 0)
    assert (library.stats.photos, library.stats.vectors) == (16, 16)
    assert library.foundation().name == "isa-mini"


def test_a_query_model_reads_as_it_did():
    backbone = load_backbone("isa-mini", device="cpu", precision="fp32")
    model = load(OLD / "query.safetensors", backbone.space)
    assert model.header.methods == ("two-stage", "isa")
    assert model.header.alpha("two-stage") == 0.8
    pixels = torch.linspace(-2, 2, 3 * 32 * 32).reshape(1, 3, 32, 32)
    expected = np.load(OLD / "read.npz")
    with torch.inference_mode():
        features = model.light(pixels)
        sentence = model.mapper(features)
        for method in model.header.methods:
            reader = reader_of(model, backbone, method)
            rows = backbone.unit_rows(reader.read(sentence.tokens, ["in green"], features))
            np.testing.assert_allclose(rows, expected[method.replace("-", "_")], atol=1e-3)


def test_a_query_model_explains_itself(library):
    shutil.copy(OLD / "query.safetensors", library.folder)
    with library.reading() as (gallery, searcher):
        assert searcher.query_file.path == gallery.folder / "query.safetensors"
        assert searcher.query_file.header.space == gallery.space
