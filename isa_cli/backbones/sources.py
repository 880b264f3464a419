"""From a model's name to its files on this machine; open_clip is imported only for rare names."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_cli.backbones.files import ModelFiles, fetch, preprocess_of, read_config
from isa_cli.backbones.names import CONFIG_NAME, WEIGHTS_NAMES, closest, resolve
from isa_cli.errors import ModelError
from isa_cli.reporting import Silent

if TYPE_CHECKING:
    from isa_cli.backbones.names import ModelSource
    from isa_cli.reporting import Reporter
    from isa_cli.types import EmbeddingSpace


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
        return ModelFiles(source.name, config, preprocess, source.weights, folder)
    if source.repo:
        config, preprocess = read_config(fetch(source.name, source.repo, [CONFIG_NAME], reporter))
        weights = fetch(source.name, source.repo, WEIGHTS_NAMES, reporter)
        return ModelFiles(source.name, config, preprocess, weights)
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
