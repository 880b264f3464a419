"""Mapping networks that other people have published and users download themselves.

SEARLE (Baldrati et al., ICCV 2023) and LinCIR (Gu et al., CVPR 2024) share one network, ``Phi``;
Pic2Word (Saito et al., CVPR 2023) calls its own ``IM2TEXT``.  Each reads the image embedding
*before* it is normalised, and writes one pseudo-word.  Their dropout is left out: it does nothing
once trained.  None of their weights is isa's to ship.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from isa_cli.encoders.weights import read_weights_file, unusable
from isa_cli.errors import IsaError, ModelError, brief
from isa_cli.query.header import IM2TEXT, PHI, Header, MapperConfig
from isa_cli.query.prompt import Template
from isa_cli.query.reading import SentenceReader
from isa_cli.query.token_learner import Sentence
from isa_cli.regular import is_there

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from isa_cli.encoders import Backbone

_SECTIONS = ("Phi", "state_dict_img2text")
"""Where SEARLE and LinCIR, and Pic2Word, keep the network in their files."""

_PHI_PROMPT = "a photo of {sentence} that {modifier}"
"""SEARLE's and LinCIR's query; Pic2Word's, ``a photo of *, caption``, is also ours."""

_PHI_LAYERS = ("layers.0", "layers.3", "layers.6")
_PIC2WORD_LAYER = re.compile(r"layers\.(\d+)\.0\.weight")

_PHI_SIZES = {512: "SEARLE", 768: "SEARLE or LinCIR", 1024: "LinCIR", 1280: "LinCIR"}
"""D -> whose; at 768 (ViT-L/14) the two have the same shapes and can't be told apart."""

_KNOWN = (
    "isa knows SEARLE and LinCIR ('Phi' with layers.0, layers.3, layers.6) and Pic2Word "
    "('state_dict_img2text' with layers.0.0, layers.1.0, fc_out)"
)


class PublishedMapper(nn.Module):
    """One pseudo-word from an image embedding that has not been normalised.

    Args:
        config: ``published-phi`` or ``published-im2text``; ``channels`` is D, ``width`` the
            hidden width, ``blocks`` the number of hidden layers, ``out`` is E.

    Attributes:
        config: as given.
    """

    def __init__(self, config: MapperConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [config.channels, *[config.width] * config.blocks, config.out]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self._activation = nn.GELU() if config.kind == PHI else nn.ReLU()

    @property
    def label(self) -> str:
        """Whose network it is, as far as its shape tells: ``SEARLE or LinCIR (768 -> 768)``."""
        whose = "Pic2Word"
        if self.config.kind == PHI:
            whose = _PHI_SIZES.get(self.config.channels, "a Phi network")
        return f"{whose} ({self.config.channels} -> {self.config.out})"

    @property
    def template(self) -> Template:
        """The words around its pseudo-word, as its authors ask."""
        return Template(modified=_PHI_PROMPT) if self.config.kind == PHI else Template()

    def forward(self, vectors: Tensor) -> Sentence:
        """Return the pseudo-words (B, 1, E) of image embeddings (B, D), *not* normalised."""
        *hidden, last = self.layers
        for layer in hidden:
            vectors = self._activation(layer(vectors))  # (B, hidden)
        return Sentence(last(vectors).unsqueeze(1), None)  # (B, 1, E)

    def check_fits(self, name: str, dim: int, width: int) -> None:
        """Check that a model's image embeddings go in and its word embeddings come out.

        Args:
            name: of the model, for the message.
            dim: D of its joint space.
            width: E of its text tower.

        Raises:
            ModelError: they do not.
        """
        if (self.config.channels, self.config.out) != (dim, width):
            raise ModelError(
                f"{self.label} does not fit {name}, whose vectors have {dim} numbers and whose "
                f"words have {width}",
                "name the model it was trained for with --for, such as ViT-L-14/openai",
            )


def import_published(path: Path) -> PublishedMapper:
    """Return the published network in a file, recognised by its keys and shapes.

    No code from the file is run.

    Raises:
        ModelError: it can't be read, or holds something else; says what.
    """
    content = _read(path)
    section: Any = next((content[key] for key in _SECTIONS if key in content), content)
    tensors = _tensors(section)
    kind, names = _layout(tensors)
    if names and (problem := unusable(tensors.items(), path.stat().st_size)):
        raise ModelError(
            f"the network in {path} can't be used: {problem}",
            "it takes matrices of floating-point numbers, each stored whole",
        )
    matrices = [tensors[f"{name}.weight"] for name in names]
    biases = [tensors[f"{name}.bias"] for name in names]
    if not names or not _is_chain(matrices, biases):
        raise _unknown(path, content, tensors)
    widths = {len(bias) for bias in biases[:-1]}
    config = MapperConfig(
        kind=kind,
        channels=matrices[0].shape[1],
        out=matrices[-1].shape[0],
        tokens=1,
        width=widths.pop(),
        blocks=len(names) - 1,
        heads=1,
    )
    mapper = PublishedMapper(config)
    mapper.load_state_dict(
        {
            f"layers.{number}.{part}": tensors[f"{name}.{part}"]
            for number, name in enumerate(names)
            for part in ("weight", "bias")
        }
    )
    return mapper.eval()


def header_for(mapper: PublishedMapper, backbone: Backbone, record: dict[str, Any]) -> Header:
    """Return the header of the query model that a published network becomes.

    Args:
        mapper: the network.
        backbone: the model it was trained for, loaded with its text part.
        record: where it comes from.

    Raises:
        ModelError: the network does not fit the model.
    """
    reader = SentenceReader(backbone, mapper.template, mapper.config.tokens)
    mapper.check_fits(backbone.space.name, backbone.space.dim, reader.width)
    return Header(
        backbone.space,
        mapper.config,
        template=mapper.template.as_dict(),
        training={"network": mapper.label} | record,
    )


def _read(path: Path) -> Mapping[str, Any]:
    if not is_there(path):
        raise ModelError(f"there is no file {path}")
    try:
        content = read_weights_file(path)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than weights, and isa runs no code from a file",
            "save its tensors alone: torch.save({'Phi': phi.state_dict()}, FILE)",
        ) from error
    except IsaError:
        raise
    except Exception as error:  # the border: torch, pickle and safetensors raise nearly anything
        raise ModelError(f"{path} can't be read as weights: {brief(error)}", _KNOWN) from error
    if not isinstance(content, Mapping):
        raise ModelError(f"{path} holds a {type(content).__name__}, not weights by name", _KNOWN)
    return content


def _tensors(section: Any) -> dict[str, Tensor]:
    """Return the tensors by name, without the prefix that training on several GPUs adds."""
    if not isinstance(section, Mapping):
        return {}
    return {
        key.removeprefix("module."): value
        for key, value in section.items()
        if isinstance(key, str) and isinstance(value, torch.Tensor)
    }


def _layout(tensors: Mapping[str, Tensor]) -> tuple[str, tuple[str, ...]]:
    """Return the kind and its linear layers in order; none where the keys are others."""
    depth = sum(1 for key in tensors if _PIC2WORD_LAYER.fullmatch(key))
    pic2word = (*(f"layers.{number}.0" for number in range(depth)), "fc_out")
    for kind, names in ((PHI, _PHI_LAYERS), (IM2TEXT, pic2word)):
        wanted = {f"{name}.{part}" for name in names for part in ("weight", "bias")}
        if wanted == tensors.keys() and len(names) > 1:
            return kind, names
    return "", ()


def _is_chain(matrices: list[Tensor], biases: list[Tensor]) -> bool:
    """Return whether each layer reads what the one before it writes, all hidden ones as wide."""
    if any(len(matrix.shape) != 2 or not matrix.numel() for matrix in matrices):  # noqa: PLR2004
        return False
    if any(bias.shape != matrix.shape[:1] for matrix, bias in zip(matrices, biases, strict=True)):
        return False
    linked = all(after.shape[1] == before.shape[0] for before, after in pairwise(matrices))
    return linked and len({matrix.shape[0] for matrix in matrices[:-1]}) == 1


def _unknown(path: Path, content: Mapping[Any, Any], tensors: Mapping[str, Tensor]) -> ModelError:
    shown = [f"{key[:60]} {_shape(value)}" for key, value in list(tensors.items())[:4]]
    keys = [key[:60] if isinstance(key, str) else type(key).__name__ for key in list(content)[:4]]
    shown = shown or keys or ["nothing"]
    more = ", ..." if max(len(tensors), len(content)) > len(shown) else ""
    return ModelError(
        f"{path} holds no mapping network that isa knows; it holds: {', '.join(shown)}{more}",
        _KNOWN,
    )


def _shape(tensor: Tensor) -> str:
    return "(nested)" if tensor.is_nested else str(tuple(tensor.shape[:6]))
