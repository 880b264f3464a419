"""The model catalogue: what a person may call a model, and where its files are; no torch here.

large                            a short name, see ``SHORT_NAMES``
isa-mini                         the bundled model: it comes with isa, and knows the wardrobe only
ViT-B-16/datacomp_xl_s13b_b90k   ARCH/TAG, any pretrained tag of open_clip
hf-hub:org/repo                  a model hub's repository with an open_clip_config.json
~/models/mine                    a folder that looks like such a repository, or a weights file
                                 in one
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from isa_cli.errors import ModelError
from isa_cli.paths import absolute

CONFIG_NAME = "open_clip_config.json"
WEIGHTS_NAMES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""Weights in a repository or a folder, in order of preference."""

WEIGHTS_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
"""Weights files that can be read without running code from them."""

HUB_PREFIX = "hf-hub:"

_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), "shortest")
_SIGLIP = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "squash")


@dataclass(frozen=True, slots=True)
class ShortName:
    """A well-chosen model: what it costs and what it may be used for.

    Attributes:
        arch, tag: open_clip's names for it.
        repo: the hub repository that holds its weights.
        dim: D, the length of its vectors.
        megabytes: what is downloaded once, in 10**6 bytes.
        licence: of the weights, as an SPDX identifier.
        note: when to choose it.
        statistics: mean, deviation and resize mode of its preprocessing.
        needs: a Python package that its tokenizer needs besides isa's own; '' for none.
    """

    arch: str
    tag: str
    repo: str
    dim: int
    megabytes: int
    licence: str
    note: str
    statistics: tuple[tuple[float, ...], tuple[float, ...], str] = _CLIP
    needs: str = ""

    @property
    def name(self) -> str:
        """``ARCH/TAG``."""
        return f"{self.arch}/{self.tag}"


SHORT_NAMES: dict[str, ShortName] = {
    "small": ShortName(
        "ViT-B-32-256",
        "datacomp_s34b_b86k",
        "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
        512,
        605,
        "MIT",
        "the quickest by far; for laptops and big collections",
    ),
    "base": ShortName(
        "ViT-B-16",
        "datacomp_xl_s13b_b90k",
        "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
        512,
        599,
        "MIT",
        "sees smaller things than small, and takes several times longer",
    ),
    "large": ShortName(
        "ViT-L-14",
        "datacomp_xl_s13b_b90k",
        "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
        768,
        1711,
        "MIT",
        "the default: the best of these; wants a GPU, or patience",
    ),
    "multilingual": ShortName(
        "ViT-B-16-SigLIP2-256",
        "webli",
        "timm/ViT-B-16-SigLIP2-256",
        768,
        1501,
        "Apache-2.0",
        "modifiers in about a hundred languages",
        _SIGLIP,
        "transformers",
    ),
}


BUNDLED = "isa-mini"
"""The model that comes with isa, for ``isa demo``; its card lies beside its weights."""

BUNDLED_FOLDER = Path(__file__).with_name("isa_mini")

BUNDLED_QUERY = BUNDLED_FOLDER / "query.safetensors"
"""The query model that comes with it, for galleries that have none of their own."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from: exactly one of a local file, a repository, or an ARCH/TAG.

    Attributes:
        name: what messages call it.
        weights: a local weights file, with its config beside it.
        repo: a hub repository that has its own config.
        arch, tag: open_clip's names; the config is open_clip's own.
        short: the catalogue's entry, where there is one.
    """

    name: str
    weights: Path | None = None
    repo: str = ""
    arch: str = ""
    tag: str = ""
    short: ShortName | None = None


def resolve(name: str) -> ModelSource:
    """Return where the model called ``name`` comes from; opens no network and imports no torch.

    A file or folder of that name wins over ARCH/TAG, see ``local_path``.

    Raises:
        ModelError: the name means nothing, or a local model lacks something.
    """
    path = local_path(name)
    if path:
        return _local(path)
    if name == BUNDLED:
        return ModelSource(BUNDLED, weights=BUNDLED_FOLDER / WEIGHTS_NAMES[0])
    if name in SHORT_NAMES:
        short = SHORT_NAMES[name]
        return ModelSource(short.name, arch=short.arch, tag=short.tag, short=short)
    if name.startswith(HUB_PREFIX):
        return ModelSource(name, repo=_repository(name))
    arch, _, tag = name.partition("/")
    if _looks_like_path(name) or not (arch and tag) or "/" in tag:
        raise _unknown(name)
    listed = {short.name: short for short in SHORT_NAMES.values()}
    return ModelSource(name, arch=arch, tag=tag, short=listed.get(name))


def closest(name: str, known: list[str]) -> str:
    """Return ``'; closest: a, b'`` for a misspelt name, or '' if nothing is near."""
    by_lower = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    return f"; closest: {', '.join(by_lower[each] for each in found)}" if found else ""


def local_path(name: str) -> Path | None:
    """Return the file or folder that a model's name means, or ``None`` if it means another thing.

    A short name means a folder only if that is a model: photos may lie in a folder ``large``.
    """
    path = _existing(name)
    if path and name in {*SHORT_NAMES, BUNDLED} and not (path / CONFIG_NAME).is_file():
        return None
    return path


def absolute_name(name: str) -> str:
    """A model's name as it can be kept: a path that exists becomes absolute.

    A relative folder would mean something else in the next working directory.
    """
    return str(absolute(name)) if local_path(name) else name


def _existing(name: str) -> Path | None:
    """Return the file or folder called ``name``, or ``None``; no name is too odd to ask about."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except (OSError, RuntimeError, ValueError):  # too long, no such user's home, a NUL
        return None


def _repository(name: str) -> str:
    repo = name.removeprefix(HUB_PREFIX)
    organisation, _, project = repo.partition("/")
    if not organisation or not project or "/" in project:
        raise ModelError(
            f"{name} names no repository", f"write {HUB_PREFIX}ORGANISATION/REPOSITORY"
        )
    return repo


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.endswith(WEIGHTS_SUFFIXES)


def _unknown(name: str) -> ModelError:
    if _looks_like_path(name):
        return ModelError(f"there is no model at {name}: no such file or folder")
    return ModelError(
        f"no model is called {name!r}{closest(name, [*SHORT_NAMES, BUNDLED])}",
        "isa models lists the short names, isa models --all every ARCH/TAG; or name a folder "
        f"that holds {CONFIG_NAME} and {WEIGHTS_NAMES[0]}",
    )


def _local(path: Path) -> ModelSource:
    """Return the source for an existing file or folder, which must be complete."""
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() and path.suffix not in WEIGHTS_SUFFIXES:
        raise ModelError(
            f"{path} is no weights file: isa reads {', '.join(WEIGHTS_SUFFIXES)}",
            f"name a folder that holds {CONFIG_NAME} and {WEIGHTS_NAMES[0]}",
        )
    if not (folder / CONFIG_NAME).is_file():
        raise ModelError(
            f"{path} has no {CONFIG_NAME} beside its weights, and neither the architecture nor "
            "the preprocessing can be guessed",
            f"put the model's {CONFIG_NAME} into {folder.absolute()}; it comes with the weights "
            "on a model hub",
        )
    weights = _weights_in(path) if path.is_dir() else path
    name = folder.resolve().name if path.is_dir() else path.name
    return ModelSource(name or str(path), weights=weights.absolute())


def _weights_in(folder: Path) -> Path:
    for known in WEIGHTS_NAMES:
        if (folder / known).is_file():
            return folder / known
    others = sorted(folder.glob("*.safetensors"))
    if len(others) == 1:
        return others[0]
    problem = "several weights files" if others else "no weights file"
    raise ModelError(
        f"{folder} holds {problem}",
        "name one of them" if others else f"put {WEIGHTS_NAMES[0]} beside {CONFIG_NAME}",
    )
