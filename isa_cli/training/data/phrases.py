"""The phrases of soft text alignment: what people say that photos show.

``phrases.txt`` holds those that come with isa.  A line is a phrase, or several:
``a (red|blue) kite`` is two.  Lines that begin with ``#`` are headings.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from itertools import product
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from isa_cli.encoders.text_encoder import BackboneTextEncoder
from isa_cli.errors import UsageError
from isa_cli.training.options import PHRASES
from isa_cli.triplets.sheets import NotText, read_text
from isa_cli.wardrobe.captions import caption
from isa_cli.wardrobe.garments import draw
from isa_cli.wardrobe.scenes import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.query.prompt import Template
    from isa_cli.reporting import Reporter

BUILT_IN = Path(__file__).with_name("phrases.txt")
FEWEST = 2
"""Phrases of a person's own file without which there is nothing to compare."""

FULL = 0.65
"""Share of the wardrobe's captions that name every attribute, as in its text tower's training."""

_CHOICE = re.compile(r"\(([^()]*)\)")


@cache
def built_in(_seed: int = 0) -> tuple[str, ...]:
    """Return the built-in phrases, for models that know the world."""
    lines = BUILT_IN.read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    return tuple(dict.fromkeys(phrase for pattern in patterns for phrase in expanded(pattern)))


def of_the_wardrobe(seed: int, count: int = PHRASES) -> tuple[str, ...]:
    """Return captions of rendered garments, for isa-mini, which has read nothing else.

    None shows a pair of attributes that is held out.
    """
    rng = Random(f"phrases {seed}")  # noqa: S311 - nothing secret
    found: dict[str, None] = {}
    while len(found) < count:
        scene = place(draw(rng, held_out=False), rng)
        found[caption(scene, rng, full=rng.random() < FULL)] = None
    return tuple(found)


def read_phrases(path: Path) -> tuple[str, ...]:
    """Return the phrases of a person's own file: one a line, each once, in its order.

    Raises:
        UsageError: it can't be read, is no text, or says too little.
    """
    try:
        text = read_text(path)
    except NotText as error:
        raise UsageError(f"{path} is no text in UTF-8: {error}", "save it as UTF-8") from error
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror or error}", "write one phrase per line"
        ) from error
    phrases = tuple(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))
    if len(phrases) < FEWEST:
        raise UsageError(
            f"a picture is to be compared with many phrases, and {path} holds {len(phrases)}",
            "write one phrase per line, some hundreds of them",
        )
    return phrases


def expanded(pattern: str) -> list[str]:
    """Return the phrases of a pattern: every choice of its alternatives in turn."""
    parts = _CHOICE.split(pattern)  # words, alternatives, words, alternatives, ..., words
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def phrases_record(phrases: Sequence[str]) -> dict[str, Any]:
    """Return a recipe's words about a run's phrases; nothing if it has none."""
    if not phrases:
        return {}
    digest = blake2b("\n".join(phrases).encode(), digest_size=8).hexdigest()
    return {"phrases": len(phrases), "phrases digest": digest}


class PhraseFeatures(NamedTuple):
    """Phrases as the text tower reads them.

    Attributes:
        features: (K, D) text features, unit rows.
        temperature: that pictures and phrases are compared at.
    """

    features: Tensor
    temperature: float


def phrase_features(
    backbone: Backbone,
    phrases: Sequence[str],
    template: Template,
    temperature: float | None = None,
    reporter: Reporter | None = None,
) -> PhraseFeatures:
    """Return the text features of phrases, on the backbone's device.

    They are read in the sentence's place of the template: so only what stands in that place can
    make the difference between a sentence and a phrase (ours).

    Args:
        backbone: loaded with its text part.
        phrases: K texts.
        template: the words around them.
        temperature: ``None``: the one at which the model itself learned to tell texts apart, 0.01
            for most (ours).  How far apart cosines lie differs between models, and this with it.
        reporter: is warned of those that are longer than the model reads.

    Raises:
        ModelError: the model gave no usable numbers.
    """
    before, after = template.around()
    texts = [f"{before}{phrase}{after}" for phrase in phrases]
    rows = BackboneTextEncoder(backbone, reporter).encode_text(texts)
    if temperature is None:
        network: Any = backbone.network
        temperature = float(torch.exp(-network.logit_scale.detach()))
    return PhraseFeatures(torch.from_numpy(rows).to(backbone.place.device), temperature)
