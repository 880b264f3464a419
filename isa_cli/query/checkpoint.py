"""A query model in one file: safetensors, with everything it takes to use it in the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from isa_cli.atomic import replacing
from isa_cli.encoders.budget import as_stored, mismatch
from isa_cli.errors import IsaError, ModelError, SpaceMismatch, brief, next_step
from isa_cli.query.adapters import Adapters
from isa_cli.query.header import (
    METADATA_KEY,
    Header,
    MapperConfig,
    read_header,
    stored_tensors,
)
from isa_cli.query.injection import Injection
from isa_cli.query.mappers import build_mapper

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from isa_cli.encoders.light import LightEncoder
    from isa_cli.encoders.light_config import LightConfig
    from isa_cli.encoders.tensor_files import StoredTensor
    from isa_cli.query.importing import PublishedMapper
    from isa_cli.query.mappers import PooledMapper
    from isa_cli.query.token_learner import TokenLearner
    from isa_cli.types import EmbeddingSpace

__all__ = ["Header", "MapperConfig", "QueryModel", "is_half", "load", "read_header", "save"]

PARTS = ("mapper", "light", "injection", "adapters")
"""Whose tensors a file holds, each below its name."""

# what torch, timm and safetensors raise for sizes that don't go together, or a file that changed
_UNBUILDABLE = (
    ArithmeticError,
    AssertionError,
    IsaError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SafetensorError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class QueryModel:
    """A query model, loaded: on the CPU, in float32, in evaluation mode.

    Attributes:
        header: what it says about itself.
        mapper: writes the sentence.
        light: looks at the picture; ``None`` where the large encoder's output is read instead.
        injection, adapters: what the text tower reads the sentence with in two stages; ``None``:
            it has none.
    """

    header: Header
    mapper: TokenLearner | PooledMapper | PublishedMapper
    light: LightEncoder | None
    injection: Injection | None = None
    adapters: Adapters | None = None


def save(
    path: Path,
    header: Header,
    *,
    mapper: nn.Module,
    light: LightEncoder | None = None,
    injection: Injection | None = None,
    adapters: Adapters | None = None,
    half: bool = False,
) -> None:
    """Write a query model in one step: ``path`` is either what it was or the whole new file.

    Args:
        path: of the file; its folder exists.
        header: must describe all the parts.
        mapper: built from ``header.mapper``.
        light: built from ``header.light``.
        injection: built from ``header.injection``.
        adapters: built from ``header.adapters``.
        half: matrices in float16, for half the bytes.  Vectors stay float32: there are few, and
            a running variance need not fit.

    Raises:
        ModelError: it can't be written.
        ValueError: the header describes another part than is given.
    """
    optional = {"light": light, "injection": injection, "adapters": adapters}
    for part, module in optional.items():
        if (module.config if module else None) != getattr(header, part):
            raise ValueError(f"the header does not describe this {part}")
    parts: dict[str, nn.Module] = {"mapper": mapper}
    parts |= {part: module for part, module in optional.items() if module is not None}
    tensors = {
        f"{part}.{key}": _stored(value, half=half)
        for part, module in parts.items()
        for key, value in module.state_dict().items()
    }
    write(path, header, tensors)


def write(path: Path, header: Header, tensors: dict[str, Tensor]) -> None:
    """Write a query model's tensors as they are, in one step.

    Raises:
        ModelError: the file can't be written; it is what it was.
    """
    try:
        with replacing(path) as unfinished:
            save_file(tensors, unfinished, metadata={METADATA_KEY: header.to_json()})
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"the query model can't be written to {path}: {brief(error)}",
            next_step(error, "ask for the permission, or choose another place"),
        ) from error


def load(path: Path, space: EmbeddingSpace | None = None) -> QueryModel:
    """Return the query model in a file.

    Args:
        path: what ``save`` wrote.
        space: of the gallery that is going to be searched; ``None``: any will do.

    Raises:
        ModelError: it can't be read, is no query model, is damaged, or a newer isa wrote it.
        SpaceMismatch: it belongs to another space.
    """
    header = read_header(path)
    if space is not None and header.space != space:
        raise _wrong_space(path, header.space, space)
    try:
        stored = _by_part(stored_tensors(path), header)
        _check_sizes(header, stored)
        model = QueryModel(
            header,
            build_mapper(header.mapper),
            _rebuild(header.light, stored["light"]) if header.light else None,
            Injection(header.injection) if header.injection else None,
            Adapters(header.adapters) if header.adapters else None,
        )
        if model.light and model.light.channels != header.mapper.channels:
            raise ValueError("light encoder and mapper do not go together")
        tensors = load_file(path)
        for part in PARTS:
            module: nn.Module | None = getattr(model, part)
            if module is not None:
                module.load_state_dict(_of_part(tensors, part))
                module.eval()
    except _UNBUILDABLE as error:
        reason = error.message if isinstance(error, IsaError) else brief(error, lines=2)
        raise ModelError(
            f"the query model {path} can't be built from its own header: {reason}",
            "it is damaged, or timm has changed: train it again, or fetch it again",
        ) from error
    return model


def _by_part(
    stored: Mapping[str, StoredTensor], header: Header
) -> dict[str, dict[str, StoredTensor]]:
    """Return a file's tensors by the part that they fill.

    Raises:
        ValueError: some fill none.
    """
    parts = [part for part in PARTS if getattr(header, part) is not None]
    found: dict[str, dict[str, StoredTensor]] = {part: {} for part in parts}
    for name, tensor in stored.items():
        part, _, inside = name.partition(".")
        if part not in found:
            raise ValueError(f"{name[:100]} belongs to no part that the header names")
        found[part][inside] = tensor
    return found


def _check_sizes(header: Header, stored: Mapping[str, Mapping[str, StoredTensor]]) -> None:
    """Refuse a header of other parts than the file holds, before any of them takes memory.

    Raises:
        ValueError: a part would be larger, or of other shapes or kinds.
        ModelError: its sizes do not go together.
    """
    if header.is_published and header.mapper.tokens != 1:
        raise ValueError("a published network writes one word")
    made = {"mapper": build_mapper, "injection": Injection, "adapters": Adapters}
    for part, make in made.items():
        if part in stored:
            with torch.device("meta"), as_stored(stored[part]):
                module: nn.Module = make(getattr(header, part))  # type: ignore[operator]
            if problem := mismatch(stored[part], module.state_dict()):
                raise ValueError(f"of its {part}, {problem}")


def is_half(path: Path) -> bool:
    """Return whether a query model's matrices are float16: so they stay, bit for bit."""
    with safe_open(str(path), framework="numpy") as file:
        return any(file.get_slice(name).get_dtype() == "F16" for name in file.keys())  # noqa: SIM118


def _rebuild(config: LightConfig, stored: Mapping[str, StoredTensor]) -> LightEncoder:
    from isa_cli.encoders.light import rebuild  # noqa: PLC0415 - published networks need no timm

    return rebuild(config, stored)


def _stored(value: Tensor, *, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous().clone()  # safetensors refuses shared memory
    if half and value.is_floating_point() and value.ndim > 1:
        smaller = value.half()
        return smaller if bool(torch.isfinite(smaller).all()) else value
    return value


def _of_part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {
        key.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for key, value in tensors.items()
        if key.startswith(prefix)
    }


def _wrong_space(path: Path, model: EmbeddingSpace, gallery: EmbeddingSpace) -> SpaceMismatch:
    """Return the error with words for this case: nobody has to index anything again."""
    error = SpaceMismatch(gallery, model)
    error.message = f"the query model {path} belongs to {model}, but this gallery holds {gallery}"
    error.hint = "isa train makes one for this gallery; its photos need not be indexed again"
    error.args = (error.message, error.hint)
    return error
