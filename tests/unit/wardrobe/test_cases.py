"""Every right answer in a collection is known, and its questions are spread as promised."""

from __future__ import annotations

from collections import Counter

import pytest

from isa_cli.wardrobe.cases import collection
from isa_cli.wardrobe.changes import KINDS
from isa_cli.wardrobe.edits import altered
from isa_cli.wardrobe.garments import is_held_out


@pytest.fixture(scope="module")
def made():
    return collection(7, cases=200, gallery=1100)


def _garments(made):
    return [scene.garment for scene in made.scenes]


def test_it_is_as_large_as_asked_for(made):
    assert (len(made.scenes), len(made.cases)) == (1100, 200)


def test_every_right_answer_is_known(made):
    garments = _garments(made)
    for case in made.cases:
        right = [
            at
            for at, garment in enumerate(garments)
            if garment.fits(case.change.wanted) and at != case.reference
        ]
        assert right
        assert list(case.targets) == right


def test_the_reference_is_no_answer_and_differs_as_the_change_says(made):
    garments = _garments(made)
    for case in made.cases:
        reference, wanted = garments[case.reference], case.change.wanted
        assert not reference.fits(wanted)
        if case.change.kind == "category":
            assert reference.category != wanted.category
        else:
            number = 2 if case.change.kind == "two" else 1
            assert len(altered(reference, wanted)) == number


def test_kinds_and_held_out_are_evenly_spread(made):
    spread = Counter((case.change.kind, case.held_out) for case in made.cases)
    assert spread == {(kind, held_out): 20 for kind in KINDS for held_out in (False, True)}


def test_held_out_says_what_the_targets_show(made):
    garments = _garments(made)
    for case in made.cases:
        shown = {is_held_out(garments[at]) for at in case.targets}
        assert shown == {case.held_out}
        assert case.held_out or not is_held_out(garments[case.reference])


def test_traps_are_set(made):
    garments = _garments(made)
    at = Counter(garments)
    doubles = near = words = 0
    for case in made.cases:
        reference, wanted = garments[case.reference], case.change.wanted
        target = garments[case.targets[0]]
        doubles += at[reference] > 1
        wrong = [g for g in at if g.category == target.category and not g.fits(wanted)]
        near += any(
            g != reference and len(altered(garments[target_at], g)) == 1
            for target_at in case.targets
            for g in wrong
        )
        if case.change.kind != "category":
            asked = altered(reference, wanted)
            words += any(
                all(g[name] == wanted[name] for name in asked) and len(altered(target, g)) > 2
                for g in wrong
            )
    assert doubles == 200
    assert near >= 195
    assert words > 120


def test_targets_look_different_from_each_other(made):
    assert len(set(made.scenes)) == len(made.scenes)


def test_the_same_seed_makes_the_same(made):
    assert collection(7, cases=200, gallery=1100) == made
    assert collection(8, cases=200, gallery=1100) != made


def test_a_tight_gallery_still_holds_the_questions():
    made = collection(1, cases=30, gallery=60)
    assert len(made.scenes) == 60
    assert all(case.targets for case in made.cases)


def test_a_gallery_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="30 cases need a gallery of 60, not 59"):
        collection(1, cases=30, gallery=59)


def test_no_questions_leave_a_random_gallery():
    made = collection(1, cases=0, gallery=20)
    assert (len(made.scenes), made.cases) == (20, ())
