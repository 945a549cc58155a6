"""Base colours of materials as paint."""

from dataclasses import replace

import numpy as np

from mvinverse_cli.train.surface import surface_of
from mvinverse_cli.train.texture import LEVELS, Parted, Texture, draw_texture
from tests.train.cut import DRAWS, cut_views

STILL = np.zeros((3, 3), np.float32)
BANDS = np.repeat(np.float32([[0.2], [0.8]]), 8, axis=0)[:, :, None] * np.ones((1, 16, 3), np.float32)  # along v


def facing(normal, points, far=0.1):
    """Points of a surface of this normal, seen from near."""
    like = surface_of(cut_views())
    count = len(points)
    return replace(
        like,
        points=np.float32(points),
        normal=np.tile(np.float32(normal), (count, 1)),
        far=np.full((count, 1), far, np.float32),
    )


def texture(levels=(BANDS,), squares=1.0):
    return Texture(levels, np.eye(3, dtype=np.float32) * np.float32(squares), 0.0, STILL)


def test_a_square_repeats_upright_on_walls_and_flat_on_floors():
    heights = np.array([0.25, 0.75, 1.25, 3.75, -0.25])
    bands = np.float32([0.2, 0.8, 0.2, 0.8, 0.8])
    for normal in ((1, 0, 0), (0, 0, -1)):
        wall = facing(normal, np.stack([0.3 * np.ones(5), heights, 0.6 * np.ones(5)], -1))
        assert np.allclose(texture().at(wall)[:, 0], bands, atol=1e-5)
    floor = facing((0, 1, 0), np.stack([0.3 * np.ones(5), 0.6 * np.ones(5), heights], -1))
    assert np.allclose(texture().at(floor)[:, 0], bands, atol=1e-5)


def test_twice_as_many_squares_are_half_as_large():
    points = np.stack([np.zeros(50), np.linspace(0, 2, 50), np.zeros(50)], -1)
    once, twice = (texture(squares=count).at(facing((0, 0, 1), points / count)) for count in (1, 2))
    assert np.allclose(once, twice, atol=1e-5)


def test_far_off_it_is_its_mean():
    levels = (BANDS, np.full((1, 1, 3), 0.5, np.float32))
    points = np.random.default_rng(0).uniform(-3, 3, (200, 3))
    assert np.ptp(texture(levels).at(facing((0, 0, 1), points, far=1.0))) > 0.5
    assert np.allclose(texture(levels).at(facing((0, 0, 1), points, far=300.0)), 0.5)


def test_what_is_drawn_shows_training_patterns_in_their_colours_at_every_distance():
    surface = surface_of(cut_views())
    kinds = set()
    for seed in DRAWS:
        paint = draw_texture(np.random.default_rng(seed))
        kinds.add(type(paint))
        for texture in (paint.first, paint.second) if isinstance(paint, Parted) else (paint,):
            assert [len(level) for level in texture.levels] == [128 >> index for index in range(LEVELS)]
        colors = paint.at(surface)
        assert colors.shape == surface.albedo.shape
        assert 0.02 - 1e-4 <= colors.min() <= colors.max() <= 0.95 + 1e-4
    assert kinds == {Texture, Parted}


def test_a_point_has_one_colour_in_whatever_order_it_is_asked_for():
    surface = surface_of(cut_views())
    order = np.random.default_rng(0).permutation(len(surface.points))
    shuffled = replace(surface, **{name: values[order] for name, values in vars(surface).items()})
    for seed in DRAWS:
        paint = draw_texture(np.random.default_rng(seed))
        # matrix products of other shapes may round otherwise, which matters at the border of a cell alone
        assert np.mean(np.isclose(paint.at(surface)[order], paint.at(shuffled), atol=1e-3)) > 0.98


def test_two_textures_share_a_surface_by_a_mask():
    surface = surface_of(cut_views())
    parted = next(
        paint
        for paint in (draw_texture(np.random.default_rng(seed)) for seed in range(40))
        if isinstance(paint, Parted) and 0.1 < paint.mask.at(surface.points).mean() < 0.9
    )
    share = parted.mask.at(surface.points)[:, 0]
    colors = parted.at(surface)
    assert np.allclose(colors[share == 1], parted.first.at(surface)[share == 1], atol=1e-6)
    assert np.allclose(colors[share == 0], parted.second.at(surface)[share == 0], atol=1e-6)
