"""What a query model says about itself, read without torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import SafetensorError, safe_open

from isa_cli.encoders.light_config import LightConfig
from isa_cli.errors import ModelError
from isa_cli.query.tuned import alpha_in
from isa_cli.types import EmbeddingSpace

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 3
"""The version that this isa writes; it reads this one and older ones."""

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
            raw = json.loads(text)
            version = int(raw.pop("format"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _senseless(path, error) from error
        if version > FORMAT:
            raise ModelError(
                f"{path} was written by a newer isa (format {version}; this one reads up to "
                f"{FORMAT})",
                "pip install --upgrade isa-cli",
            )
        try:
            return cls(
                space=EmbeddingSpace(**raw["space"]),
                mapper=MapperConfig(**raw["mapper"]),
                light=LightConfig.from_dict(raw["light"]) if raw["light"] else None,
                template=dict(raw["template"]),
                training=dict(raw["training"]),
                symmetric=bool(raw["symmetric"]),
                injection=_with_layers(InjectionConfig, raw.get("injection")),
                adapters=_with_layers(AdaptersConfig, raw.get("adapters")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _senseless(path, error) from error


def _with_layers(kind: type[_Config], raw: dict[str, Any] | None) -> _Config | None:
    """Return a configuration whose layers JSON has made a list."""
    return kind(**raw | {"layers": tuple(raw["layers"])}) if raw else None


def read_header(path: Path) -> Header:
    """The header of a query model's file; imports no torch and reads no weights.

    Raises:
        ModelError: it can't be read, is no query model, or a newer isa wrote it.
    """
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error
        raise ModelError(f"the query model {path} can't be read: {reason}") from error
    except SafetensorError as error:
        raise ModelError(
            f"{path} is no query model, or not a whole one: {error}",
            "isa reads what isa train wrote; a published network comes in through "
            "isa models import",
        ) from error
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"{path} is no query model: it holds weights, but nothing says of what",
            "name a file that isa train wrote; a published network comes in through "
            "isa models import",
        )
    return Header.from_json(metadata[METADATA_KEY], path)


def is_query_model(path: Path) -> bool:
    """Return whether a file says that it is a query model; imports no torch."""
    try:
        with safe_open(str(path), framework="numpy") as file:
            return METADATA_KEY in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


_Config = TypeVar("_Config", InjectionConfig, AdaptersConfig)


def _senseless(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"the header of the query model {path} makes no sense: {type(error).__name__} {error}",
        "train it again, or fetch it again",
    )
