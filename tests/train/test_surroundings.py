"""What is seen around a place: by colours that come from one side or from all."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.train import surroundings as surrounding
from mvinverse_cli.train.surface import surface_of
from mvinverse_cli.train.surroundings import surroundings
from tests.train.cut import cut_views

PLACE = np.float32([0.5, 1.0, -2.0])
RED, BLUE = np.float32([0.8, 0.1, 0.1]), np.float32([0.1, 0.1, 0.8])
EAST, WEST, UP, NORTH, SOUTH = np.float32([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]])


def globe(color_of, distance=3.0):
    """Points all around PLACE in the colour of their way, and those ways."""
    ways = np.random.default_rng(0).standard_normal((20_000, 3)).astype(np.float32)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    views = surface_of(cut_views())
    like = {name: np.resize(values, (len(ways), values.shape[1])) for name, values in vars(views).items()}
    known = np.ones((len(ways), 1), np.float32)
    surface = replace(views, **like)
    return replace(surface, color=color_of(ways), points=PLACE + distance * ways, mask=known), ways


def by_side(ways):
    return np.where(ways[:, :1] > 0, RED, BLUE)


@pytest.fixture(autouse=True)
def no_lamps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surrounding, "MOST_LAMPS", 0)


def around(surface, counts=None):
    counts = np.ones(len(surface.points), bool) if counts is None else counts
    found = surroundings(surface, PLACE, counts, np.random.default_rng(0))
    assert found is not None
    return found


def seen_from(found, way, roughness=0.1):
    return found.mirrored(PLACE[None], way[None], roughness)[0]


def test_even_light_is_even_at_every_roughness():
    surface, ways = globe(lambda ways: np.broadcast_to(RED, ways.shape))
    for roughness in (0.05, 0.4, 1.0):
        at_place = np.broadcast_to(PLACE, ways.shape)
        assert np.allclose(around(surface).mirrored(at_place, ways, roughness), RED, atol=1e-3)


def test_a_smooth_surface_mirrors_what_lies_that_way():
    found = around(globe(by_side)[0])
    assert found.reach == pytest.approx(3, rel=1e-3)
    assert np.allclose(seen_from(found, EAST), RED, atol=1e-3)
    assert np.allclose(seen_from(found, WEST), BLUE, atol=1e-3)


def test_a_rough_one_mirrors_its_neighbours_too():
    found, way = around(globe(by_side)[0]), EAST + 1.2 * NORTH
    smooth, rough = (seen_from(found, way, roughness) for roughness in (0.1, 0.9))
    assert np.allclose(smooth, RED, atol=1e-3)
    assert rough[2] > smooth[2] + 0.05


def test_a_turn_has_no_seam():
    found = around(globe(lambda ways: 0.5 + 0.4 * ways)[0])
    for turned in (NORTH, SOUTH, EAST, WEST):
        left, right = (turned + 0.01 * np.cross(turned, UP) * side for side in (-1, 1))
        assert np.allclose(seen_from(found, left), seen_from(found, right), atol=0.03)
        assert np.allclose(seen_from(found, turned), 0.5 + 0.4 * turned, atol=0.05)


def test_what_no_view_shows_is_like_what_lies_opposite():
    surface, ways = globe(by_side)
    found = around(surface, ways[:, 0] > 0)
    assert np.allclose(seen_from(found, WEST), RED, atol=1e-3)


def test_gaps_are_filled_from_near():
    surface, ways = globe(by_side)
    found = around(surface, np.abs(ways[:, 1]) < 0.5)  # neither floor nor ceiling
    assert np.isfinite(found.light).all()
    assert seen_from(found, UP + EAST)[0] > 2 * seen_from(found, UP + EAST)[2]


def test_near_surroundings_shift_with_the_point():
    found = around(globe(by_side)[0])
    moved = PLACE + 3 * EAST
    assert np.allclose(found.mirrored(moved[None], 0.5 * WEST[None], 0.1)[0], RED, atol=1e-3)


def test_the_thing_itself_and_what_is_unknown_are_not_mirrored():
    surface, _ = globe(by_side)
    nothing = np.zeros(len(surface.points), bool)
    assert surroundings(surface, PLACE, nothing, np.random.default_rng(0)) is None
    unknown = replace(surface, mask=np.zeros_like(surface.mask))
    assert surroundings(unknown, PLACE, ~nothing, np.random.default_rng(0)) is None
    near, _ = globe(by_side, distance=0.01)
    assert surroundings(near, PLACE, ~nothing, np.random.default_rng(0)) is None


def test_lamps_are_brighter_than_what_is_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surrounding, "MOST_LAMPS", 3)
    surface, _ = globe(by_side)
    counts = np.ones(len(surface.points), bool)
    lights = [surroundings(surface, PLACE, counts, np.random.default_rng(seed)) for seed in range(20)]
    brightest = [float(found.light.max()) for found in lights if found is not None]
    assert min(brightest) == pytest.approx(0.8, abs=0.01)  # now and then there is none
    assert max(brightest) > 2


def test_many_points_are_looked_up_in_pieces():
    found = around(globe(by_side)[0])
    ways = np.tile(np.stack([EAST, WEST]), (40_000, 1))
    mirrored = found.mirrored(np.broadcast_to(PLACE, ways.shape), ways, 0.1)
    assert np.allclose(mirrored[::2], RED, atol=1e-3)
    assert np.allclose(mirrored[1::2], BLUE, atol=1e-3)
    assert found.mirrored(ways[:0], ways[:0], 0.1).shape == (0, 3)
