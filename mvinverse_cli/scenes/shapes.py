"""Shapes: lists of lattices of points in metres, +Y up; `triangles` makes one mesh of them.

V U rows and columns of a lattice; P vertices and F triangles of a mesh. Lattices are seen from the side that
`cross(d/du, d/dv)` points to. Sizes are in metres, so that a texture keeps its scale on whatever it lies on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from ..maps import Array

Point: TypeAlias = Sequence[float] | Array  # three numbers

THICKNESS = 0.004  # metres between the two sides of a sheet


@dataclass(frozen=True)
class Lattice:
    """A grid of points (V, U, 3), `size` metres along u and v; `is_closed`: the last column is the first."""

    points: Array
    size: tuple[float, float]
    is_closed: bool = False
    start: tuple[float, float] = (0.0, 0.0)  # metres at the first point, where textures go on from a neighbour


@dataclass(frozen=True)
class Mesh:
    """Triangles with smooth normals; texture coordinates in metres."""

    points: Array  # (P, 3) float32
    faces: Array  # (F, 3) uint32
    normals: Array  # (P, 3) float32
    coordinates: Array  # (P, 2) float32


def triangles(lattices: Iterable[Lattice]) -> Mesh:
    """One mesh of all lattices."""
    meshes = [lattice_mesh(lattice) for lattice in lattices]
    starts = np.cumsum([0] + [len(mesh.points) for mesh in meshes])
    return Mesh(
        np.concatenate([mesh.points for mesh in meshes]),
        np.concatenate([mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]).astype(np.uint32),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.coordinates for mesh in meshes]),
    )


def lattice_mesh(lattice: Lattice) -> Mesh:
    """The mesh of one lattice; normals from central differences."""
    points = lattice.points
    rows, columns = points.shape[:2]
    if lattice.is_closed:
        ring = np.concatenate([points[:, -2:-1], points, points[:, 1:2]], axis=1)
        across = np.gradient(ring, axis=1)[:, 1:-1]
    else:
        across = np.gradient(points, axis=1)
    normals = np.cross(across, np.gradient(points, axis=0))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-20
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)
    v, u = np.meshgrid(
        lattice.start[1] + np.linspace(0, lattice.size[1], rows),
        lattice.start[0] + np.linspace(0, lattice.size[0], columns),
        indexing="ij",
    )
    return Mesh(
        points.reshape(-1, 3).astype(np.float32),
        faces,
        normals.reshape(-1, 3).astype(np.float32),
        np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float32),
    )


def place(lattices: Iterable[Lattice], position: Point, turn: float = 0.0) -> list[Lattice]:
    """Turn by `turn` radians around the Y axis, then move."""
    c, s = np.cos(turn), np.sin(turn)
    rotation = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return [replace(part, points=part.points @ rotation.T + np.asarray(position)) for part in lattices]


def both_sides(lattices: Iterable[Lattice]) -> list[Lattice]:
    """Each lattice and, a little behind, its back: what is seen from either side."""
    sides = []
    for lattice in lattices:
        normals = lattice_mesh(lattice).normals.reshape(lattice.points.shape)
        back = lattice.points[:, ::-1] - THICKNESS * normals[:, ::-1]
        sides += [lattice, replace(lattice, points=back)]
    return sides


def quad(corner: Point, u: Point, v: Point) -> Lattice:
    """A parallelogram, seen from the side that u x v points to."""
    start, across, up = (np.asarray(side, float) for side in (corner, u, v))
    points = np.array([[start, start + across], [start + up, start + across + up]])
    return Lattice(points, (float(np.linalg.norm(across)), float(np.linalg.norm(up))))


def pierced_quad(corner: Point, u: Point, v: Point, hole: tuple[float, float, float, float]) -> list[Lattice]:
    """A quad around a hole from (u0, v0) to (u1, v1) metres; the texture runs on from piece to piece."""
    start, across, up = (np.asarray(side, float) for side in (corner, u, v))
    width, height = float(np.linalg.norm(across)), float(np.linalg.norm(up))
    u0, v0, u1, v1 = hole
    pieces = []
    for left, bottom, right, top in ((0, 0, u0, height), (u1, 0, width, height), (u0, 0, u1, v0), (u0, v1, u1, height)):
        if right - left > 1e-6 and top - bottom > 1e-6:
            at = start + across * left / width + up * bottom / height
            piece = quad(at, across * (right - left) / width, up * (top - bottom) / height)
            pieces.append(replace(piece, start=(left, bottom)))
    return pieces


def box(centre: Point, size: Point) -> list[Lattice]:
    """Six faces, seen from outside; u runs along the longer side of each."""
    faces = []
    for axis in range(3):
        a, b = sorted({0, 1, 2} - {axis}, key=lambda k: -size[k])
        for sign in (1, -1):
            u, v, out = np.zeros((3, 3))
            u[a], v[b], out[axis] = size[a], size[b], sign
            if np.cross(u, v)[axis] * sign < 0:
                v = -v
            corner = np.asarray(centre) + out * size[axis] / 2 - (u + v) / 2
            faces.append(quad(corner, u, v))
    return faces


def smooth(points: Sequence[Sequence[float]] | Array, rounds: int = 3) -> Array:
    """Cut the corners of a polyline (Chaikin 1974)."""
    line = np.asarray(points, float)
    for _ in range(rounds):
        cut = np.stack([0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]], axis=1)
        line = np.concatenate([line[:1], cut.reshape(-1, line.shape[1]), line[-1:]])
    return line


def lathe(profile: Sequence[tuple[float, float]], rounds: int = 2, sides: int = 32) -> list[Lattice]:
    """Turn (radius, height) points, from the bottom to the top, around the Y axis."""
    line = smooth(profile, rounds)
    radius, height = np.maximum(line.T, 1e-4)[:, :, None]
    height = line.T[1][:, None]
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    points = np.stack([radius * np.cos(angle), height + 0 * angle, -radius * np.sin(angle)], axis=-1)
    along = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
    return [Lattice(points, (2 * np.pi * float(radius.mean()), along), is_closed=True)]


def cylinder(radius: float, height: float) -> list[Lattice]:
    """A solid standing on the origin, with flat ends."""
    edge = min(radius, height) * 0.03  # a bevel, for ends that catch light
    return lathe(
        [(0, 0), (radius - edge, 0), (radius, edge), (radius, height - edge), (radius - edge, height), (0, height)], 1
    )


def superellipsoid(size: Point, square: tuple[float, float] = (1.0, 1.0), detail: int = 20) -> list[Lattice]:
    """Around the origin: square 1 is an ellipsoid, towards 0 a box with round edges (Barr 1981)."""
    t, p = np.linspace(-np.pi / 2, np.pi / 2, detail)[:, None], np.linspace(-np.pi, np.pi, 2 * detail + 1)

    def power(x: Array, exponent: float) -> Array:
        signed: Array = np.sign(x) * np.maximum(np.abs(x), 1e-4) ** exponent
        return signed

    rim = power(np.cos(t), square[0])
    unit = np.stack(
        [rim * power(np.cos(p), square[1]), power(np.sin(t), square[0]) + 0 * p, -rim * power(np.sin(p), square[1])], -1
    )
    return [Lattice(unit * np.asarray(size) / 2, (np.pi * (size[0] + size[2]) / 2, size[1] * 1.5), is_closed=True)]


def boulder(rng: np.random.Generator, radius: float, detail: int = 26) -> list[Lattice]:
    """A lump around the origin: a sphere under a few waves."""
    (ball,) = superellipsoid((2.0, 2.0, 2.0), detail=detail)
    height = np.ones(ball.points.shape[:2])
    for _ in range(6):
        wave = rng.normal(size=3) * rng.uniform(1, 4)
        height += rng.uniform(0.02, 0.1) * np.sin(ball.points @ wave + rng.uniform(0, 6))
    return [Lattice(ball.points * height[..., None] * radius, (6 * radius, 3 * radius), is_closed=True)]


def tube(path: Sequence[Sequence[float]], start: float, end: float, sides: int = 12) -> list[Lattice]:
    """A tube along a path of (x, y, z) points, its radius going from `start` to `end`."""
    line = smooth(path, 2)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    other = np.where(np.abs(along[:, 1:2]) > 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    side = np.cross(other, along)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    angle = np.linspace(0, 2 * np.pi, sides + 1)[:, None]
    ring = np.cos(angle) * side[:, None] + np.sin(angle) * np.cross(along, side)[:, None]
    radius = np.linspace(start, end, len(line))[:, None, None]
    length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
    return [Lattice(line[:, None] + radius * ring, (2 * np.pi * max(start, end), length), is_closed=True)]


def ring(radius: float, thickness: float) -> list[Lattice]:
    """A torus lying around the Y axis."""
    t = np.linspace(0, 2 * np.pi, 21)[:, None]
    p = np.linspace(0, 2 * np.pi, 41)
    distance = radius + thickness * np.cos(t)
    points = np.stack([distance * np.cos(p), thickness * np.sin(t) + 0 * p, -distance * np.sin(p)], axis=-1)
    return [Lattice(points, (2 * np.pi * radius, 2 * np.pi * thickness), is_closed=True)]


def curtain(width: float, height: float, waves: float, depth: float = 0.05) -> list[Lattice]:
    """A cloth hanging from y = height to 0 along x, in folds along z; seen from both sides."""
    t, x = np.linspace(0, 1, 6)[:, None], np.linspace(0, 1, 121)
    fold = depth * (0.7 + 0.4 * t) * np.sin(2 * np.pi * waves * x + 0.6 * np.sin(5 * x))
    points = np.stack([width * x + 0 * t, height * t + 0 * x, fold], axis=-1)
    return both_sides([Lattice(points, (width * 1.5, height))])


def drape(width: float, depth: float, drop: float, waves: float) -> list[Lattice]:
    """A cloth over the edge of a top at y = 0 (z from -depth to 0) that hangs down in front; seen from both sides."""
    t, x = np.linspace(0, 1, 60)[:, None], np.linspace(-0.5, 0.5, 61)
    line = smooth([(-depth, 0.006), (-0.01, 0.006), (0.02, 0.0), (0.03, -0.04), (0.03, -drop)], 3)
    step = np.r_[0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    z, y = (np.interp(t * step[-1], step, line[:, k]) for k in (0, 1))
    hang = np.clip(-y / drop, 0, 1)
    fold = 0.035 * hang * (np.sin(waves * 2 * np.pi * x + 1) + 0.4 * np.sin(waves * 4.7 * np.pi * x))
    points = np.stack([x * width * (1 + 0.05 * hang), y + 0 * x, z + np.abs(fold) + 0.3 * fold], axis=-1)
    # the first row lies at the back: turned round so that the upper side is the seen one
    return both_sides([Lattice(points[::-1], (width, float(step[-1])))])


def leaves(rng: np.random.Generator, count: int, length: float) -> list[Lattice]:
    """Bent leaves around the Y axis, seen from both sides."""
    t = np.linspace(0, 1, 9)[:, None]
    shapes = []
    for turn in range(count):
        angle, tilt = 2.4 * turn + rng.normal() * 0.2, rng.uniform(0.25, 1.0)
        width = length * 0.13 * np.sin(np.pi * t**0.7) * np.linspace(-1, 1, 5)
        out = length * t * np.sin(tilt) * (0.6 + 0.6 * t) + 0 * width
        rise = length * (t * np.cos(tilt * 0.6) - 0.45 * t**2 * tilt) + 0.5 * np.abs(width)
        c, s = np.cos(angle), np.sin(angle)
        points = np.stack([out * c - width * s, rise, out * s + width * c], axis=-1)
        shapes.append(Lattice(points, (length * 0.26, length)))
    return both_sides(shapes)
