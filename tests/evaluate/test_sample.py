"""A scene as it is scored: cropped, in the mask, as a camera would have written it."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.sample import crop_of, sample_of
from tests.evaluate.planes import make_camera, make_view

VIEWS = [make_view(make_camera(x), size=(58, 73)) for x in (0, 0.4)]


def test_the_middle_is_kept_in_whole_patches():
    assert crop_of((58, 73), 14) == (slice(1, 57), slice(1, 71))
    assert crop_of((196, 280), 14) == (slice(0, 196), slice(0, 280))


def test_maps_are_cropped_and_not_resized():
    sample = sample_of("wall", VIEWS, 14)
    assert sample.maps["albedo"].shape == (2, 56, 70, 3)
    assert (sample.maps["roughness"][1] == VIEWS[1].maps["roughness"][1:57, 1:71]).all()


def test_the_picture_is_clipped_and_has_8_bits():
    bright = replace(VIEWS[0], color=VIEWS[0].color * 20 - 3)
    pictures = sample_of("wall", [bright], 14).pictures
    codes = pictures * 255
    assert codes == pytest.approx(np.rint(codes), abs=1e-4)
    assert (pictures.min(), pictures.max()) == (0, 1)


def test_shading_ends_at_1_and_the_diffuse_image_keeps_its_light():
    maps = {**VIEWS[0].maps, "shading": np.full_like(VIEWS[0].maps["shading"], 3)}
    sample = sample_of("wall", [replace(VIEWS[0], maps=maps)], 14)
    assert sample.maps["shading"].max() == 1
    assert sample.diffuse == pytest.approx(sample.maps["albedo"] * 3)


def test_a_normal_without_direction_does_not_count():
    normal = VIEWS[0].maps["normal"].copy()
    normal[10, 10] = 0
    sample = sample_of("wall", [replace(VIEWS[0], maps={"normal": normal})], 14)
    assert np.argwhere(~sample.mask).tolist() == [[0, 9, 9]]


def test_a_view_without_enough_pixels_is_left_out():
    mask = np.zeros_like(VIEWS[0].mask)
    mask[20, :63] = True
    assert sample_of("wall", [VIEWS[0], replace(VIEWS[1], mask=mask)], 14).counting == [0]


@pytest.mark.parametrize("size", [(56, 70), (13, 80)])
def test_views_of_other_sizes_or_under_a_patch_are_refused(size):
    views = [VIEWS[0], make_view(make_camera(0), size=size)] if size[0] > 13 else [make_view(make_camera(0), size=size)]
    with pytest.raises(InputError, match=rf"wall: views of .*{size[1]}x{size[0]}"):
        sample_of("wall", views, 14)


def test_infinite_truth_is_refused():
    maps = {"shading": VIEWS[0].maps["shading"] + np.float32(np.inf)}
    with pytest.raises(InputError, match="shading holds NaN or infinity"):
        sample_of("wall", [replace(VIEWS[0], maps=maps)], 14)
