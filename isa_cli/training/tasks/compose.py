"""Stage II, composing: adapters alone learn to read a picture's sentence together with words.

Wang et al., 2025 (arXiv 2504.17990): everything of stage I stays as it is, small adapters in the
text tower are trained on a small amount of triplets with hard negative mining [stated].  The loss,
the negatives and the sizes are ours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch.nn import functional

from isa_cli.training.engine.clock import PhaseClock
from isa_cli.training.losses import composing_nce

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from isa_cli.query.adapters import Adapters
    from isa_cli.query.reading import SentenceReader
    from isa_cli.training.config import ComposeConfig
    from isa_cli.training.data.negatives import HardNegatives, RandomNegatives
    from isa_cli.training.data.sentences import Sentences
    from isa_cli.training.data.triplet_photos import Numbers, TripletPhotos
    from isa_cli.types import Vectors

    Likelihoods: TypeAlias = NDArray[np.float64]
    """(Q,) of the held-out questions, in nats."""

MEASURED_AT_ONCE = 256
"""Questions read together where nothing is learned."""


class ComposeTask:
    """Training adapters on triplets.

    Args:
        photos: the triplets, split.
        sentences: of the references, in the order of their rows: ``np.unique(photos.references)``.
        reader: the frozen text tower, which reads through the adapters.
        adapters: what is learned.
        negatives: mines; ``None``: do without.
        memory: draws the memory bank of a step; ``None``: do without.
        config: of the run.
        device: where tensors live.

    Attributes:
        likelihoods: each held-out question's log-likelihood of its target, as last measured.
    """

    def __init__(
        self,
        photos: TripletPhotos,
        sentences: Sentences,
        reader: SentenceReader,
        adapters: Adapters,
        negatives: HardNegatives | None,
        memory: RandomNegatives | None,
        config: ComposeConfig,
        device: torch.device,
    ) -> None:
        self._photos = photos
        self._sentences = sentences
        self._sentence_of = np.unique(photos.references, return_inverse=True)[1]
        self._reader = reader
        self._adapters = adapters
        self._negatives = negatives
        self._memory = memory
        self._config = config
        self._device = device
        self.clock = PhaseClock(device)
        self.likelihoods: Likelihoods = np.zeros(0)
        self.steps_per_epoch = photos.steps_per_epoch(config.batch)

    @property
    def module(self) -> nn.Module:
        """The adapters."""
        return self._adapters

    def groups(self) -> list[dict[str, Any]]:
        """Return one parameter group: everything is new."""
        return [{"params": list(self._adapters.parameters()), "lr": 1.0}]

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        photos, config = self._photos, self._config
        rows = photos.batch_rows(step, config.batch, config.seed)
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
                config.temperature,
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
            among = torch.cat([own, scores], dim=1) / self._config.temperature
            likely.append(among.log_softmax(dim=1)[:, 0])
        count = torch.cat(better)
        recall = {f"R@{k}": float((count < k).float().mean()) for k in (10, 1)}
        self.likelihoods = torch.cat(likely).double().cpu().numpy()
        measures = {"log-likelihood": torch.cat(likely).mean(), "MRR": (1 / (count + 1)).mean()}
        return {name: float(value) for name, value in measures.items()} | recall


def standard_error(gains: Likelihoods) -> float:
    """How far chance alone may lift the mean of as many numbers: (N,); of one alone, any way."""
    if len(gains) < 2:  # noqa: PLR2004
        return math.inf
    return float(gains.std(ddof=1) / math.sqrt(len(gains)))
