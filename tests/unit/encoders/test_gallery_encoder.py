"""The gallery's encoder: the same vectors from every lane, each lane on its own share of cores."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from PIL import Image

from isa_cli.encoders import load_backbone
from isa_cli.encoders.devices import usable_cores
from isa_cli.encoders.gallery_encoder import BackboneEncoder


@pytest.fixture(scope="module")
def backbone(tiny_model):
    return load_backbone(str(tiny_model), device="cpu", parts={"image"})


@pytest.fixture(autouse=True)
def _threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _batch(count: int) -> list[np.ndarray]:
    noise = np.random.default_rng(0)
    return [noise.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(count)]


def test_rows_are_the_backbones_and_in_order(backbone):
    encoder, batch = BackboneEncoder(backbone), _batch(5)
    rows = encoder.encode(batch)
    assert rows.shape == (5, encoder.space.dim)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(rows[3], backbone.encode_images(batch[3:4])[0], atol=1e-6)
    assert encoder.encode([]).shape == (0, encoder.space.dim)


def test_prepare_gives_pixels_of_the_input_size(backbone):
    encoder = BackboneEncoder(backbone)
    pixels = encoder.prepare(Image.new("RGB", (90, 50), (200, 10, 30)))
    assert pixels.shape == (*encoder.input_size, 3)
    assert pixels.dtype == np.uint8
    assert pixels[16, 16].tolist() == [200, 10, 30]


def test_on_a_cpu_there_is_a_lane_for_every_core(backbone):
    assert BackboneEncoder(backbone).lanes == usable_cores()
    assert BackboneEncoder(backbone, lanes=3).lanes == 3
    assert BackboneEncoder(backbone).batch_size == 16


def test_lanes_at_once_give_the_rows_that_one_gives(backbone):
    batches = [_batch(16)[start : start + 4] for start in range(0, 16, 4)]
    alone = [backbone.encode_images(batch) for batch in batches]
    encoder = BackboneEncoder(backbone, lanes=4)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(encoder.encode, batches))
    for ours, theirs in zip(together, alone, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_each_lane_takes_its_share_of_the_cores_and_the_caller_keeps_its_own(backbone):
    before = torch.get_num_threads()
    lanes = max(2, usable_cores())
    encoder = BackboneEncoder(backbone, lanes=lanes)
    barrier = Barrier(lanes)

    def lane(_: int) -> int:
        barrier.wait(30)
        encoder.encode(_batch(1))
        return torch.get_num_threads()

    with ThreadPoolExecutor(lanes) as pool:
        assert list(pool.map(lane, range(lanes))) == [1] * lanes
    assert torch.get_num_threads() == before


def test_a_single_lane_leaves_all_cores_to_its_caller(backbone):
    before = torch.get_num_threads()
    BackboneEncoder(backbone, lanes=1).encode(_batch(1))
    assert torch.get_num_threads() == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_gives_what_the_cpu_gives(tiny_model, backbone):
    encoder = BackboneEncoder(load_backbone(str(tiny_model), device="cuda", precision="fp32"))
    assert encoder.lanes == 1
    cosines = (encoder.encode(_batch(4)) * backbone.encode_images(_batch(4))).sum(axis=1)
    np.testing.assert_allclose(cosines, 1, atol=1e-3)
