"""Weights from the Hugging Face hub: cached, or downloaded now, or one message with every way out.

They come through huggingface_hub with its own cache and settings (``HF_HOME``,
``HF_HUB_OFFLINE``, ``HF_ENDPOINT``, ``HF_TOKEN``).  What is cached is used without asking the
network: a gallery's space must not move because somebody pushed to a repository.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isa_cli.encoders.names import CONFIG_NAME
from isa_cli.errors import ModelError, next_step, system_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isa_cli.reporting import Reporter

_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
"""Errors for which no network helps."""

PROBE_SECONDS = 10
"""How long a hub may take to answer at all."""


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
    number = system_error(error)
    if number in _OF_THE_DISK or (isinstance(error, PermissionError) and error.filename):
        return ModelError(
            f"{name} can't be downloaded into {cache}: {os.strerror(number)}",
            next_step(error, "ask for the permission")
            + ", or let HF_HOME name a folder on another disk",
        )
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
