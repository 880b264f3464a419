"""What composing minimises: the words-and-picture query against its target and what is nearly it.

The two-stage framework (Wang et al., 2025) trains composing adapters with hard negative mining
[stated]; the loss below, and what counts as a negative in it, is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - what everyone calls it

if TYPE_CHECKING:
    from torch import Tensor


def composing_nce(
    queries: Tensor,
    targets: Tensor,
    temperature: float,
    *,
    right: Tensor | None = None,
    others: Tensor | None = None,
    absent: Tensor | None = None,
    memory: Tensor | None = None,
    known: Tensor | None = None,
) -> Tensor:
    """Return the InfoNCE loss of B composed queries, a scalar.

    ``-mean_i log softmax_c(q_i·c / τ)[t_i]``, where c runs over the batch's targets, the row's
    own negatives and a memory that all rows share.  One direction only: a target is the answer to
    many questions, and the others are none of its mistakes.

    Args:
        queries: (B, D) text features of "a photo of S_i, modifier_i", of any length.
        targets: (B, D) embeddings of the targets by the large visual encoder, of any length.
        temperature: τ > 0.
        right: (B, B) bool; true where the target j is also a right answer to the question i, and
            so no negative of it.  The diagonal does not matter.
        others: (B, M, D) each row's own negatives, of any length: its reference, what was mined.
        absent: (B, M) bool; true where there is none.
        memory: (N, D) negatives of every row, of any length.
        known: (B, N) bool; true where one of them is a right answer to the row's question.
    """
    if queries.shape != targets.shape or queries.ndim != 2:  # noqa: PLR2004 - (B, D)
        raise ValueError(
            f"queries and targets must be (B, D) both, not {tuple(queries.shape)}, "
            f"{tuple(targets.shape)}"
        )
    if not temperature > 0:
        raise ValueError(f"a temperature must be above 0, not {temperature}")
    with torch.autocast(queries.device.type, enabled=False):  # in bf16 a cosine has three digits
        asked = F.normalize(queries.float(), dim=-1)
        logits = asked @ F.normalize(targets.float(), dim=-1).T  # (B, B)
        if right is not None:
            own = torch.eye(len(right), dtype=torch.bool, device=right.device)
            logits = logits.masked_fill(_checked(right, logits) & ~own, -torch.inf)
        if others is not None and others.shape[1]:
            against = torch.einsum("bd,bmd->bm", asked, F.normalize(others.float(), dim=-1))
            if absent is not None:
                against = against.masked_fill(_checked(absent, against), -torch.inf)
            logits = torch.cat([logits, against], dim=1)  # (B, B + M)
        if memory is not None:
            against = asked @ F.normalize(memory.float(), dim=-1).T  # (B, N)
            if known is not None:
                against = against.masked_fill(_checked(known, against), -torch.inf)
            logits = torch.cat([logits, against], dim=1)
        pairs = torch.arange(len(logits), device=logits.device)
        return F.cross_entropy(logits / temperature, pairs)


def _checked(mask: Tensor, logits: Tensor) -> Tensor:
    if mask.shape != logits.shape or mask.dtype != torch.bool:
        raise ValueError(f"a mask must be bool {tuple(logits.shape)}, not {tuple(mask.shape)}")
    return mask
