"""What a camera or a program wrote, as text that is safe to print."""

from __future__ import annotations

from typing import Any


def plain_text(value: Any) -> str:
    """Return a tag's text up to the first NUL; nothing that could move a terminal's cursor."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return "".join(c for c in text.partition("\0")[0] if c.isprintable()).strip()


def camera_name(make: Any, model: Any) -> str | None:
    """Return maker and model; ``NIKON CORPORATION`` and ``NIKON D850`` make ``NIKON D850``."""
    make, model = plain_text(make), plain_text(model)
    makers_first, models_first = (f"{name} ".split(" ")[0].casefold() for name in (make, model))
    return (model if makers_first == models_first and model else f"{make} {model}".strip()) or None
