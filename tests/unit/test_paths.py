"""Names whose accents are written in two ways are one name."""

import os
import unicodedata

import pytest

from isa_cli.paths import Spelling, composed

CAFE = "café"
FORMS = [unicodedata.normalize(form, CAFE) for form in ("NFC", "NFD")]


@pytest.mark.parametrize("on_disk", FORMS)
@pytest.mark.parametrize("asked", FORMS)
def test_a_file_is_found_in_either_form_and_told_as_it_is(tmp_path, on_disk, asked):
    file = tmp_path / on_disk / f"{on_disk}.jpg"
    file.parent.mkdir()
    file.touch()
    spelling = Spelling()
    for _ in range(2):
        assert spelling.file(tmp_path / asked / f"{asked}.jpg") == file
    assert spelling.file(tmp_path / asked / "other.jpg") is None
    assert spelling.file(tmp_path / asked) is None


def test_both_forms_side_by_side_are_two_files(tmp_path):
    for form in FORMS:
        (tmp_path / form).touch()
    assert {Spelling().file(tmp_path / form) for form in FORMS} == {tmp_path / f for f in FORMS}


@pytest.mark.parametrize("name", ["a\0é", "é\ud800", "\udcff", "é" * 3_000, "é/../x"])
def test_no_name_is_too_odd_to_ask_about(tmp_path, name):
    assert Spelling().file(tmp_path / name) is None


def test_a_name_that_is_no_text_is_itself(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xc3\xa9"
    (tmp_path / "\udcffé").touch()
    assert os.fsencode(Spelling().file(tmp_path / "\udcffé")) == path
    assert composed("\udcff") == "\udcff"
