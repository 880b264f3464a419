"""Configs that lack something, and fingerprints."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from isa_cli.encoders import files, locate, space_of
from isa_cli.errors import ModelError

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"


def _edit(folder: Path, change) -> None:
    config = json.loads((folder / CONFIG).read_text())
    change(config)
    (folder / CONFIG).write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("model_cfg", lambda c: c.pop("model_cfg")),
        ("preprocess_cfg", lambda c: c.pop("preprocess_cfg")),
        ("vision_cfg", lambda c: c["model_cfg"].pop("vision_cfg")),
        ("text_cfg", lambda c: c["model_cfg"].update(text_cfg=3)),
        ("model_cfg.embed_dim", lambda c: c["model_cfg"].update(embed_dim="32")),
        ("vision_cfg.image_size", lambda c: c["model_cfg"]["vision_cfg"].update(image_size=[1])),
        ("preprocess_cfg.mean", lambda c: c["preprocess_cfg"].pop("mean")),
        ("preprocess_cfg.mean", lambda c: c["preprocess_cfg"].update(mean=[0, 0, "x"])),
        ("preprocess_cfg.std", lambda c: c["preprocess_cfg"].update(std=[0, 1, 1])),
        ("preprocess_cfg.resize_mode", lambda c: c["preprocess_cfg"].update(resize_mode="odd")),
        ("preprocess_cfg.interpolation", lambda c: c["preprocess_cfg"].update(interpolation="x")),
    ],
)
def test_a_wanting_config_is_refused_naming_the_key(folder, key, change):
    _edit(folder, change)
    with pytest.raises(ModelError) as error:
        locate(str(folder))
    assert f"'{key}'" in error.value.message
    assert str(folder / CONFIG) in error.value.message


def test_a_config_that_is_no_json_is_refused(folder):
    (folder / CONFIG).write_bytes(b"\xff{")
    with pytest.raises(ModelError, match="can't be read as JSON"):
        locate(str(folder))


def test_equal_files_are_one_space_under_any_name(tiny_model, folder):
    assert space_of(str(folder)) == space_of(str(tiny_model))
    assert space_of(str(folder)).name == "tiny-copy"


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["preprocess_cfg"].update(mean=[0.5, 0.5, 0.5]),
        lambda c: c["preprocess_cfg"].update(resize_mode="squash"),
        lambda c: c["preprocess_cfg"].update(interpolation="bilinear"),
        lambda c: c["model_cfg"].update(quick_gelu=True),
    ],
)
def test_whatever_changes_the_vectors_changes_the_space(folder, change):
    before = space_of(str(folder))
    _edit(folder, change)
    assert space_of(str(folder)) != before


def test_other_weights_are_another_space_though_size_and_name_are_the_same(folder):
    before = space_of(str(folder))
    weights = load_file(folder / WEIGHTS)
    weights["logit_scale"] += 1
    save_file(weights, folder / WEIGHTS)
    os.utime(folder / WEIGHTS, ns=(1, 1))
    assert space_of(str(folder)) != before


def test_a_file_is_hashed_once(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = files.digest_of(folder / WEIGHTS)
    monkeypatch.setattr(files.hashlib, "file_digest", None)
    assert files.digest_of(folder / WEIGHTS) == first


@pytest.mark.parametrize("how", ["another file", "the same file"])
def test_weights_that_keep_size_and_time_are_other_weights(folder, monkeypatch, tmp_path, how):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights = folder / WEIGHTS
    before, first = weights.stat(), files.digest_of(weights)
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    place = weights if how == "the same file" else folder / "new"
    place.write_bytes(content)
    while place.stat().st_ctime_ns == before.st_ctime_ns or place.stat().st_mtime_ns != (
        before.st_mtime_ns
    ):  # until the system's clock has ticked
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    place.replace(weights)
    after = weights.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert files.digest_of(weights) != first


@pytest.mark.parametrize("content", [b"", b"\xff", b"[1]", b'{"x": 3}', b"{"])
def test_a_damaged_memory_of_digests_only_costs_time(folder, monkeypatch, tmp_path, content):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = files.digest_of(folder / WEIGHTS)
    memory = tmp_path / "cache" / "isa" / "digests.json"
    memory.write_bytes(content)
    assert files.digest_of(folder / WEIGHTS) == first
    assert json.loads(memory.read_text())


def test_the_memory_need_not_be_writable(folder, monkeypatch, tmp_path):
    (tmp_path / "in-the-way").write_text("a file, not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "in-the-way"))
    assert len(files.digest_of(folder / WEIGHTS)) == 64


def test_a_blob_of_the_hubs_cache_is_known_by_its_name(tmp_path):
    name = "ab" * 32
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / name).write_bytes(b"not what the name says, so it was not read")
    (tmp_path / "link").symlink_to(Path("blobs") / name)
    assert files.digest_of(tmp_path / "link") == name


# --- configs of anybody's ---


def vision(**values):
    return lambda c: c["model_cfg"]["vision_cfg"].update(values)


def text(**values):
    return lambda c: c["model_cfg"]["text_cfg"].update(values)


def pictures(**values):
    return lambda c: c["preprocess_cfg"].update(values)


def whole(**values):
    return lambda c: c["model_cfg"].update(values)


NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("key", "change"),
    [
        *(("model_cfg.embed_dim", whole(embed_dim=bad)) for bad in (0, -3, 10**9, True, 2.5, None)),
        *(("vision_cfg.layers", vision(layers=bad)) for bad in (10**6, 0, -1, "12", [2, 10**6])),
        *(("vision_cfg.width", vision(width=bad)) for bad in (10**7, 0, -1, 1.5, {})),
        ("vision_cfg.patch_size", vision(patch_size=0)),
        ("vision_cfg.patch_size", vision(patch_size=300, image_size=224)),
        ("vision_cfg.head_width", vision(head_width=0)),
        ("vision_cfg.mlp_ratio", vision(mlp_ratio=10**6)),
        ("vision_cfg.mlp_ratio", vision(mlp_ratio=-1)),
        *(("vision_cfg.image_size", vision(image_size=bad)) for bad in (0, 10**6, True, "224", {})),
        *(("text_cfg.context_length", text(context_length=bad)) for bad in (0, -1, 10**6, "77")),
        ("text_cfg.vocab_size", text(vocab_size=10**9)),
        ("text_cfg.layers", text(layers=10**6)),
        ("text_cfg.heads", text(heads=0)),
        ("text_cfg.hf_model_name", text(hf_model_name=["a"])),
        ("multimodal_cfg", whole(multimodal_cfg=3)),
        ("multimodal_cfg.layers", whole(multimodal_cfg={"layers": 10**6})),
        ("model_cfg", whole(init_logit_scale=NAN)),
        ("model_cfg", vision(ls_init_value=INFINITY)),
        *(("preprocess_cfg.mean", pictures(mean=bad)) for bad in ([0, 0, NAN], [0, 0, 10**4000])),
        *(("preprocess_cfg.std", pictures(std=bad)) for bad in ([1, 1, INFINITY], [1, -1, -1])),
        *(("preprocess_cfg.fill_color", pictures(fill_color=bad)) for bad in ("red", [1], 256)),
        ("preprocess_cfg.resize_mode", pictures(resize_mode=["squash"])),
        ("preprocess_cfg.interpolation", pictures(interpolation={"a": 1})),
    ],
)
def test_what_no_model_has_is_refused_naming_the_key(folder, key, change):
    _edit(folder, change)
    with pytest.raises(ModelError) as error:
        locate(str(folder))
    assert f"'{key}'" in error.value.message or "can't be read as JSON" in error.value.message
    assert error.value.hint
    assert len(error.value.message) < 400 + len(str(folder))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": 1, "a": 2}', b"1" * 5_000],
)
def test_a_config_of_anything_else_is_one_sentence(folder, content):
    (folder / CONFIG).write_bytes(content)
    with pytest.raises(ModelError, match="can't be read as JSON") as error:
        locate(str(folder))
    assert error.value.hint
    assert "\n" not in error.value.message


def test_a_config_without_end_and_a_pipe_are_not_read(folder):
    with (folder / CONFIG).open("wb") as file:
        file.truncate(1 << 36)  # no byte of it is on the disk
    with pytest.raises(ModelError, match="the limit is"):
        locate(str(folder))
    (folder / CONFIG).unlink()
    os.mkfifo(folder / CONFIG)
    with pytest.raises(ModelError):
        locate(str(folder))


def test_a_config_with_a_byte_order_mark_is_read(folder):
    before = space_of(str(folder))
    (folder / CONFIG).write_bytes(b"\xef\xbb\xbf" + (folder / CONFIG).read_bytes())
    assert space_of(str(folder)) == before


def test_weights_that_are_a_pipe_are_never_waited_for(folder):
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)
    with pytest.raises(ModelError):
        space_of(str(folder))
    os.mkfifo(folder / "own.safetensors")
    for name in (folder, folder / WEIGHTS):
        with pytest.raises(ModelError):
            space_of(str(name))
