"""A model's files on this machine: found or fetched, checked, and fingerprinted; no torch here.

Weights come through huggingface_hub with its own cache and settings (``HF_HOME``,
``HF_HUB_OFFLINE``, ``HF_ENDPOINT``, ``HF_TOKEN``).  What is cached is used without asking the
network: a gallery's space must not move because somebody pushed to a repository.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_cli.backbones.names import CONFIG_NAME
from isa_cli.config import cache_dir
from isa_cli.errors import ModelError
from isa_cli.types import EmbeddingSpace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.reporting import Reporter

PROBE_SECONDS = 10
"""How long a hub may take to answer at all."""


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a picture becomes an encoder's input, in the terms of open_clip's configs.

    Attributes:
        size: (height, width).
        mean, std: per channel, of pixels in [0, 1].
        interpolation: ``bicubic`` or ``bilinear``.
        resize_mode: ``shortest`` (and crop), ``longest`` (and pad) or ``squash``.
        fill_color: of the padding.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model that is complete on this machine.

    Attributes:
        name: what messages call it.
        config: open_clip's ``model_cfg``.
        preprocess: of its pictures.
        weights: a local file.
        folder: where its tokenizer's files would lie; ``None`` where they come from the hub.
    """

    name: str
    config: dict[str, Any]
    preprocess: Preprocess
    weights: Path
    folder: Path | None = None

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the vectors: a digest of weights, preprocessing and activation.

        The activation is in it since ``quick_gelu`` changes every vector and leaves no trace in
        the weights.
        """
        recipe = asdict(self.preprocess) | {"quick_gelu": bool(self.config.get("quick_gelu"))}
        text = f"{digest_of(self.weights)} {json.dumps(recipe, sort_keys=True)}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return EmbeddingSpace(self.name, self.config["embed_dim"], digest)


# --- configs -----------------------------------------------------------------------------------


def read_config(path: Path) -> tuple[dict[str, Any], Preprocess]:
    """Return ``model_cfg`` and the preprocessing that an ``open_clip_config.json`` describes.

    ``interpolation`` and ``resize_mode`` have the defaults of that format, which many
    repositories rely on; everything else must be there.

    Raises:
        ModelError: it cannot be read, or lacks a key.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} can't be read as JSON: {error}") from error
    model = _section(config, "model_cfg", path)
    for key in ("vision_cfg", "text_cfg"):
        _section(model, key, path)
    if not isinstance(model.get("embed_dim"), int):
        raise _lacks(path, "model_cfg.embed_dim", "a whole number")
    return model, preprocess_of(model, _section(config, "preprocess_cfg", path), path)


def preprocess_of(model: dict[str, Any], raw: dict[str, Any], path: Path | str) -> Preprocess:
    """Return the preprocessing for a ``model_cfg`` and a ``preprocess_cfg``.

    The size is the vision tower's own, as in open_clip.

    Raises:
        ModelError: a value is missing or senseless; ``path`` is named.
    """
    size = model["vision_cfg"].get("image_size", 224)
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):  # noqa: PLR2004 - height and width
        raise _lacks(path, "vision_cfg.image_size", "one or two positive whole numbers")
    interpolation = raw.get("interpolation") or "bicubic"
    if interpolation not in ("bicubic", "bilinear", "random"):
        raise _lacks(path, "preprocess_cfg.interpolation", "bicubic or bilinear")
    resize_mode = raw.get("resize_mode") or "shortest"
    if resize_mode not in ("shortest", "longest", "squash"):
        raise _lacks(path, "preprocess_cfg.resize_mode", "shortest, longest or squash")
    return Preprocess(
        size=sides,
        mean=_channels(raw, "mean", path),
        std=_channels(raw, "std", path),
        interpolation="bilinear" if interpolation == "bilinear" else "bicubic",
        resize_mode=resize_mode,
        fill_color=int(raw.get("fill_color") or 0),
    )


def _section(config: Any, key: str, path: Path) -> dict[str, Any]:
    section = config.get(key) if isinstance(config, dict) else None
    if not isinstance(section, dict):
        raise _lacks(path, key, "an object")
    return section


def _channels(raw: dict[str, Any], key: str, path: Path | str) -> tuple[float, float, float]:
    values = raw.get(key)
    if isinstance(values, (list, tuple)) and len(values) == 3:  # noqa: PLR2004 - red, green, blue
        with contextlib.suppress(TypeError, ValueError):
            red, green, blue = (float(value) for value in values)
            if key != "std" or red * green * blue > 0:
                return red, green, blue
    raise _lacks(path, f"preprocess_cfg.{key}", "three numbers")


def _lacks(path: Path | str, key: str, wanted: str) -> ModelError:
    return ModelError(
        f"{path} says nothing usable under {key!r}: it should be {wanted}",
        "take the config that comes with the weights; isa does not guess it",
    )


# --- the hub -----------------------------------------------------------------------------------


def fetch(name: str, repo: str, candidates: Sequence[str], reporter: Reporter) -> Path:
    """Return the first of ``candidates`` that a repository has: cached, or downloaded now.

    Raises:
        ModelError: it is neither in the cache nor reachable; names both and the ways out.
    """
    import huggingface_hub as hub  # noqa: PLC0415 - half a second that a local model never pays
    import huggingface_hub.constants  # noqa: PLC0415
    import huggingface_hub.errors  # noqa: PLC0415

    for filename in candidates:
        cached = hub.try_to_load_from_cache(repo, filename)
        if isinstance(cached, str):
            return Path(cached)
    try:
        return _download(hub, name, repo, candidates, reporter)
    except Exception as error:
        # each HTTP library below the hub has its own family of errors
        raise _unreachable(hub, name, repo, candidates[0], error) from error


def _download(
    hub: Any, name: str, repo: str, candidates: Sequence[str], reporter: Reporter
) -> Path:
    for filename in candidates:
        try:
            # without this probe the hub's own retries hide a missing network for half a minute
            found = hub.get_hf_file_metadata(hub.hf_hub_url(repo, filename), timeout=PROBE_SECONDS)
        except hub.errors.EntryNotFoundError:
            continue
        size = f" ({found.size / 1e6:,.0f} MB)" if found.size else ""
        reporter.note(f"downloading {name}{size} into {hub.constants.HF_HUB_CACHE}")
        return Path(hub.hf_hub_download(repo, filename))
    raise FileNotFoundError(f"{repo} has none of {', '.join(candidates)}")


def _unreachable(hub: Any, name: str, repo: str, filename: str, error: Exception) -> ModelError:
    """Return the one message about weights that can't be had, with every way out."""
    cache = hub.constants.HF_HUB_CACHE
    if hub.constants.HF_HUB_OFFLINE:
        reason = "HF_HUB_OFFLINE is set"
        first = "unset HF_HUB_OFFLINE, or"
    elif isinstance(error, hub.errors.RepositoryNotFoundError):
        reason = f"{repo} does not exist, or is private"
        first = "hf auth login if it is yours, or"
    else:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        first = "try again with a network, or"
    return ModelError(
        f"{name} is not in the model cache {cache} and can't be downloaded: {reason}",
        f"{first} on a machine that has it run: hf download {repo} {filename} {CONFIG_NAME} "
        "--local-dir DIR, copy DIR here, and use --model DIR",
    )


# --- fingerprints ------------------------------------------------------------------------------


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    In the hub's cache it is free: a large file is a link to a blob named by its SHA-256.  For
    other files it is computed once, and remembered by path, size and time.
    """
    with contextlib.suppress(OSError):
        # one step only: the blob may itself be a link, into a store with names of another kind
        blob = path.readlink()
        if blob.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", blob.name):
            return blob.name
    try:
        return _remembered_digest(path)
    except OSError as error:
        raise ModelError(f"the weights {path} can't be read: {error.strerror}") from error


def _remembered_digest(path: Path) -> str:
    stat = path.stat()
    stamp = [stat.st_size, stat.st_mtime_ns]
    key = str(path.resolve())
    memory = cache_dir() / "digests.json"
    known = _read_memory(memory)
    if isinstance(entry := known.get(key), dict) and entry.get("stamp") == stamp:
        return str(entry["sha256"])
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _write_memory(memory, known | {key: {"stamp": stamp, "sha256": digest}})
    return digest


def _read_memory(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a cache: whatever is wrong with it, it is only slower without
    return known if isinstance(known, dict) else {}


def _write_memory(path: Path, known: dict[str, Any]) -> None:
    """Replace the memory in one step; of two writers the later wins, the other hashes again."""
    with contextlib.suppress(OSError):  # a read-only home costs time, nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False
        ) as file:
            json.dump(known, file)
        Path(file.name).replace(path)
