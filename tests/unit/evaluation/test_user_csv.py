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
