"""What ``isa index`` says at the end: what became of every file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from isa_cli import wording
from isa_cli.cli import console
from isa_cli.errors import ExitCode
from isa_cli.gallery.content import NO_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isa_cli.gallery.indexing import Summary
    from isa_cli.gallery.tally import Tally

FAILURES_SHOWN = 20
SUFFIXES_SHOWN = 6

AGAIN = {
    "passing": "not for good: tried again by the next isa index",
    "lacking": "not for good: tried again once that is another",
}
"""What becomes of a file that failed, by where that lies."""


def report(summary: Summary, *, quiet: bool, dry_run: bool) -> int:
    """Say on stderr what became of every file, and return the exit code.

    Args:
        summary: of one run.
        quiet: say only what failed.
        dry_run: nothing was done, it would have been.
    """
    if not quiet:
        console.say(_first_line(summary, dry_run=dry_run))
        for line in _outcomes(summary, dry_run=dry_run):
            console.say(f"  {line}")
    for line in _trouble(summary):
        console.say(f"  {line}")
    if summary.interrupted:
        console.say(
            f"isa: stopped with {summary.done:,} of {summary.found:,} done and saved; "
            "the same command goes on from here"
        )
        return ExitCode.INTERRUPTED
    return ExitCode.SOME_FAILED if summary.failures or summary.tally.unreadable else 0


def _first_line(summary: Summary, *, dry_run: bool) -> str:
    if dry_run:
        return f"{wording.counted(summary.found, 'photo')} to embed, nothing changed (--dry-run)"
    if not (summary.found or summary.tally.unchanged or summary.tally.skipped_failed):
        return "no photos there"
    line = f"{wording.counted(summary.embedded, 'photo')} embedded"
    if not summary.embedded:
        return line
    speed = summary.embedded / max(summary.encoding_seconds, 1e-9)
    return f"{line} in {summary.seconds:.1f} s, {speed:.1f} img/s once the model was loaded"


def _outcomes(summary: Summary, *, dry_run: bool) -> Iterator[str]:
    """Yield one line for each outcome that occurred."""
    tally = summary.tally
    counts = [
        (summary.reused, "recognised by their bytes (moved, renamed, copied or touched)"),
        (tally.unchanged, "unchanged"),
        (summary.gone, "to forget: gone" if dry_run else "forgotten: gone"),
        (tally.skipped_failed, "failed before and unchanged (--retry-failed tries them again)"),
        (
            tally.ignored - len(tally.derivatives),
            "left out by a rule (hidden, an ignore file, --include, --exclude)",
        ),
        (tally.other, f"not photos: {_suffixes(tally.passed_over)}"),
        (len(summary.failures), "failed"),
    ]
    yield from (f"{count:,} {what}" for count, what in counts if count)
    if tally.derivatives:
        yield _derivatives(tally)


def _suffixes(passed_over: Counter[str]) -> str:
    """Return how many files have which suffix, most frequent first, up to a line."""
    odd = {"": "without a suffix", NO_FILE: "no file at all"}
    ordered = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    shown = [
        f"{number:,} {odd.get(suffix) or wording.printable(suffix)}"
        for suffix, number in ordered[:SUFFIXES_SHOWN]
    ]
    if rest := ordered[SUFFIXES_SHOWN:]:
        shown.append(f"{sum(number for _, number in rest):,} with other suffixes")
    return ", ".join(shown)


def _derivatives(tally: Tally) -> str:
    """Return how much other programs made, and of what kind."""
    kinds = ", ".join(kind for kind, _ in Counter(tally.derivatives.values()).most_common())
    files = wording.counted(tally.derivative_files, "file")
    return (
        f"{'at least ' * tally.uncounted}{files} in "
        f"{wording.counted(len(tally.derivatives), 'folder')} that other programs made ({kinds}): "
        "--include-derivatives indexes them too"
    )


def _trouble(summary: Summary) -> Iterator[str]:
    """Yield what went wrong and where, up to a screenful."""
    for path, reason in summary.failures[:FAILURES_SHOWN]:
        remark = AGAIN.get(summary.causes.get(path, ""), "")
        yield f"failed: {wording.shortest(path)}: {reason}{remark and f' ({remark})'}"
    if (more := len(summary.failures) - FAILURES_SHOWN) > 0:
        yield f"and {more:,} more: isa status --failed"
    for path, reason in summary.tally.unreadable:
        yield f"can't look at {wording.shortest(path)}: {reason}"
    for path, what in summary.tally.warnings:
        yield f"{wording.shortest(path)}: passed over {what}; the rest counts"
    for root in summary.tally.missing_roots:
        yield f"{wording.printable(root)} is not there; its photos are kept (--prune forgets them)"
