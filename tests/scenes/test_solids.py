"""Solids: prisms are seen from outside, rotations keep lengths, every kind stands near its origin."""

import numpy as np
import pytest

from mvinverse_cli.scenes import shapes
from mvinverse_cli.scenes.solids import prism, random_outline, random_solid, rotation, tilted
from mvinverse_cli.scenes.stage import Stage

SQUARE = np.array([(1, -1), (1, 1), (-1, 1), (-1, -1)], float)


def area(lattices: list[shapes.Lattice]) -> float:
    mesh = shapes.triangles(lattices)
    a, b, c = (mesh.points[mesh.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize(("twist", "top"), [(0.0, 1.0), (0.6, 1.0), (0.0, 0.3)])
def test_a_prism_faces_outwards(twist: float, top: float):
    mesh = shapes.triangles(shapes.place(prism(SQUARE, 2.0, twist, top), (0, -1, 0)))
    assert ((mesh.normals * mesh.points).sum(-1) > 0).all()


def test_a_square_prism_is_a_cube():
    cube = prism(SQUARE, 2.0)
    assert area(cube) == pytest.approx(24, rel=1e-4)
    sides = shapes.triangles(cube[:4])
    assert set(np.round(np.abs(sides.normals).max(1), 6)) == {1.0}  # no edge is rounded by its normals


def test_tilted_keeps_sizes_and_a_rotation_is_one():
    turn = rotation(np.random.default_rng(0), np.pi)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert area(tilted(prism(SQUARE, 2.0), turn)) == pytest.approx(24, rel=1e-4)


def test_an_outline_runs_counter_clockwise_around_the_origin():
    for seed in range(40):
        x, y = random_outline(np.random.default_rng(seed), 0.5).T
        assert (x * np.roll(y, -1) - y * np.roll(x, -1) > 0).all()
        assert 0.1 < np.hypot(x, y).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("seed", range(30))
def test_any_solid_is_whole_and_about_as_large_as_asked(seed: int):
    mesh = shapes.triangles(random_solid(Stage(np.random.default_rng(seed), "train"), 0.5))
    assert np.isfinite(mesh.points).all()
    assert np.isfinite(mesh.normals).all()
    assert 0.1 < np.ptp(mesh.points, axis=0).max() < 1.5
    assert np.abs(mesh.points).max() < 1.2
