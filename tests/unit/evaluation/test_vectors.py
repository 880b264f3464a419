"""A benchmark's pictures through a real gallery, with an encoder whose vectors are colours."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from isa_cli.errors import GalleryLocked, ImageError
from isa_cli.evaluation.vectors import cache_folder, vectors_of
from isa_cli.gallery.gallery import Gallery
from isa_cli.reporting import Silent
from tests.fakes import MeanColour

COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250)]


@pytest.fixture
def images(tmp_path):
    """Five pictures in two folders, not in the order of their names."""
    paths = []
    for number, colour in enumerate(COLOURS):
        path = tmp_path / "pictures" / str(number % 2) / f"{9 - number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 12), colour).save(path)
        paths.append(path)
    return paths


@pytest.fixture
def embed(tmp_path):
    """Return vectors and how many pictures were embedded for them."""

    def call(images, encoder=None):
        encoder = encoder or MeanColour()
        vectors = vectors_of(
            *(images, tmp_path / "cache", encoder.space, lambda: encoder, (8, 8), Silent())
        )
        return vectors, encoder.encoded

    return call


def never():
    raise AssertionError("nothing is left to embed")


def expected(colours):
    rows = np.array(colours, np.float32) + np.float32(1e-3)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_one_row_per_picture_in_their_order(embed, images):
    vectors, encoded = embed(images)
    assert encoded == 5
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected(COLOURS), atol=1e-3)  # kept in float16


def test_a_second_run_embeds_nothing_in_any_order(tmp_path, embed, images):
    first, _ = embed(images)
    backwards = vectors_of(
        *(images[::-1], tmp_path / "cache", MeanColour.space, never, (8, 8), Silent())
    )
    np.testing.assert_array_equal(backwards, first[::-1])


def test_what_is_known_is_read_while_another_run_writes(tmp_path, embed, images):
    first, _ = embed(images[:3])
    with Gallery.open(tmp_path / "cache", writable=True):
        np.testing.assert_array_equal(embed(images[:3])[0], first)
        with pytest.raises(GalleryLocked):
            embed(images)


def test_the_same_picture_and_a_copy_are_embedded_once(embed, images):
    copy = images[0].with_name("copy.png")
    copy.write_bytes(images[0].read_bytes())
    vectors, encoded = embed([images[0], copy, images[1], images[0]])
    assert encoded == 2
    np.testing.assert_array_equal(vectors[[1, 3]], vectors[[0, 0]])
    np.testing.assert_allclose(vectors[2], expected(COLOURS[1:2])[0], atol=1e-3)


def test_only_what_is_asked_for_is_embedded_and_only_what_changed_again(embed, images):
    assert embed(images[:2])[1] == 2
    assert embed(images)[1] == 3
    Image.new("RGB", (12, 12), (90, 90, 90)).save(images[3])
    vectors, encoded = embed(images)
    assert encoded == 1
    np.testing.assert_allclose(vectors[3], expected([(90, 90, 90)])[0], atol=1e-3)


def test_a_run_that_broke_off_is_gone_on_with(embed, images):
    class Dying(MeanColour):
        lanes, batch_size = 1, 2

        def encode(self, batch):
            if self.encoded:
                raise KeyboardInterrupt
            return super().encode(batch)

    with pytest.raises(KeyboardInterrupt):
        embed(images, Dying())
    assert embed(images)[1] < 5


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"\xff\xd8\xff")])
def test_a_picture_that_cannot_be_used_is_named_and_may_be_mended(embed, images, spoil):
    whole = images[2].read_bytes()
    spoil(images[2])
    for _ in range(2):  # also when its failure is in the catalogue already
        with pytest.raises(ImageError, match=r"7\.png") as caught:
            embed(images)
        assert "more" not in caught.value.message
    images[2].write_bytes(whole)
    assert len(embed(images)[0]) == 5


def test_of_many_the_first_is_named_and_the_others_counted(embed, images):
    for path in images[1:4]:
        path.unlink()
    with pytest.raises(ImageError, match=r"8\.png .*, and 2 more"):
        embed(images)


def test_a_picture_that_the_model_chokes_on_is_named(embed, images):
    with pytest.raises(ImageError, match=r"9\.png .* no finite vector, and 1 more"):
        embed(images, MeanColour(poison=100))


def test_names_that_are_no_text(embed, images):
    odd = Path(os.fsdecode(os.fsencode(images[0].parent) + b"/caf\xe9.png"))
    images[0].rename(odd)
    assert embed([odd])[1] == 1


def test_precisions_do_not_share_a_cache():
    folders = {cache_folder(MeanColour.space, precision) for precision in ("fp32", "bf16")}
    assert len(folders) == 2
    assert all("c" * 16 in folder.name for folder in folders)
