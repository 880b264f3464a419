"""``isa eval cirr``, ``circo``, ``fashioniq`` and ``genecis``: data that others have published."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - the signature is read at run time

from isa_cli import wording
from isa_cli.cli import console, options
from isa_cli.cli.eval.flags import DatasetFlags
from isa_cli.cli.eval.outputs import outputs
from isa_cli.cli.spread import spread
from isa_cli.errors import UsageError
from isa_cli.evaluation.datasets import DATASETS
from isa_cli.paths import absolute

if TYPE_CHECKING:
    from pathlib import Path

    from isa_cli.cli.eval.outputs import Outputs
    from isa_cli.evaluation.datasets import Dataset

DATA = "ISA_DATA"
"""The environment variable with the folder of all benchmarks' folders."""


@spread(DatasetFlags)
def dataset(ctx: typer.Context, flags: DatasetFlags) -> int:
    """Ask the questions of a published benchmark of pictures on your disk."""
    asked = DATASETS[str(ctx.info_name)]
    wanted = outputs(flags)
    if flags.predictions:
        return _score(asked, flags, wanted)
    root, annotations = root_of(asked, flags.root), _annotations(flags.annotations)
    if flags.check:
        from isa_cli.cli.eval.check import show_check

        return show_check(asked, root, flags.split, annotations, as_json=flags.as_json)
    _refuse_in_vain(asked, flags)
    submission = _folder(flags.submission)

    from isa_cli.cli.eval.config import config_for
    from isa_cli.cli.eval.run import run
    from isa_cli.config import DEFAULT_MODEL
    from isa_cli.evaluation.datasets.loaders import load

    config = config_for(asked.name, flags, DEFAULT_MODEL, flags.alpha)
    reporter = console.ConsoleReporter(quiet=flags.quiet)
    # before a model is fetched: whoever lacks the data should not wait for that
    ready = load(asked, root, flags.split, annotations=annotations, reporter=reporter)
    return run(lambda _: ready, config, wanted, submission=submission)


def _score(asked: Dataset, flags: DatasetFlags, wanted: Outputs) -> int:
    """Score files of answers; no model and no picture is looked at."""
    if flags.annotations is None:
        raise UsageError(
            "--predictions needs the answers to compare with", "name them: --annotations FILE"
        )
    if flags.html is not None:
        raise UsageError("--html shows pictures, and --predictions has none", "leave one out")
    questions = options.existing_file("--annotations", flags.annotations)
    files = [options.existing_file("--predictions", name) for name in flags.predictions or ()]

    from isa_cli.cli.eval import report
    from isa_cli.evaluation.datasets.loaders import annotated
    from isa_cli.evaluation.predictions import measure_predictions

    benchmark = annotated(asked, questions, flags.split)
    report.show(measure_predictions(benchmark, files, known=False), wanted)
    return 0


def _refuse_in_vain(asked: Dataset, flags: DatasetFlags) -> None:
    """Refuse a long run at whose end nothing could be told or written."""
    split = flags.split or asked.default
    asked.expected(split)  # a typing error
    if flags.submission is not None and not asked.hidden:
        raise UsageError(
            f"no server takes answers to {asked.name}", "its answers are known: leave it out"
        )
    if split in asked.hidden and flags.submission is None and flags.html is None:
        raise UsageError(
            f"the answers of {asked.name} {split} are hidden, so there would be no number",
            "write what its server takes: --submission DIR; or a page to look at: --html FILE",
        )


def root_of(asked: Dataset, root: str | None) -> Path:
    """Return the folder of a benchmark's data: the flag's, else one that is named as usual.

    Raises:
        UsageError: the flag's is not there.
    """
    if root is None:
        return absolute(os.environ.get(DATA) or "~/data") / asked.folder
    where = absolute(root)
    if not root or not where.is_dir():
        raise UsageError(f"there is no folder {wording.printable(root)!r}", "check --root")
    return where


def _annotations(name: str | None) -> Path | None:
    if name is None:
        return None
    path = absolute(name)
    if not name or not path.exists():
        raise UsageError(f"there is nothing at {wording.printable(name)!r}", "check --annotations")
    return path


def _folder(name: str | None) -> Path | None:
    if name is None:
        return None
    path = absolute(name)
    if not name or (path.exists() and not path.is_dir()):
        raise UsageError(f"--submission {wording.printable(name)!r} is no folder", "name a folder")
    return path
