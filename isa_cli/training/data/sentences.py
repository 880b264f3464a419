"""The sentences of many pictures, written once and kept: what writes them stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from isa_cli.errors import ImageError, TrainingError
from isa_cli.images import open_file
from isa_cli.query.token_learner import Sentence

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from torch import Tensor

    from isa_cli.query.image2sentence import ImageToSentence
    from isa_cli.reporting import Reporter
    from isa_cli.training.data.triplet_photos import Numbers

AT_ONCE = 64
"""Pictures looked at together."""


@dataclass(frozen=True, eq=False)
class Sentences:
    """The sentences of N pictures, on the CPU in float32.

    They take 4 L E bytes a picture, 12 KB at L = 6 and E = 512; feature maps, which are kept only
    for an injection, 4 C H W bytes: 188 KB at 960 x 7 x 7, so 1.9 GB for 10,000 pictures.

    Attributes:
        tokens: (N, L, E) word embeddings.
        features: (N, C, H, W) feature maps; ``None``: nothing looks at them.
    """

    tokens: Tensor
    features: Tensor | None

    def at(self, rows: Numbers, device: torch.device) -> Sentence:
        """Return the sentences of some pictures (B,) on a device."""
        chosen = torch.from_numpy(rows)
        features = None if self.features is None else self.features[chosen].to(device)
        return Sentence(self.tokens[chosen].to(device), None, features)


def sentences_of(
    network: ImageToSentence,
    paths: Sequence[bytes],
    *,
    features: bool,
    reporter: Reporter,
    stop: threading.Event,
) -> Sentences | None:
    """Return the sentences of pictures; ``None`` if ``stop`` ended the work.

    Args:
        network: the query model's, from image to sentence.
        paths: of the pictures (``os.fsencode``); at least one.
        features: keep the feature maps too.
        reporter: shows progress.
        stop: when set, the batch under way is finished, and that is it.

    Raises:
        TrainingError: a picture can't be opened.
    """
    tokens: list[Tensor] = []
    maps: list[Tensor] = []
    with reporter.progress("reading the references", len(paths), "img") as progress:
        for start in range(0, len(paths), AT_ONCE):
            if stop.is_set():
                return None
            batch = paths[start : start + AT_ONCE]
            seen = _seen(network, batch)
            # copies, since no gradient may flow through a tensor of inference mode
            tokens.append(seen.tokens.float().cpu().clone())
            if features and seen.features is not None:
                maps.append(seen.features.float().cpu().clone())
            progress.advance(len(batch))
    return Sentences(torch.cat(tokens), torch.cat(maps) if maps else None)


def _seen(network: ImageToSentence, paths: Sequence[bytes]) -> Sentence:
    try:
        return network.sentences([partial(open_file, path) for path in paths])
    except ImageError as error:
        raise TrainingError(
            f"a reference can't be opened: {error.reason}",
            "take its triplets out, or index again: isa index",
        ) from error
