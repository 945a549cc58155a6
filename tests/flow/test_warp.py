"""Backward warping: the second picture's map on the first picture's grid."""

import numpy as np
import pytest

from mvinverse_cli.flow import warp_map


@pytest.mark.parametrize("channels", [1, 3])
def test_the_second_map_is_looked_up_where_the_first_pixel_went(channels):
    rng = np.random.default_rng(0)
    wide = rng.random((20, 40, channels)).astype(np.float32)
    first, second = wide[:, 5:35], wide[:, 2:32]  # what is at x in the first is at x + 3 in the second
    flow = np.broadcast_to(np.float32([3, 0]), (20, 30, 2))
    warped = warp_map(second, flow)
    assert warped.shape == first.shape
    assert np.allclose(warped[:, :-3], first[:, :-3])
    assert np.array_equal(warped[:, -3:], second[:, -1:].repeat(3, axis=1))  # outside, the edge is repeated


def test_between_pixels_the_map_is_bilinear():
    ramp = np.arange(30, dtype=np.float32)[None, :, None].repeat(20, axis=0)
    flow = np.broadcast_to(np.float32([0.25, 0.5]), (20, 30, 2))
    assert np.allclose(warp_map(ramp, flow)[:-1, :-1], ramp[:-1, :-1] + 0.25, atol=1e-5)


def test_normals_keep_their_length_and_nothing_stays_nothing():
    normals = np.zeros((8, 8, 3), np.float32)
    normals[:, 2:5, 0], normals[:, 5:, 2] = 1, 1
    flow = np.broadcast_to(np.float32([0.5, 0]), (8, 8, 2))
    length = np.linalg.norm(warp_map(normals, flow, unit_vectors=True), axis=-1)
    assert np.allclose(length[:, 2:], 1, atol=1e-6)
    assert np.all(length[:, 0] == 0)
    assert np.linalg.norm(warp_map(normals, flow), axis=-1).min(initial=1, where=length > 0) < 0.8
