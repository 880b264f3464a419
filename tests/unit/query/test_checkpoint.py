"""The query model's file: bit for bit there and back, and every way it can be refused."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from isa_cli.encoders.light import load_light
from isa_cli.errors import ModelError, SpaceMismatch
from isa_cli.query import checkpoint
from isa_cli.query.checkpoint import Header, load, read_header, save
from isa_cli.query.header import METADATA_KEY, MapperConfig
from isa_cli.query.importing import import_published
from isa_cli.query.mappers import build_mapper
from isa_cli.types import EmbeddingSpace

SPACE = EmbeddingSpace("tiny", 32, "a" * 64)


@pytest.fixture(scope="module")
def model():
    """A light encoder and a token learner with their header, statistics moved off their start."""
    torch.manual_seed(0)
    light = load_light("test_efficientnet", pretrained=False, image_size=64)
    config = MapperConfig("token-learner", light.channels, 10, tokens=3, width=16, heads=2)
    mapper = build_mapper(config)
    mapper(light(torch.randn(2, 3, 64, 64)))  # moves the batch norms
    header = Header(
        space=SPACE,
        mapper=config,
        light=light.config,
        template={"query": "a photo of {S}, {modifier}"},
        training={"photos": 12, "losses": [1.5, 0.25], "note": "naïve"},
    )
    return header, mapper.eval(), light.eval()


@pytest.fixture
def path(model, tmp_path):
    header, mapper, light = model
    save(tmp_path / "query.safetensors", header, mapper=mapper, light=light)
    return tmp_path / "query.safetensors"


# --- there and back ---


def test_it_comes_back_bit_for_bit(model, path):
    header, mapper, light = model
    loaded = load(path, SPACE)
    assert loaded.header == header
    assert loaded.header.space.name == "tiny"
    for mine, theirs in ((loaded.mapper, mapper), (loaded.light, light)):
        assert list(mine.state_dict()) == list(theirs.state_dict())
        assert all(torch.equal(v, theirs.state_dict()[k]) for k, v in mine.state_dict().items())
        assert not mine.training
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.mapper(loaded.light(pixels)).tokens, mapper(light(pixels)).tokens)


def test_half_precision_is_half_the_size_and_nearly_the_same(model, path):
    header, mapper, light = model
    small = path.with_name("small.safetensors")
    save(small, header, mapper=mapper, light=light, half=True)
    assert small.stat().st_size < 0.65 * path.stat().st_size
    loaded = load(small, SPACE)
    for key, value in loaded.light.state_dict().items():
        expected = light.state_dict()[key]
        assert value.dtype == expected.dtype
        assert torch.equal(value, expected.half().float() if expected.ndim > 1 else expected)


def test_what_half_precision_can_not_hold_stays_whole(tmp_path):
    config = MapperConfig("published-phi", 2, 2, tokens=1, width=2, blocks=2, heads=1)
    mapper = build_mapper(config)
    with torch.no_grad():
        mapper.layers[0].weight.fill_(1e6)
    save(tmp_path / "q", Header(SPACE, config), mapper=mapper, half=True)
    assert load(tmp_path / "q").mapper.layers[0].weight.max() == 1e6


@pytest.mark.parametrize("kind", ["mlp", "token-learner", "published-phi", "published-im2text"])
def test_every_kind_of_mapper_goes_without_a_light_encoder(kind, tmp_path):
    config = MapperConfig(kind, channels=8, out=10, tokens=1, width=16, blocks=2, heads=2)
    mapper = build_mapper(config).eval()
    save(tmp_path / "q", Header(SPACE, config, symmetric=True), mapper=mapper)
    loaded = load(tmp_path / "q")
    assert loaded.light is None
    assert loaded.header.symmetric
    features = torch.randn(2, 8) if kind.startswith("published") else torch.randn(2, 8, 3, 3)
    with torch.no_grad():
        assert torch.equal(loaded.mapper(features).tokens, mapper(features).tokens)


def test_the_header_is_read_without_torch(model, path):
    code = (
        "import sys, pathlib; from isa_cli.query.header import read_header;"
        "print(read_header(pathlib.Path(sys.argv[1])).training['note']);"
        "print(sorted({'torch', 'timm', 'open_clip'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code, str(path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.split() == ["naïve", "[]"]
    assert read_header(path) == model[0]


def test_a_published_network_becomes_a_query_model(tmp_path):
    source = build_mapper(MapperConfig("published-im2text", 6, 4, 1, 5, 2, 1)).layers
    names = ("layers.0.0", "layers.1.0", "fc_out")
    state = {
        f"module.{name}.{part}": getattr(layer, part).detach()
        for name, layer in zip(names, source, strict=True)
        for part in ("weight", "bias")
    }
    torch.save({"state_dict_img2text": state}, tmp_path / "pic2word.pt")
    mapper = import_published(tmp_path / "pic2word.pt")
    header = Header(SPACE, mapper.config, training={"source": mapper.label})
    save(tmp_path / "q.safetensors", header, mapper=mapper)
    loaded = load(tmp_path / "q.safetensors", SPACE)
    assert loaded.header == header
    assert loaded.mapper.label == "Pic2Word (6 -> 4)"
    vectors = 9 * torch.randn(3, 6)
    with torch.no_grad():
        assert torch.equal(loaded.mapper(vectors).tokens, mapper(vectors).tokens)


# --- writing ---


def test_a_failed_write_leaves_the_old_file_and_nothing_else(model, path, monkeypatch):
    header, mapper, light = model
    before = path.read_bytes()

    def full(tensors, file, metadata):
        file.write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(ModelError, match="No space left"):
        save(path, header, mapper=mapper, light=light)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_not_there_is_told(model, tmp_path):
    header, mapper, light = model
    with pytest.raises(ModelError, match="nowhere"):
        save(tmp_path / "nowhere" / "q.safetensors", header, mapper=mapper, light=light)


def test_a_header_of_another_encoder_is_a_mistake(model, tmp_path):
    header, mapper, light = model
    other = dataclasses.replace(header.light, size=(32, 32))
    with pytest.raises(ValueError, match="this light"):
        save(tmp_path / "q", dataclasses.replace(header, light=other), mapper=mapper, light=light)
    with pytest.raises(ValueError, match="this light"):
        save(tmp_path / "q", header, mapper=mapper)


# --- refusals ---


def test_another_space_is_refused_with_both_names(path):
    gallery = EmbeddingSpace("other", 32, "b" * 64)
    with pytest.raises(SpaceMismatch) as error:
        load(path, gallery)
    assert "tiny (32-d, aaaaaaaa)" in error.value.message
    assert "other (32-d, bbbbbbbb)" in error.value.message
    assert str(path) in str(error.value)
    assert "isa train" in error.value.hint
    assert load(path, EmbeddingSpace("renamed", 32, "a" * 64)).header.space == SPACE


def _rewrite(path, change):
    """Write the file again with another header."""
    header = json.loads(read_header(path).to_json())
    change(header)
    save_file(load_file(path), path, metadata={METADATA_KEY: json.dumps(header)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h.update(format=99), "newer isa"),
        (lambda h: h.pop("format"), "makes no sense"),
        (lambda h: h.pop("space"), "space"),
        (lambda h: h["mapper"].update(colour=1), "colour"),
        (lambda h: h["mapper"].update(tokens=4), "groups"),
        (lambda h: h["mapper"].update(kind="magic"), "magic"),
        (lambda h: h["light"].update(size=[1]), "makes no sense"),
        (lambda h: h["light"].update(name="no_such_net"), "no_such_net"),
        (lambda h: h["light"].update(name="hf-hub:some/body"), "hf-hub"),
        (lambda h: h["light"]["extra"].update(checkpoint_path="/x"), "checkpoint_path"),
        (lambda h: h.update(template=3), "makes no sense"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(path, change, said):
    _rewrite(path, change)
    with pytest.raises(ModelError, match=said) as error:
        load(path)
    assert str(path) in error.value.message
    assert error.value.hint
    assert "\n" not in error.value.message


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"format": "x"}'])
def test_a_header_that_is_no_header_is_refused(path, text):
    save_file(load_file(path), path, metadata={METADATA_KEY: text})
    with pytest.raises(ModelError, match="makes no sense"):
        read_header(path)


def test_weights_without_a_header_are_refused(path):
    save_file(load_file(path), path)
    with pytest.raises(ModelError, match="no query model") as error:
        load(path)
    assert "isa train" in error.value.hint


@pytest.mark.parametrize("key", ["mapper.groups.weight", "light.network.conv_stem.weight"])
def test_a_missing_tensor_is_refused(path, key):
    header = read_header(path)
    tensors = load_file(path)
    del tensors[key]
    save_file(tensors, path, metadata={METADATA_KEY: header.to_json()})
    with pytest.raises(ModelError, match="can't be built"):
        load(path)


@pytest.mark.parametrize("keep", [0, 4, 200, -1])
def test_a_truncated_file_is_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    for read in (read_header, load):
        with pytest.raises(ModelError, match="no query model"):
            read(path)


def test_what_is_no_such_file_at_all_is_refused(tmp_path, monkeypatch):
    torch.save({"Phi": {}}, tmp_path / "net.pt")
    for path in (tmp_path / "net.pt", tmp_path / "none", tmp_path):
        with pytest.raises(ModelError, match="query model"):
            load(path)


class _Bomb:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB"],))


def test_a_pickle_is_never_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    torch.save(_Bomb(), tmp_path / "query.safetensors")
    with pytest.raises(ModelError, match="no query model"):
        load(tmp_path / "query.safetensors")
    assert not (tmp_path / "exploded").exists()
