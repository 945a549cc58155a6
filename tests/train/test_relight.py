"""Other light: where it falls, and how it is mirrored."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.maps import Array
from mvinverse_cli.scenes.record import View
from mvinverse_cli.train import relight
from mvinverse_cli.train.decoded import decode
from mvinverse_cli.train.relight import Light, gloss, lit
from mvinverse_cli.train.surface import DIELECTRIC, Surface, surface_of
from tests.scenes.views import make_view
from tests.train.cut import DRAWS, WHOLE, cut_views


def sphere(count: int = 40000) -> Array:
    """Unit vectors all over the upper half of a sphere."""
    ways = np.random.default_rng(0).standard_normal((count, 3))
    ways[:, 1] = abs(ways[:, 1])
    return (ways / np.linalg.norm(ways, axis=1, keepdims=True)).astype(np.float32)


def seen_from_above(count: int, *, metallic: float = 0.0, roughness: float = 0.5) -> Surface:
    """As many points of a floor of albedo (.8, .5, .2), seen straight from above."""
    ones, up = np.ones((count, 1), np.float32), np.tile(np.float32([0, 1, 0]), (count, 1))
    albedo = np.tile(np.float32([0.8, 0.5, 0.2]), (count, 1))
    light = np.ones((count, 3), np.float32)
    return Surface(light, albedo, metallic * ones, roughness * ones, light, up, up, 3 * ones, 0 * up, ones)


@pytest.mark.parametrize(("roughness", "lost"), [(0.3, 0.02), (0.5, 0.12), (0.8, 0.45)])
def test_a_surface_mirrors_as_much_light_as_its_reflectance_says(roughness: float, lost: float):
    """But for what is lost: light that microfacets send below the horizon, and would scatter once more."""
    ways = sphere()
    light = Light(np.ones((len(ways), 1), np.float32), ways, 0.0)
    for metallic, expected in ((0.0, np.full(3, DIELECTRIC)), (1.0, np.array([0.8, 0.5, 0.2]))):
        surface = seen_from_above(len(ways), metallic=metallic, roughness=roughness)
        sent = (gloss(surface, light) * ways[:, 1:2]).mean(axis=0) * 2 * np.pi  # over the half sphere
        assert (sent < expected * 1.06).all()
        assert (sent > expected * (1 - lost) * 0.94).all()


def test_the_smoother_a_surface_the_smaller_and_brighter_its_highlight():
    ways = sphere()
    light = Light(np.ones((len(ways), 1), np.float32), ways, 0.0)
    peaks, areas = [], []
    for roughness in (0.1, 0.3, 0.6):
        back = gloss(seen_from_above(len(ways), roughness=roughness), light)[:, 0]
        peaks.append(back.max())
        areas.append((back > back.max() / 2).mean())
    assert peaks[0] > 5 * peaks[1] > 25 * peaks[2]
    assert areas[0] < areas[1] < areas[2]
    broad = gloss(seen_from_above(len(ways), roughness=0.1), replace(light, breadth=0.3))[:, 0]
    assert broad.max() < peaks[0] / 10  # a large lamp is seen large


def test_a_light_falls_on_what_faces_it_and_metal_has_but_its_highlight(monkeypatch: pytest.MonkeyPatch):
    surface = surface_of(cut_views())
    metal = replace(surface, metallic=np.ones_like(surface.metallic))
    monkeypatch.setattr(relight, "gloss", lambda surface, light: np.float32(0))
    for seed in DRAWS:
        changed = lit(surface, np.random.default_rng(seed))
        same = lit(metal, np.random.default_rng(seed)).color
        dimmed = (same / np.maximum(metal.color, 1e-6)).max()
        added = changed.shading - surface.shading * dimmed
        assert 0 < dimmed <= 1
        assert added.min() >= -1e-5
        assert np.allclose(changed.color - same, surface.albedo * added, atol=1e-5)


def test_a_sky_that_lies_at_a_great_depth_makes_no_light_without_numbers():
    view = make_view(0)
    depth = np.where(view.mask, view.depth, np.float32(1e10))
    far = decode(View(view.color, view.maps, depth, view.mask, view.camera))
    for seed in DRAWS:
        other = lit(surface_of([far.cut(WHOLE, WHOLE)]), np.random.default_rng(seed))
        assert np.isfinite(other.shading).all()
        assert np.isfinite(other.color).all()


def test_a_lamp_is_bright_nearby_and_lights_nothing_unknown():
    rng = np.random.default_rng(0)
    floor = np.stack([rng.uniform(-4, 4, 2000), np.zeros(2000), rng.uniform(-4, 4, 2000)], 1).astype(np.float32)
    floor_seen = replace(seen_from_above(2000), points=floor)
    level = relight.lamp(floor_seen, np.random.default_rng(1)).level
    assert level.mean() == pytest.approx(relight.LAMP_MEAN, rel=1e-4)
    brightest = floor[level.argmax()]
    near = np.linalg.norm(floor - brightest, axis=1)
    assert level[near < 0.5].mean() > 3 * level[near > 3].mean()
    assert not relight.lamp(replace(floor_seen, mask=0 * floor_seen.mask), np.random.default_rng(1)).level.any()
