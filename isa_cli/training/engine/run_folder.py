"""Where a run keeps itself: its state, its log, its best weights; each file whole or not there."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile

import torch

from isa_cli.atomic import write_bytes, write_text
from isa_cli.errors import IsaError, TrainingError, brief, next_step
from isa_cli.regular import read_text

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
            # a run that has saved nothing yet has nothing to lose
            if (folder / STATE).is_file():
                self._check_recipe(text)
            write_text(folder / RECIPE, text)
        except OSError as error:
            raise TrainingError(
                f"{folder} can't be written to: {error.strerror or error}",
                next_step(error, "choose another --out"),
            ) from error

    def _check_recipe(self, text: str) -> None:
        """Refuse to go on with a run of another recipe.

        Raises:
            TrainingError: it is another, or nobody can tell.
        """
        with self.telling_of_damage(RECIPE):
            known = read_text(self.folder / RECIPE)
            difference = "" if known == text else _difference(known, json.loads(text))
        if known != text:
            raise TrainingError(
                f"{self.folder} holds an unfinished run with other settings: {difference}",
                "use the same settings to go on with it, or --fresh to begin again",
            )

    @contextmanager
    def telling_of_damage(self, name: str = STATE) -> Iterator[None]:
        """Let whatever goes wrong with a file of the run mean that it is damaged.

        Raises:
            TrainingError: something went wrong; says how to begin again.
        """
        try:
            yield
        except (IsaError, MemoryError):
            raise
        except Exception as error:  # torch and pickle raise nearly anything
            raise TrainingError(
                f"what was saved in {self.folder / name} is damaged, or of another isa: "
                f"{brief(error)}",
                "begin again with --fresh",
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
        return self._load(STATE)

    def save_best(self, weights: Mapping[str, Any]) -> None:
        """Keep the weights that measured best."""
        _save(self.folder / BEST, weights)

    def load_best(self) -> dict[str, Any] | None:
        """Return the weights that measured best, if any did.

        Raises:
            TrainingError: they are damaged.
        """
        return self._load(BEST)

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
        """Return the log's lines; one that a kill cut short, or that is none, is left out."""
        path = self.log_file
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return [record for record in map(_record, text.splitlines()) if record]

    def rewind(self, step: int) -> None:
        """Drop the log's lines after a step: they will be written again.

        Raises:
            TrainingError: the log can't be written.
        """
        kept = [record for record in self.records() if record["step"] <= step]
        try:
            write_text(self.log_file, "".join(json.dumps(record) + "\n" for record in kept))
        except OSError as error:
            raise TrainingError(
                f"{self.log_file} can't be written: {error.strerror or error}", "take it away"
            ) from error

    def _load(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        if not path.is_file():
            return None
        with self.telling_of_damage(name):
            if is_zipfile(path):
                with ZipFile(path) as archive:  # torch itself compares no checksums
                    if broken := archive.testzip():
                        raise ValueError(f"{broken} is not what was written")
            value = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(value, dict):
                raise ValueError(f"it holds a {type(value).__name__}")  # noqa: TRY004
        return value


def _save(path: Path, value: Mapping[str, Any]) -> None:
    stream = io.BytesIO()  # torch does not say why a file can't be written
    torch.save(dict(value), stream)
    write_bytes(path, stream.getbuffer())


def _record(line: str) -> dict[str, Any] | None:
    """Return a line of the log as numbers; ``None``: nothing that belongs there."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or type(record.get("step")) is not int:
        return None
    return record if all(type(value) in {int, float} for value in record.values()) else None


def _difference(known: str, recipe: Mapping[str, Any]) -> str:
    """Return the settings that differ, by name.

    Raises:
        ValueError: what is known is no recipe.
    """
    raw = json.loads(known)
    if not isinstance(raw, dict):
        raise ValueError("its recipe says nothing")  # noqa: TRY004
    old, new = _flat(raw), _flat(recipe)
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    shown = [f"{name} was {old.get(name)}, not {new.get(name)}"[:_SHOWN] for name in names[:4]]
    return ", ".join(shown) or "in their order"


_SHOWN = 200
"""Characters of a difference in a message."""


def _flat(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings without their groups' names."""
    flat: dict[str, Any] = {}
    for name, value in recipe.items():
        flat |= _flat(value) if isinstance(value, dict) else {name: value}
    return flat
