"""Published networks, on files of their layouts, against outputs computed by hand."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from isa_cli.errors import ModelError
from isa_cli.query.importing import import_published

_ERF = np.vectorize(math.erf)


def _phi(dim, hidden, out, seed=0):
    """The state of SEARLE's and LinCIR's class: Linear at 0, 3 and 6 of a Sequential."""
    rng = np.random.default_rng(seed)
    sizes = {"layers.0": (hidden, dim), "layers.3": (hidden, hidden), "layers.6": (out, hidden)}
    return _state(rng, sizes)


def _im2text(dim, hidden, out, layers=2, seed=0):
    """The state of Pic2Word's class: ``fc_out`` is made, and so written, first."""
    rng = np.random.default_rng(seed)
    sizes = {"fc_out": (out, hidden)}
    for number in range(layers):
        sizes[f"layers.{number}.0"] = (hidden, hidden if number else dim)
    return _state(rng, sizes)


def _state(rng, sizes):
    state = {}
    for name, (rows, columns) in sizes.items():
        weight = rng.normal(size=(rows, columns)) / math.sqrt(columns)
        state[f"{name}.weight"] = torch.tensor(weight, dtype=torch.float32)
        state[f"{name}.bias"] = torch.tensor(rng.normal(size=rows), dtype=torch.float32)
    return state


def _gelu(x):
    return x * 0.5 * (1 + _ERF(x / math.sqrt(2)))


def _relu(x):
    return np.maximum(x, 0)


def _by_hand(state, names, activation, vectors):
    for name in names:
        vectors = vectors @ state[f"{name}.weight"].numpy().T + state[f"{name}.bias"].numpy()
        if name != names[-1]:
            vectors = activation(vectors)
    return vectors


PHI = ("layers.0", "layers.3", "layers.6")
PIC2WORD = ("layers.0.0", "layers.1.0", "fc_out")
LONG = 7.5 * np.random.default_rng(5).normal(size=(3, 2048))
"""Image embeddings as encoders give them, far from length 1."""


@pytest.mark.parametrize(
    ("content", "names", "activation", "label"),
    [
        ({"epoch": 3, "Phi": _phi(512, 2048, 512)}, PHI, _gelu, "SEARLE (512 -> 512)"),
        ({"Phi": _phi(768, 3072, 768)}, PHI, _gelu, "SEARLE or LinCIR (768 -> 768)"),
        ({"Phi": _phi(1024, 64, 1024)}, PHI, _gelu, "LinCIR (1024 -> 1024)"),
        ({"Phi": _phi(1280, 64, 1280)}, PHI, _gelu, "LinCIR (1280 -> 1280)"),
        (
            {
                "epoch": 30,
                "name": "run",
                "state_dict": {"module.visual.proj": torch.zeros(2, 2)},
                "state_dict_img2text": {
                    f"module.{key}": value for key, value in _im2text(768, 512, 768).items()
                },
                "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]},
            },
            PIC2WORD,
            _relu,
            "Pic2Word (768 -> 768)",
        ),
    ],
    ids=["searle-b32", "searle-l14", "lincir-h", "lincir-g", "pic2word"],
)
def test_each_layout_gives_what_its_formula_says(tmp_path, content, names, activation, label):
    torch.save(content, tmp_path / "net.pt")
    mapper = import_published(tmp_path / "net.pt")
    assert mapper.label == label
    section = content.get("Phi") or content["state_dict_img2text"]
    state = {key.removeprefix("module."): value for key, value in section.items()}
    vectors = LONG[:, : mapper.config.channels]
    with torch.no_grad():
        tokens, attention, _ = mapper(torch.tensor(vectors, dtype=torch.float32))
    expected = _by_hand(state, names, activation, vectors)
    assert tokens.shape == (3, 1, mapper.config.out)
    assert attention is None
    np.testing.assert_allclose(tokens[:, 0].numpy(), expected, rtol=1e-4, atol=1e-4)


def test_a_bare_state_in_safetensors_reads_too(tmp_path):
    save_file(_phi(8, 16, 10), tmp_path / "phi.safetensors")
    mapper = import_published(tmp_path / "phi.safetensors")
    assert mapper.config.kind == "published-phi"
    assert (mapper.config.channels, mapper.config.width, mapper.config.out) == (8, 16, 10)
    assert not mapper.training


def test_pic2word_of_another_depth_reads_too(tmp_path):
    state = _im2text(6, 5, 4, layers=3)
    torch.save({"state_dict_img2text": state}, tmp_path / "net.pt")
    mapper = import_published(tmp_path / "net.pt")
    assert mapper.config.blocks == 3
    names = ("layers.0.0", "layers.1.0", "layers.2.0", "fc_out")
    vectors = LONG[:, :6]
    with torch.no_grad():
        tokens = mapper(torch.tensor(vectors, dtype=torch.float32)).tokens[:, 0].numpy()
    np.testing.assert_allclose(tokens, _by_hand(state, names, _relu, vectors), rtol=1e-4, atol=1e-5)


def test_half_precision_weights_compute_in_float32(tmp_path):
    state = {key: value.half() for key, value in _phi(8, 16, 10).items()}
    torch.save({"Phi": state}, tmp_path / "net.pt")
    assert import_published(tmp_path / "net.pt")(torch.randn(1, 8)).tokens.dtype == torch.float32


def test_it_says_which_models_it_fits(tmp_path):
    torch.save({"Phi": _phi(8, 16, 10)}, tmp_path / "net.pt")
    mapper = import_published(tmp_path / "net.pt")
    mapper.check_fits("tiny", 8, 10)
    with pytest.raises(ModelError, match=r"8 -> 10.*ViT-B-32.*512.*640") as error:
        mapper.check_fits("ViT-B-32", 512, 640)
    assert "--for" in error.value.hint


def _without(key):
    state = _phi(8, 16, 10)
    del state[key]
    return state


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"Phi": _without("layers.3.bias")}, "layers.0.weight (16, 8)"),
        ({"Phi": _phi(8, 16, 10) | {"layers.9.weight": torch.zeros(1)}}, "layers.0.weight"),
        ({"Phi": _phi(8, 16, 10) | {"layers.3.weight": torch.zeros(16, 9)}}, "layers.3.weight"),
        ({"Phi": _phi(8, 16, 10) | {"layers.3.bias": torch.zeros(3)}}, "layers.3.bias"),
        ({"Phi": _phi(8, 16, 10) | {"layers.0.weight": torch.zeros(16)}}, "layers.0.weight (16,)"),
        ({"state_dict_img2text": {"fc_out.weight": torch.zeros(2, 2)}}, "fc_out.weight (2, 2)"),
        ({"combiner": {"fc": torch.zeros(2)}, "epoch": 1}, "combiner, epoch"),
        ({"Phi": 3}, "Phi"),
        ({}, "nothing"),
    ],
)
def test_another_layout_is_refused_with_what_was_found_and_what_is_known(tmp_path, content, found):
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(ModelError) as error:
        import_published(tmp_path / "net.pt")
    assert found in error.value.message
    assert str(tmp_path / "net.pt") in error.value.message
    assert "SEARLE" in error.value.hint
    assert "Pic2Word" in error.value.hint


class _Bomb:
    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB"],))


def test_a_pickle_is_never_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    torch.save({"Phi": _Bomb()}, tmp_path / "net.pt")
    with pytest.raises(ModelError, match="more than weights"):
        import_published(tmp_path / "net.pt")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("data", [b"", b"garbage" * 50, b"PK\x03\x04truncated"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_what_is_no_weights_file_is_refused(tmp_path, suffix, data):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="net") as error:
        import_published(path)
    assert "\n" not in error.value.message


def test_no_file_and_no_dictionary_are_refused(tmp_path):
    with pytest.raises(ModelError, match="no file"):
        import_published(tmp_path / "none.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ModelError, match="list"):
        import_published(tmp_path / "list.pt")


# --- files of anybody's ---


def _odd(tensor):
    return {"Phi": _phi(8, 16, 10) | {"layers.3.weight": tensor}}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _odd(torch.eye(16).to_sparse()), "layers.3.weight is sparse"),
        (lambda: _odd(torch.eye(16).to_sparse_csr()), "layers.3.weight is sparse"),
        (
            lambda: _odd(torch.quantize_per_tensor(torch.eye(16), 0.1, 0, torch.qint8)),
            "layers.3.weight is quantised",
        ),
        (lambda: _odd(torch.eye(16).long()), "layers.3.weight holds numbers of the kind"),
        (lambda: _odd(torch.eye(16).to(torch.complex64)), "complex64"),
        (lambda: _odd(torch.eye(16) / 0), "layers.3.weight holds numbers that are not finite"),
        (lambda: _odd(torch.zeros(1).expand(10**5, 10**5)), "more numbers than the file holds"),
        (lambda: _odd(torch.zeros(16, 16, device="meta")), "holds no numbers"),
        (lambda: {"Phi": _phi(0, 16, 10)}, "no mapping network"),
        (lambda: {"Phi": {("a",): torch.zeros(1), 3: "x", None: None}}, "no mapping network"),
        (lambda: {("a",) * 1000: 1, 3: 2, "x" * 1000: 3}, "no mapping network"),
        (lambda: {f"layers.{n}.0.weight": torch.zeros(1) for n in range(3_000)}, "no mapping"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of kinds of tensors in beta
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # an empty matrix's scale
def test_tensors_that_are_no_weights_are_one_sentence(tmp_path, make, said):
    path = tmp_path / "net.pt"
    torch.save(make(), path)
    with pytest.raises(ModelError) as caught:
        import_published(path)
    assert said in caught.value.message
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 500 + len(str(path))


def test_a_network_whose_tensors_share_one_memory_is_still_read(tmp_path):
    weights = torch.cat([value.flatten() for value in _phi(8, 16, 10).values()])
    state, start = {}, 0
    for key, value in _phi(8, 16, 10).items():
        state[key] = weights[start : start + value.numel()].view(value.shape)
        start += value.numel()
    torch.save({"Phi": state}, tmp_path / "net.pt")
    assert import_published(tmp_path / "net.pt").config.out == 10


def test_a_pipe_is_never_waited_for(tmp_path):
    for name in ("net.pt", "net.safetensors"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(ModelError, match="a pipe"):
            import_published(tmp_path / name)
