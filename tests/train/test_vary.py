"""Frames as another camera might have taken them: the flow still leads from one to the next."""

import numpy as np
import pytest

from mvinverse_cli.flow import warp_map
from mvinverse_cli.train.vary import SCALES, draw_scale, recoloured, resized_part, taken_again
from tests.flow.motion import texture

FLOW = np.broadcast_to(np.float32([-4, 0]), (56, 84, 2))


def pair() -> np.ndarray:
    """Two frames (2, 56, 84, 3) of a texture of soft features that moves 4 pixels to the left."""
    wide = texture(64, 160, 0).astype(np.float32) / 255
    return np.stack([wide[:56, start : start + 84] for start in (0, 4)])


def test_scales_lie_within_their_bounds():
    scales = [draw_scale(np.random.default_rng(seed)) for seed in range(50)]
    assert SCALES[0] <= min(scales) < 0.8
    assert 1.3 < max(scales) <= SCALES[1]


@pytest.mark.parametrize("size", [(28, 42), (84, 126), (42, 84)])
def test_at_another_size_the_flow_leads_where_it_led(size):
    valid = np.ones((56, 84, 1), bool)
    valid[:, :4] = False
    frames, flow, kept = resized_part(pair(), FLOW, valid, size)
    assert frames.shape == (2, *size, 3)
    assert np.allclose(flow, [-4 * size[1] / 84, 0])
    assert kept.shape == (*size, 1)
    edge = 4 * size[1] // 84
    assert not kept[:, : edge - 1].any()
    assert kept[:, edge + 1 :].all()
    warped = warp_map(frames[1], flow)
    moved = np.abs(warped - frames[0])[kept[..., 0]].mean()
    assert moved < 0.3 * np.abs(frames[1] - frames[0])[kept[..., 0]].mean()


@pytest.mark.parametrize("size", [(42, 63), (34, 50)])
def test_a_smaller_pixel_is_valid_where_all_that_goes_into_it_is(size):
    shown = np.zeros((2, 56, 84, 3), np.float32)
    valid = np.ones((56, 84, 1), bool)
    shown[:, 20:40:7, 10:70:9] = 1
    valid[20:40:7, 10:70:9] = False
    frames, _, kept = resized_part(shown, FLOW, valid, size)
    assert (frames[0][~kept[..., 0]] > 0).any()
    assert frames[0][kept[..., 0]].max() < 1e-3  # of what is not valid


def test_at_its_own_size_a_part_stays_as_it_is():
    frames, flow, valid = pair(), FLOW, np.ones((56, 84, 1), bool)
    assert all(a is b for a, b in zip(resized_part(frames, flow, valid, (56, 84)), (frames, flow, valid), strict=True))


@pytest.mark.parametrize("transfer", ["srgb", "linear"])
def test_another_camera_sees_the_same_in_one_light_with_a_noise_for_each_frame(transfer):
    still = np.repeat(pair()[:1] * 0.6 + 0.1, 2, axis=0)
    ratios = []
    noises = []
    for seed in range(12):
        again = taken_again(still, transfer, np.random.default_rng(seed))
        assert again.shape == still.shape
        assert again.dtype == np.float32
        assert 0 <= again.min() <= again.max() <= 1
        ratios.append(again.mean() / still.mean())
        noises.append(np.abs(again[0] - again[1]).mean())
        assert np.corrcoef(again[0].mean(-1).ravel(), still[0].mean(-1).ravel())[0, 1] > 0.4  # whatever the hues
    assert min(ratios) < 0.9 < 1.1 < max(ratios)
    assert max(noises) > 0.003
    assert max(noises) < 0.1


def test_other_colours_leave_grey_grey_and_nothing_negative():
    light = np.broadcast_to(np.linspace(0, 1, 12, dtype=np.float32)[:, None], (1, 1, 12, 3))
    for seed in range(12):
        again = recoloured(light, np.random.default_rng(seed))
        assert again.dtype == np.float32
        assert np.allclose(again, again.mean(-1, keepdims=True), atol=1e-6)
        assert (np.diff(again[0, 0, :, 0]) > 0).all()
        assert again.min() >= 0
    assert not recoloured(np.zeros_like(light), np.random.default_rng(0)).any()


def test_every_other_sample_is_of_other_hues():
    light = np.full((1, 1, 1, 3), np.float32([0.6, 0.4, 0.4]))
    reddest = [int(recoloured(light, np.random.default_rng(seed)).argmax()) for seed in range(200)]
    assert 0.55 < reddest.count(0) / 200 < 0.8  # half of them as they are, and a third of the others again
    assert reddest.count(1) > 15
    assert reddest.count(2) > 15
