"""Tables of captions, in the shapes that people and data sets give them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from isa_cli.errors import UsageError
from isa_cli.reporting import Silent
from isa_cli.triplets.table import captioned, read_captions, read_list


class Said(Silent):
    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)

    warn = note


def table(folder, text):
    file = folder / "captions.csv"
    file.write_bytes(text.encode())
    return file


TWO = {"a.jpg": ["A dog", "The dog, red"], "b.jpg": ["A cat"]}


@pytest.mark.parametrize(
    "text",
    [
        'image,split,caption\na.jpg,train,A dog\na.jpg,train,"The dog, red"\nb.jpg,train,A cat\n',
        'image,caption\r\na.jpg,A dog\r\nb.jpg,A cat\r\na.jpg,"The dog, red"\r\n',
        '\ufeffFile Name,Caption 1,Caption 2\na.jpg,A dog,"The dog, red"\nb.jpg,A cat,\n',
        (
            "image_name| comment_number| comment\na.jpg| 0| A dog\na.jpg| 1| The dog, red\n"
            "b.jpg| 0| A cat\nc.jpg| 4   A bad row\n"
        ),
        "text\tpath\nA dog\ta.jpg\nThe dog, red\ta.jpg\n\t\nA cat\tb.jpg\n",
        ',img,captions,url\n0,a.jpg,A dog,x\n1,a.jpg,"The dog, red",y\n2,b.jpg,A cat,z\n',
    ],
    ids=["rows", "plain", "columns", "bars", "tabs", "numbered"],
)
def test_every_shape_gives_the_same(tmp_path, text):
    assert read_captions(table(tmp_path, text)) == TWO


def test_a_split_and_a_list_choose(tmp_path):
    file = table(tmp_path, "image,split,caption\nx/a.jpg,train,A\nb.jpg,test,B\nc.jpg,train,C\n")
    assert list(read_captions(file, split="train")) == ["x/a.jpg", "c.jpg"]
    assert list(read_captions(file, names={"a.jpg", "b.jpg"})) == ["x/a.jpg", "b.jpg"]
    assert list(read_captions(file, names={"x/a.jpg"}, split="train")) == ["x/a.jpg"]
    with pytest.raises(UsageError, match="no captions of a photo of the split 'val'"):
        read_captions(file, split="val")
    with pytest.raises(UsageError, match="on the list"):
        read_captions(file, names={"z.jpg"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column for the photos' names"),
        ("a.jpg,A dog\n", "no column for the photos' names"),
        ("caption,url\nA dog,x\n", "no column for the photos' names"),
        ("image,url\na.jpg,x\n", "no column for the captions"),
        ("image,caption\n", "has no captions of a photo"),
        ("image,caption\na.jpg,\n", "has no captions of a photo"),
    ],
)
def test_a_table_of_no_use_is_told(tmp_path, text, said):
    with pytest.raises(UsageError) as caught:
        read_captions(table(tmp_path, text))
    assert said in caught.value.message
    assert "image" in caught.value.hint


def test_a_split_without_a_column_and_unreadable_files_are_told(tmp_path):
    file = table(tmp_path, "image,caption\na.jpg,A\n")
    with pytest.raises(UsageError, match="no column 'split'"):
        read_captions(file, split="train")
    file.write_bytes(b"image,caption\n\xff\xfe,A\n")
    with pytest.raises(UsageError, match="can't be read as CSV"):
        read_captions(file)
    with pytest.raises(UsageError, match="No such file"):
        read_captions(tmp_path / "gone.csv")
    with pytest.raises(UsageError, match="No such file"):
        read_list(tmp_path / "gone.txt")


def test_a_list_has_one_name_a_line(tmp_path):
    (tmp_path / "list.txt").write_text("a.jpg\n\n  b c.jpg \n")
    assert read_list(tmp_path / "list.txt") == {"a.jpg", "b c.jpg"}
    (tmp_path / "list.txt").write_text("\n")
    with pytest.raises(UsageError, match="names no photo"):
        read_list(tmp_path / "list.txt")


def test_photos_that_are_gone_and_copies_are_left_out_and_counted(tmp_path):
    for name, data in {"a.jpg": b"one", "b.jpg": b"one", "c.jpg": b"two", "d.jpg": b"four"}.items():
        (tmp_path / name).write_bytes(data)
    names = [*"abcd", "e", "f"]
    said = Said()
    found = captioned({f"{name}.jpg": [name] for name in names}, tmp_path, said)
    assert [photo.path for photo in found] == [tmp_path / f"{name}.jpg" for name in "acd"]
    assert [photo.captions for photo in found] == [("a",), ("c",), ("d",)]
    missing, copies = said.lines
    assert "not there: 2 of 6 photos" in missing
    assert "e.jpg" in missing
    assert "copies of others: 1" in copies


def test_no_photo_at_all_is_told(tmp_path):
    with pytest.raises(UsageError, match="none of the 1 photos is there") as caught:
        captioned({"a.jpg": ["A"]}, Path(tmp_path))
    assert "--photos" in caught.value.hint


# --- other programs' tables ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"sep=;\r\nimage;caption\r\na.jpg;A dog\r\na.jpg;The dog, red\r\nb.jpg;A cat\r\n;;\r\n",
        b'image,caption,,\ra.jpg,A dog,,\ra.jpg,"The dog, red",,\rb.jpg,A cat,,\r,,,\r',
        "Image\tCaption\r\na.jpg\tA dog\na.jpg\tThe dog, red\nb.jpg\tA cat\n".encode("utf-16"),
        "image;caption\na.jpg;A dog\na.jpg;The dog, red\nb.jpg;A cat\n".encode("utf-16-le"),
    ],
)  # fmt: skip
def test_every_program_gives_the_same(tmp_path, data):
    (tmp_path / "captions.csv").write_bytes(data)
    assert read_captions(tmp_path / "captions.csv") == TWO


def test_another_encoding_is_told_with_its_line(tmp_path):
    file = tmp_path / "captions.csv"
    file.write_bytes(b"image,caption\na.jpg,fine\nb.jpg,caf\xe9\n")
    with pytest.raises(UsageError, match=r"line 3 is no text in UTF-8.*Windows-1252.*'b.jpg,café'"):
        read_captions(file)


def test_accents_may_be_written_in_two_ways(tmp_path):
    composed, apart = "café.jpg", "cafe\u0301.jpg"
    (tmp_path / apart).write_bytes(b"1")
    file = table(tmp_path, f"image,caption\n{composed},A dog\n")
    assert list(read_captions(file, names={apart})) == [composed]
    (photo,) = captioned(read_captions(file), tmp_path)
    assert photo.path == tmp_path / apart


def test_lists_in_other_encodings_are_read(tmp_path):
    file = tmp_path / "list.txt"
    file.write_bytes("a.jpg\r\nü.jpg\r\n".encode("utf-16"))
    assert read_list(file) == {"a.jpg", "ü.jpg"}
    file.write_bytes(b"\xff.jpg\n")
    assert read_list(file) == {"\udcff.jpg"}
    file.write_bytes(b"\xff\xfea")
    with pytest.raises(UsageError, match="save it as UTF-8"):
        read_list(file)
    file.unlink()
    os.mkfifo(file)
    for read in (read_list, read_captions):
        with pytest.raises(UsageError, match="a pipe or a device"):
            read(file)
