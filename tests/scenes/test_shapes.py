"""Shapes: closed ones are seen from outside, textures keep their scale, a pierced wall keeps its hole."""

import numpy as np
import pytest

from mvinverse_cli.scenes import shapes
from mvinverse_cli.scenes.shapes import Lattice, Mesh

SOLIDS = {
    "box": shapes.box((0, 0, 0), (1, 2, 3)),
    "cylinder": shapes.place(shapes.cylinder(0.4, 1), (0, -0.5, 0)),
    "superellipsoid": shapes.superellipsoid((1, 2, 1), (0.3, 0.5)),
    "boulder": shapes.boulder(np.random.default_rng(0), 1),
    "tube": shapes.tube([(-0.5, 0, 0), (0.5, 0, 0)], 0.1, 0.1),
}


def face_normals(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.points[mesh.faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


@pytest.mark.parametrize("name", SOLIDS)
def test_a_solid_faces_outwards(name: str):
    mesh = shapes.triangles(SOLIDS[name])
    assert ((mesh.normals * mesh.points).sum(-1) > -1e-6).all()


def test_a_ring_faces_away_from_its_core():
    mesh = shapes.triangles(shapes.ring(0.4, 0.1))
    core = mesh.points * (1, 0, 1)
    core *= 0.4 / np.linalg.norm(core, axis=-1, keepdims=True)
    assert ((mesh.normals * (mesh.points - core)).sum(-1) > 0).all()


@pytest.mark.parametrize("name", SOLIDS)
def test_triangles_wind_as_their_normals_point(name: str):
    mesh = shapes.triangles(SOLIDS[name])
    faces = face_normals(mesh)
    is_flat = np.linalg.norm(faces, axis=1) < 1e-9  # at the poles
    assert ((faces * mesh.normals[mesh.faces].mean(1)).sum(-1)[~is_flat] > 0).all()


def test_texture_coordinates_are_metres():
    mesh = shapes.triangles([shapes.quad((0, 0, 0), (2, 0, 0), (0, 3, 0))])
    np.testing.assert_allclose(mesh.coordinates, mesh.points[:, :2])


def test_a_pierced_wall_is_the_wall_without_its_hole():
    pieces = shapes.pierced_quad((0, 0, 0), (4, 0, 0), (0, 3, 0), (1.0, 0.5, 2.5, 2.0))
    mesh = shapes.triangles(pieces)
    area = np.linalg.norm(face_normals(mesh), axis=1).sum() / 2
    assert area == pytest.approx(12 - 1.5 * 1.5, rel=1e-5)
    np.testing.assert_allclose(mesh.coordinates, mesh.points[:, :2], atol=1e-6)  # the texture runs on


def test_a_sheet_has_a_back_that_faces_the_other_way():
    front, back = shapes.both_sides([shapes.quad((0, 0, 0), (1, 0, 0), (0, 1, 0))])
    assert shapes.lattice_mesh(front).normals[0, 2] == pytest.approx(1)
    assert shapes.lattice_mesh(back).normals[0, 2] == pytest.approx(-1)
    assert back.points[..., 2].max() < 0


def test_turning_a_thing_turns_it_around_the_vertical_axis():
    (turned,) = shapes.place([Lattice(np.array([[[0.0, 1.0, 2.0]]]), (1, 1))], (10, 0, 0), np.pi / 2)
    np.testing.assert_allclose(turned.points[0, 0], (12, 1, 0), atol=1e-12)
