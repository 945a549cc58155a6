"""Correspondences: a wall agrees with itself, a shift is seen, hidden points drop out."""

import numpy as np
import pytest

from mvinverse_cli.evaluate.reprojection import comparable, find_correspondences, pair_errors, score_cross_view
from tests.evaluate.planes import SIZE, make_camera, make_view

WHOLE = (slice(0, SIZE[0]), slice(0, SIZE[1]))
CAMERAS = (make_camera(0), make_camera(0.4, 5), make_camera(-0.4, -8))


def stacked(views, name, crop=WHOLE):
    return np.stack([view.maps[name][crop] for view in views])


def masks(views, crop=WHOLE):
    return np.stack([view.mask[crop][..., 0] for view in views])


def test_a_wall_agrees_with_itself_from_everywhere():
    views = [make_view(camera) for camera in CAMERAS]
    matches = find_correspondences(views, WHOLE)
    for name in views[0].maps:
        errors = list(pair_errors(comparable(name, stacked(views, name), matches.rotations), matches))
        assert len(errors) == 6
        assert max(errors) < 1e-3, name
    assert len(matches.source) > 0.5 * 6 * SIZE[0] * SIZE[1]


def test_a_map_that_differs_between_views_is_seen_by_as_much():
    views = [make_view(camera) for camera in CAMERAS]
    matches = find_correspondences(views, WHOLE)
    shifted = stacked(views, "roughness") + np.float32([0, 0.2, 0])[:, None, None, None]
    errors = list(pair_errors(shifted, matches))  # pairs 01 02 10 12 20 21
    assert errors == pytest.approx([0.2, 0, 0.2, 0.2, 0, 0.2], abs=1e-3)


def test_normals_are_compared_in_the_world():
    views = [make_view(camera) for camera in CAMERAS]
    matches = find_correspondences(views, WHOLE)
    normals = stacked(views, "normal")
    assert np.abs(normals[0] - normals[1]).max() > 0.05
    turned = comparable("normal", normals, matches.rotations)
    assert turned[1] == pytest.approx(turned[0], abs=1e-6)


def test_hidden_points_drop_out():
    views = [make_view(make_camera(x), box=True) for x in (-0.8, 0.8)]
    matches = find_correspondences(views, WHOLE)
    depths = np.stack([view.depth for view in views]).ravel()
    is_box = (depths < 1.6).astype(np.float32)
    seen = matches.sampler @ is_box
    assert seen == pytest.approx(is_box[matches.source])  # no point of the wall meets the box
    assert 0 < is_box[matches.source].mean() < 1
    alone = find_correspondences([make_view(make_camera(x)) for x in (-0.8, 0.8)], WHOLE)
    assert len(matches.source) < len(alone.source)


def test_invalid_pixels_take_no_part():
    views = [make_view(camera) for camera in CAMERAS[:2]]
    views[1].mask[:, :20] = False
    matches = find_correspondences(views, WHOLE)
    touched = np.zeros(2 * SIZE[0] * SIZE[1], bool)
    touched[matches.source] = True
    touched[matches.sampler.tocoo().col] = True
    assert not touched.reshape(2, *SIZE)[1, :, :20].any()


def test_a_crop_by_an_odd_number_moves_nothing():
    views = [make_view(camera, size=(57, 71)) for camera in CAMERAS]
    crop = (slice(0, 56), slice(0, 70))
    matches = find_correspondences(views, crop)
    assert matches.sampler.shape[1] == 3 * 56 * 70
    assert max(pair_errors(stacked(views, "roughness", crop), matches)) < 1e-4


def test_without_depth_or_camera_nothing_is_compared():
    views = [make_view(camera) for camera in CAMERAS]
    blind = type(views[0])(views[0].color, views[0].maps, None, views[0].mask, views[0].camera)
    assert find_correspondences([views[0], blind], WHOLE) is None
    assert find_correspondences(views[:1], WHOLE) is None


def test_views_that_share_nothing_have_no_figure():
    views = [make_view(make_camera(x)) for x in (0, 50)]
    matches = find_correspondences(views, WHOLE)
    assert score_cross_view({"albedo": stacked(views, "albedo")}, matches, masks(views)) == {}


def test_a_constant_agrees_and_has_no_variance():
    views = [make_view(camera) for camera in CAMERAS]
    matches = find_correspondences(views, WHOLE)
    scores = score_cross_view({"roughness": np.full((3, *SIZE, 1), 0.5, np.float32)}, matches, masks(views))
    assert scores == {"cross_view_roughness": pytest.approx(0, abs=1e-6), "variance_roughness": 0}
