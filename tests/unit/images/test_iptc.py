"""Two dates in IPTC's records, bare or among Photoshop's resources."""

from __future__ import annotations

import pytest

from isa_cli.images.iptc import iptc_statement
from isa_cli.images.statement import Statement
from tests.unit.images.telling import data_sets, resource

NOON = data_sets(d55="20150822", d60="120819+0200")


@pytest.mark.parametrize(
    "block",
    [
        NOON,
        data_sets(d5="A title", d55="20150822", d60="120819"),
        data_sets(d55="2015-08-22", d60="12:08:19"),
        resource(0x0404, NOON),
        resource(0x0425, b"odd") + resource(0x0404, NOON, b"name"),
        b"Adobe_Photoshop2.5:" + resource(0x0404, NOON),
        b"\x1c\x02\x05\x80\x04\0\0\0\x03abc" + NOON,  # a size that has a size
        NOON + b"\x1c\x02\x37\xff\xff",
    ],
)
def test_a_day_and_its_time(block):
    assert iptc_statement(block) == Statement(taken="2015-08-22T12:08:19")


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (data_sets(d55="20150822"), Statement(taken="2015-08-22T00:00:00")),
        (data_sets(d55="20150822", d60="noon"), Statement(taken="2015-08-22T00:00:00")),
        (data_sets(d55="20150800", d60="120819"), Statement(taken="2015-08-01T00:00:00")),
        (data_sets(d62="20150822", d63="120819"), Statement(digitised="2015-08-22T12:08:19")),
        (data_sets(d55="00000000", d60="000000"), Statement()),
        (data_sets(d60="120819"), Statement()),
        (data_sets(d55="last May"), Statement(garbled=True)),
        (resource(0x0425, NOON), Statement()),
        (b"", Statement()),
        (b"8BIM", Statement()),
        (b"\x1c\x02\x37", Statement()),
        (b"8BIM\x04\x04\0\0\xff\xff\xff\xff" + NOON, Statement(taken="2015-08-22T12:08:19")),
    ],
)
def test_less_than_that(block, said):
    assert iptc_statement(block) == said
