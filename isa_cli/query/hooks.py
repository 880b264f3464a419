"""The parts of a text tower, and hooks through which others act on what they give out."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import nn

from isa_cli.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor


def layers_of(tower: Any) -> list[nn.Module]:
    """Return the layers of a text tower, first to last.

    Args:
        tower: an open_clip ``CLIP`` or the ``text`` of another open_clip model, Hugging Face's
            towers among them.

    Raises:
        ModelError: it has none that can be told.
    """
    lists = (part for part in tower.transformer.modules() if isinstance(part, nn.ModuleList))
    stacks = [list(part) for part in lists]
    if not stacks:
        raise ModelError("the text tower of this model has no layers that can be told apart")
    return max(stacks, key=len)  # the first of the longest: the layers, not parts of one


def state_width(tower: Any) -> int:
    """Return W, the width of the states between the layers of a text tower.

    Raises:
        ModelError: it can't be told.
    """
    for part in layers_of(tower)[0].modules():
        if isinstance(part, nn.LayerNorm):
            return int(part.normalized_shape[0])
    raise ModelError("the width of this model's text tower can't be told")


def word_embedding(tower: Any) -> nn.Embedding:
    """Return the module that looks words up: open_clip's own, or a transformers model's."""
    if hasattr(tower, "token_embedding"):
        embedding: nn.Embedding = tower.token_embedding
    else:
        embedding = tower.transformer.get_input_embeddings()
    return embedding


def projected(tower: Any, states: Tensor) -> Tensor:
    """Return hidden states (B, L, W) as the tower makes features of them, (B, L, D)."""
    if hasattr(tower, "ln_final"):
        states = tower.ln_final(states)  # position by position: the same as over the whole text
    projection = getattr(tower, "text_projection", getattr(tower, "proj", None))
    if projection is None:
        return states
    projected: Tensor = (
        projection(states) if isinstance(projection, nn.Module) else states @ projection
    )
    return projected


def check_layers(wanted: Sequence[int], count: int, first: int = 1) -> None:
    """Refuse layers, counted from 1, that a tower of ``count`` layers does not have.

    Args:
        wanted: their numbers.
        count: of the tower's layers.
        first: 0 where the place before all layers may be named as well.

    Raises:
        UsageError: there is no such layer.
    """
    missing = [number for number in wanted if not first <= number <= count]
    if missing:
        before = "" if first else "; 0 is before the first"
        raise UsageError(
            f"the text tower has no layer {missing[0]}", f"its layers are 1 to {count}{before}"
        )


@contextmanager
def hooked(module: nn.Module, act: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    """Let ``act`` see, and replace, what a module gives out on this thread, for the context's time.

    Of a module that gives out several things ``act`` gets the first.  The module may be in use on
    other threads, whose outputs pass as they are.
    """
    owner = threading.get_ident()

    def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
        return _first_changed(output, act) if threading.get_ident() == owner else None

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def fed(module: nn.Module, act: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let ``act`` replace the first thing that a module takes in; else as ``hooked``."""
    owner = threading.get_ident()

    def hook(_module: nn.Module, args: Any) -> Any:
        return _first_changed(args, act) if threading.get_ident() == owner else None

    handle = module.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def _first_changed(values: Any, act: Callable[[Tensor], Tensor | None]) -> Any:
    """Return one or several values with ``act`` done to the first; ``None``: nothing changes."""
    if not isinstance(values, tuple):
        return act(values)
    changed = act(values[0])
    return None if changed is None else (changed, *values[1:])
