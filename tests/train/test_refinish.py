"""Another finish: what changes, and that the picture changes as the truth does."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.train import refinish, surroundings
from mvinverse_cli.train.refinish import GLAZE, MATT, PLATING, coated, lacquered, matted, refinished
from mvinverse_cli.train.surface import DIELECTRIC, surface_of
from tests.train.cut import DRAWS, cut_views


def seen(metallic):
    """Two materials met head on, all of them known, that mirror as much light as falls on them."""
    surface = surface_of(cut_views())
    first = np.arange(len(surface.albedo))[:, None] % 2 == 0
    albedo = np.where(first, np.float32([0.9, 0.6, 0.3]), np.float32([0.2, 0.3, 0.6]))
    metal = np.full_like(surface.metallic, metallic)
    reflected = DIELECTRIC + (albedo - DIELECTRIC) * metal
    return replace(
        surface,
        color=albedo * (1 - metal) * surface.shading + reflected * surface.shading,
        albedo=albedo,
        metallic=metal,
        roughness=np.where(first, np.float32(0.2), np.float32(0.5)),
        normal=surface.away,
        mask=np.ones_like(surface.mask),
    )


def unchanged(before, after, *names):
    return all(np.array_equal(getattr(before, name), getattr(after, name)) for name in names)


def test_the_finish_that_it_has_changes_nothing():
    surface = seen(0.7)
    same = refinished(surface, surface.metallic, surface.roughness, np.zeros_like(surface.metallic))
    assert np.allclose(same.color, surface.color, rtol=1e-4, atol=1e-6)


def test_black_metal_seen_head_on_gets_another_finish_of_numbers():
    surface = seen(1.0)
    black = replace(surface, albedo=np.zeros_like(surface.albedo))
    matt = refinished(black, black.metallic, np.ones_like(black.roughness), np.ones_like(black.metallic))
    painted = refinished(black, np.zeros_like(black.metallic), black.roughness, np.zeros_like(black.metallic))
    for color in (matt.color, painted.color):
        assert np.isfinite(color).all()
        assert color.max() <= 2 * surface.color.max() + 1e-6


def test_painted_metal_looks_like_a_dielectric_under_the_same_light():
    metal, dielectric = seen(1.0), seen(0.0)
    painted = refinished(metal, dielectric.metallic, metal.roughness, np.zeros_like(metal.metallic))
    assert not np.allclose(metal.color, dielectric.color, rtol=0.01)
    assert np.allclose(painted.color, dielectric.color, rtol=1e-4, atol=1e-6)


def test_a_highlight_spreads_on_what_gets_matt():
    plain = seen(0.0)
    glossy = replace(plain, color=plain.color + DIELECTRIC * np.float32(5))
    dull = refinished(glossy, glossy.metallic, glossy.roughness, np.ones_like(glossy.metallic))
    assert np.allclose(dull.color, plain.color, rtol=1e-4, atol=1e-6)


def test_lacquer_covers_a_metal_whole_and_leaves_all_other_truth():
    surface, covered = seen(1.0), set()
    for seed in DRAWS:
        painted = lacquered(surface, np.random.default_rng(seed))
        assert unchanged(surface, painted, "albedo", "roughness", "shading", "normal")
        covered.add(round(float((painted.metallic < 0.01).mean()), 3))
        kept = painted.metallic[:, 0] > 0.99
        assert np.allclose(painted.color[kept], surface.color[kept], rtol=0.01, atol=1e-6)
    assert covered == {0.5, 1.0}  # one of the two metals, or both


def test_lacquer_leaves_a_scene_without_metal_as_it_is():
    surface = seen(0.0)
    assert unchanged(surface, lacquered(surface, np.random.default_rng(0)), "color", "metallic", "roughness")


def test_what_gets_matt_gets_rougher_and_leaves_all_other_truth():
    surface, matt = seen(0.0), set()
    for seed in DRAWS:
        dull = matted(surface, np.random.default_rng(seed))
        assert unchanged(surface, dull, "albedo", "metallic", "shading", "normal")
        assert (dull.roughness >= surface.roughness).all()
        assert dull.roughness.max() <= MATT[1]
        matt.add(round(float((dull.roughness >= MATT[0]).mean()), 3))
    assert matt == {0.5, 1.0}


def test_a_scene_without_gloss_stays_as_it_is():
    surface = seen(0.0)
    surface = replace(surface, roughness=np.full_like(surface.roughness, MATT[1]))
    assert unchanged(surface, matted(surface, np.random.default_rng(0)), "color", "roughness")


@pytest.fixture
def even_light(monkeypatch: pytest.MonkeyPatch):
    """From all sides the same, on surfaces of any size."""
    monkeypatch.setattr(surroundings, "MOST_LAMPS", 0)
    for name, value in (("LARGEST", 1.1), ("THING_METRES", 1e3), ("MOST_FINISHES", 1)):
        monkeypatch.setattr(refinish, name, value)


def test_a_coat_mirrors_what_is_around_it_and_leaves_light_and_shape(even_light: None):
    light = np.float32(0.5)
    surface = seen(0.0)
    surface = replace(surface, color=np.full_like(surface.color, light))
    plated = glazed = 0
    for seed in DRAWS:
        coat = coated(surface, np.random.default_rng(seed))
        assert unchanged(surface, coat, "shading", "normal", "points", "mask")
        covered = np.abs(coat.roughness - surface.roughness)[:, 0] > 1e-6
        assert covered.mean() == pytest.approx(0.5, abs=0.01)  # one of two materials
        assert np.allclose(coat.color[~covered], light, atol=1e-4)
        metal, albedo = coat.metallic[covered], coat.albedo[covered]
        low, high = PLATING if metal.mean() > 0.5 else GLAZE
        assert low - 1e-6 <= coat.roughness[covered].min() <= coat.roughness[covered].max() <= high + 1e-6
        mirrored = DIELECTRIC + (albedo - DIELECTRIC) * metal  # met head on
        wanted = albedo * (1 - metal) * surface.shading[covered] + mirrored * light
        assert np.allclose(coat.color[covered], wanted, rtol=0.02, atol=1e-3)
        plated, glazed = plated + (metal.mean() > 0.99), glazed + (metal.mean() < 0.01)
    assert plated
    assert glazed
    assert plated + glazed == len(DRAWS)


def test_a_glaze_leaves_the_colour_below_or_makes_it_darker(even_light: None):
    surface = seen(0.0)
    for seed in DRAWS:
        coat = coated(surface, np.random.default_rng(seed))
        if coat.metallic.max() < 0.5:
            assert (coat.albedo <= surface.albedo + 1e-6).all()


def test_metal_and_large_surfaces_get_no_coat(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(refinish, "THING_METRES", 1e3)
    for surface in (seen(1.0), seen(0.0)):  # each material of the second is half of what is seen
        assert unchanged(surface, coated(surface, np.random.default_rng(0)), "color", "albedo", "metallic", "roughness")


def test_a_scene_in_which_nothing_is_known_gets_no_coat():
    surface = replace(seen(0.0), mask=np.zeros_like(seen(0.0).mask))
    assert unchanged(surface, coated(surface, np.random.default_rng(0)), "color", "albedo", "metallic", "roughness")


def test_what_has_no_truth_keeps_its_look_and_finish(even_light: None):
    known = surface_of(cut_views()).mask
    surface = replace(seen(1.0), mask=known)
    outside = known[:, 0] == 0
    assert outside.any()
    for change in (lacquered, matted, coated):
        changed = change(surface, np.random.default_rng(0))
        for name in ("color", "metallic", "roughness"):
            assert np.array_equal(getattr(changed, name)[outside], getattr(surface, name)[outside])
