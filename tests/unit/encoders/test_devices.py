"""Devices and precisions, here or not."""

from __future__ import annotations

import pytest

from isa_cli.encoders import devices
from isa_cli.errors import UsageError

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"


def test_a_device_or_precision_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(UsageError, match="no device 'abacus'") as error:
        devices.choose_place("abacus")
    assert "cpu" in error.value.hint
    with pytest.raises(UsageError, match="no device 'cuda:99'"):
        devices.choose_place("cuda:99")
    with pytest.raises(UsageError, match="fp8") as error:
        devices.choose_place("cpu", "fp8")
    assert "bf16" in error.value.hint


@pytest.mark.parametrize(
    ("flags", "precision"),
    [({"avx512f"}, "fp32"), ({"avx512f", "avx512_bf16"}, "bf16"), ({"asimd", "bf16"}, "bf16")],
)
def test_bf16_is_chosen_only_where_the_cpu_has_it(monkeypatch, flags, precision):
    monkeypatch.setattr(devices, "_cpu_flags", lambda: frozenset(flags))
    assert devices.choose_place("cpu").precision == precision
    assert devices.choose_place("cpu", "fp16").precision == "fp16"
