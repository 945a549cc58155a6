"""Patterns that fill space."""

import numpy as np

from mvinverse_cli.train.solid import Solid, draw_solid
from tests.train.cut import DRAWS


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
