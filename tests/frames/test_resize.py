"""The resize rule and its inverse, as laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.frames import Fit, ResizeRule, as_float, fit_pixels, restore_map

lengths = st.integers(1, 300)
sizes = st.tuples(lengths, lengths)
limits = st.integers(14, 280)


def alone(size: tuple[int, int], max_size: int = 1024, patch_size: int = 14, min_size: int = 0) -> Fit:
    rule = ResizeRule(max_size, patch_size, min_size)
    return rule.fit(size, rule.grid([size]))


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((1920, 1080), (574, 1022)),
        ((1080, 1920), (1022, 574)),
        ((640, 480), (476, 630)),
        ((1, 1), (14, 14)),
        ((3, 5000), (1022, 14)),
        ((1024, 14), (14, 1022)),
        ((16384, 16384), (1022, 1022)),
    ],
)
def test_long_side_is_limited_and_sides_are_whole_patches(size, grid):
    assert ResizeRule(1024, 14).grid([size]) == grid


@pytest.mark.parametrize(
    ("size", "max_size", "grid"),
    [
        ((160, 120), 518, (210, 280)),
        ((120, 160), 518, (280, 210)),
        ((170, 125), 518, (196, 280)),
        ((280, 140), 518, (140, 280)),
        ((281, 200), 518, (196, 280)),
        ((600, 300), 518, (252, 518)),
        ((160, 120), 200, (140, 196)),
        ((1, 1), 518, (280, 280)),
    ],
)
def test_small_pictures_are_enlarged_to_the_least_long_side_as_far_as_the_longest_allows(size, max_size, grid):
    assert ResizeRule(max_size, 14, 280).grid([size]) == grid


@pytest.mark.parametrize(
    ("size", "pixel_aspect", "grid"),
    [
        ((1440, 1080), 4 / 3, (574, 1022)),  # HDV: 1920x1080 on the screen
        ((1828, 1556), 2.0, (434, 1022)),  # a scan of 35 mm film behind an anamorphic lens
        ((1556, 1828), 0.5, (1022, 434)),  # the same, turned
        ((720, 576), 16 / 15, (574, 768 // 14 * 14)),  # PAL
        ((100, 100), 2.0, (98, 196)),  # no row or column is given up
    ],
)
def test_pixels_that_are_not_square_are_seen_as_square_ones(size, pixel_aspect, grid):
    rule = ResizeRule(1024, 14, pixel_aspect=pixel_aspect)
    assert rule.grid([size]) == grid
    assert rule.fit(size, grid) == Fit(size, grid, grid)


def test_a_picture_that_the_grid_was_not_made_for_is_as_large_in_it_as_it_can_be():
    rule = ResizeRule(1024, 14)
    grid = rule.grid([(126, 126)])
    for side in range(140, 1024, 14):
        assert rule.fit((side, side), grid).inner == grid


@given(st.lists(sizes, min_size=1, max_size=5), limits, st.integers(0, 300), st.sampled_from([2, 14]))
def test_every_view_lies_in_the_common_grid(views, max_size, min_size, patch_size):
    rule = ResizeRule(max_size, patch_size, min_size)
    grid = rule.grid(views)
    assert max(grid) <= max_size
    for size in views:
        fit = rule.fit(size, grid)
        assert fit.inner[0] % patch_size == fit.inner[1] % patch_size == 0
        assert fit.inner == rule.grid([size])


@given(sizes, sizes, limits)
def test_a_view_the_grid_was_not_made_for_still_lies_in_it(first, later, max_size):
    rule = ResizeRule(max_size, 14)
    grid = rule.grid([first])
    fit = rule.fit(later, grid)
    assert fit.inner[0] <= grid[0]
    assert fit.inner[1] <= grid[1]


@given(sizes, limits, st.integers(0, 300), st.sampled_from([1, 3]))
def test_a_map_comes_back_at_the_size_of_the_source(size, max_size, min_size, channels):
    fit = alone(size, max_size, min_size=min_size)
    restored = restore_map(np.ones((*fit.grid, channels), np.float32), fit, unit_vectors=False)
    assert restored.shape == (size[1], size[0], channels)
    assert restored.dtype == np.float32


@given(st.lists(sizes, min_size=2, max_size=3), limits, st.floats(0, 1, width=32))
def test_a_constant_picture_stays_constant(views, max_size, value):
    rule = ResizeRule(max_size, 14)
    grid = rule.grid(views)
    fit = rule.fit(views[0], grid)
    picture = np.full((views[0][1], views[0][0], 3), value, np.float32)
    fitted = fit_pixels(picture, fit)
    assert fitted.shape == (*grid, 3)
    assert fitted.flags.c_contiguous
    np.testing.assert_allclose(fitted, value, atol=1e-6)
    np.testing.assert_allclose(restore_map(fitted, fit, unit_vectors=False), value, atol=1e-6)


@given(st.tuples(st.integers(60, 300), st.integers(60, 300)), st.integers(56, 320), st.integers(0, 400))
def test_a_smooth_ramp_survives_the_round_trip(size, max_size, min_size):
    width, height = size
    ramp = np.stack(np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height)), axis=-1)
    ramp = np.dstack([ramp, ramp.mean(axis=-1)]).astype(np.float32)
    fit = alone(size, max_size, min_size=min_size)
    restored = restore_map(fit_pixels(ramp, fit), fit, unit_vectors=False)
    # at the edge the outermost pixel centre of the small picture lies half its pixel inside
    assert np.abs(restored - ramp).max() <= 0.75 / min(fit.inner)


def test_maps_of_an_enlarged_picture_are_means_of_areas():
    fit = alone((14, 14), min_size=42)
    assert not fit.is_coarser
    values = np.random.default_rng(0).random((42, 42, 1), np.float32)
    means = values.reshape(14, 3, 14, 3, 1).mean(axis=(1, 3))
    np.testing.assert_allclose(restore_map(values, fit, unit_vectors=False), means, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_enlarged_picture_is_sharp_and_keeps_its_range(dtype):
    low, high = (0, 1) if dtype == np.float32 else (np.iinfo(dtype).max // 4, np.iinfo(dtype).max // 2)
    edge = np.full((14, 14, 3), low, dtype)
    edge[:, 7:] = high
    fitted = fit_pixels(edge, alone((14, 14), min_size=42))
    ends = as_float(np.array([low, high], dtype))
    assert fitted.min() == pytest.approx(ends[0])
    assert fitted.max() == pytest.approx(ends[1])
    step = np.diff(fitted[20, :, 0]).max() / (ends[1] - ends[0])
    assert step > 0.36  # a third where it is bilinear


def test_no_pixel_changes_where_the_size_fits_already():
    pixels = np.random.default_rng(0).random((28, 42, 3), np.float32)
    fit = alone((42, 28))
    np.testing.assert_array_equal(fit_pixels(pixels, fit), pixels)
    np.testing.assert_array_equal(restore_map(pixels, fit, unit_vectors=False), pixels)


def test_padding_repeats_the_edge_and_is_cropped_again():
    rule = ResizeRule(1024, 14)
    fit = rule.fit((28, 14), rule.grid([(28, 14), (14, 42)]))
    pixels = np.random.default_rng(0).random((14, 28, 3), np.float32)
    fitted = fit_pixels(pixels, fit)
    assert fitted.shape == (42, 28, 3)
    np.testing.assert_array_equal(fitted[14:], np.broadcast_to(pixels[-1], (28, 28, 3)))
    np.testing.assert_array_equal(restore_map(fitted, fit, unit_vectors=False), pixels)


def test_restored_normals_have_length_one_and_a_zero_vector_stays_zero():
    fit = alone((50, 40))
    normals = np.random.default_rng(0).normal(size=(*fit.grid, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[:14, :14] = 0
    restored = restore_map(normals, fit, unit_vectors=True)
    length = np.linalg.norm(restored, axis=-1)
    assert restored[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(length[20:, 20:], 1, atol=1e-5)
    assert np.isfinite(restored).all()


def test_a_turned_picture_with_negative_strides_is_taken():
    pixels = np.rot90(np.random.default_rng(0).random((30, 50, 3), np.float32))
    assert fit_pixels(pixels, alone((30, 50))).shape == (42, 28, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_become_the_unit_range(dtype):
    most = np.iinfo(dtype).max
    unit = as_float(np.array([0, most // 3, most], dtype))
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit, [0, 1 / 3, 1], atol=1e-7)


@given(
    st.tuples(st.integers(14, 90), st.integers(14, 90)), st.integers(14, 120), st.sampled_from([np.uint8, np.uint16])
)
def test_integers_are_averaged_as_exactly_as_floats(size, max_size, dtype):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (size[1], size[0], 3), dtype, endpoint=True)
    fit = alone(size, max_size)
    fitted = fit_pixels(pixels, fit)
    assert fitted.dtype == np.float32
    assert np.abs(fitted - fit_pixels(as_float(pixels), fit)).max() <= 1.1 / 65535  # half a step on each axis


def test_floats_are_not_touched():
    pixels = np.array([-1.0, 7.0], np.float32)
    assert as_float(pixels) is pixels


def test_a_fit_that_leaves_the_grid_is_a_defect():
    with pytest.raises(ValueError, match="does not lie in"):
        Fit(source=(30, 30), inner=(28, 28), grid=(14, 28))
