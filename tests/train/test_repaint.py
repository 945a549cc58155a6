"""Other paint and light: what changes, that truth and picture change alike, and that views agree."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.maps import MAPS
from mvinverse_cli.scenes.record import View
from mvinverse_cli.train import repaint
from mvinverse_cli.train.decoded import COLOR, MASK, PLACES, decode
from mvinverse_cli.train.repaint import Solid, Surface, draw_solid, recolored, repainted, revise, surface_of
from tests.scenes.views import make_view

WHOLE = slice(None)
DRAWS = range(12)


def cut_views(count=2, **changes):
    """Views without metal, in float32 as the loader has them, and what their diffuse image is."""
    views = []
    for seed in range(count):
        view = make_view(seed)
        maps = {**view.maps, "metallic": np.zeros_like(view.maps["metallic"])}
        view = View(view.color, maps, view.depth, view.mask, view.camera)
        views.append(replace(decode(view).cut(WHOLE, WHOLE), **changes))
    return views


def picture(view, place):
    return view.pixels[place[0], ..., place[1]]


def revised(seed):
    views = cut_views()
    revise(views, np.random.default_rng(seed))
    return views


def test_albedo_times_shading_stays_the_picture_of_a_diffuse_scene():
    changed = 0
    for seed in DRAWS:
        for view, before in zip(revised(seed), cut_views(), strict=True):
            known = picture(view, MASK)[..., 0] > 0
            diffuse = picture(view, PLACES["albedo"]) * picture(view, PLACES["shading"])
            assert np.allclose(picture(view, COLOR)[known], diffuse[known], atol=2e-3)  # the cache holds halves
            changed += not np.array_equal(view.pixels, before.pixels)
    assert 0 < changed < 2 * len(DRAWS)  # some samples of two views, and not all


def test_a_colour_without_a_share_of_blue_is_painted_over_with_numbers():
    surface = surface_of(cut_views())
    surface = replace(surface, albedo=surface.albedo * np.float32([1, 1, 0]))  # scenes from elsewhere may hold zeros
    for seed in DRAWS:
        painted = repainted(surface, np.random.default_rng(seed))
        assert np.isfinite(painted.albedo).all()
        assert np.isfinite(painted.color).all()


def test_a_sky_that_lies_at_a_great_depth_makes_no_light_without_numbers():
    view = make_view(0)
    depth = np.where(view.mask, view.depth, np.float32(1e10))
    far = decode(View(view.color, view.maps, depth, view.mask, view.camera))
    for seed in DRAWS:
        lit = repaint.lit(surface_of([far.cut(WHOLE, WHOLE)]), np.random.default_rng(seed))
        assert np.isfinite(lit.shading).all()
        assert np.isfinite(lit.color).all()


def test_what_has_no_truth_keeps_its_colour_under_paint():
    surface = surface_of(cut_views())
    painted = repainted(surface, np.random.default_rng(0))
    outside = surface.mask[:, 0] == 0
    assert outside.any()
    assert np.array_equal(painted.color[outside], surface.color[outside])
    assert np.array_equal(painted.albedo[outside], surface.albedo[outside])
    assert not np.array_equal(painted.albedo, surface.albedo)


def test_maps_that_are_no_colour_are_never_touched():
    for seed in DRAWS:
        for view, before in zip(revised(seed), cut_views(), strict=True):
            for name in ("metallic", "roughness", "normal"):
                assert np.array_equal(picture(view, PLACES[name]), picture(before, PLACES[name]))


def test_a_scene_without_depth_camera_or_a_map_stays_as_it_is():
    lacking = ({"points": None, "turn": None}, {"present": frozenset(MAPS) - {"metallic"}})
    for seed in DRAWS:
        for changes in lacking:
            views = cut_views(**changes)
            revise(views, np.random.default_rng(seed))
            for view, before in zip(views, cut_views(), strict=True):
                assert np.array_equal(view.pixels, before.pixels)


def test_the_same_generator_makes_the_same_sample():
    for first, second in zip(revised(3), revised(3), strict=True):
        assert np.array_equal(first.pixels, second.pixels)


def test_a_point_has_one_colour_whoever_sees_it():
    rng = np.random.default_rng(0)
    points = rng.normal(0, 2, (500, 3)).astype(np.float32)
    for seed in DRAWS:
        solid = draw_solid(np.random.default_rng(seed), rng.random((3, 3)).astype(np.float32))
        order = rng.permutation(len(points))
        # matrix products of other shapes may round otherwise, which matters at the border of a cell alone
        assert np.mean(solid.at(points)[order] == solid.at(points[order])) > 0.98


def test_a_solid_shows_its_colours_and_its_joints():
    colors = np.eye(3, dtype=np.float32)
    joint = np.full(3, 0.5, np.float32)
    solid = Solid(np.eye(3, dtype=np.float32), 0.0, np.zeros((3, 3), np.float32), colors, 0.1, joint, 7)
    middles = np.stack(np.meshgrid(*[np.arange(6)] * 3), -1).reshape(-1, 3).astype(np.float32) + 0.5
    found = solid.at(middles)
    assert {tuple(color) for color in found.tolist()} == {tuple(color) for color in colors.tolist()}
    assert (solid.at(middles + 0.45) == joint).all()
    assert np.array_equal(solid.at(middles + 0.3), found)  # a cell is of one colour


def test_mirrored_light_on_metal_takes_the_colour_of_the_paint():
    surface = surface_of(cut_views())
    metal = replace(surface, metallic=np.ones_like(surface.metallic))
    known = surface.mask[:, 0] > 0
    halved = recolored(metal, metal.albedo / 2)
    share = halved.albedo / metal.albedo  # one half, but for what would be darker than any material
    assert np.allclose(halved.color[known], (metal.color * share)[known], rtol=1e-4)
    assert np.median(share[known]) == 0.5


def test_a_light_falls_on_what_faces_it_and_on_no_metal():
    surface = surface_of(cut_views())
    metal = replace(surface, metallic=np.ones_like(surface.metallic))
    for seed in DRAWS:
        changed = repaint.lit(surface, np.random.default_rng(seed))
        same = repaint.lit(metal, np.random.default_rng(seed)).color
        dimmed = (same / np.maximum(metal.color, 1e-6)).max()
        added = changed.shading - surface.shading * dimmed
        assert 0 < dimmed <= 1
        assert added.min() >= -1e-5
        assert np.allclose(changed.color - same, surface.albedo * added, atol=1e-5)


def test_a_lamp_is_bright_nearby_and_lights_nothing_unknown():
    rng = np.random.default_rng(0)
    floor = np.stack([rng.uniform(-4, 4, 2000), np.zeros(2000), rng.uniform(-4, 4, 2000)], 1).astype(np.float32)
    ones = np.ones((2000, 1), np.float32)
    up = np.tile(np.float32([0, 1, 0]), (2000, 1))
    floor_seen = Surface(*[ones * np.ones(3, np.float32)] * 2, 0 * ones, ones * np.ones(3, np.float32), up, floor, ones)
    level = repaint.lamp(floor_seen, np.random.default_rng(1))
    assert level.mean() == pytest.approx(repaint.LAMP_MEAN, rel=1e-4)
    brightest = floor[level.argmax()]
    near = np.linalg.norm(floor - brightest, axis=1)
    assert level[near < 0.5].mean() > 3 * level[near > 3].mean()
    assert not repaint.lamp(replace(floor_seen, mask=0 * ones), np.random.default_rng(1)).any()


def test_a_whitened_room_is_lighter_in_a_picture_as_bright():
    surface = surface_of(cut_views())
    known = surface.mask[:, 0] > 0
    for seed in DRAWS:
        white = repaint.whitened(surface, np.random.default_rng(seed))
        assert (white.albedo >= np.minimum(surface.albedo, repaint.BRIGHTEST) - 1e-6)[known].all()
        assert white.albedo[known].mean() > surface.albedo[known].mean()
        assert white.color.mean() == pytest.approx(surface.color.mean(), rel=1e-3)
        assert (white.shading < surface.shading + 1e-6).all()


@pytest.mark.parametrize("name", ["albedo", "shading"])
def test_nothing_becomes_negative_or_infinite(name):
    for seed in DRAWS:
        for view in revised(seed):
            for place in (COLOR, PLACES[name]):
                assert np.isfinite(picture(view, place)).all()
                assert picture(view, place).min() >= 0
