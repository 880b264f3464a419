"""Builds an open_clip model from its config and fills it from its weights file."""

from __future__ import annotations

import copy
import pickle
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import open_clip
import torch
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from safetensors import SafetensorError
from torch.overrides import TorchFunctionMode

from isa_cli.encoders.backbone import Backbone
from isa_cli.encoders.budget import SPARE_NUMBERS, SPARE_TENSORS, TooLarge, limited
from isa_cli.encoders.devices import choose_place
from isa_cli.encoders.files import ModelFiles, locate
from isa_cli.encoders.tensor_files import check_weights_file, most_numbers, most_tensors
from isa_cli.errors import ModelError, brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from isa_cli.reporting import Reporter

PARTS = frozenset({"image", "text"})

_TOWERS = {"image": ("visual",), "text": ("text", "text_decoder", "transformer", "token_embedding")}
"""Where open_clip's classes keep each part."""

# what open_clip, timm, transformers, safetensors and torch raise for a config or a file that is
# not what they expect; each is a user's problem here
_BAD_MODEL = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SafetensorError,
    StopIteration,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


def load_backbone(
    model: str | ModelFiles,
    *,
    device: str = "auto",
    precision: str = "auto",
    parts: Iterable[str] = PARTS,
    reporter: Reporter | None = None,
) -> Backbone:
    """Return a model ready to embed.

    Args:
        model: a name (see ``names.resolve``), or files that ``locate`` returned.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        parts: which towers are kept in memory, of ``image`` and ``text``.
        reporter: hears of downloads.

    Raises:
        UsageError: no such device or precision here.
        ModelError: there is no such model, its files can't be had, or they are damaged.
    """
    wanted = frozenset(parts)
    if not wanted or not wanted <= PARTS:
        raise ValueError(f"parts must be some of {sorted(PARTS)}, not {sorted(wanted)}")
    place = choose_place(device, precision)
    files = model if isinstance(model, ModelFiles) else locate(model, reporter)
    check_weights_file(files.weights)
    with _no_larger_than(files):
        network = _build(files)
    unwanted = [name for part in PARTS - wanted for name in _TOWERS[part] if hasattr(network, name)]
    for name in unwanted:
        getattr(network, name).to("meta")  # takes no memory, and loading it reads nothing
    _fill(network, files)
    for name in unwanted:
        delattr(network, name)
    network.eval().requires_grad_(requires_grad=False)
    network.to(device=place.device, dtype=place.dtype)
    tokenizer = _tokenizer(files) if "text" in wanted else None
    if tokenizer is not None:
        _check_vocabulary(network, tokenizer, files)
    return Backbone(files, place, network, tokenizer)


@contextmanager
def _no_larger_than(files: ModelFiles) -> Iterator[None]:
    """Build no larger network than the weights can fill, where anybody may have asked for it.

    It is first built without memory, since a single layer may be larger than there is.

    Raises:
        ModelError: the config asks for a larger one.
    """
    if not files.foreign:
        yield
        return
    tensors = 2 * most_tensors(files.weights) + SPARE_TENSORS
    numbers = 2 * most_numbers(files.weights) + SPARE_NUMBERS
    try:
        # what transformers builds need not be buildable so; what else is wrong is told afterwards
        with torch.device("meta"), limited(tensors, numbers), suppress(ModelError):
            _build(files)
        with limited(tensors, numbers):
            yield
    except TooLarge as error:
        raise ModelError(
            f"the config of {files.name} describes a larger model than {files.weights} holds",
            "take the config that comes with the weights",
        ) from error


class _Uninitialised(TorchFunctionMode):
    """Leaves the random values of new layers out, since a strict load writes every one of them.

    They take most of the seconds that building a large model takes.  Constants are still set:
    masks and other buffers that no weights file holds are made of them.
    """

    _SKIPPED = frozenset({"normal_", "uniform_", "kaiming_uniform_", "kaiming_normal_", "erfinv_"})

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call ``func``, unless all it does is to draw random numbers in place."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in self._SKIPPED:
            return args[0] if args else kwargs["tensor"]
        if name == "randn":
            func = torch.empty
            kwargs.pop("generator", None)
        return func(*args, **kwargs)


def _build(files: ModelFiles) -> Any:
    """Return the network that the config describes, its weights still undefined."""
    config = copy.deepcopy(files.config)
    if "timm_model_name" in config["vision_cfg"]:
        config["vision_cfg"]["timm_model_pretrained"] = False
    custom = config.pop("custom_text", False)
    if config["text_cfg"].get("hf_model_name"):
        config["text_cfg"]["hf_model_pretrained"] = False
        custom = True
    kind = open_clip.CLIP
    if custom:
        kind = open_clip.CoCa if "multimodal_cfg" in config else open_clip.CustomTextCLIP
    try:
        with _Uninitialised():
            return kind(**config)
    except TooLarge:
        raise
    except _BAD_MODEL as error:
        raise ModelError(
            f"open_clip can't build the model that the config of {files.name} describes: "
            f"{brief(error, lines=2)}"
        ) from error


def _fill(network: Any, files: ModelFiles) -> None:
    """Load the weights; open_clip knows the older layouts and resizes position embeddings."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*to a meta parameter.*no-op")
            open_clip.load_checkpoint(network, str(files.weights), strict=True, weights_only=True)
    except _BAD_MODEL as error:
        raise ModelError(
            f"the weights {files.weights} are damaged, or do not belong to the config of "
            f"{files.name}: {brief(error, lines=2)}",
            "fetch them again (a file of a hundred bytes is a git-lfs pointer: git lfs pull)",
        ) from error


def _tokenizer(files: ModelFiles) -> Any:
    text = files.config["text_cfg"]
    length = text.get("context_length", 77)
    options = text.get("tokenizer_kwargs") or {}
    source = text.get("hf_tokenizer_name")
    if not isinstance(options, dict) or _MERGES in options:
        raise ModelError(
            f"the config of {files.name} wants a tokenizer that isa does not make: "
            "text_cfg.tokenizer_kwargs",
            "take the config that comes with the weights",
        )
    try:
        if not source:
            return SimpleTokenizer(context_length=length, **options)
        if files.folder and (files.folder / "tokenizer_config.json").is_file():
            source = str(files.folder)
        return HFTokenizer(
            source, context_length=length, tokenizer_mode=text.get("tokenizer_mode"), **options
        )
    except ImportError as error:
        raise ModelError(
            f"the tokenizer of {files.name} needs the package {error.name}",
            f"pip install {error.name}",
        ) from error
    except _BAD_MODEL as error:
        raise ModelError(
            f"the tokenizer {source} of {files.name} can't be had: {brief(error, lines=2)}"
        ) from error


_MERGES = "bpe_path"
"""Any file of this machine, which open_clip would unpack whole."""


def _check_vocabulary(network: Any, tokenizer: Any, files: ModelFiles) -> None:
    """Refuse a text tower that does not know all of its tokenizer's words."""
    words = getattr(getattr(network, "text", network), "token_embedding", None)
    known = getattr(tokenizer, "vocab_size", 0)
    if isinstance(words, torch.nn.Embedding) and known > words.num_embeddings:
        raise ModelError(
            f"the text tower of {files.name} knows {words.num_embeddings:,} words, and its "
            f"tokenizer {known:,}",
            "take the config that comes with the weights",
        )
