"""The numpy text tower: the same numbers as open_clip's, or no answer at all."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from isa_cli.encoders import load_backbone, locate
from isa_cli.encoders.numpy_text import numpy_text_encoder
from isa_cli.encoders.numpy_text.arithmetic import erf, linear
from isa_cli.encoders.numpy_text.text_tower import plain_shape
from isa_cli.errors import ModelError
from isa_cli.reporting import Silent

TEXTS = [
    "a dog on the beach",
    "",
    "two words <end_of_text> and what follows",
    "Zürich at night, 🌃 &amp; rain",
    "a very long description of many things " * 30,
]
PLAIN_KEYS = {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio"}
SIZES = [
    {"width": 32, "heads": 2, "layers": 2},
    {"width": 48, "heads": 3, "layers": 3, "context_length": 32},
    {"width": 40, "heads": 1, "layers": 1, "context_length": 16, "mlp_ratio": 2.3},
    {"width": 128, "heads": 8, "layers": 4, "mlp_ratio": 4},
    {"width": 24, "heads": 24, "layers": 1, "context_length": 90},
]
BUILT_IN = {
    file.stem: json.loads(file.read_text())
    for file in sorted((Path(open_clip.__file__).parent / "model_configs").glob("*.json"))
}


@pytest.fixture
def model_folder(tmp_path):
    """Write a random CLIP; every tensor, biases too, is far from zero."""

    def write(text_cfg, dtype=torch.float32, **options):
        torch.manual_seed(1)
        vision = {"image_size": 16, "layers": 1, "width": 16, "head_width": 16, "patch_size": 8}
        config = {"embed_dim": 20, "vision_cfg": vision, "text_cfg": text_cfg} | options
        network = open_clip.CLIP(**config).eval()
        with torch.no_grad():
            for tensor in network.parameters():
                tensor.add_(torch.randn_like(tensor) * 0.1)
                tensor.copy_(tensor.to(dtype))  # what the file will hold
        state = {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
        save_file(state, tmp_path / "open_clip_model.safetensors")
        whole = {"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
        (tmp_path / "open_clip_config.json").write_text(json.dumps(whole))
        return tmp_path, network

    return write


@torch.inference_mode()
def expected(network, texts):
    ids = open_clip.SimpleTokenizer(context_length=network.context_length)(texts)
    return network.encode_text(ids, normalize=True).numpy()


def check(folder, network, texts=TEXTS):
    encoder = numpy_text_encoder(locate(str(folder)))
    assert encoder is not None
    got = encoder.encode_text(texts)
    assert got.dtype == np.float32
    assert np.abs(got - expected(network, texts)).max() <= 1e-5


# --- the same numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("quick_gelu", [False, True])
@pytest.mark.parametrize("text_cfg", SIZES, ids=lambda sizes: f"width{sizes['width']}")
def test_equals_open_clip(model_folder, text_cfg, quick_gelu):
    check(*model_folder(text_cfg, quick_gelu=quick_gelu))


def test_the_activation_matters_to_these_tests(model_folder):
    folder, network = model_folder(SIZES[0])
    files = locate(str(folder))
    other = replace(files, config=files.config | {"quick_gelu": True})
    difference = numpy_text_encoder(other).encode_text(TEXTS) - expected(network, TEXTS)
    assert np.abs(difference).max() > 1e-4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files_are_widened_exactly(model_folder, dtype):
    check(*model_folder(SIZES[1], dtype))


def test_a_text_gives_the_same_alone_and_in_any_company(model_folder):
    folder, network = model_folder(SIZES[0])
    encoder = numpy_text_encoder(locate(str(folder)))
    alone = np.concatenate([encoder.encode_text([text]) for text in TEXTS])
    many = encoder.encode_text(TEXTS * 30)  # more than one chunk
    assert np.abs(many - np.tile(alone, (30, 1))).max() <= 1e-6
    assert np.abs(alone - expected(network, TEXTS)).max() <= 1e-5


def test_no_texts_give_no_rows(model_folder):
    folder, _ = model_folder(SIZES[0])
    assert numpy_text_encoder(locate(str(folder))).encode_text([]).shape == (0, 20)


def test_wide_activations_overflow_nothing(model_folder):
    folder, network = model_folder(SIZES[0], quick_gelu=True)
    with torch.no_grad():
        network.transformer.resblocks[0].mlp.c_fc.weight.mul_(1000)
    save_file(network.state_dict(), folder / "open_clip_model.safetensors")
    check(folder, network)


def test_erf_is_exact_to_float32():
    x = np.linspace(-7, 7, 20001, dtype=np.float32)
    got = erf(x)
    assert got.dtype == np.float32
    assert np.abs(got - [math.erf(value) for value in x]).max() <= 2e-7


@pytest.mark.parametrize(("rows", "inner", "outer"), [(1, 3, 5), (33, 700, 7), (130, 64, 4100)])
def test_products_in_pieces_are_whole(rows, inner, outer):
    numbers = np.random.default_rng(0)
    x = numbers.standard_normal((rows, inner), np.float32)
    weight = numbers.standard_normal((outer, inner), np.float32)
    assert np.abs(linear(x, weight) - x.astype(np.float64) @ weight.T).max() <= 1e-3


def test_equals_the_torch_path_on_a_trained_model(shared_data):
    files = locate(str(shared_data / "models" / "photo-mini"))
    slow = load_backbone(files, device="cpu", precision="fp32", parts=("text",))
    quick = numpy_text_encoder(files)
    assert quick.space == slow.space
    assert np.abs(quick.encode_text(TEXTS) - slow.encode_text(TEXTS)).max() <= 1e-5


# --- what is said --------------------------------------------------------------------------------


class Listener(Silent):
    def __init__(self):
        self.warnings = []

    def warn(self, message):
        self.warnings.append(message)


def test_a_cut_is_told_in_the_words_of_the_slow_way(tiny_model):
    from isa_cli.encoders.text_encoder import BackboneTextEncoder

    heard, heard_slowly = Listener(), Listener()
    files = locate(str(tiny_model))
    numpy_text_encoder(files, heard).encode_text(TEXTS)
    slow = load_backbone(files, device="cpu", precision="fp32", parts=("text",))
    BackboneTextEncoder(slow, heard_slowly).encode_text(TEXTS)
    assert heard.warnings == heard_slowly.warnings
    assert len(heard.warnings) == 1


def test_weights_that_are_not_numbers_are_a_users_problem(model_folder):
    folder, network = model_folder(SIZES[0])
    with torch.no_grad():
        network.ln_final.weight.fill_(math.nan)
    save_file(network.state_dict(), folder / "open_clip_model.safetensors")
    with pytest.raises(ModelError, match="not finite"):
        numpy_text_encoder(locate(str(folder))).encode_text(["a dog"])


def test_neither_torch_nor_the_menders_are_imported_for_plain_words(tiny_model):
    script = (
        "import sys\n"
        "from isa_cli.encoders import locate\n"
        "from isa_cli.encoders.numpy_text import numpy_text_encoder\n"
        f"vectors = numpy_text_encoder(locate({str(tiny_model)!r})).encode_text(['a dog'])\n"
        "found = {'torch', 'open_clip', 'timm', 'ftfy', 'regex'} & sys.modules.keys()\n"
        "print(vectors.shape, sorted(found))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "(1, 32) []"


# --- which models --------------------------------------------------------------------------------


def test_which_built_in_architectures_are_plain():
    accepted = {name for name, config in BUILT_IN.items() if plain_shape(config)}
    plain = {
        name
        for name, config in BUILT_IN.items()
        if config["text_cfg"].keys() <= PLAIN_KEYS and not config.get("custom_text")
    }
    assert accepted == plain
    assert {"ViT-B-32", "ViT-B-32-256", "ViT-L-14", "ViT-H-14", "RN50-quickgelu"} <= accepted
    others = {"coca_ViT-B-32", "ViT-B-16-SigLIP", "MobileCLIP-B", "roberta-ViT-B-32", "EVA02-L-14"}
    assert others <= BUILT_IN.keys() - accepted


def test_the_expected_tensors_of_every_plain_architecture_are_open_clips():
    from open_clip.model import _build_text_tower

    seen = {}
    for name, config in BUILT_IN.items():
        if shape := plain_shape(config):
            key = json.dumps([config["embed_dim"], config["text_cfg"]], sort_keys=True)
            seen.setdefault(key, (name, shape, config))
    for name, shape, config in seen.values():
        with torch.device("meta"):
            tower = _build_text_tower(config["embed_dim"], config["text_cfg"])
        theirs = {key: tuple(tensor.shape) for key, tensor in tower.state_dict().items()}
        assert shape.tensors() == theirs, name
    assert len(seen) >= 8


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("hf_model_name", "roberta-base"),
        ("hf_tokenizer_name", "some/tokenizer"),
        ("tokenizer_kwargs", {"clean": "canonicalize"}),
        ("no_causal_mask", True),
        ("embed_cls", True),
        ("pool_type", "eos"),
        ("proj_type", "none"),
        ("proj_bias", True),
        ("ls_init_value", 0.1),
        ("qk_norm", True),
        ("act_kwargs", {"approximate": "tanh"}),
        ("norm_kwargs", {"eps": 1e-6}),
        ("an_option_of_tomorrow", False),
        ("vocab_size", 32000),
        ("heads", 5),
        ("layers", 0),
        ("width", None),
        ("mlp_ratio", "4"),
    ],
)
def test_options_of_the_text_tower_are_left_to_open_clip(tiny_model, option, value):
    files = locate(str(tiny_model))
    changed = files.config | {"text_cfg": files.config["text_cfg"] | {option: value}}
    assert numpy_text_encoder(files) is not None
    assert numpy_text_encoder(replace(files, config=changed)) is None


@pytest.mark.parametrize("option", ["custom_text", "multimodal_cfg", "cast_dtype"])
def test_options_of_the_model_are_left_to_open_clip(tiny_model, option):
    files = locate(str(tiny_model))
    assert numpy_text_encoder(replace(files, config=files.config | {option: True})) is None


def lost(state):
    del state["transformer.resblocks.1.mlp.c_fc.bias"]
    return state


def added(state):
    return state | {"transformer.resblocks.2.ln_1.bias": torch.zeros(32)}


def custom(state):
    towers = ("visual.", "logit_")
    return {k if k.startswith(towers) else f"text.{k}": v for k, v in state.items()}


def wrapped(state):
    return {f"module.{name}": tensor for name, tensor in state.items()}


def longer(state):
    return state | {"positional_embedding": torch.zeros(80, 32)}


def projected(state):
    state["text_projection.weight"] = state.pop("text_projection")
    return state


def whole_numbers(state):
    return state | {"ln_final.weight": torch.ones(32, dtype=torch.int32)}


@pytest.mark.parametrize("change", [lost, added, custom, wrapped, longer, projected, whole_numbers])
def test_tensors_that_do_not_fit_are_left_to_open_clip(tiny_model, tmp_path, change):
    files = locate(str(tiny_model))
    weights = tmp_path / "weights.safetensors"
    save_file(change(load_file(files.weights)), weights)
    assert numpy_text_encoder(replace(files, weights=weights)) is None


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"\xff" * 100, "cut"])
def test_damaged_files_are_left_to_open_clip(tiny_model, tmp_path, content):
    files = locate(str(tiny_model))
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(files.weights.read_bytes()[:-1] if content == "cut" else content)
    assert numpy_text_encoder(replace(files, weights=weights)) is None


def test_pickles_and_missing_files_are_left_to_open_clip(tiny_model, tmp_path):
    files = locate(str(tiny_model))
    pickle = tmp_path / "weights.bin"
    pickle.write_bytes(files.weights.read_bytes())
    assert numpy_text_encoder(replace(files, weights=pickle)) is None
    assert numpy_text_encoder(replace(files, weights=tmp_path / "no.safetensors")) is None
