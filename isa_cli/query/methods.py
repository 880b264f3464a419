"""What the composers are called; standard library only, so that ``--help`` can list them."""

from __future__ import annotations

TRAINING_FREE = ("image", "text", "sum", "slerp", "calibrated")
LEARNED = ("isa", "two-stage", "published")
"""Those that need a query model; which of them it serves, its header says."""

MADE_BY = {
    "isa": "isa train",
    "two-stage": "isa train compose",
    "published": "isa models import",
}
"""The command that makes the query model of each."""

METHODS = (*TRAINING_FREE, *LEARNED)

DEFAULT_METHOD = "calibrated"
"""Chosen by measurement: ``examples/experiments/compare_composers.py``, table in
``examples/RESULTS.md``."""

DEFAULT_ALPHA = {"sum": 0.7, "slerp": 0.8, "calibrated": 0.6} | dict.fromkeys(LEARNED, 1.0)
"""The weight of the words, 0 (image only) to 1 (text only), where the user gives none.

For the learned ones: the weight of the learned vector, 1 (alone) to 0 (slerp).

Sum and calibrated: the same measurement.  Slerp: the published 0.8 (Slerp+TAT) for CLIP."""
