"""Scenes in motion: the flow is that of the pictures, what leaves a picture does not count, one seed is one motion."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from mvinverse_cli.maps import MAPS
from mvinverse_cli.train.consistency import warp
from mvinverse_cli.train.data import Batch
from mvinverse_cli.train.motion import NOISE, SHIFT_PIXELS, draw_move, flow_of, set_in_motion

SIZE = (56, 84)


def make_batch(count: int, views: int) -> Batch:
    """Smooth pictures, each view another."""
    coarse = torch.rand((count * views, 3, 5, 7), generator=torch.Generator().manual_seed(3))
    images = interpolate(coarse, SIZE, mode="bicubic", align_corners=True).clamp(0, 1).view(count, views, 3, *SIZE)
    masks = {name: torch.ones((count, views, *SIZE, 1), dtype=torch.bool) for name in MAPS}
    return Batch(images, {}, masks, tuple(f"scene {index}" for index in range(count)))


@pytest.mark.parametrize(("views", "frames"), [(1, 2), (2, 3), (4, 3)])
def test_the_flow_leads_from_the_still_frame_to_the_moved_one(views: int, frames: int):
    batch = make_batch(2, views)
    for seed in range(8):
        triplet = set_in_motion(batch, np.random.default_rng(seed))
        assert triplet.images.shape == (2, frames, 3, *SIZE)
        assert triplet.flow.shape == (2, *SIZE, 2)
        now, later = (triplet.images[:, at].permute(0, 2, 3, 1) for at in (-2, -1))
        apart = (now - warp(later, triplet.flow))[triplet.valid[..., 0]]
        assert apart.square().mean().sqrt() < 1.6 * NOISE[1]
        assert torch.equal(triplet.images[:, 0], batch.images[:, 0]) == (frames == 3)
        assert (now - batch.images[:, -1].permute(0, 2, 3, 1)).abs().max() < 6 * NOISE[1]


def test_what_leaves_the_picture_does_not_count():
    shift = np.array([[1.0, 0, 10], [0, 1, 0], [0, 0, 1]])
    assert torch.allclose(flow_of(shift[None], *SIZE), torch.tensor([10.0, 0]))
    for seed in range(20):
        triplet = set_in_motion(make_batch(1, 1), np.random.default_rng(seed))
        x = torch.arange(SIZE[1]) + triplet.flow[0, ..., 0]
        outside = (x < 0) | (x > SIZE[1] - 1)
        assert not triplet.valid[0, ..., 0][outside].any()
        assert triplet.valid.float().mean() > 0.4


def test_motions_are_small_and_of_every_size_down_to_a_part_of_a_pixel():
    far = [np.linalg.norm(draw_move(np.random.default_rng(seed))[:2, 2]) for seed in range(200)]
    assert SHIFT_PIXELS[0] <= min(far) < 0.5
    assert 8 < max(far) <= SHIFT_PIXELS[1]


def test_one_seed_is_one_motion():
    batch = make_batch(2, 2)
    again = [set_in_motion(batch, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert torch.equal(again[0].images, again[1].images)
    assert torch.equal(again[0].flow, again[1].flow)
    assert not torch.equal(again[0].flow, again[2].flow)
