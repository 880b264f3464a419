"""What the composers are called; standard library only, so that ``--help`` can list them."""

from __future__ import annotations

TRAINING_FREE = ("image", "text", "sum", "slerp", "calibrated")
METHODS = TRAINING_FREE

DEFAULT_METHOD = "calibrated"
"""Chosen by measurement: ``examples/compare_composers.py``, table in the README."""

DEFAULT_ALPHA = {"sum": 0.7, "slerp": 0.8, "calibrated": 0.6}
"""The weight of the words, 0 (image only) to 1 (text only), where the user gives none.

Sum and calibrated: the same measurement.  Slerp: the published 0.8 (Slerp+TAT) for CLIP."""
