"""What a packet says, however it is written, and that a hostile one costs nothing."""

from __future__ import annotations

import pytest

from isa_cli.images import xmp as module
from isa_cli.images.statement import Statement
from isa_cli.images.xmp import xmp_statement
from tests.unit.images.telling import RDF, SPACES, taken, xmp

WHEN = "2015-08-22T04:08:19"
ORIGINAL = "exif:DateTimeOriginal"
BARE = f'<rdf:RDF xmlns:rdf="{RDF}"><rdf:Description {SPACES} {ORIGINAL}="{WHEN}"/></rdf:RDF>'


@pytest.mark.parametrize(
    "packet",
    [
        xmp(f'{ORIGINAL}="2015-08-22T04:08:19.25+02:00"'),
        xmp(f"{ORIGINAL}='2015:08:22 04:08:19'"),
        xmp("", f"<{ORIGINAL}>{WHEN}</{ORIGINAL}>"),
        xmp("", f"<{ORIGINAL}>\n  {WHEN}Z\n</{ORIGINAL}>"),
        xmp("", f"<{ORIGINAL}><rdf:Seq><rdf:li>{WHEN}</rdf:li></rdf:Seq></{ORIGINAL}>"),
        xmp(
            "",
            f'<{ORIGINAL}>\n<rdf:Alt>\n <rdf:li xml:lang="x-default">{WHEN}</rdf:li>\n'
            f' <rdf:li xml:lang="de">2001-01-01</rdf:li></rdf:Alt></{ORIGINAL}>',
        ),
        xmp("", f'<{ORIGINAL} rdf:value="{WHEN}"/>'),
        xmp(
            "",
            f'<{ORIGINAL} rdf:parseType="Resource"><rdf:value>{WHEN}</rdf:value></{ORIGINAL}>',
        ),
        xmp("", f"<{ORIGINAL}>2015-08-22<![CDATA[T04:08:19]]></{ORIGINAL}>"),
        taken(WHEN).replace(b"exif:", b"e:").replace(b"xmlns:exif", b"xmlns:e"),
        taken(WHEN).decode().encode("utf-16-le"),
        taken(WHEN).decode().encode("utf-16-be"),
        taken(WHEN).decode().encode("utf-16"),
        taken(WHEN).decode().encode("utf-32-be"),
        taken(WHEN).decode().encode("utf-32-le"),
        b"\xef\xbb\xbf" + taken(WHEN),
        b'<?xml version="1.0" encoding="UTF-16"?>' + taken(WHEN)[taken(WHEN).index(b"<x:") :],
        taken(WHEN) + b"\0" * 9,
        taken(WHEN)[: taken(WHEN).index(b"</rdf:RDF")],  # cut off
        taken(WHEN).replace(b"</rdf:Description>", b"<broken>"),
        BARE.encode(),
    ],
)
def test_a_date_in_every_form_that_rdf_has(packet):
    assert xmp_statement(packet) == Statement(taken=WHEN)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (
            'xmp:CreateDate="2017" photoshop:DateCreated="2016" exif:DateTimeOriginal="2015"',
            Statement(taken="2015-01-01T00:00:00"),
        ),
        (
            'xmp:CreateDate="2017" photoshop:DateCreated="2016-05"',
            Statement(taken="2016-05-01T00:00:00"),
        ),
        ('xmp:CreateDate="2017-03-04"', Statement(taken="2017-03-04T00:00:00")),
        ('xmp:ModifyDate="2018"', Statement()),
        ('xmp:MetadataDate="2018"', Statement()),
        (
            'exif:DateTimeDigitized="2017-03-04T05:06"',
            Statement(digitised="2017-03-04T05:06:00"),
        ),
        ('exif:DateTimeOriginal="long ago"', Statement(garbled=True)),
        (
            'exif:DateTimeOriginal="long ago" xmp:CreateDate="2017"',
            Statement(taken="2017-01-01T00:00:00", garbled=True),
        ),
        ('exif:DateTimeOriginal=""', Statement()),
        ('tiff:Make="NIKON CORPORATION" tiff:Model="NIKON D850"', Statement(camera="NIKON D850")),
        ('tiff:Make="A&#x202e;cme" tiff:Model="O&#x9b;ne"', Statement(camera="Acme One")),
        (
            'exif:GPSLatitude="48,8.2200N" exif:GPSLongitude="11,34.5E"',
            Statement(place=(48.137, 11.575)),
        ),
        (
            'exif:GPSLatitude="33,52,12S" exif:GPSLongitude="70,0,36W"',
            Statement(place=(-33.87, -70.01)),
        ),
        ('exif:GPSLatitude="-33.87" exif:GPSLongitude="151.21"', Statement(place=(-33.87, 151.21))),
        (
            '''exif:GPSLatitude="33.87" exif:GPSLatitudeRef="S"
            exif:GPSLongitude="151.21" exif:GPSLongitudeRef="East"''',
            Statement(place=(-33.87, 151.21)),
        ),
        ('exif:GPSLatitude="0,0N" exif:GPSLongitude="0,0E"', Statement()),
        ('exif:GPSLatitude="48,8.22N"', Statement()),
        ('exif:GPSLatitude="98,8.22N" exif:GPSLongitude="11,34.5E"', Statement()),
    ],
)
def test_dates_places_and_cameras(attributes, said):
    found = xmp_statement(xmp(attributes))
    assert found.place == (pytest.approx(said.place) if said.place else None)
    assert (found.taken, found.digitised, found.garbled) == (
        said.taken,
        said.digitised,
        said.garbled,
    )
    assert found.camera == said.camera


def test_what_the_picture_was_made_from_is_not_the_picture():
    other = f'<rdf:Description {ORIGINAL}="2001" tiff:Model="Old"/>'
    other += f"<rdf:Description><{ORIGINAL}>2001</{ORIGINAL}></rdf:Description>"
    pantry = f"<xmpMM:Pantry><rdf:Bag><rdf:li>{other}</rdf:li></rdf:Bag></xmpMM:Pantry>"
    assert xmp_statement(xmp("", pantry)) == Statement()
    assert xmp_statement(xmp("", pantry + f"<{ORIGINAL}>{WHEN}</{ORIGINAL}>")).taken == WHEN


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "2015-08-22">'
    + "".join(
        f'<!ENTITY {c} "{f"&{p};" * 10}">' for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


@pytest.mark.parametrize(
    "packet",
    [
        xmp("", f"<{ORIGINAL}>&i;</{ORIGINAL}>", before=LAUGHS),
        xmp(
            "",
            f"<{ORIGINAL}>&x;</{ORIGINAL}>",
            before='<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        ),
        xmp(f'{ORIGINAL}="2015"', before='<!DOCTYPE x SYSTEM "http://localhost/x.dtd">'),
        b"<" * 5000 + b"CreateDate",
        b"\0" * 100 + b"CreateDate",
        b"CreateDate",
        b"",
        b"<a>" * 10_000 + b"CreateDate",
    ],
)
def test_hostile_packets_say_nothing(packet):
    assert xmp_statement(packet) == Statement()


def test_only_the_beginning_of_a_huge_packet_is_read(monkeypatch):
    monkeypatch.setattr(module, "PACKET_BYTES", 2000)
    filling = f"<xmp:Thumbnail>{'A' * 3000}</xmp:Thumbnail>"
    first, last = (f"<{ORIGINAL}>{year}</{ORIGINAL}>" for year in (2015, 2016))
    assert xmp_statement(xmp("", first + filling)).taken == "2015-01-01T00:00:00"
    assert xmp_statement(xmp("", filling + last)) == Statement()


def test_only_so_many_elements_are_read(monkeypatch):
    monkeypatch.setattr(module, "_ELEMENTS", 100)
    many = "<xmp:Label/>" * 200
    date = f"<{ORIGINAL}>2015</{ORIGINAL}>"
    assert xmp_statement(xmp("", date + many)).taken == "2015-01-01T00:00:00"
    assert xmp_statement(xmp("", many + date)) == Statement()
