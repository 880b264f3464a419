"""Which triplets are learned from, what counts as right, and what the gallery lacks."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import TrainingError
from isa_cli.gallery.gallery import Gallery
from isa_cli.gallery.records import Embedded
from isa_cli.images import digest
from isa_cli.reporting import Silent
from isa_cli.training.data.triplet_photos import LEAST_STEPS, TripletPhotos
from isa_cli.triplets import Triplet, write_triplets
from isa_cli.types import EmbeddingSpace, FileStamp, PhotoInfo

SPACE = EmbeddingSpace("eight", 8, "e" * 64)
COUNT = 40


class Said(Silent):
    def __init__(self):
        self.lines = []

    def warn(self, message):
        self.lines.append(message)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A gallery of photos 0 to 39 by name; 38 and 39 are copies, and photo 40 is not in it."""
    home = tmp_path_factory.mktemp("triplets")
    (home / "photos").mkdir()
    outcomes = []
    for number in range(COUNT + 1):
        rng = np.random.default_rng(min(number, 38) if number < COUNT else number)
        path = home / "photos" / f"{number:02}.png"
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
        stamp = FileStamp(os.fsencode(path), path.stat().st_size, 1)
        vector = rng.standard_normal(8).astype(np.float32)
        outcomes.append(Embedded(stamp, digest(path.read_bytes()), PhotoInfo("PNG", 8, 8), vector))
    with Gallery.open(home / "g", writable=True, space=SPACE) as gallery:
        gallery.catalog.record(outcomes[:COUNT])
    return home


def photo(home, number):
    return home / "photos" / f"{number:02}.png"


def read(home, asked, **options):
    """The triplets (reference, modifier, target) by number, out of a file."""
    triplets = [Triplet(0, photo(home, r), words, photo(home, t)) for r, words, t in asked]
    write_triplets(home / "t.jsonl", triplets)
    with Gallery.open(home / "g") as gallery:
        return TripletPhotos.of(gallery, home / "t.jsonl", **options)


def chain(count=37):
    """One triplet for each of some references."""
    return [(n, f"as {n}", (n + 1) % 38) for n in range(count)]


def number_of(found, row):
    return int(os.path.basename(found.paths[row])[:2])


def test_everything_about_pictures_is_the_gallerys(home):
    found = read(home, chain())
    assert len(found) == len(found.references) == 37
    for question, target in zip(found.questions, found.targets, strict=True):
        row = int(found.references[question])
        number = number_of(found, row)
        assert found.modifiers[question] == f"as {number}"
        for one, wanted in ((row, number), (target, (number + 1) % 38)):
            rng = np.random.default_rng(wanted)
            rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            vector = rng.standard_normal(8)
            np.testing.assert_allclose(
                found.vectors[one], vector / np.linalg.norm(vector), atol=2e-3
            )


def test_all_targets_of_a_question_are_right_and_words_are_its_own(home):
    more = [(0, "AS 0", 5), (0, "else", 6)]
    found = read(home, chain(20) + more)
    assert len(found) == 22
    assert len(found.references) == 21
    zero = next(q for q, words in enumerate(found.modifiers) if words == "as 0")
    other = found.modifiers.index("else")
    assert found.references[zero] == found.references[other]
    right = {
        number: found.keys.tolist().index(key)
        for number, key in _keys(home).items()
        if key in found.keys.tolist()
    }
    assert found.answers(zero).tolist() == sorted([right[1], right[5]])
    table = found.are_right(np.array([zero, other]), np.arange(len(found.keys)))
    assert np.flatnonzero(table[0]).tolist() == found.answers(zero).tolist()
    assert np.flatnonzero(table[1]).tolist() == [right[6]]
    last = len(found.modifiers) - 1
    assert len(found.answers(last)) == 1


def _keys(home):
    """Vector keys by the photos' numbers."""
    from isa_cli.filters import And

    with Gallery.open(home / "g") as gallery:
        photos = gallery.catalog.photos.of(gallery.catalog.vectors.select(And(())))
    return {
        int(os.path.basename(path)[:2]): key
        for key, found in photos.items()
        for one in found
        for path in one.paths
    }


def test_copies_are_one_picture(home):
    found = read(
        home, [*chain(20), (38, "x", 3), (39, "x", 3), (38, "y", 39)], reporter=(said := Said())
    )
    assert len(found) == 21  # the same question twice, and one whose answer is its reference
    (line,) = said.lines
    assert "1 of 23 triplets are left out, the first in line 23" in line


def test_no_reference_is_on_both_sides(home):
    asked = chain() + [(n, "again", n + 1) for n in range(30)]
    found = read(home, asked)
    sides = [set(found.references[found.questions[side]]) for side in (found.train, found.held_out)]
    assert not sides[0] & sides[1]
    assert sorted([*found.train, *found.held_out]) == list(range(67))
    assert len(sides[1]) == 9  # a quarter of 37


def test_what_is_held_out_stays_when_there_are_more(home):
    few, many = read(home, chain(20)), read(home, chain(37))
    before, after = (
        {number_of(found, row) for row in found.references[found.questions[found.held_out]]}
        for found in (few, many)
    )
    assert {number for number in after if number < 20} <= before
    assert len(before) == 5


def test_at_most_takes_the_same_ones_and_fewer_are_part_of_more(home):
    def words(found):
        return {found.modifiers[question] for question in found.questions}

    some = read(home, chain(), at_most=20, seed=1)
    assert words(some) == words(read(home, chain()[::-1], at_most=20, seed=1))
    assert words(some) < words(read(home, chain(), at_most=30, seed=1))
    assert words(some) != words(read(home, chain(), at_most=20, seed=2))
    assert some.digest != read(home, chain(), at_most=30, seed=1).digest
    assert len(some) == 20


def test_a_picture_that_moved_is_known_by_its_bytes(home, tmp_path):
    moved = tmp_path / "elsewhere.png"
    shutil.copy(photo(home, 3), moved)
    triplets = [Triplet(0, photo(home, r), w, photo(home, t)) for r, w, t in chain(20)]
    triplets.append(Triplet(0, moved, "moved", photo(home, 7)))
    write_triplets(tmp_path / "t.jsonl", triplets)
    with Gallery.open(home / "g") as gallery:
        found = TripletPhotos.of(gallery, tmp_path / "t.jsonl")
    three = int(found.references[found.modifiers.index("as 3")])
    assert found.references[found.modifiers.index("moved")] == three
    assert found.paths[three] == os.fsencode(photo(home, 3))


def test_what_the_gallery_lacks_is_named_by_line(home):
    asked = [*chain(20), (40, "x", 1), (1, "y", 40)]
    with pytest.raises(TrainingError) as caught:
        read(home, asked)
    message = caught.value.message
    assert f"line 21: {photo(home, 40)}; line 22: {photo(home, 40)}" in message
    assert f"isa index {home / 'photos'}" in caught.value.hint


def test_many_that_are_missing_are_counted(home):
    with pytest.raises(TrainingError, match=r"line 5: \S+; and 2 more$"):
        read(home, [(0, "a", 1)] + [(40, f"{n}", n) for n in range(6)])


def test_too_few_references_are_one_sentence(home):
    asked = [(n % 15, f"{n}", n % 15 + 1) for n in range(60)]
    with pytest.raises(TrainingError, match=r"at least 16 references, and .* of 15"):
        read(home, asked)


# --- in which order ------------------------------------------------------------------------------


def test_an_epoch_of_few_goes_through_them_several_times(home):
    found = read(home, chain())  # 28 to learn from
    assert found.steps_per_epoch(8) == LEAST_STEPS
    rows = np.concatenate([found.batch_rows(step, 8, 0) for step in range(LEAST_STEPS)])
    times = np.bincount(rows, minlength=len(found))
    assert set(times[found.train]) <= {4, 5}
    assert (times[found.held_out] == 0).all()


def test_an_epoch_of_many_is_one_pass(home):
    found = read(home, chain())
    assert found.steps_per_epoch(1) == 28
    epochs = [[int(found.batch_rows(28 * e + n, 1, 0)[0]) for n in range(28)] for e in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == found.train.tolist()
    assert epochs[0] != epochs[1]


def test_no_batch_is_larger_than_there_are_triplets(home):
    found = read(home, chain())
    assert found.batch_size(64) == 28
    for step in range(3):
        assert sorted(found.batch_rows(step, 64, 0)) == found.train.tolist()


def test_batches_depend_on_step_and_seed_alone(home):
    one, other = read(home, chain()), read(home, chain())
    forward = [one.batch_rows(step, 8, 5).tolist() for step in range(40)]
    backward = [other.batch_rows(step, 8, 5).tolist() for step in reversed(range(40))]
    assert forward == backward[::-1]
    assert forward[0] != one.batch_rows(0, 8, 6).tolist()
