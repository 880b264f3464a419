"""``isa demo`` as a newcomer runs it, and what ``isa index`` says of the demo's model."""

from __future__ import annotations

import os
import re
import shutil
import socket

import pytest

from tests.cli.conftest import isa_process


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A demo's folder, and what was said; every connection would go to a closed port."""
    folder = tmp_path_factory.mktemp("demo") / "here"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    env = os.environ | dict.fromkeys(
        ("HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), nowhere
    )
    return folder, isa_process("demo", "--folder", folder, env=env)


def test_the_demo_shows_answers_and_how_right_they_are(played):
    folder, said = played
    assert said.code == 0, said.err
    assert '+ "same dress but sleeveless"' in said.out
    first, of = map(int, re.search(r"(\d+) of the first (\d+) are right", said.out).groups())
    assert of == 10
    assert first >= 4  # chance: 0.05
    shares = {
        method: {k: int(share) for k, share in re.findall(r"R@(\d+) +(\d+)%", line)}
        for method, line in re.findall(
            r"^  (calibrated|two-stage) +(R@.*)$", said.out, re.MULTILINE
        )
    }
    assert set(shares) == {"calibrated", "two-stage"}
    assert 3 < shares["calibrated"]["1"] < shares["calibrated"]["10"]  # chance at 1: 0.2 %
    assert shares["two-stage"]["10"] > shares["calibrated"]["10"] + 5
    assert "isa index ~/Pictures" in said.out
    assert "isa search " in said.out
    assert f"everything goes into {folder}" in said.err


def test_the_demo_keeps_everything_in_one_folder(played):
    folder, _ = played
    assert sorted(path.name for path in folder.iterdir()) == ["gallery", "photos", "sheet.html"]


def test_the_contact_sheet_marks_the_right_answers(played):
    folder, said = played
    page = (folder / "sheet.html").read_text()
    first = int(re.search(r"(\d+) of the first", said.out)[1])
    assert page.count('class="mark right"') == first
    assert page.count('class="mark"') == 10 - first
    assert f"<b>{first} right</b>" in page
    assert page.count("data:image/jpeg;base64,") == 11  # the reference and ten answers


def test_a_second_demo_embeds_nothing_and_says_the_same(played):
    folder, first = played
    again = isa_process("demo", "--folder", folder)
    assert again.out == first.out
    assert "0 pictures embedded" in again.err


def test_the_demos_gallery_is_a_gallery(played):
    folder, _ = played
    said = isa_process(
        *("search", folder / "photos" / "00000.jpg", "in green", "--gallery", folder / "gallery"),
        *("--top", 3, "--paths"),
    )
    assert said.code == 0, said.err
    assert len(said.out.splitlines()) == 3


@pytest.mark.parametrize("where", ["", "{file}"])
def test_a_folder_that_can_not_be_is_told(isa, tmp_path, where):
    (tmp_path / "file").write_text("")
    said = isa("demo", "--folder", where.format(file=tmp_path / "file"))
    assert said.code == 2
    assert said.out == ""
    assert "→" in said.err


def test_indexing_photos_with_the_demos_model_is_remarked_upon_once(isa, photos, tmp_path):
    index = ("index", photos, "--gallery", tmp_path / "g", "--model", "isa-mini")
    assert "knows only the demo's wardrobe" in isa(*index).err
    assert "knows only the demo's wardrobe" not in isa(*index).err


def test_indexing_a_rendered_wardrobe_with_it_is_not(isa, played, tmp_path):
    folder, _ = played
    few = tmp_path / "few"
    few.mkdir()
    for name in ("wardrobe.jsonl", "00000.jpg"):
        shutil.copy(folder / "photos" / name, few)
    said = isa("index", few, "--gallery", tmp_path / "g", "--model", "isa-mini")
    assert said.code == 0
    assert "knows only" not in said.err
