"""What no test of pictures may leave behind."""

from __future__ import annotations

import pytest
from PIL import ImageFile


@pytest.fixture(autouse=True)
def pillows_switch_stays_off():
    yield
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
