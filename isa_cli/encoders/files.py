"""A model's files on this machine: located by its name, checked, and fingerprinted; no torch here.

open_clip is imported only for rare names.  What is not here is fetched, see ``hub``.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_cli.atomic import write_text
from isa_cli.config import cache_dir
from isa_cli.encoders.clip_config import Preprocess, preprocess_of, read_config
from isa_cli.encoders.hub import fetch
from isa_cli.encoders.names import BUNDLED_FOLDER, CONFIG_NAME, WEIGHTS_NAMES, closest, resolve
from isa_cli.errors import ModelError
from isa_cli.regular import opened, read_text, reason
from isa_cli.reporting import Silent
from isa_cli.types import EmbeddingSpace

if TYPE_CHECKING:
    from isa_cli.encoders.names import ModelSource
    from isa_cli.reporting import Reporter


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model that is complete on this machine.

    Attributes:
        name: what messages call it.
        config: open_clip's ``model_cfg``.
        preprocess: of its pictures.
        weights: a local file.
        folder: where its tokenizer's files would lie; ``None`` where they come from the hub.
        foreign: the config came with the weights: whoever made them may ask for anything.
    """

    name: str
    config: dict[str, Any]
    preprocess: Preprocess
    weights: Path
    folder: Path | None = None
    foreign: bool = False

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


# --- fingerprints ------------------------------------------------------------------------------


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    In the hub's cache it is free: a large file is a link to a blob named by its SHA-256.  For
    other files it is computed once, and remembered by path, size, times and inode: whoever puts
    other weights there may keep size and time (``cp -p``, ``rsync -t``), but not all of them.
    """
    with contextlib.suppress(OSError):
        # one step only: the blob may itself be a link, into a store with names of another kind
        blob = path.readlink()
        if blob.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", blob.name):
            return blob.name
    try:
        return _remembered_digest(path)
    except OSError as error:
        raise ModelError(f"the weights {path} can't be read: {reason(error)}") from error


def _remembered_digest(path: Path) -> str:
    stat = path.stat()
    stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
    key = str(path.resolve())
    memory = cache_dir() / "digests.json"
    known = _read_memory(memory)
    if isinstance(entry := known.get(key), dict) and entry.get("stamp") == stamp:
        return str(entry["sha256"])
    with opened(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _write_memory(memory, known | {key: {"stamp": stamp, "sha256": digest}})
    return digest


def _read_memory(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return {}  # a cache: whatever is wrong with it, it is only slower without
    return known if isinstance(known, dict) else {}


def _write_memory(path: Path, known: dict[str, Any]) -> None:
    """Replace the memory in one step; of two writers the later wins, the other hashes again."""
    with contextlib.suppress(OSError):  # a read-only home costs time, nothing else
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(known))


def all_models() -> list[str]:
    """Return every ARCH/TAG that open_clip can fetch; imports it, which takes seconds."""
    import open_clip  # noqa: PLC0415

    return [f"{arch}/{tag}" for arch, tag in open_clip.list_pretrained()]


def space_of(name: str) -> EmbeddingSpace:
    """Return the space of a model's vectors without loading it.

    Raises:
        ModelError: there is no such model, or its files can't be had.
    """
    return locate(name).space


def locate(name: str, reporter: Reporter | None = None) -> ModelFiles:
    """Return a model's files, downloading what is missing.

    Args:
        name: see ``names.resolve``.
        reporter: hears of downloads.

    Raises:
        ModelError: there is no such model, its files can't be had, or its config is wanting.
    """
    source = resolve(name)
    reporter = reporter or Silent()
    if source.weights:
        folder = source.weights.parent
        config, preprocess = read_config(folder / CONFIG_NAME)
        foreign = folder != BUNDLED_FOLDER
        return ModelFiles(source.name, config, preprocess, source.weights, folder, foreign)
    if source.repo:
        config, preprocess = read_config(fetch(source.name, source.repo, [CONFIG_NAME], reporter))
        weights = fetch(source.name, source.repo, WEIGHTS_NAMES, reporter)
        return ModelFiles(source.name, config, preprocess, weights, foreign=True)
    tag = _tag_of(source)
    config = _builtin_config(source)
    config["quick_gelu"] = tag.quick_gelu or bool(config.get("quick_gelu"))
    preprocess = preprocess_of(config, tag.preprocess, source.name)
    weights = fetch(source.name, tag.repo, tag.filenames, reporter)
    return ModelFiles(source.name, config, preprocess, weights)


@dataclass(frozen=True, slots=True)
class _Tag:
    """What open_clip knows about one set of weights.

    ``quick_gelu``: the activation they were trained with.  open_clip 3 only warns where its
    architecture of that name has the other one (``ViT-B-32/openai``); here the weights decide.
    """

    repo: str
    filenames: tuple[str, ...]
    preprocess: dict[str, Any]
    quick_gelu: bool


def _tag_of(source: ModelSource) -> _Tag:
    if source.short:
        mean, std, resize_mode = source.short.statistics
        preprocess = {"mean": mean, "std": std, "resize_mode": resize_mode}
        return _Tag(source.short.repo, WEIGHTS_NAMES, preprocess, quick_gelu=False)
    _builtin_config(source)  # a misspelt ARCH is told before open_clip is imported
    import open_clip  # noqa: PLC0415

    known = open_clip.get_pretrained_cfg(source.arch, source.tag)
    if not known.get("hf_hub"):
        tags = open_clip.list_pretrained_tags_by_model(source.arch)
        near = closest(source.tag, tags) or f"; there are: {', '.join(tags) or 'none'}"
        raise ModelError(
            f"open_clip has no weights {source.tag!r} for {source.arch}{near}",
            "isa models --all lists every ARCH/TAG",
        )
    repo, _, filename = known["hf_hub"].rpartition("/")
    safe = (f"{Path(filename).stem}.safetensors", filename) if filename else WEIGHTS_NAMES
    return _Tag(repo, safe, known, quick_gelu=bool(known.get("quick_gelu")))


def _builtin_config(source: ModelSource) -> dict[str, Any]:
    """Return open_clip's own ``model_cfg`` of an architecture, read beside its code."""
    spec = importlib.util.find_spec("open_clip")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model_configs"
    try:
        config: dict[str, Any] = json.loads((folder / f"{source.arch}.json").read_bytes())
    except OSError as error:
        near = closest(source.arch, [file.stem for file in folder.glob("*.json")])
        raise ModelError(
            f"open_clip has no architecture {source.arch!r}{near}",
            "isa models --all lists every ARCH/TAG",
        ) from error
    return config
