"""Questions out of a CSV file, and the photos that they are asked of."""

import os
from pathlib import Path

import pytest

from isa_cli.errors import UsageError
from isa_cli.evaluation.user_csv import read_questions, user_benchmark
from isa_cli.evaluation.user_photos import UserPhotos
from isa_cli.triplets import Triplet, write_triplets


@pytest.fixture
def photos(tmp_path):
    """Three contents in four files."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name, data in (("a.jpg", b"aa"), ("b.jpg", b"bb"), ("sub/c.jpg", b"c"), ("z.jpg", b"aa")):
        (folder / name).write_bytes(data)
    (folder / "notes.txt").write_text("no picture")
    return UserPhotos.of_folder(folder)


def asked(tmp_path, text):
    path = tmp_path / "my.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_files_with_the_same_bytes_are_one_photo(photos):
    names = [[os.path.basename(path) for path in files] for files in photos.files]
    assert names == [[b"a.jpg", b"z.jpg"], [b"b.jpg"], [b"c.jpg"]]
    assert photos.vectors is None
    assert [image.name for image in photos.images] == ["a.jpg", "b.jpg", "c.jpg"]


def test_an_image_is_a_file_that_is_still_there(photos):
    Path(os.fsdecode(photos.files[0][0])).unlink()
    assert photos.images[0].name == "z.jpg"


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no picture in"):
        UserPhotos.of_folder(tmp_path)


def test_a_question_is_read_as_it_was_written(tmp_path):
    text = '\ufeffID,Targets, Reference ,MODIFIER\n7," b.jpg ;;sub/c.jpg",a.jpg," in\nred, "\n'
    text += "\n8,x,y,z\n"
    path = asked(tmp_path, text)
    first, second = read_questions(path)
    assert (first.reference, first.modifier) == ("a.jpg", "in\nred,")
    assert first.targets == ("b.jpg", "sub/c.jpg")
    assert (first.line, second.line) == (3, 5)  # where each of them ends


def test_triplets_of_one_question_are_one(tmp_path, photos):
    folder = tmp_path / "photos"
    path = tmp_path / "t.jsonl"
    write_triplets(
        path,
        [
            Triplet(1, folder / "a.jpg", "in red", folder / "b.jpg"),
            Triplet(2, folder / "b.jpg", "in red", folder / "sub/c.jpg"),
            Triplet(3, folder / "a.jpg", "in red", folder / "sub/c.jpg"),
        ],
    )
    first, second = read_questions(path)
    assert first.targets == (str(folder / "b.jpg"), str(folder / "sub/c.jpg"))
    assert (second.reference, second.modifier) == (str(folder / "b.jpg"), "in red")
    cases = user_benchmark(path, photos).cases
    assert [sorted(case.targets) for case in cases] == [[1, 2], [2]]
    path.write_text("{}\n")
    with pytest.raises(UsageError, match="line 1"):
        read_questions(path)


def test_paths_start_at_the_photos_or_at_the_file_or_at_the_root(tmp_path, photos):
    (tmp_path / "outside.jpg").write_bytes(b"o")
    path = asked(
        tmp_path,
        "reference,modifier,target\n"
        "a.jpg,x,photos/sub/c.jpg\n"
        f"outside.jpg,x,{tmp_path}/photos/z.jpg\n"
        "./outside.jpg,x,sub/../b.jpg\n",
    )
    benchmark = user_benchmark(path, photos)
    assert [(case.reference, case.targets) for case in benchmark.cases] == [
        (0, (2,)),
        (3, (0,)),
        (3, (1,)),
    ]
    assert [image.name for image in benchmark.images[3:]] == ["outside.jpg"]
    assert all(case.gallery.tolist() == [0, 1, 2] for case in benchmark.cases)
    assert benchmark.protocol["gallery"] == 3
    assert not benchmark.keep_reference


def test_without_a_reference_outside_everything_may_be_an_answer(tmp_path, photos):
    path = asked(tmp_path, "reference,modifier,target\na.jpg,x,b.jpg\n")
    (case,) = user_benchmark(path, photos).cases
    assert case.gallery is None


def test_a_copy_of_the_reference_is_no_target(tmp_path, photos):
    path = asked(tmp_path, "reference,modifier,target\na.jpg,x,z.jpg\n")
    with pytest.raises(UsageError, match="both reference and target"):
        user_benchmark(path, photos)


# --- other programs' tables ---


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffReference;Modifier;Targets\r\na.jpg;in red, or so;b.jpg\r\n".encode(),
        b'sep=;\r\nReference;Modifier;Targets;;\r\na.jpg;in red, or so;"b.jpg";;\r\n;;;;\r\n',
        "reference\tmodifier\ttarget\ra.jpg\tin red, or so\tb.jpg\r\r".encode("utf-16"),
        'reference,modifier,target\na.jpg,"in red, or so",b.jpg\n'.encode("utf-16-le"),
    ],
)
def test_every_program_asks_the_same(tmp_path, data):
    (tmp_path / "my.csv").write_bytes(data)
    (question,) = read_questions(tmp_path / "my.csv")
    assert (question.reference, question.modifier) == ("a.jpg", "in red, or so")
    assert question.targets == ("b.jpg",)


def test_several_targets_stand_in_quotes_where_semicolons_separate(tmp_path):
    path = asked(tmp_path, 'reference;modifier;targets\na.jpg;x;"b.jpg;c.jpg"\n')
    assert read_questions(path)[0].targets == ("b.jpg", "c.jpg")
    path = asked(tmp_path, "reference;modifier;targets\na.jpg;x;b.jpg;c.jpg\n")
    with pytest.raises(UsageError, match="line 2 has more cells") as caught:
        read_questions(path)
    assert '"a.jpg;b.jpg"' in caught.value.hint


def test_a_comma_in_the_words_is_not_taken_for_a_columns_end(tmp_path):
    path = asked(tmp_path, "reference,modifier,target\na.jpg,red, and darker,b.jpg\n")
    with pytest.raises(UsageError, match="line 2 has more cells"):
        read_questions(path)


HEAD = b"reference,modifier,target\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (HEAD + b"a.jpg,caf\xe9,b.jpg\n", "line 2 is no text in UTF-8.*'a.jpg,café,b.jpg'"),
        (HEAD + b"a.jpg,\0,b.jpg\n", "line 2 holds a zero byte"),
        (b"PK\3\4", "an Excel workbook"),
        (HEAD + b"a.jpg," + b"x" * 10**6 + b",b.jpg", "line 2: a cell has more"),
        (HEAD + b"x" * 10**5 + b",x,b.jpg", "line 2: there is no picture"),
        (HEAD + b"a.jpg,x," + b"x" * 10**5, "line 2: the target"),
    ],
)
def test_what_can_not_be_read_says_why_and_where(tmp_path, photos, data, said):
    (tmp_path / "my.csv").write_bytes(data)
    with pytest.raises(UsageError, match=said) as caught:
        user_benchmark(tmp_path / "my.csv", photos)
    assert caught.value.hint
    assert len(caught.value.message) < 600 + len(str(tmp_path))


@pytest.mark.parametrize("on_disk", ["café", "cafe\u0301"])
@pytest.mark.parametrize("written", ["café", "cafe\u0301"])
def test_accents_may_be_written_in_two_ways(tmp_path, on_disk, written):
    folder = tmp_path / "photos" / on_disk
    folder.mkdir(parents=True)
    (folder / f"{on_disk}.jpg").write_bytes(b"1")
    (folder / "b.jpg").write_bytes(b"2")
    (tmp_path / f"{on_disk} outside.jpg").write_bytes(b"3")
    path = asked(
        tmp_path,
        "reference,modifier,target\n"
        f"{written}/b.jpg,x,{written}/{written}.jpg\n"
        f"{written} outside.jpg,x,{written}/b.jpg\n",
    )
    benchmark = user_benchmark(path, UserPhotos.of_folder(tmp_path / "photos"))
    names = [image.name for image in benchmark.images]
    first, second = benchmark.cases
    assert names[first.reference] == "b.jpg"
    assert [names[at] for at in first.targets] == [f"{on_disk}.jpg"]
    assert names[second.reference] == f"{on_disk} outside.jpg"


def test_a_pipe_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "my.csv")
    with pytest.raises(UsageError, match="a pipe or a device"):
        read_questions(tmp_path / "my.csv")
