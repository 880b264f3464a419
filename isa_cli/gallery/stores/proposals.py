"""Which vectors a graph proposes for a query, with a filter or without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isa_cli.gallery.stores.exact import EXACT_BELOW
from isa_cli.gallery.stores.scoring import members

if TYPE_CHECKING:
    from isa_cli.gallery.stores.graph import Graph
    from isa_cli.types import Keys, Vectors

_WIDEN = 4


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a search tries.

    Measured on 100,000 x 512, clustered, over a real catalogue: recall@10 is 0.991 at an expansion
    of 384, 0.994 at 640 and 0.996 at 768 for queries like the gallery's own vectors.  Queries far
    from all of them ask for more: random midpoints with noise (``isa bench``) find 0.84 at 640,
    0.87 at 1,024 and 0.93 at 3,072, for 4.9, 6.5 and 12.5 ms; without clusters 0.98, 0.99, 1.00.

    Attributes:
        expansion: candidates that the graph looks at, at least.
        rerank: candidates scored exactly for each answer wanted, and ``rerank_least`` at least.
        widest: candidates asked of the graph at most; beyond, comparing with all is as quick.
        few: up to so many vectors that a filter keeps are compared one by one.
    """

    expansion: int = 1_024
    rerank: int = 4
    rerank_least: int = 64
    widest: int = 4_096
    few: int = EXACT_BELOW

    def reranked(self, k: int) -> int:
        """Return how many candidates are scored exactly for k answers."""
        return max(self.rerank * k, self.rerank_least)


def propose(
    graph: Graph, queries: Vectors, k: int, allowed: Keys | None, effort: Effort
) -> list[Keys] | None:
    """Return candidates for each query, or ``None`` where comparing with all is called for.

    USearch knows no filters, so more candidates are asked for and those that the filter drops are
    dropped; more again until there are enough.  A list of nearest ones that has 2k allowed ones
    has the k nearest allowed ones, and some to spare for the rounding of the graph's vectors.

    Args:
        graph: not empty.
        queries: (Q, D) float32.
        k: answers wanted per query.
        allowed: keys that the filter keeps, rising; ``None``: all.
        effort: how hard to try.
    """
    wanted = effort.reranked(k)
    fetch = wanted
    if allowed is not None:
        fetch = max(wanted, wanted * len(graph) // max(1, len(allowed)))
    while fetch <= min(effort.widest, len(graph)):
        found = graph.nearest(queries, fetch, max(effort.expansion, 2 * fetch))
        if allowed is not None:
            found = [keys[members(keys, allowed)][:wanted] for keys in found]
        if all(len(keys) >= min(2 * k, wanted) for keys in found):
            return found
        fetch *= _WIDEN
    return None
