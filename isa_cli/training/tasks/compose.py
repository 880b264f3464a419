"""Stage II, composing: adapters alone learn to read a picture's sentence together with words.

Wang et al., 2025 (arXiv 2504.17990): everything of stage I stays as it is, small adapters in the
text tower are trained on a small amount of triplets with hard negative mining [stated].  The loss,
the negatives and the sizes are ours.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - what everyone calls it
from torch.nn import functional

from isa_cli.errors import UsageError
from isa_cli.training.clock import PhaseClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from isa_cli.query.adapters import Adapters
    from isa_cli.query.reading import SentenceReader
    from isa_cli.training.data.negatives import HardNegatives, RandomNegatives
    from isa_cli.training.data.sentences import Sentences
    from isa_cli.training.data.triplet_photos import Numbers, TripletPhotos
    from isa_cli.types import Vectors

MEASURED_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class ComposeSettings:
    """How composing is trained; all numbers are ours.

    Attributes:
        layers: of the text tower that get an adapter, counted from 1; 0: before the first; (): all.
        bottleneck: numbers in the middle of each.
        hard_negatives: k, mined pictures that a question is told apart from; 0: none.
        memory: pictures drawn from the gallery for each step, negatives of every question; 0:
            none, and only the batch's other targets, the reference and what is mined are left.
        too_like: cosine with a right answer above which a mined picture is one too.
        temperature: of the loss.
        batch: triplets per step.
        seed: of everything by chance.
    """

    layers: tuple[int, ...] = ()
    bottleneck: int = 128
    hard_negatives: int = 8
    memory: int = 8_192
    too_like: float = 0.95
    temperature: float = 0.1
    batch: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be trained.

        Raises:
            UsageError: a number makes no sense.
        """
        if self.batch < 2:  # noqa: PLR2004 - one triplet has nothing to be told from
            raise UsageError(f"a batch of {self.batch} has no negatives", "use --batch-size 16")
        if self.temperature <= 0:
            raise UsageError("a temperature must be above 0", "0.1 is the default")
        if self.bottleneck < 1:
            raise UsageError(f"a bottleneck of {self.bottleneck} lets nothing through", "take 128")
        if min(self.hard_negatives, self.memory) < 0:
            raise UsageError("there can't be fewer than no negatives", "0 is without them")
        if not -1 <= self.too_like <= 1:
            raise UsageError(
                f"too alike from {self.too_like} on, but a cosine lies between -1 and 1",
                "take 0.95",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON can hold them."""
        return asdict(self) | {"layers": list(self.layers)}


class ComposeTask:
    """Training adapters on triplets.

    Args:
        photos: the triplets, split.
        sentences: of the references, in the order of their rows: ``np.unique(photos.references)``.
        reader: the frozen text tower, which reads through the adapters.
        adapters: what is learned.
        negatives: mines; ``None``: do without.
        memory: draws more of them; ``None``: do without.
        settings: how.
        device: where tensors live.
    """

    def __init__(
        self,
        photos: TripletPhotos,
        sentences: Sentences,
        reader: SentenceReader,
        adapters: Adapters,
        negatives: HardNegatives | None,
        memory: RandomNegatives | None,
        settings: ComposeSettings,
        device: torch.device,
    ) -> None:
        self._photos = photos
        self._sentences = sentences
        self._sentence_of = np.unique(photos.references, return_inverse=True)[1]
        self._reader = reader
        self._adapters = adapters
        self._negatives = negatives
        self._memory = memory
        self._settings = settings
        self._device = device
        self.clock = PhaseClock(device)
        self.steps_per_epoch = photos.steps_per_epoch(settings.batch)

    @property
    def module(self) -> nn.Module:
        """The adapters."""
        return self._adapters

    def groups(self) -> list[dict[str, Any]]:
        """Return one parameter group: everything is new."""
        return [{"params": list(self._adapters.parameters()), "lr": 1.0}]

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        photos, settings = self._photos, self._settings
        rows = photos.batch_rows(step, settings.batch, settings.seed)
        questions, targets = photos.questions[rows], photos.targets[rows]
        with self.clock.time("negatives"):
            others, absent = self._others(step // self.steps_per_epoch, questions)
            shared = self._memory.of(step, questions) if self._memory else (None, None)
            memory, known = (None if one is None else self._tensor(one) for one in shared)
        with self.clock.time("text tower"):
            read = self._read(questions)
        with self.clock.time("losses"):
            loss = composing_nce(
                read,
                self._tensor(photos.vectors[targets]),
                settings.temperature,
                right=self._tensor(photos.are_right(questions, targets)),
                others=others,
                absent=absent,
                memory=memory,
                known=known,
            )
        return {"loss": loss}

    def _others(self, epoch: int, questions: Numbers) -> tuple[Tensor, Tensor]:
        """Return each question's own negatives (B, 1 + k, D), and (B, 1 + k) where there is none.

        The first is the reference: the answer to a query that changes nothing.
        """
        vectors = self._photos.vectors[self._photos.references[questions]][:, None]
        absent = np.zeros((len(questions), 1), np.bool_)
        if self._negatives is not None:
            mined, without = self._negatives.of(epoch, self._composed).of(questions)
            vectors = np.concatenate([vectors, mined], axis=1)
            absent = np.concatenate([absent, without], axis=1)
        return self._tensor(vectors), self._tensor(absent)

    def _read(self, questions: Numbers) -> Tensor:
        """Return the text features (B, D) of questions, not normalised."""
        sentence = self._sentences.at(self._sentence_of[questions], self._device)
        modifiers = [self._photos.modifiers[question] for question in questions.tolist()]
        return self._reader.read(sentence.tokens, modifiers, sentence.features)

    @torch.no_grad()
    def _composed(self, questions: Numbers) -> Vectors:
        """Return the queries (N, D) of questions as they are now, unit rows."""
        parts = []
        with torch.autocast(self._device.type, enabled=False):
            for start in range(0, len(questions), MEASURED_AT_ONCE):
                read = self._read(questions[start : start + MEASURED_AT_ONCE])
                parts.append(functional.normalize(read.float(), dim=-1).cpu())
        rows: Vectors = torch.cat(parts).numpy()
        return rows

    def _tensor(self, array: Any) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def measure(self) -> Mapping[str, float]:
        """Return how the held-out triplets' targets do among the gallery's pictures.

        The mean log-likelihood of the target, at the loss's own temperature, comes first and
        decides: of a few questions it tells more than ranks do (ours).  Then MRR, R@10 and R@1.
        The reference is removed, as ``isa search`` does, and another right answer of the same
        question is no mistake.
        """
        photos = self._photos
        held, everything = photos.held_out, np.arange(len(photos.keys))
        others = self._memory.others if self._memory else photos.vectors[:0]
        vectors = self._tensor(np.concatenate([photos.vectors, others]))
        better, likely = [], []
        for start in range(0, len(held), MEASURED_AT_ONCE):
            rows = held[start : start + MEASURED_AT_ONCE]
            questions = photos.questions[rows]
            scores = self._tensor(self._composed(questions)) @ vectors.T  # (B, P)
            own = scores.gather(1, self._tensor(photos.targets[rows])[:, None])  # (B, 1)
            passed_over = photos.are_right(questions, everything)
            passed_over[np.arange(len(rows)), photos.references[questions]] = True
            beyond = np.zeros((len(rows), len(others)), np.bool_)
            passed_over = np.concatenate([passed_over, beyond], axis=1)
            scores = scores.masked_fill(self._tensor(passed_over), -torch.inf)
            better.append((scores > own).sum(dim=1))
            among = torch.cat([own, scores], dim=1) / self._settings.temperature
            likely.append(among.log_softmax(dim=1)[:, 0])
        count = torch.cat(better)
        recall = {f"R@{k}": float((count < k).float().mean()) for k in (10, 1)}
        measures = {"log-likelihood": torch.cat(likely).mean(), "MRR": (1 / (count + 1)).mean()}
        return {name: float(value) for name, value in measures.items()} | recall


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
