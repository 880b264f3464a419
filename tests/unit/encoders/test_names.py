"""What a person may call a model, and what is said when it means nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import open_clip
import pytest
import torch

from isa_cli.encoders import SHORT_NAMES, resolve, space_of
from isa_cli.errors import ModelError

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"


@pytest.mark.parametrize("short", SHORT_NAMES)
def test_short_names_agree_with_open_clip(short):
    entry = SHORT_NAMES[short]
    known = open_clip.get_pretrained_cfg(entry.arch, entry.tag)
    assert known["hf_hub"] == f"{entry.repo}/"
    assert (known["mean"], known["std"], known["resize_mode"]) == entry.statistics
    assert known["interpolation"] == "bicubic"
    assert not known.get("quick_gelu")
    config = open_clip.get_model_config(entry.arch)
    assert config["embed_dim"] == entry.dim
    custom = config.pop("custom_text", False)
    with torch.device("meta"):
        network = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config)
    size = sum(parameter.numel() for parameter in network.parameters()) * 4 / 1e6
    assert entry.megabytes == pytest.approx(size, abs=1)


def test_names_resolve_without_torch_numpy_or_open_clip():
    code = (
        "import sys; from isa_cli.encoders import resolve\n"
        "[resolve(n) for n in ('small', 'large', 'ViT-B-16/openai', 'hf-hub:org/repo')]\n"
        "print(sorted({'torch', 'numpy', 'open_clip', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert _python(code).stdout == "[]\n"


def test_a_local_models_space_is_known_without_torch(tiny_model):
    code = (
        "import sys; from isa_cli.encoders import space_of\n"
        f"space = space_of({str(tiny_model)!r})\n"
        "print(space.dim, sorted({'torch', 'open_clip'} & set(sys.modules)))"
    )
    assert _python(code).stdout == "32 []\n"


def _python(code: str, **environment: str) -> subprocess.CompletedProcess:
    env = os.environ | environment
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )


def test_the_bundled_model_lies_in_the_package_and_photos_do_not_hide_it(tmp_path, monkeypatch):
    source = resolve("isa-mini")
    assert source.name == "isa-mini"
    assert source.weights.is_file()
    assert (source.weights.parent / CONFIG).is_file()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "isa-mini").mkdir()  # photos, say
    assert resolve("isa-mini") == source
    (tmp_path / "isa-mini" / CONFIG).write_text("{}")
    with pytest.raises(ModelError, match="no weights file"):
        resolve("isa-mini")


def test_the_default_is_the_datacomp_large_one():
    assert resolve("large").name == "ViT-L-14/datacomp_xl_s13b_b90k"
    assert resolve("ViT-L-14/datacomp_xl_s13b_b90k") == resolve("large")


def test_a_repository_and_a_tag_resolve_to_themselves():
    assert resolve("hf-hub:org/repo").repo == "org/repo"
    source = resolve("ViT-B-16/openai")
    assert (source.arch, source.tag, source.short) == ("ViT-B-16", "openai", None)


def test_a_folder_wins_over_arch_and_tag(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ViT-B-16").mkdir()
    folder.rename(tmp_path / "ViT-B-16" / "openai")
    assert resolve("ViT-B-16/openai").weights == tmp_path / "ViT-B-16" / "openai" / WEIGHTS


def test_a_folder_of_photos_called_large_does_not_hide_the_short_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "large").mkdir()
    assert resolve("large").arch == "ViT-L-14"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no model is called ''"),
        ("larg", "closest: large"),
        ("nonsense", "no model is called 'nonsense'"),
        ("a/b/c", "no model is called"),
        ("./not-there", "no such file or folder"),
        ("~nobody-at-all/x", "no such file or folder"),
        ("weights.safetensors", "no such file or folder"),
        ("x" * 5000, "no model is called"),
        ("nul\0", "no model is called"),
        ("hf-hub:only-one", "names no repository"),
    ],
)
def test_a_name_that_means_nothing_is_told(name, said):
    with pytest.raises(ModelError) as error:
        resolve(name)
    assert said in error.value.message


def test_a_weights_file_without_a_config_is_refused_saying_what_to_add(folder):
    (folder / CONFIG).unlink()
    with pytest.raises(ModelError) as error:
        resolve(str(folder / WEIGHTS))
    assert CONFIG in error.value.message
    assert f"into {folder}" in error.value.hint


def test_a_file_with_a_config_beside_it_is_the_folders_model(folder):
    assert space_of(str(folder / WEIGHTS)) == space_of(str(folder))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ModelError, match="is no weights file"):
        resolve(str(tmp_path / "photo.jpg"))


def test_a_folder_without_weights_or_with_several_is_refused(folder):
    (folder / WEIGHTS).rename(folder / "one.safetensors")
    assert resolve(str(folder)).weights == folder / "one.safetensors"
    shutil.copy(folder / "one.safetensors", folder / "two.safetensors")
    with pytest.raises(ModelError, match="several weights files"):
        resolve(str(folder))
    for file in folder.glob("*.safetensors"):
        file.unlink()
    with pytest.raises(ModelError, match="no weights file"):
        resolve(str(folder))
