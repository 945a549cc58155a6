"""Guided upsampling: the edges of the picture, and nothing that was not in the map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvinverse_cli.frames import Fit, fit_pixels, restore_guided, restore_map
from mvinverse_cli.maps import MAPS, SPECS, MapName

RANDOM = np.random.default_rng(0)
lengths = st.integers(1, 120)


def fit_of(width: int, height: int, inner: tuple[int, int] = (28, 42)) -> Fit:
    return Fit((width, height), inner, inner)


def some_maps(grid: tuple[int, int]) -> dict[MapName, np.ndarray]:
    """Noise in the range of each map."""
    maps = {name: RANDOM.random((*grid, SPECS[name].channels), np.float32) for name in MAPS}
    maps["normal"] -= 0.5
    maps["normal"] /= np.linalg.norm(maps["normal"], axis=-1, keepdims=True)
    return maps


def blocks(height: int, width: int) -> np.ndarray:
    """(H, W, 3) float32: fields of flat colour, whose borders are where no pixel of a smaller grid has one."""
    y, x = np.mgrid[0:height, 0:width]
    return RANDOM.random((height // 9 + 1, width // 13 + 1, 3), np.float32)[y // 9, x // 13]


def rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


@pytest.mark.parametrize("factor", [2, 4])
def test_a_map_that_follows_the_picture_gets_its_edges_back(factor: int):
    fit = fit_of(42 * factor, 28 * factor)
    picture = blocks(28 * factor, 42 * factor)
    truth = (0.2 + 0.5 * picture[..., ::-1]).astype(np.float32)  # another colour, the same edges
    small = fit_pixels(truth, fit)
    guided = restore_guided({"albedo": small}, picture, fit)["albedo"]
    assert rms(guided - truth) < rms(restore_map(small, fit, unit_vectors=False) - truth) / 2


def test_a_map_that_has_nothing_to_do_with_the_picture_stays_nearly_as_smooth_as_ever():
    fit = fit_of(84, 56)
    ramp = np.linspace(0, 1, 42, dtype=np.float32)[None, :, None].repeat(28, axis=0)
    guided = restore_guided({"roughness": ramp}, blocks(56, 84), fit)["roughness"]
    assert rms(guided - restore_map(ramp, fit, unit_vectors=False)) < 0.01


@pytest.mark.parametrize("width", [84, 13], ids=["coarser", "squeezed"])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_flat_picture_gives_the_bilinear_inverse(level: float, width: int):
    fit = fit_of(width, 56)
    maps = some_maps(fit.grid)
    guided = restore_guided(maps, np.full((56, width, 3), level, np.float32), fit)
    for name, values in maps.items():
        bilinear = restore_map(values, fit, unit_vectors=SPECS[name].kind == "vector")
        np.testing.assert_allclose(guided[name], bilinear, atol=2e-5)


def test_a_gray_picture_whose_channels_tell_the_same_guides_as_well():
    fit = fit_of(84, 56)
    gray = blocks(56, 84)[..., :1].repeat(3, axis=-1)
    small = fit_pixels(gray, fit)
    guided = restore_guided({"albedo": small}, gray, fit)["albedo"]
    assert rms(guided - gray) < rms(restore_map(small, fit, unit_vectors=False) - gray) / 2


@settings(max_examples=40)
@given(lengths, lengths, st.sampled_from([np.uint8, np.uint16, np.float32]))
def test_any_size_and_depth_gives_finite_maps_in_their_range(width: int, height: int, dtype: type):
    fit = Fit((width, height), (14, 28), (28, 42))  # in a grid with padding
    picture = RANDOM.random((height, width, 3), np.float32)
    if dtype is not np.float32:
        picture = (picture * np.iinfo(dtype).max).astype(dtype)
    maps = some_maps(fit.grid)
    for name, values in restore_guided(maps, picture, fit).items():
        assert values.shape == (height, width, SPECS[name].channels)
        assert values.dtype == np.float32
        if SPECS[name].kind == "vector":
            np.testing.assert_allclose(np.linalg.norm(values, axis=-1), 1, atol=1e-5)
        else:
            assert values.min() >= maps[name][:14, :28].min()
            assert values.max() <= maps[name][:14, :28].max()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_guide_as_the_floats_that_they_stand_for(dtype: type):
    fit = fit_of(84, 56)
    codes = (blocks(56, 84) * np.iinfo(dtype).max).astype(dtype)
    maps = some_maps(fit.grid)
    ours, theirs = (
        restore_guided(maps, picture, fit) for picture in (codes, (codes / np.iinfo(dtype).max).astype(np.float32))
    )
    for name in MAPS:
        np.testing.assert_allclose(ours[name], theirs[name], atol=2e-3)


def test_a_zero_vector_stays_zero_and_the_maps_given_stay_as_they_are():
    fit = fit_of(84, 56)
    normal = np.zeros((28, 42, 3), np.float32)
    normal[:, 20:] = (0, 0, 1)
    before = normal.copy()
    restored = restore_guided({"normal": normal}, blocks(56, 84), fit)["normal"]
    assert restored[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(np.linalg.norm(restored[:, 50:], axis=-1), 1, atol=1e-5)
    np.testing.assert_array_equal(normal, before)


def test_a_map_without_numbers_is_handed_on_for_the_writers_to_refuse():
    fit = fit_of(84, 56)
    restored = restore_guided({"roughness": np.full((28, 42, 1), np.nan, np.float32)}, blocks(56, 84), fit)
    assert np.isnan(restored["roughness"]).any()


def test_a_turned_picture_with_negative_strides_is_taken():
    picture = np.rot90(blocks(84, 56))
    fit = fit_of(84, 56)
    maps = some_maps(fit.grid)
    ours, theirs = (restore_guided(maps, given, fit) for given in (picture, np.ascontiguousarray(picture)))
    np.testing.assert_array_equal(ours["albedo"], theirs["albedo"])
