"""Which arguments are pictures and which are words."""

import os
from pathlib import Path

import pytest

from isa_cli.cli.arguments import picture, references_and_modifier
from isa_cli.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "ref.jpg").touch()
    (tmp_path / "scan").touch()
    (tmp_path / "my photos").mkdir()
    (tmp_path / "my photos" / "b c.png").touch()
    (tmp_path / "beach").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "references", "modifier"),
    [
        (["ref.jpg"], ["ref.jpg"], ""),
        (["ref.jpg", "at night"], ["ref.jpg"], "at night"),
        (["at night", "ref.jpg"], ["ref.jpg"], "at night"),
        (
            ["ref.jpg", "my photos/b c.png", "at night"],
            ["ref.jpg", "my photos/b c.png"],
            "at night",
        ),
        (["scan", "in colour"], ["scan"], "in colour"),
        (["dog"], [], "dog"),
        (["a black and/or white dog"], [], "a black and/or white dog"),
        (["costs $5.99"], [], "costs $5.99"),
        (["ref.jpg", "beach"], ["ref.jpg"], "beach"),
        (["café \N{DOG}"], [], "café \N{DOG}"),
        (["dog " * 2000], [], "dog " * 2000),
        (["dog\0"], [], "dog\0"),
        ([], [], ""),
    ],
)
def test_pictures_and_words(arguments, references, modifier):
    assert references_and_modifier(arguments, None) == (tuple(map(Path, references)), modifier)


@pytest.mark.parametrize(
    "name",
    ["missing.jpg", "MISSING.HEIC", "a dog.png", "no/such", "./dog", "/nowhere/my dog", "~/x"],
)
def test_what_is_written_like_a_file_is_never_searched_as_words(name):
    with pytest.raises(UsageError, match="there is no file") as caught:
        references_and_modifier([name], None)
    assert "--text" in caught.value.hint


def test_text_takes_words_that_look_like_a_file():
    assert references_and_modifier([], "missing.jpg") == ((), "missing.jpg")
    assert references_and_modifier(["ref.jpg"], "./x") == ((Path("ref.jpg"),), "./x")


def test_two_words_are_told_to_be_quoted():
    with pytest.raises(UsageError) as caught:
        references_and_modifier(["ref.jpg", "at", "night"], None)
    assert "'at', 'night'" in caught.value.message
    assert '"at night"' in caught.value.hint


def test_words_with_and_without_text_are_refused():
    with pytest.raises(UsageError) as caught:
        references_and_modifier(["at night"], "at night")
    assert "--text" in caught.value.hint


@pytest.mark.parametrize("words", ["", "  ", "\n"])
def test_empty_words_are_refused(words):
    with pytest.raises(UsageError, match="empty"):
        references_and_modifier(["ref.jpg", words], None)
    with pytest.raises(UsageError, match="empty"):
        references_and_modifier([], words)


def test_a_folder_is_no_reference():
    with pytest.raises(UsageError, match="folder") as caught:
        references_and_modifier(["./beach"], None)
    assert "--under ./beach" in caught.value.hint


def test_home_is_expanded(here, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    assert references_and_modifier(["~/ref.jpg"], None) == ((here / "ref.jpg",), "")


def test_hostile_names_are_shown_without_harm():
    with pytest.raises(UsageError) as caught:
        references_and_modifier(["./\x1b[31m\udcff"], None)
    assert r"./\x1b[31m\xff" in caught.value.message


# --- files that only happen to be called so ---


@pytest.fixture
def files(here):
    contents = {
        "dog": b"shopping list\n",
        "cat": b"",
        "bird": b"\0" * 100,
        "zip": b"PK\x03\x04 and so on",
        "photo": b"\xff\xd8\xff\xe0 of a JPEG",
        "modern": b"\xff\x0a JPEG XL",
        "paper": b"%PDF-1.7",
        "notes.txt": b"shopping list\n",
        "black dog": b"shopping list\n",
        "wrong.jpg": b"shopping list\n",
    }
    for name, data in contents.items():
        (here / name).write_bytes(data)
    (here / "fish").mkdir()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("word", ["dog", "cat", "bird", "zip", "fish", "black dog"])
def test_a_word_is_a_word_though_a_file_is_called_so(word):
    assert references_and_modifier([word], None) == ((), word)
    assert references_and_modifier(["ref.jpg", word], None) == ((Path("ref.jpg"),), word)
    assert references_and_modifier([word, "photo"], None) == ((Path("photo"),), word)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "text", "name", "said"),
    [
        (["./dog"], None, "./dog", "it looks like text"),
        (["dog", "at night"], None, "dog", "it looks like text"),
        (["dog"], "at night", "dog", "it looks like text"),
        (["dog", "bird"], None, "bird", "zero bytes"),
        (["modern"], None, "modern", "JPEG XL"),
        (["paper"], None, "paper", "a PDF"),
        (["notes.txt"], None, "notes.txt", "it looks like text"),
        (["wrong.jpg"], None, "wrong.jpg", "it looks like text"),
        (["my photos/../dog"], None, "my photos/../dog", "it looks like text"),
    ],
)
def test_what_is_no_picture_is_told_with_the_way_to_say_words(arguments, text, name, said):
    with pytest.raises(UsageError, match="is no picture isa knows") as caught:
        references_and_modifier(arguments, text)
    assert caught.value.message.startswith(name)
    assert said in caught.value.message
    assert f'--text "{name}"' in caught.value.hint


@pytest.mark.usefixtures("files")
def test_the_same_word_twice_is_not_once():
    with pytest.raises(UsageError, match="is no picture"):
        references_and_modifier(["dog", "dog"], None)


@pytest.mark.usefixtures("files")
def test_what_is_unwanted_has_words_of_its_own():
    with pytest.raises(UsageError) as caught:
        picture("dog", "--not")
    assert '--not "dog"' in caught.value.hint


@pytest.mark.usefixtures("files")
def test_text_says_that_a_files_name_is_words():
    assert references_and_modifier(["photo"], "dog") == ((Path("photo"),), "dog")
    assert references_and_modifier([], "photo") == ((), "photo")


def test_a_pipe_is_no_reference_and_never_waited_for(here):
    os.mkfifo(here / "pipe.jpg")
    with pytest.raises(UsageError, match="no regular file"):
        references_and_modifier(["pipe.jpg"], None)
    os.mkfifo(here / "pipe")
    assert references_and_modifier(["pipe"], None) == ((), "pipe")
