"""The text tower of a plain ``open_clip.CLIP``, in numpy: causal, read at the end of the text.

Names and shapes as in open_clip's ``TextTransformer``.  One letter each: B texts, T positions,
E width, H heads, D joint embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from isa_cli.encoders.numpy_text.arithmetic import gelu, linear, product, quick_gelu
from isa_cli.encoders.numpy_text.tokenizer import VOCABULARY_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isa_cli.encoders.numpy_text.weights import Weights

    Array: TypeAlias = NDArray[np.float32]

# what open_clip takes where a config does not say; no other key may occur in a plain config
_TEXT_DEFAULTS = {
    "context_length": 77,
    "vocab_size": VOCABULARY_SIZE,
    "width": 512,
    "heads": 8,
    "layers": 12,
    "mlp_ratio": 4.0,
}
_MODEL_KEYS = frozenset(
    {
        "embed_dim",
        "vision_cfg",
        "text_cfg",
        "quick_gelu",
        "custom_text",
        "init_logit_scale",
        "init_logit_bias",
        "nonscalar_logit_scale",
    }
)

_EPSILON = 1e-5
"""Of torch's layer norm."""


@dataclass(frozen=True, slots=True)
class TowerShape:
    """The sizes of a plain text tower, in open_clip's words."""

    embed_dim: int
    context_length: int
    vocab_size: int
    width: int
    heads: int
    layers: int
    mlp_width: int
    quick_gelu: bool

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every tensor of the tower."""
        width = self.width
        shapes: dict[str, tuple[int, ...]] = {
            "token_embedding.weight": (self.vocab_size, width),
            "positional_embedding": (self.context_length, width),
            "ln_final.weight": (width,),
            "ln_final.bias": (width,),
            "text_projection": (width, self.embed_dim),
        }
        block = {
            "ln_1.weight": (width,),
            "ln_1.bias": (width,),
            "attn.in_proj_weight": (3 * width, width),
            "attn.in_proj_bias": (3 * width,),
            "attn.out_proj.weight": (width, width),
            "attn.out_proj.bias": (width,),
            "ln_2.weight": (width,),
            "ln_2.bias": (width,),
            "mlp.c_fc.weight": (self.mlp_width, width),
            "mlp.c_fc.bias": (self.mlp_width,),
            "mlp.c_proj.weight": (width, self.mlp_width),
            "mlp.c_proj.bias": (width,),
        }
        for layer in range(self.layers):
            shapes |= {f"{_block(layer)}.{name}": shape for name, shape in block.items()}
        return shapes


def plain_shape(config: dict[str, Any]) -> TowerShape | None:
    """Return the sizes of the text tower that an open_clip ``model_cfg`` describes.

    ``None`` unless it is plain: ``open_clip.CLIP`` with CLIP's own tokenizer and no option that
    changes what the tower computes.
    """
    text = config["text_cfg"]
    if config.keys() - _MODEL_KEYS or text.keys() - _TEXT_DEFAULTS or config.get("custom_text"):
        return None
    sizes = {"embed_dim": config["embed_dim"]} | _TEXT_DEFAULTS | text
    ratio = sizes.pop("mlp_ratio")
    if not isinstance(ratio, (int, float)) or ratio <= 0:
        return None
    if not all(isinstance(size, int) and size > 0 for size in sizes.values()):
        return None
    if sizes["vocab_size"] != VOCABULARY_SIZE or sizes["width"] % sizes["heads"]:
        return None
    mlp_width = int(sizes["width"] * ratio)
    return TowerShape(**sizes, mlp_width=mlp_width, quick_gelu=bool(config.get("quick_gelu")))


class TextTower:
    """A text tower ready to read.

    Args:
        shape: its sizes.
        weights: its tensors.
    """

    def __init__(self, shape: TowerShape, weights: Weights) -> None:
        self._shape = shape
        self._weights = weights
        self._activation = quick_gelu if shape.quick_gelu else gelu

    def features(self, ids: NDArray[np.int64]) -> Array:
        """Return the features of B texts, (B, D) float32, not normalised.

        Args:
            ids: (B, T) token ids; what follows the longest text is not computed, since no
                position sees a later one.
        """
        ends = ids.argmax(axis=1)  # end-of-text has the highest id; the first one counts
        ids = ids[:, : ends.max() + 1]
        x = self._weights.rows("token_embedding.weight", ids)  # (B, T, E)
        x += self._weights["positional_embedding"][: ids.shape[1]]
        for layer in range(self._shape.layers):
            name = _block(layer)
            x = x + self._attention(self._norm(x, f"{name}.ln_1"), f"{name}.attn")
            x = x + self._mlp(self._norm(x, f"{name}.ln_2"), f"{name}.mlp")
        pooled = self._norm(x[np.arange(len(x)), ends], "ln_final")  # (B, E)
        return linear(pooled, self._weights["text_projection"].T)

    def _attention(self, x: Array, name: str) -> Array:
        texts, length, width = x.shape
        heads = self._shape.heads
        parts = linear(x, self._weights[f"{name}.in_proj_weight"])  # (B, T, 3E)
        parts += self._weights[f"{name}.in_proj_bias"]
        parts = parts.reshape(texts, length, 3, heads, width // heads)
        query, key, value = parts.transpose(2, 0, 3, 1, 4)  # (B, H, T, E/H) each
        scores = product(query * (width // heads) ** -0.5, key.swapaxes(-1, -2))  # (B, H, T, T)
        scores[..., np.triu(np.ones((length, length), np.bool_), 1)] = -np.inf
        chances = np.exp(scores - scores.max(axis=-1, keepdims=True))
        chances /= chances.sum(axis=-1, keepdims=True)
        context = product(chances, value).swapaxes(1, 2).reshape(x.shape)
        return self._linear(context, f"{name}.out_proj")

    def _mlp(self, x: Array, name: str) -> Array:
        return self._linear(self._activation(self._linear(x, f"{name}.c_fc")), f"{name}.c_proj")

    def _linear(self, x: Array, name: str) -> Array:
        return linear(x, self._weights[f"{name}.weight"]) + self._weights[f"{name}.bias"]

    def _norm(self, x: Array, name: str) -> Array:
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + _EPSILON)
        return x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _block(layer: int) -> str:
    return f"transformer.resblocks.{layer}"
