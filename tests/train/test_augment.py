"""What augmentation changes, and what it leaves true."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.color import linear_to_srgb
from mvinverse_cli.train.augment import (
    BRIGHT_GAINS,
    BRIGHT_SHARE,
    LEAST_CROP,
    MOST_ENLARGED,
    blurred,
    bright_gain,
    compressed,
    crop_share,
    draw_crop,
    draw_size,
    encoded,
    flipped,
    highlights,
    light_gain,
    noisy,
    photographed,
    relit,
    sensor_white,
    toned,
)
from mvinverse_cli.trainings import TrainOptions

DRAWS = range(40)


def scene(seed=0, views=2, size=(28, 42)):
    """Smooth scene-linear light (N, H, W, 3) from 0 to about 1.2."""
    coarse = np.random.default_rng(seed).random((views, 4, 5, 3), dtype=np.float32) * 1.2
    return np.stack([cv2.resize(view, size[::-1], interpolation=cv2.INTER_LINEAR) for view in coarse])


def rngs():
    return [np.random.default_rng(seed) for seed in DRAWS]


def test_albedo_times_shading_stays_the_diffuse_image_under_any_light():
    albedo, shading = scene(1) / 1.2, scene(2)
    for rng in rngs():
        color, relit_shading = relit(albedo * shading, shading, light_gain(rng), white=np.inf)
        assert np.allclose(color, albedo * relit_shading, rtol=1e-5)


def test_light_is_clipped_where_the_sensor_saturates_and_shading_is_not():
    gain = np.array([2, 2, 2], np.float32)
    color, shading = relit(scene(), scene(1), gain, white=1.5)
    assert color.max() == 1.5
    assert np.array_equal(shading, scene(1) * 2)


def test_exposure_and_white_vary_around_none():
    gains = np.array([light_gain(np.random.default_rng(seed)) for seed in range(2000)])
    assert np.allclose(np.median(gains, axis=0), 1, atol=0.05)
    assert np.std(np.log(gains.mean(axis=1))) == pytest.approx(0.35, abs=0.03)
    red, blue = np.log(gains[:, 0] / gains[:, 1]), np.log(gains[:, 2] / gains[:, 1])
    assert np.std(red) == pytest.approx(0.228, abs=0.02)
    assert np.corrcoef(red, blue)[0, 1] < -0.8  # warm or cool, seldom green or pink


def test_some_samples_are_brighter_and_none_is_darker():
    gains = np.array([bright_gain(np.random.default_rng(seed)) for seed in range(2000)])
    brighter = gains > 1
    assert brighter.mean() == pytest.approx(BRIGHT_SHARE, abs=0.04)
    assert set(gains[~brighter]) == {1.0}
    assert np.median(gains[brighter]) == pytest.approx(np.sqrt(BRIGHT_GAINS[1]), rel=0.1)
    assert gains.max() <= BRIGHT_GAINS[1]


def test_half_of_all_sensors_saturate_at_one():
    whites = [sensor_white(np.random.default_rng(seed)) for seed in range(400)]
    assert 0.4 < np.mean(np.array(whites) == 1) < 0.6
    assert 1 <= min(whites) < max(whites) <= 8


def test_a_flip_negates_the_x_of_normals_and_moves_everything_alike():
    color, mask = scene(), scene(1)[..., :1] > 0.6
    maps = {"albedo": scene(2), "normal": scene(3) - 0.5}
    flipped_color, flipped_maps, flipped_mask = flipped(color, maps, mask)
    assert np.array_equal(flipped_color, np.flip(color, axis=2))
    assert np.array_equal(flipped_mask, np.flip(mask, axis=2))
    assert np.array_equal(flipped_maps["albedo"], np.flip(maps["albedo"], axis=2))
    assert np.array_equal(flipped_maps["normal"], np.flip(maps["normal"], axis=2) * [-1, 1, 1])


def test_flipping_twice_is_nothing():
    color, maps, mask = scene(), {"normal": scene(3) - 0.5}, scene(1)[..., :1] > 0.6
    back = flipped(*flipped(color, maps, mask))
    assert np.array_equal(back[0], color)
    assert np.array_equal(back[1]["normal"], maps["normal"])


def test_a_flipped_plane_still_has_the_normal_of_its_slope():
    height, width = 6, 8
    depth = 5 + 0.1 * np.arange(width, dtype=np.float32)  # falls off to the right, so its normal points right
    normal = np.broadcast_to(np.array([-0.6, 0, 0.8], np.float32), (1, height, width, 3))
    maps = {"normal": normal, "shading": np.broadcast_to(depth[:, None], (1, height, width, 1))}
    turned = flipped(normal, maps, normal[..., :1] > 2)[1]
    assert (np.sign(np.diff(turned["shading"][0, 0, :, 0])) == -1).all()
    assert (turned["normal"][..., 0] > 0).all()


@pytest.mark.parametrize("change", [blurred, noisy, highlights, toned, compressed, photographed])
def test_no_change_of_the_input_writes_into_what_it_was_given(change):
    for rng in rngs():
        given_ = encoded(np.clip(scene(), 0, 1)) if change is compressed else np.clip(scene(), 0, 1)
        before = given_.copy()
        change(given_, rng)
        assert np.array_equal(given_, before)


@pytest.mark.parametrize("change", [blurred, noisy, compressed])
def test_some_samples_are_left_as_they_are(change):
    given_ = encoded(np.clip(scene(), 0, 1)) if change is compressed else scene()
    same = [np.array_equal(change(given_, rng), given_) for rng in rngs()]
    assert 0 < np.mean(same) < 1


def test_a_photograph_is_of_8_bits_whatever_the_light():
    for rng in rngs():
        picture = photographed(scene() * 20 - 1, rng)
        assert picture.dtype == np.uint8
        assert picture.shape == scene().shape


def test_a_photograph_stays_near_to_what_was_photographed():
    truth = 255 * linear_to_srgb(np.clip(scene(), 0, 1))
    errors = [np.abs(photographed(scene(), rng) - truth).mean() for rng in rngs()]
    assert np.median(errors) < 12
    assert max(errors) < 40


def test_red_comes_out_of_jpeg_as_red():
    red = np.zeros((1, 16, 16, 3), np.uint8)
    red[..., 0] = 200
    for rng in rngs():
        assert np.abs(compressed(red, rng).astype(int) - red).max() < 20


def test_noise_has_no_bias():
    gray = np.full((4, 64, 64, 3), 0.2, np.float32)
    for rng in rngs():
        assert noisy(gray, rng).mean() == pytest.approx(0.2, abs=1e-3)


def test_noise_differs_between_views():
    view = np.full((2, 28, 42, 3), 0.2, np.float32)
    noise = [noisy(view, rng) for rng in rngs()]
    assert all(not np.array_equal(first, second) for first, second in noise if not np.array_equal(first, view[0]))


def test_curves_keep_black_white_and_order():
    ramp = np.linspace(0, 1, 300, dtype=np.float32).reshape(1, 1, 100, 3)
    for rng in rngs():
        curve = toned(ramp, rng).ravel()
        assert curve[0] == 0
        assert curve[-1] == pytest.approx(1, abs=1e-6)
        assert (np.diff(curve) > 0).all()


def test_highlights_end_at_one_and_leave_the_shadows_alone():
    ramp = np.linspace(0, 4, 300, dtype=np.float32).reshape(1, 1, 100, 3)
    for rng in rngs():
        curve = highlights(ramp, rng).ravel()
        assert (np.diff(curve) >= 0).all()
        assert curve.max() <= 1
        assert np.array_equal(curve[ramp.ravel() < 0.6], ramp.ravel()[ramp.ravel() < 0.6])


sides = st.integers(2, 30)


@given(st.integers(0, 2**32), st.integers(1, 16), st.integers(0, 16), st.tuples(sides, sides))
def test_sizes_are_whole_patches_between_the_sides(seed, low, more, least):
    options = TrainOptions(min_side=14 * low, max_side=14 * (low + more))
    size = draw_size(np.random.default_rng(seed), options, 14, (14 * least[0], 14 * least[1]))
    for side in size:
        assert side % 14 == 0
        assert options.min_side <= side <= options.max_side


def test_sizes_that_are_no_multiples_are_rounded_inwards():
    options = TrainOptions(min_side=100, max_side=150)
    drawn = {side for rng in rngs() for side in draw_size(rng, options, 14, (140, 196))}
    assert drawn == {112, 126, 140}


def test_sizes_mix_portrait_and_landscape_and_prefer_the_small():
    drawn = np.array([draw_size(rng, TrainOptions(), 14, (400, 400)) for rng in rngs()])
    ratio = drawn[:, 1] / drawn[:, 0]
    assert ratio.min() < 0.8
    assert ratio.max() > 1.3
    assert np.median(drawn.prod(axis=1)) < (112**2 + 224**2) / 2


@given(st.integers(0, 2**32), st.tuples(sides, sides), st.tuples(st.integers(20, 400), st.integers(20, 400)))
def test_crops_lie_in_the_view_and_keep_proportions(seed, patches, source):
    size = (14 * patches[0], 14 * patches[1])
    rng = np.random.default_rng(seed)
    rows, columns = draw_crop(rng, crop_share(rng), size, source)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    assert 0 <= rows.start < rows.stop <= source[0]
    assert 0 <= columns.start < columns.stop <= source[1]
    assert abs(height * size[1] / size[0] - width) <= 0.51 + 0.5 * size[1] / size[0]  # both are rounded


def test_crops_take_most_of_a_view_and_enlarge_little():
    for rng in rngs():
        rows, columns = draw_crop(rng, crop_share(rng), (140, 140), (140, 196))
        side = rows.stop - rows.start
        assert LEAST_CROP * 140 - 1 <= side <= 140
        assert 140 / side <= MOST_ENLARGED + 0.02
        rows, columns = draw_crop(rng, LEAST_CROP, (210, 210), (140, 196))
        assert 210 / (columns.stop - columns.start) <= MOST_ENLARGED + 0.02
