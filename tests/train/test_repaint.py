"""Other paint: what changes, and that truth and picture change alike."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.train.repaint import recolored, repainted, tinged, whitened
from mvinverse_cli.train.solid import BRIGHTEST
from mvinverse_cli.train.surface import surface_of
from tests.train.cut import DRAWS, cut_views


def test_a_colour_without_a_share_of_blue_is_painted_over_with_numbers():
    surface = surface_of(cut_views())
    surface = replace(surface, albedo=surface.albedo * np.float32([1, 1, 0]))  # scenes from elsewhere may hold zeros
    for seed in DRAWS:
        painted = repainted(surface, np.random.default_rng(seed))
        assert np.isfinite(painted.albedo).all()
        assert np.isfinite(painted.color).all()


def test_what_has_no_truth_keeps_its_colour_under_paint():
    surface = surface_of(cut_views())
    painted = repainted(surface, np.random.default_rng(0))
    outside = surface.mask[:, 0] == 0
    assert outside.any()
    assert np.array_equal(painted.color[outside], surface.color[outside])
    assert np.array_equal(painted.albedo[outside], surface.albedo[outside])
    assert not np.array_equal(painted.albedo, surface.albedo)


def test_mirrored_light_on_metal_takes_the_colour_of_the_paint():
    surface = surface_of(cut_views())
    metal = replace(surface, metallic=np.ones_like(surface.metallic))
    known = surface.mask[:, 0] > 0
    halved = recolored(metal, metal.albedo / 2)
    share = halved.albedo / metal.albedo  # one half, but for what would be darker than any material
    assert np.allclose(halved.color[known], (metal.color * share)[known], rtol=1e-4)
    assert np.median(share[known]) == 0.5


def test_a_whitened_room_is_lighter_in_a_picture_as_bright():
    surface = surface_of(cut_views())
    known = surface.mask[:, 0] > 0
    for seed in DRAWS:
        white = whitened(surface, np.random.default_rng(seed))
        assert (white.albedo >= np.minimum(surface.albedo, BRIGHTEST) - 1e-6)[known].all()
        assert white.albedo[known].mean() > surface.albedo[known].mean()
        assert white.color.mean() == pytest.approx(surface.color.mean(), rel=1e-3)
        assert (white.shading < surface.shading + 1e-6).all()


def test_a_room_takes_one_hue_and_lends_some_of_it_to_its_light():
    surface = surface_of(cut_views())
    known = surface.mask[:, 0] > 0
    for seed in DRAWS:
        room = tinged(surface, np.random.default_rng(seed))
        inner = known & (surface.albedo > 0.2).all(axis=1) & (surface.albedo < BRIGHTEST).all(axis=1)
        hue = (room.albedo / surface.albedo)[inner]
        light = (room.shading / surface.shading)[inner]
        assert np.allclose(hue, hue[0], rtol=1e-4)
        assert hue[0].max() == pytest.approx(1)
        assert hue[0].min() < 0.9
        assert np.allclose(light, light[0], rtol=1e-4)
        assert (light[0].max() / light[0].min()) ** (1 / 0.6) < hue[0].max() / hue[0].min() * 1.001
        diffuse = room.albedo * room.shading
        assert np.allclose(room.color[known], diffuse[known], atol=2e-3)  # the cache holds halves
        assert np.array_equal(room.color[~known], surface.color[~known])
