"""Materials: physical ranges, the promised shares, and the same material from the same generator state."""

from typing import get_args

import numpy as np
import pytest

from mvinverse_cli.scenes.materials import PATTERNS, Material, Split, Use, random_material, random_roughness
from mvinverse_cli.scenes.recipe import (
    COLOR_SHARES,
    COLORS,
    METAL_SHARE,
    PATTERN_ROUGHNESS,
    PATTERN_SHARES,
    ROUGHNESS,
    STONE_PATTERNS,
    finishes_of,
    pick,
    shares,
)

USES, SPLITS = get_args(Use), get_args(Split)


def draw(use: Use, split: Split, count: int, n: int = 16) -> list[Material]:
    rng = np.random.default_rng(5)
    return [random_material(rng, use, split, n) for _ in range(count)]


def mean_roughness(use: Use, name: str) -> float:
    rng = np.random.default_rng(0)
    pattern = PATTERNS["train"]["plain"](rng, 8)
    return float(np.mean([random_roughness(rng, use, name, pattern) for _ in range(200)]))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("use", USES)
def test_every_map_keeps_its_range(use: Use, split: Split):
    for material in draw(use, split, 40, 32):
        maps = {"base_color": (3, 0.02, 0.95), "roughness": (1, 0.05, 1), "metallic": (1, 0, 1)}
        for name, (channels, low, high) in maps.items():
            values = getattr(material, name)
            assert values.shape == (32, 32, channels)
            assert values.dtype == np.float32
            assert np.float32(low) <= values.min() <= values.max() <= np.float32(high)
        assert 0.2 <= material.repeats <= 12
        if material.normal is not None:
            assert material.normal.shape == (32, 32, 3)
            assert material.normal.dtype == np.float32
            assert np.linalg.norm(material.normal, axis=-1) == pytest.approx(np.ones((32, 32)), abs=1e-5)
            assert material.normal[..., 2].min() >= np.cos(np.radians(30.1))


def test_maps_are_128_texels_wide_unless_told():
    assert random_material(np.random.default_rng(0), "wall", "train").base_color.shape == (128, 128, 3)


@pytest.mark.parametrize("split", SPLITS)
def test_equal_generator_states_give_equal_materials(split: Split):
    for seed in range(8):
        one, two = (random_material(np.random.default_rng(seed), "object", split, 32) for _ in range(2))
        assert np.array_equal(one.base_color, two.base_color)
        assert np.array_equal(one.roughness, two.roughness)
        assert np.array_equal(one.metallic, two.metallic)
        assert (one.normal is None) == (two.normal is None)
        assert one.repeats == two.repeats


def test_held_out_materials_come_from_patterns_that_training_never_draws():
    assert set(PATTERNS["train"]) & set(PATTERNS["held-out"]) == {"plain", "mottled"}


@pytest.mark.parametrize("split", SPLITS)
def test_every_use_can_draw_something_of_its_own_from_each_split(split: Split):
    for use in USES:
        assert set(PATTERN_SHARES[use]) & set(PATTERNS[split]) - {"plain", "mottled"}
        assert set(PATTERN_SHARES[use]) <= set(PATTERNS["train"]) | set(PATTERNS["held-out"])
        assert set(COLOR_SHARES[use]) <= set(COLORS)
        assert 0 <= METAL_SHARE[use] <= 1


def test_finishes_are_shares_of_the_patterns_that_there_are():
    assert set(PATTERN_ROUGHNESS) <= set(PATTERNS["train"]) | set(PATTERNS["held-out"])
    for finishes in (*ROUGHNESS.values(), *PATTERN_ROUGHNESS.values()):
        assert sum(share for share, _ in finishes) == pytest.approx(1)


def test_a_pattern_of_stone_is_polished_where_it_is_one():
    for pattern in STONE_PATTERNS:
        assert pattern in PATTERNS["train"]  # held-out scenes stay what they were
        assert finishes_of("floor", pattern) == PATTERN_ROUGHNESS["marble"]
        for use in ("fabric", "wall", "ground"):
            assert finishes_of(use, pattern) == ROUGHNESS[use]


def test_outdoors_everything_is_weathered():
    assert finishes_of("ground", "tiles") == ROUGHNESS["ground"] != finishes_of("floor", "tiles")


@pytest.mark.parametrize(("use", "low", "high"), [("object", 0.15, 0.25), ("furniture", 0.08, 0.17), ("wall", 0, 0.03)])
def test_share_of_metals(use: Use, low: float, high: float):
    assert low <= np.mean([material.metallic.mean() > 0.25 for material in draw(use, "train", 600)]) <= high


def test_a_metal_is_metal_bar_its_rust_paint_and_inlays():
    shares_of_metal = [material.metallic.mean() for material in draw("metal", "train", 150, 32)]
    assert np.mean(np.greater(shares_of_metal, 0.25)) > 0.95
    assert np.mean(np.less(shares_of_metal, 0.9)) > 0.1


def test_roughness_of_objects_covers_the_whole_range():
    values = np.concatenate([material.roughness.ravel() for material in draw("object", "train", 400)])
    share, _ = np.histogram(values, np.linspace(0.05, 1, 6))
    assert (share / share.sum()).min() > 0.1


def test_fabric_is_nearly_always_rough():
    assert np.mean([material.roughness.mean() > 0.5 for material in draw("fabric", "train", 200)]) > 0.9


def test_colours_change_with_and_without_roughness():
    materials = draw("object", "train", 300)
    colored = [np.std(material.base_color, (0, 1)).max() > 0.05 for material in materials]
    rough = [material.roughness.std() > 0.02 for material in materials]
    table = np.histogram2d(colored, rough, 2)[0] / len(materials)
    assert table.min() > 0.08


def test_about_a_third_of_the_materials_have_relief():
    assert 0.25 < np.mean([material.normal is not None for material in draw("object", "train", 300)]) < 0.45


def test_a_name_is_drawn_by_its_share_among_those_known():
    rng = np.random.default_rng(0)
    drawn = [pick(rng, shares("a 1 b 3 c 96"), {"a", "b"}) for _ in range(400)]
    assert set(drawn) == {"a", "b"}
    assert np.mean(np.array(drawn) == "b") == pytest.approx(0.75, abs=0.07)


@pytest.mark.parametrize("use", ["floor", "furniture", "object"])
def test_roughness_follows_what_a_thing_is_made_of(use: Use):
    tiles, boards, cloth = (mean_roughness(use, name) for name in ("tiles", "planks", "plaid"))
    assert tiles + 0.15 < boards < cloth - 0.15


def test_outdoors_all_is_weathered():
    assert min(mean_roughness("ground", name) for name in ("tiles", "planks", "brick")) > 0.65
