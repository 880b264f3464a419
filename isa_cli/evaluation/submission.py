"""Files for the servers that know the hidden answers, checked by their rules before writing.

CIRR test1 takes ``recall.json`` and ``recall_subset.json``::

    {"version": "rc2", "metric": "recall", "12063": ["test1-83-1-img1", ...], ...}

with the 50 best names of each question, and the 3 best of its subset (``recall_subset``).  CIRCO
test takes ``{"0": [544864, ...], ...}``, the 50 best COCO ids of each.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from isa_cli.atomic import replacing
from isa_cli.errors import IsaError, UsageError, next_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from isa_cli.evaluation.benchmark import Benchmark, Case, Ranking

CIRR, CIRCO = "cirr", "circo"
VERSION = "rc2"
RECALL, RECALL_SUBSET = "recall", "recall_subset"
TOP, SUBSET = 50, 3
SHOWN = 200
"""Characters of a name in a message."""

LIMIT = 5_000_000
"""Bytes; the servers say 5 MB."""


def write(benchmark: Benchmark, rankings: Sequence[Ranking], folder: Path) -> list[Path]:
    """Return the files that a benchmark's server takes, written: all of them, or none.

    Args:
        benchmark: CIRR or CIRCO, with the images' ``names``.
        rankings: one per case, in their order; ``run`` keeps them if asked to.
        folder: made if need be; files of these names are replaced.

    Raises:
        UsageError: no server takes submissions, or the folder can't be written to.
        IsaError: the server would refuse the answers.
    """
    files = submission(benchmark, rankings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as whole:  # all of them or none
            for name, text in files.items():
                whole.enter_context(replacing(folder / name)).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the submission can't be written to {folder}: {error.strerror}",
            next_step(error, "name a folder of yours"),
        ) from error
    return [folder / name for name in files]


def submission(benchmark: Benchmark, rankings: Sequence[Ranking]) -> dict[str, str]:
    """Return the files' texts by their names, checked.

    Raises:
        UsageError: no server takes submissions for this benchmark.
        IsaError: the server would refuse the answers.
    """
    answered = list(zip(benchmark.cases, rankings, strict=True))
    tops = {case.id: named(benchmark, ranking.top[:TOP]) for case, ranking in answered}
    if benchmark.name == CIRCO:
        file = f"submission_{benchmark.split}.json"
        check(tops, benchmark, file, count=TOP)
        return {file: _text(file, {case: _numbers(names) for case, names in tops.items()})}
    if benchmark.name != CIRR:
        raise UsageError(
            f"no server takes answers to {benchmark.name}", f"those of {CIRR} and {CIRCO} do"
        )
    subsets = {case.id: named(benchmark, ranking.subset[:SUBSET]) for case, ranking in answered}
    files: dict[str, str] = {}
    for metric, lists, count in ((RECALL, tops, TOP), (RECALL_SUBSET, subsets, SUBSET)):
        file = f"{metric}.json"
        check(lists, benchmark, file, count=count, subset=metric == RECALL_SUBSET)
        files[file] = _text(file, {"version": VERSION, "metric": metric, **lists})
    return files


def check(
    lists: Mapping[str, Sequence[str]],
    benchmark: Benchmark,
    file: str,
    *,
    count: int | None = None,
    subset: bool = False,
    known: bool = True,
) -> None:
    """Refuse what a server would: see ``Raises``.

    Args:
        lists: the answers' names, best first, by the case's id.
        benchmark: what was asked.
        file: what the error calls them.
        count: how many there have to be for each case; ``None``: as many as there are.
        subset: whether they answer within the case's subset.
        known: whether the benchmark's names are all there are.

    Raises:
        IsaError: a question is missing or unknown, a list is not ``count`` long, names a picture
            twice, one that is not in the gallery (or the subset), or the reference where that is
            no answer.
    """
    ids = [case.id for case in benchmark.cases]
    _refuse([case for case in ids if case not in lists], file, "has no answer to question {}")
    _refuse(lists.keys() - set(ids), file, "answers question {}, which was never asked")
    if count is not None:
        wrong = [case for case in ids if len(lists[case]) != count]
        _refuse(wrong, file, f"has to name {count} pictures, but does not for question {{}}")
    twice = [case for case in ids if len(set(lists[case])) != len(lists[case])]
    _refuse(twice, file, "names a picture twice for question {}")
    everything = frozenset(_names(benchmark))
    for case in benchmark.cases:
        if known or subset:
            allowed = named(benchmark, case.subset) if subset else everything
            strange = [name for name in lists[case.id] if name not in allowed]
            place = "its subset" if subset else "the gallery"
            _refuse(strange, file, f"answers question {case.id} with {{}}, not in {place}")
        if not benchmark.keep_reference and _reference(benchmark, case) & set(lists[case.id]):
            raise IsaError(f"{file} answers question {case.id} with its own reference")


def named(benchmark: Benchmark, positions: Iterable[int]) -> list[str]:
    """Return the names by which submissions call the images at these positions."""
    names = _names(benchmark)
    return [names[position] for position in positions]


def _names(benchmark: Benchmark) -> Sequence[str]:
    if not benchmark.names:
        raise ValueError(f"the images of {benchmark.name} have no names to submit")
    return benchmark.names


def _reference(benchmark: Benchmark, case: Case) -> set[str]:
    return set(named(benchmark, case.references))


def _refuse(wrong: Iterable[str], file: str, sentence: str) -> None:
    """Name the first thing that is wrong, and say how many there are."""
    found = sorted(wrong)
    if found:
        others = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
        raise IsaError(f"{file} {sentence.replace('{}', found[0][:SHOWN])}{others}")


def _numbers(names: Sequence[str]) -> list[int]:
    """Return COCO's ids; its file names have zeros before them."""
    try:
        return [int(name) for name in names]
    except ValueError as error:
        raise IsaError(f"CIRCO's answers are COCO ids, unlike {names[0]}") from error


def _text(file: str, document: Mapping[str, Any]) -> str:
    """Return the JSON, if the server takes that much."""
    text = json.dumps(document, separators=(",", ":"))
    if len(text) >= LIMIT:
        raise IsaError(f"{file} has {len(text):,} bytes; the server takes {LIMIT:,}")
    return text
