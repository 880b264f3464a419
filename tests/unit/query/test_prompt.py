"""Templates are data, and senseless ones are refused; a place is counted, never looked for."""

from __future__ import annotations

import json

import pytest

from isa_cli.errors import UsageError
from isa_cli.query.prompt import Template, first_slot


def test_the_default_is_the_papers():
    assert Template().around() == ("a photo of ", "")
    assert Template().around("sleeveless") == ("a photo of ", ", sleeveless")


@pytest.mark.parametrize("modifier", ["", " ", "\n\t"])
def test_no_words_are_no_modifier(modifier):
    assert Template().around(modifier) == Template().around()


@pytest.mark.parametrize("modifier", ["{sentence}", "{modifier}", "{", "}{0}", "%s", "\\1"])
def test_braces_of_a_modifier_mean_nothing(modifier):
    assert Template().around(modifier) == ("a photo of ", f", {modifier}")


def test_two_texts_may_begin_differently():
    template = Template("{sentence}", "it shows {sentence} but {modifier}, really")
    assert template.around() == ("", "")
    assert template.around("red") == ("it shows ", " but red, really")


@pytest.mark.parametrize(
    ("plain", "modified"),
    [
        ("a photo", "{sentence}, {modifier}"),
        ("{sentence} {sentence}", "{sentence}, {modifier}"),
        ("{sentence}, {modifier}", "{sentence}, {modifier}"),
        ("{sentence}", "{sentence}"),
        ("{sentence}", "a photo, {modifier}"),
        ("{sentence}", "{modifier}, {sentence}"),
        ("{sentence}", "{sentence}, {modifier}, {modifier}"),
        ("{sentence}", "{sentence}{modifier}"),
        ("{sentence}", "{sentence}, {modifier} {colour}"),
        ("photo{sentence}", "{sentence}, {modifier}"),
        ("{sentence}s", "{sentence}, {modifier}"),
        ("{sentence", "{sentence}, {modifier}"),
    ],
)
def test_senseless_templates_are_refused_with_a_hint(plain, modified):
    with pytest.raises(UsageError) as error:
        Template(plain, modified)
    assert plain in error.value.message or modified in error.value.message
    assert "{sentence}" in error.value.hint


def test_a_template_survives_json():
    template = Template("{sentence}.", "{sentence} that is {modifier}")
    assert Template.from_dict(json.loads(json.dumps(template.as_dict()))) == template


@pytest.mark.parametrize(
    "values",
    [{}, {"plain": "{sentence}"}, {"plain": 1, "modified": 2}, Template().as_dict() | {"more": ""}],
)
def test_what_is_no_template_is_refused(values):
    with pytest.raises(UsageError):
        Template.from_dict(values)


def test_the_first_slot_is_counted():
    assert first_slot([[8, 1, 9, 0, 0], [8, 1, 5, 9, 0], [8, 1, 5, 5, 9]]) == 2
    assert first_slot([[9, 0, 0], [5, 9, 0], [5, 5, 9]]) == 0


def test_a_placeholder_before_the_sentence_is_no_slot():
    assert first_slot([[8, 5, 9, 0, 0], [8, 5, 5, 9, 0], [8, 5, 5, 5, 9]]) == 2


@pytest.mark.parametrize(
    "rows",
    [
        [[8, 9, 0, 0, 0, 0], [8, 5, 6, 9, 0, 0], [8, 5, 6, 5, 6, 9]],  # two tokens each
        [[0, 0, 8, 9], [0, 8, 5, 9], [8, 5, 5, 9]],  # padded on the left
        [[8, 9, 0, 0], [8, 5, 9, 0], [8, 6, 9, 0]],  # two become one
        [[8, 9], [8, 9], [8, 9]],  # no room
    ],
)
def test_there_is_no_place_where_a_placeholder_is_not_one_token(rows):
    assert first_slot(rows) is None
