"""Texts through the large text tower, without the padding.

CLIP-style text towers are causal and read the feature at the end-of-text position: what comes
after it cannot matter, so it is cut before the transformer runs (about 16 positions instead of
77).  Whether that holds is decided from the tower itself, never from a name; towers of other kinds
keep their full length.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from isa_cli.encoders.texts import encode_in_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from isa_cli.encoders import Backbone
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace, Vectors


class BackboneTextEncoder:
    """A ``TextEncoder`` over a backbone.

    Args:
        backbone: loaded with its text part.
        reporter: is warned of texts that are longer than the model reads.
    """

    def __init__(self, backbone: Backbone, reporter: Reporter | None = None) -> None:
        self._backbone = backbone
        self._reporter = reporter

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors."""
        return self._backbone.space

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str]) -> Vectors:
        """Return (B, D) unit rows for B texts.

        Raises:
            ModelError: the model gave no usable numbers.
        """
        return encode_in_chunks(texts, self.space.dim, self._encode, self._reporter)

    def _encode(self, texts: Sequence[str]) -> tuple[Vectors, Sequence[bool]]:
        ids, cut = self._backbone.tokenize(texts)
        with self._backbone.as_configured():
            features = text_features(self._backbone.network, ids)
        return self._backbone.unit_rows(features), cut


def text_features(network: Any, ids: Tensor, *, trim: bool = True) -> Tensor:
    """Return the text features of ``network.encode_text``, (B, D), not normalised.

    Gradients flow as through the whole tower, and hooks on its layers are called.

    Args:
        network: an open_clip model.
        ids: (B, T) token ids.
        trim: cut what cannot matter; without, the same comes out, later.
    """
    tower = getattr(network, "text", network)
    length = positions_read(tower, ids) if trim else None
    if length is None or length >= ids.shape[1]:
        return _pooled(network.encode_text(ids, normalize=False))
    view = _shortened(tower, length)
    read = view.encode_text if tower is network else view
    return _pooled(read(ids[:, :length]))


def positions_read(tower: Any, ids: Tensor) -> int | None:
    """Return how many leading positions decide every text's feature; ``None``: all may.

    Args:
        tower: an open_clip ``CLIP`` or the ``text`` of another open_clip model.
        ids: (B, T) token ids.
    """
    if not _is_causal(tower) or getattr(tower, "cls_emb", None) is not None:
        return None
    pool = getattr(tower, "text_pool_type", getattr(tower, "pool_type", None))
    if pool == "argmax":  # end-of-text has the highest id; where it occurs twice, the first counts
        ends = ids.argmax(dim=-1)
    elif pool == "eos":
        eos = getattr(tower, "text_eos_id", getattr(tower, "eos_id", None))
        ends = (ids == torch.as_tensor(eos)).int().argmax(dim=-1)
    else:
        return None
    return int(ends.max()) + 1


def _is_causal(tower: Any) -> bool:
    """Return whether every position attends to itself and earlier ones only."""
    mask = getattr(tower, "attn_mask", None)
    if not isinstance(mask, torch.Tensor) or mask.ndim != 2:  # noqa: PLR2004 - (T, T)
        return False
    later = torch.ones_like(mask, dtype=torch.bool).triu(1)
    return bool((mask[later] == -torch.inf).all())


def _shortened(tower: Any, length: int) -> Any:
    """Return a view of the tower for texts of ``length`` positions.

    It shares every layer and every weight with the tower, which is not changed: other threads may
    be using it.
    """
    view = copy.copy(tower)
    view._parameters = dict(tower._parameters)  # noqa: SLF001 - copy.copy shares the dicts
    view._buffers = dict(tower._buffers)  # noqa: SLF001
    del view._parameters["positional_embedding"], view._buffers["attn_mask"]  # noqa: SLF001
    # plain attributes, not parameters: a slice is a tensor through which gradients flow
    vars(view)["positional_embedding"] = tower.positional_embedding[:length]
    vars(view)["attn_mask"] = tower.attn_mask[:length, :length]
    return view


def _pooled(output: Any) -> Tensor:
    """Return the pooled features: towers that also give out their tokens return a pair."""
    features: Tensor = output[0] if isinstance(output, tuple) else output
    return features
