"""What training minimises, each loss a pure function of tensors.

ISA (Du et al., ICLR 2024) trains on unlabelled images with *global contrastive distillation* and
*local alignment regularization* [stated]; stage I of the two-stage framework (Wang et al., 2025,
arXiv 2504.17990) adds *soft text alignment* [stated], and its stage II learns from triplets with
hard negatives [stated].  The formulas here are ours where marked: the papers' text leaves them
open, or assumes a matching encoder that CLIP-like models do not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - what everyone calls it

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 2**24
"""Similarities that ``lar`` holds at once: 64 MiB in float32."""


def info_nce(
    a: Tensor,
    b: Tensor,
    temperature: float | Tensor,
    memory: Tensor | None = None,
    own: Tensor | None = None,
) -> Tensor:
    """Return the symmetric InfoNCE loss of B pairs, a scalar.

    ``-½ mean_i log softmax_j(a_i·c_j / τ)[i] - ½ mean_i log softmax_j(b_i·a_j / τ)[i]``, where c
    is b followed by the memory bank: more negatives for a, none for b [ours].

    Args:
        a: (B, D) unit rows; the text side.
        b: (B, D) unit rows; the image side.
        temperature: τ > 0.
        memory: (M, D) unit rows of the memory bank: gallery vectors that a is also told apart from.
        own: (B, M) bool; true where a vector of it shows the row's own image, which must not count
            as a negative.
    """
    if a.shape != b.shape or a.ndim != 2:  # noqa: PLR2004 - (B, D)
        raise ValueError(f"a and b must both be (B, D), not {tuple(a.shape)}, {tuple(b.shape)}")
    logits = a @ b.T / _positive(temperature)  # (B, B)
    return _symmetric(logits, _against(a, memory, own, temperature))


def gcd(
    text: Tensor,
    image: Tensor,
    temperature: float | Tensor,
    memory: Tensor | None = None,
    own: Tensor | None = None,
) -> Tensor:
    """Return the global contrastive distillation loss of B images, a scalar.

    The text feature of an image's sentence is drawn to the large visual encoder's embedding of the
    same image [stated], by symmetric InfoNCE and against a memory bank of gallery vectors [ours].

    Args:
        text: (B, D) text features of "a photo of S_i", of any length.
        image: (B, D) embeddings by the large visual encoder, of any length.
        temperature: τ > 0.
        memory: (M, D) gallery vectors of the memory bank, of any length.
        own: (B, M) bool; true where one of them shows the row's own image.
    """
    with _in_full_precision(text):
        memory = None if memory is None else _unit(memory)
        return info_nce(_unit(text), _unit(image), temperature, memory, own)


def lar(slots: Tensor, patches: Tensor, temperature: float | Tensor) -> Tensor:
    """Return the local alignment regularization loss of B images, a scalar.

    Each token of a sentence should stand for something local in its own image rather than in
    another's [purpose: stated].  The form is ours: symmetric InfoNCE over
    ``s(i, j) = mean_l max_p cos(slots_i,l , patches_j,p) / τ``.

    Args:
        slots: (B, L, D) the sentence's hidden states in the joint space, of any length.
        patches: (B, P, D) the large visual encoder's patch features, of any length.
        temperature: τ > 0.
    """
    if slots.ndim != 3 or patches.ndim != 3 or len(slots) != len(patches):  # noqa: PLR2004
        raise ValueError(
            f"slots must be (B, L, D) and patches (B, P, D), not {tuple(slots.shape)}, "
            f"{tuple(patches.shape)}"
        )
    with _in_full_precision(slots):
        return _symmetric(local_similarity(slots, patches) / _positive(temperature))


def local_similarity(slots: Tensor, patches: Tensor, chunk: int = CHUNK) -> Tensor:
    """Return s (B, B'): mean over a sentence's L tokens of the cosine of the best patch feature.

    Args:
        slots: (B, L, D) hidden states, of any length.
        patches: (B', P, D) patch features, of any length.
        chunk: how many of the (B, L, B', P) cosines may exist at once, or those of one image's P
            features if that is more; the gradient keeps only where each maximum was.
    """
    slots, patches = _unit(slots), _unit(patches)
    cosines_per_image = slots.shape[0] * slots.shape[1] * patches.shape[1]
    images = max(1, chunk // max(1, cosines_per_image))
    parts = [
        # max, not amax: its gradient needs an index per maximum, not all that it was taken over
        torch.einsum("ild,jpd->iljp", slots, part).max(dim=-1).values.mean(dim=1)  # (B, b)
        for part in torch.split(patches, images)
    ]
    return torch.cat(parts, dim=1)


def soft_alignment(
    text: Tensor, image: Tensor, phrases: Tensor, temperature: float | Tensor
) -> Tensor:
    """Return the soft text alignment loss of B images, a scalar.

    Among real words a sentence should be where its image is: the pseudo-word is to behave like
    words [purpose: stated].  The form is ours: the mean over the batch of
    ``KL( softmax_k(v_i . e_k / τ) || softmax_k(t_i . e_k / τ) )``.

    Args:
        text: (B, D) text features t of "a photo of S_i", of any length.
        image: (B, D) embeddings v by the large visual encoder, of any length; they get no gradient.
        phrases: (K, D) text features e of phrases, of any length.
        temperature: τ > 0.
    """
    if text.shape != image.shape or text.ndim != 2 or phrases.ndim != 2:  # noqa: PLR2004 - (B, D)
        raise ValueError(
            f"text and image must both be (B, D) and phrases (K, D), not {tuple(text.shape)}, "
            f"{tuple(image.shape)}, {tuple(phrases.shape)}"
        )
    with _in_full_precision(text):
        words = _unit(phrases).T  # (D, K)
        wanted = (_unit(image.detach()) @ words / _positive(temperature)).log_softmax(dim=-1)
        said = (_unit(text) @ words / temperature).log_softmax(dim=-1)  # (B, K)
        return F.kl_div(said, wanted, reduction="batchmean", log_target=True)


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
    """Return the InfoNCE loss of B composed queries, a scalar [ours].

    ``-mean_i log softmax_c(q_i·c / τ)[t_i]``, where c runs over the batch's targets, the row's
    own negatives and a memory bank that all rows share.  One direction only: a target is the
    answer to many questions, and the others are none of its mistakes.

    Args:
        queries: (B, D) text features of "a photo of S_i, modifier_i", of any length.
        targets: (B, D) embeddings of the targets by the large visual encoder, of any length.
        temperature: τ > 0.
        right: (B, B) bool; true where the target j is also a right answer to the question i, and
            so no negative of it.  The diagonal does not matter.
        others: (B, M, D) each row's own negatives, of any length: its reference, what was mined.
        absent: (B, M) bool; true where there is none.
        memory: (N, D) of the memory bank, negatives of every row, of any length.
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


def _symmetric(logits: Tensor, more: Tensor | None = None) -> Tensor:
    """Return the mean of both directions' cross-entropy; pairs are on the diagonal of (B, B).

    Args:
        logits: (B, B).
        more: (B, M) logits of further negatives of the rows.
    """
    pairs = torch.arange(len(logits), device=logits.device)
    rows = logits if more is None else torch.cat([logits, more], dim=1)
    return (F.cross_entropy(rows, pairs) + F.cross_entropy(logits.T, pairs)) / 2


def _against(
    a: Tensor, memory: Tensor | None, own: Tensor | None, temperature: float | Tensor
) -> Tensor | None:
    """Return the logits (B, M) of a memory bank, with -inf where a row's own image is."""
    if memory is None:
        if own is not None:
            raise ValueError("own says which memory vectors to leave out, but there is no memory")
        return None
    logits = a @ memory.to(a).T / temperature
    if own is None:
        return logits
    if own.shape != logits.shape or own.dtype != torch.bool:
        raise ValueError(f"own must be bool {tuple(logits.shape)}, not {tuple(own.shape)}")
    return logits.masked_fill(own.to(logits.device), -torch.inf)


def _checked(mask: Tensor, logits: Tensor) -> Tensor:
    if mask.shape != logits.shape or mask.dtype != torch.bool:
        raise ValueError(f"a mask must be bool {tuple(logits.shape)}, not {tuple(mask.shape)}")
    return mask


def _positive(temperature: float | Tensor) -> float | Tensor:
    if not bool(temperature > 0):
        raise ValueError(f"a temperature must be above 0, not {temperature}")
    return temperature


def _in_full_precision(rows: Tensor) -> torch.autocast:
    """Switch off the caller's autocast: in bf16 a cosine has three digits."""
    return torch.autocast(rows.device.type, enabled=False)


def _unit(rows: Tensor) -> Tensor:
    """Return rows of length one; half precision has too few digits for a loss."""
    wide = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    return F.normalize(wide, dim=-1)
