"""Seams: a gain that was free is taken back, the product stays, a fade goes from one pass to the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.shot.seams import GAIN_LEAST, GAIN_MOST, align, cross_fade, fade_share, with_gain


def picture(seed: int, channels: int = 3, low: float = 0.0, high: float = 0.5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (12, 16, channels)).astype(np.float32)


@given(st.tuples(*[st.floats(0.6, 1.8)] * 3))
def test_a_gain_between_two_passes_is_found(gain: tuple[float, float, float]):
    ours = [picture(0), picture(1)]
    seam = align(ours, [frame * np.float32(gain) for frame in ours], 7)
    assert seam.gain == pytest.approx(gain, rel=1e-4)
    assert seam.residual < 1e-4
    assert seam.position == 7


def test_a_few_pixels_that_changed_for_another_reason_do_not_pull_at_the_gain():
    ours = picture(0)
    theirs = ours * np.float32(1.25)
    theirs[:2, :8] = 1.0  # a twelfth: a highlight that moved
    seam = align([ours], [theirs], 0)
    assert seam.gain == pytest.approx((1.25,) * 3, rel=0.01)
    assert 0.05 < seam.residual < seam.before


@pytest.mark.parametrize(("factor", "kept"), [(0.1, GAIN_LEAST), (10.0, GAIN_MOST)])
def test_a_gain_stays_in_its_range(factor: float, kept: float):
    ours = picture(0, high=0.1)
    assert align([ours], [ours * np.float32(factor)], 0).gain == pytest.approx((kept,) * 3)


def test_a_black_channel_keeps_its_gain_at_one():
    ours = picture(0) * np.float32([1, 0, 1])
    assert align([ours], [ours], 0).gain == pytest.approx((1, 1, 1))


@given(st.tuples(*[st.floats(GAIN_LEAST, GAIN_MOST)] * 3))
def test_the_product_of_albedo_and_shading_stays(gain: tuple[float, float, float]):
    maps = {"albedo": picture(0), "shading": picture(1), "roughness": picture(2, 1)}
    changed = with_gain(maps, gain)
    np.testing.assert_allclose(changed["albedo"] * changed["shading"], maps["albedo"] * maps["shading"], rtol=1e-5)
    assert changed["roughness"] is maps["roughness"]


def test_a_gain_never_leaves_the_range_of_a_map():
    changed = with_gain({"albedo": picture(0, high=1.0)}, (2.0, 2.0, 2.0))
    assert changed["albedo"].max() == 1


@given(st.integers(1, 30))
def test_a_fade_rises_from_the_earlier_pass_to_the_later(overlap: int):
    shares = [fade_share(index, overlap) for index in range(overlap)]
    assert shares == sorted(shares)
    assert 0 < shares[0] <= shares[-1] < 1
    assert np.allclose(np.add(shares, shares[::-1]), 1)


def test_a_fade_is_the_weighted_mean_and_normals_keep_unit_length():
    def maps(seed: int) -> dict[str, np.ndarray]:
        normal = picture(seed, low=-1, high=1)
        return {"albedo": picture(seed + 1), "normal": normal / np.linalg.norm(normal, axis=-1, keepdims=True)}

    first, second = maps(0), maps(10)
    faded = cross_fade(first, second, 0.25)
    np.testing.assert_allclose(faded["albedo"], 0.75 * first["albedo"] + 0.25 * second["albedo"], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(faded["normal"], axis=-1), 1, atol=1e-5)


def test_opposite_normals_leave_the_earlier_one():
    up = np.zeros((2, 2, 3), np.float32) + np.float32([0, 0, 1])
    faded = cross_fade({"normal": up}, {"normal": -up}, 0.5)
    np.testing.assert_array_equal(faded["normal"], up)
