"""Another finish: what changes, and that the picture changes as the truth does."""

from dataclasses import replace

import numpy as np

from mvinverse_cli.train.refinish import MATT, lacquered, matted, refinished
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


def test_what_has_no_truth_keeps_its_look_and_finish():
    known = surface_of(cut_views()).mask
    surface = replace(seen(1.0), mask=known)
    outside = known[:, 0] == 0
    assert outside.any()
    for change in (lacquered, matted):
        changed = change(surface, np.random.default_rng(0))
        for name in ("color", "metallic", "roughness"):
            assert np.array_equal(getattr(changed, name)[outside], getattr(surface, name)[outside])
