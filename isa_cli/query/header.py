"""What a query model says about itself, read without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from safetensors import SafetensorError

from isa_cli.encoders.fields import checked, flag, objects, parsed, several, shown, text, whole
from isa_cli.encoders.light_config import LightConfig
from isa_cli.encoders.tensor_files import announced
from isa_cli.errors import ModelError, brief
from isa_cli.query.tuned import alpha_in
from isa_cli.regular import reason
from isa_cli.types import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from isa_cli.encoders.fields import Field
    from isa_cli.encoders.tensor_files import StoredTensor, TensorFile

FORMAT = 3
"""The version that this isa writes; it reads this one and older ones."""

MOST_HEADER = 4_000_000
"""Bytes of a query model's whole header that are read (ours); those of isa have some thousands."""

METADATA_KEY = "isa_query_model"
"""Where the header lies in the file's safetensors metadata, as JSON."""

TOKEN_LEARNER, MLP = "token-learner", "mlp"
PHI, IM2TEXT = "published-phi", "published-im2text"
TWO_STAGE = "two-stage"
"""The method that reads with injection and adapters."""


@dataclass(frozen=True, slots=True)
class MapperConfig:
    """A mapper without its weights.

    Attributes:
        kind: ``token-learner``, ``mlp``, ``published-phi`` or ``published-im2text``.
        channels: C of the feature map, or D of the image embedding in a published network.
        out: E, the width of the text tower's word embeddings.
        tokens: L.
        width: d, or the hidden width.
        blocks: of the token learner; hidden layers of a published network.
        heads: of the token learner's attentions.
        fixed_length: the sentence's words are as long as real words on average, always; see
            ``token_learner.Words``.
    """

    kind: str
    channels: int
    out: int
    tokens: int = 6
    width: int = 256
    blocks: int = 1
    heads: int = 4
    fixed_length: bool = True


@dataclass(frozen=True, slots=True)
class InjectionConfig:
    """Visual semantic injection without its weights; see ``injection``.

    Attributes:
        layers: of the text tower, counted from 1.
        channels: C of the feature map.
        width: W of the tower's states.
        heads: of each attention.
        added: it learned on top of a mapper that had learned without it and stayed as it was, and
            whose sentences may be read without it still.
    """

    layers: tuple[int, ...]
    channels: int
    width: int
    heads: int = 4
    added: bool = False


@dataclass(frozen=True, slots=True)
class AdaptersConfig:
    """Composing adapters without their weights; see ``adapters``.

    Attributes:
        layers: of the text tower, counted from 1; 0: before the first.
        width: W of the tower's states.
        bottleneck: numbers in the middle of each.
    """

    layers: tuple[int, ...]
    width: int
    bottleneck: int = 64


@dataclass(frozen=True, slots=True)
class Header:
    """What a query model's file says besides its weights.

    Attributes:
        space: where its queries live; a gallery of another space can't be searched with it.
        mapper: of its sentences.
        light: its light encoder; ``None`` where the large one's output is read instead.
        template: the prompt around the sentence, as ``Template.as_dict`` gives it.
        training: a record for people: data, settings, what was reached.
        symmetric: the mapper reads the large visual encoder's feature map.
        injection: of stage I of the two-stage framework; ``None``: there is none.
        adapters: of its stage II; ``None``: there are none.
    """

    space: EmbeddingSpace
    mapper: MapperConfig
    light: LightConfig | None = None
    template: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    symmetric: bool = False
    injection: InjectionConfig | None = None
    adapters: AdaptersConfig | None = None

    @property
    def is_published(self) -> bool:
        """Whether its mapper is another project's network, which reads an image embedding."""
        return self.mapper.kind in {PHI, IM2TEXT}

    @property
    def methods(self) -> tuple[str, ...]:
        """What ``--method`` calls the composers that it makes, the best first.

        What the mapper learned without may be left out: adapters, and an injection that was added.
        """
        plain = "published" if self.is_published else "isa"
        if self.injection and not self.injection.added:
            return (TWO_STAGE,)
        return (TWO_STAGE, plain) if self.injection or self.adapters else (plain,)

    @property
    def method(self) -> str:
        """The best of ``methods``: what answers where nobody says otherwise."""
        return self.methods[0]

    @property
    def parts(self) -> frozenset[str]:
        """What a query needs of the large model; of the image part only where nothing is light."""
        return frozenset({"text"} if self.light else {"image", "text"})

    def alpha(self, method: str) -> float | None:
        """Return a method's weight beside slerp, where ``isa eval tune`` has chosen one."""
        return alpha_in(self.training, method)

    def to_json(self) -> str:
        """The header as text that ``from_json`` reads."""
        return json.dumps({"format": FORMAT} | asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str, path: Path) -> Header:
        """Return the header that ``to_json`` wrote.

        Raises:
            ModelError: a newer isa wrote it, or it makes no sense; ``path`` is named.
        """
        try:
            raw = parsed(text)
            version = whole()("format", raw.pop("format", None))
        except ValueError as error:
            raise _senseless(path, error) from error
        if version > FORMAT:
            raise ModelError(
                f"{path} was written by a newer isa (format {version}; this one reads up to "
                f"{FORMAT})",
                "pip install --upgrade isa-cli",
            )
        try:
            return _header(raw)
        except ValueError as error:
            raise _senseless(path, error) from error


def _header(raw: dict[str, Any]) -> Header:
    """Return an object's header, if all of it makes sense.

    Raises:
        ValueError: it does not.
    """
    values = checked("the header", raw, _HEADER, needed=6)
    parts = {name: values.get(name) or None for name in ("light", "injection", "adapters")}
    header = Header(
        space=EmbeddingSpace(**checked("the space", values["space"], _SPACE, needed=3)),
        mapper=_of("the mapper", MapperConfig, values["mapper"], _MAPPER, 3),
        light=LightConfig.from_dict(parts["light"]) if parts["light"] else None,
        template=values["template"],
        training=values["training"],
        symmetric=values["symmetric"],
        injection=_of("the injection", InjectionConfig, parts["injection"], _INJECTION, 3),
        adapters=_of("the adapters", AdaptersConfig, parts["adapters"], _ADAPTERS, 2),
    )
    _check_together(header)
    return header


def _check_together(header: Header) -> None:
    """Refuse parts that make sense alone and not together."""
    mapper, injection = header.mapper, header.injection
    split = {"the mapper": (mapper.width, mapper.heads if mapper.kind == TOKEN_LEARNER else 1)}
    if injection:
        split["the injection"] = (injection.width, injection.heads)
    for name, (width, heads) in split.items():
        if width % heads:
            raise ValueError(f"{name}'s width {width} can't be split among {heads} heads")
    if header.is_published and (header.light or injection):
        raise ValueError(f"a mapper {mapper.kind} reads no feature map")
    if injection and injection.channels != mapper.channels:
        raise ValueError("injection and mapper read feature maps of different channels")


_Config = TypeVar("_Config", MapperConfig, InjectionConfig, AdaptersConfig)


@overload
def _of(
    name: str, kind: type[_Config], raw: dict[str, Any], kinds: Mapping[str, Field], needed: int
) -> _Config: ...
@overload
def _of(
    name: str, kind: type[_Config], raw: None, kinds: Mapping[str, Field], needed: int
) -> None: ...
def _of(name: str, kind: Any, raw: Any, kinds: Mapping[str, Field], needed: int) -> Any:
    return None if raw is None else kind(**checked(name, raw, kinds, needed=needed))


def _object_or_none(name: str, value: Any) -> Any:
    return None if value is None else objects(name, value)


_HEADER = {
    "space": objects,
    "mapper": objects,
    "light": _object_or_none,
    "template": objects,
    "training": objects,
    "symmetric": flag,
    "injection": _object_or_none,
    "adapters": _object_or_none,
}
"""Format 1 knew the first six."""

_SPACE = {"name": text(), "dim": whole(), "digest": text()}
_MAPPER = {
    "kind": text(TOKEN_LEARNER, MLP, PHI, IM2TEXT),
    "channels": whole(),
    "out": whole(),
    "tokens": whole(),
    "width": whole(),
    "blocks": whole(0),
    "heads": whole(),
    "fixed_length": flag,
}


def _layers(first: int) -> Field:
    """Layers of a text tower, each once."""
    listed = several(whole(first, 1_000), 1, 1_000)

    def field(name: str, value: Any) -> tuple[int, ...]:
        layers: tuple[int, ...] = listed(name, value)
        if len(set(layers)) < len(layers):
            raise ValueError(f"{name} are {shown(value)}, and one is there twice")
        return layers

    return field


_INJECTION = {
    "layers": _layers(1),
    "channels": whole(),
    "width": whole(),
    "heads": whole(),
    "added": flag,
}
_ADAPTERS = {"layers": _layers(0), "width": whole(), "bottleneck": whole()}


def read_header(path: Path) -> Header:
    """Return a query model's header; imports no torch and reads no weights.

    Raises:
        ModelError: it can't be read, is no query model, or a newer isa wrote it.
    """
    return Header.from_json(_announced(path).metadata[METADATA_KEY], path)


def stored_tensors(path: Path) -> Mapping[str, StoredTensor]:
    """The tensors that a query model's file holds, by name; reads none of them.

    Raises:
        ModelError: it can't be read, or is no query model.
    """
    return _announced(path).tensors


def _announced(path: Path) -> TensorFile:
    hint = "a published network comes in through isa models import"
    try:
        file = announced(path, at_most=MOST_HEADER)
    except OSError as error:
        raise ModelError(f"the query model {path} can't be read: {reason(error)}") from error
    except SafetensorError as error:
        raise ModelError(
            f"{path} is no query model, or not a whole one: {brief(error)}",
            f"isa reads what isa train wrote; {hint}",
        ) from error
    if METADATA_KEY not in file.metadata:
        raise ModelError(
            f"{path} is no query model: it holds weights, but nothing says of what",
            f"name a file that isa train wrote; {hint}",
        )
    return file


def is_query_model(path: Path) -> bool:
    """Return whether a file says that it is a query model; imports no torch."""
    try:
        return METADATA_KEY in announced(path).metadata
    except (OSError, SafetensorError):
        return False


def _senseless(path: Path, error: ValueError) -> ModelError:
    return ModelError(
        f"the header of the query model {path} makes no sense: {brief(error)}",
        "train it again, or fetch it again",
    )
