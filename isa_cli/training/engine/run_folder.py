"""Where a run keeps itself: its state, its log, its best weights; each file whole or not there."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch

from isa_cli.atomic import replacing, write_text
from isa_cli.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STATE = "state.pt"
BEST = "best.pt"
LOG = "log.jsonl"
RECIPE = "recipe.json"
LOCK = "run.lock"


class RunFolder:
    """The folder of one run.

    Args:
        folder: made if need be.
        recipe: everything that decides the run, JSON-able; a folder that holds part of a run of
            another recipe is refused.
        fresh: begin again, whatever it holds.

    Raises:
        TrainingError: it holds another run, or can't be written to.
    """

    def __init__(self, folder: Path, recipe: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.folder = folder
        text = json.dumps(recipe, indent=2, sort_keys=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if fresh:
                self._drop(STATE, BEST)
            known = folder / RECIPE
            # a run that has saved nothing yet has nothing to lose
            if (folder / STATE).is_file() and known.read_text(encoding="utf-8") != text:
                raise TrainingError(
                    f"{folder} holds an unfinished run with other settings: "
                    f"{_difference(known, json.loads(text))}",
                    "use the same settings to go on with it, or --fresh to begin again",
                )
            write_text(known, text)
        except OSError as error:
            raise TrainingError(
                f"{folder} can't be written to: {error.strerror or error}", "choose another --out"
            ) from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out while the context is open.

        Raises:
            TrainingError: one is at work there.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - who reads a log needs none

        lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise TrainingError(
                f"another isa train is at work in {self.folder}",
                "wait until it is done, or choose another --out",
            ) from None
        try:
            yield
        finally:
            lock.release()

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Keep what a later process needs to go on."""
        _save(self.folder / STATE, state)

    def load_state(self) -> dict[str, Any] | None:
        """Return the state that ``save_state`` kept, if it did.

        Raises:
            TrainingError: it is damaged.
        """
        return _load(self.folder / STATE)

    def save_best(self, weights: Mapping[str, Any]) -> None:
        """Keep the weights that measured best."""
        _save(self.folder / BEST, weights)

    def load_best(self) -> dict[str, Any] | None:
        """Return the weights that measured best, if any did.

        Raises:
            TrainingError: they are damaged.
        """
        return _load(self.folder / BEST)

    def finish(self) -> None:
        """Drop what only an unfinished run needs; the log stays."""
        self._drop(STATE, BEST, RECIPE)

    def _drop(self, *names: str) -> None:
        for name in names:  # the state first: without it the rest counts for nothing
            (self.folder / name).unlink(missing_ok=True)

    # --- the log ---------------------------------------------------------------------------------

    @property
    def log_file(self) -> Path:
        """One JSON line per step and per epoch."""
        return self.folder / LOG

    def log(self, record: Mapping[str, Any]) -> None:
        """Add a line to the log."""
        with self.log_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """Return the log's lines; one that a kill cut short is left out."""
        path = self.log_file
        records = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            try:
                records.append(json.loads(line))
            except ValueError:
                break
        return records

    def rewind(self, step: int) -> None:
        """Drop the log's lines after a step: they will be written again."""
        kept = [record for record in self.records() if record["step"] <= step]
        write_text(self.log_file, "".join(json.dumps(record) + "\n" for record in kept))


def _save(path: Path, value: Mapping[str, Any]) -> None:
    with replacing(path) as part:
        torch.save(dict(value), part)


def _load(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        value: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise TrainingError(
            f"what was saved in {path} is damaged", "begin again with --fresh"
        ) from error
    return value


def _difference(known: Path, recipe: Mapping[str, Any]) -> str:
    """Return the settings that differ, by name."""
    try:
        old = _flat(json.loads(known.read_text(encoding="utf-8")))
    except ValueError:
        return "its recipe can't be read"
    new = _flat(recipe)
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return ", ".join(f"{name} was {old.get(name)}, not {new.get(name)}" for name in names[:4])


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without their groups' names."""
    flat: dict[str, Any] = {}
    for name, value in recipe.items():
        flat |= _flat(value) if isinstance(value, dict) else {name: value}
    return flat
