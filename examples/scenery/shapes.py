"""Shapes: lists of lattices of points, (V, U, 3), in metres with +Y up; `mesh` makes one ready to render."""

from typing import NamedTuple

import mitsuba as mi
import numpy as np


class Lattice(NamedTuple):
    points: np.ndarray  # (V, U, 3)
    scale: tuple[float, float] = (1, 1)  # texture repeats along u and v
    is_closed: bool = False  # the last column is the first


def smooth(points, rounds=3):
    """Cut the corners of a polyline (Chaikin)."""
    points = np.asarray(points, float)
    for _ in range(rounds):
        cut = np.stack([0.75 * points[:-1] + 0.25 * points[1:], 0.25 * points[:-1] + 0.75 * points[1:]], 1)
        points = np.concatenate([points[:1], cut.reshape(-1, points.shape[1]), points[-1:]])
    return points


def quad(corner, u, v, scale=(1, 1)):
    """A flat parallelogram."""
    corner, u, v = (np.asarray(a, float) for a in (corner, u, v))
    return [Lattice(np.array([[corner, corner + u], [corner + v, corner + u + v]]), scale)]


def box(centre, size, repeat=None):
    """Six faces; u runs along the longer side. `repeat`: textures per metre, or one texture a face."""
    faces = []
    for axis in range(3):
        a, b = sorted({0, 1, 2} - {axis}, key=lambda k: -size[k])
        u, v, out = np.zeros((3, 3))
        u[a], v[b], out[axis] = size[a], size[b], size[axis] / 2
        scale = (size[a] * repeat, size[b] * repeat) if repeat else (1, 1)
        faces += [face for s in (1, -1) for face in quad(np.asarray(centre) + s * out - (u + v) / 2, u, v, scale)]
    return faces


def lathe(profile, scale=(2, 1), rounds=3):
    """Turn (radius, height) points around the Y axis."""
    r, y = smooth(profile, rounds).T[:, :, None]
    r, angle = np.maximum(r, 1e-4), np.linspace(0, 2 * np.pi, 73)
    return [Lattice(np.stack([r * np.cos(angle), y + 0 * angle, -r * np.sin(angle)], -1), scale, True)]


def blob(centre, size, square=1.0, scale=(2, 1)):
    """A superellipsoid: square 1 is an ellipsoid, towards 0 it becomes a box with round edges."""
    t, p = np.linspace(-np.pi / 2, np.pi / 2, 49)[:, None], np.linspace(-np.pi, np.pi, 97)

    def power(x):
        return np.sign(x) * np.maximum(np.abs(x), 1e-4) ** square

    unit = [power(np.cos(t)) * power(np.cos(p)), power(np.sin(t)) + 0 * p, -power(np.cos(t)) * power(np.sin(p))]
    return [Lattice(np.stack(unit, -1) * np.asarray(size) / 2 + np.asarray(centre), scale, True)]


def tube(path, start, end):
    """A tube along (x, y) points in the plane z = 0, its radius going from `start` to `end`."""
    path = smooth(path)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.stack([-along[:, 1], along[:, 0], 0 * along[:, 0]], -1)[:, None]
    angle, radius = np.linspace(0, 2 * np.pi, 33)[:, None], np.linspace(start, end, len(path))[:, None, None]
    ring = radius * (np.cos(angle) * side + np.sin(angle) * np.array([0, 0, 1]))
    return [Lattice(np.pad(path, ((0, 0), (0, 1)))[:, None] + ring, (1, 1), True)]


def teapot():
    """Body and lid, spout, handle and knob; 0.2 m high."""
    body = [(0, 0), (0.09, 0), (0.14, 0.06), (0.13, 0.14), (0.08, 0.175), (0.075, 0.185), (0, 0.2)]
    spout = [(0.11, 0.05), (0.18, 0.06), (0.19, 0.13), (0.24, 0.17)]
    handle = [(-0.09, 0.15), (-0.2, 0.19), (-0.23, 0.06), (-0.11, 0.05)]
    knob = blob([0, 0.21, 0], [0.04, 0.035, 0.04])
    return lathe(body) + tube(spout, 0.035, 0.014) + tube(handle, 0.013, 0.013) + knob


def vase(height, radius, neck=0.4):
    """A bulged vessel with a lip."""
    steps = [
        (0, 0),
        (0.6, 0),
        (1, 0.35),
        (0.8, 0.7),
        (neck, 0.85),
        (neck * 1.3, 1),
        (neck * 1.1, 0.99),
        (neck * 0.8, 0.8),
    ]
    return lathe([(r * radius, y * height) for r, y in steps])


def bowl(radius, height):
    """A bowl with a wall of its own thickness."""
    steps = [(0, 0), (0.5, 0), (0.9, 0.5), (1, 1), (0.96, 1), (0.84, 0.5), (0.45, 0.1), (0, 0.1)]
    return lathe([(r * radius, y * height) for r, y in steps], (4, 1))


def plant(leaves, length):
    """Bent leaves around the Y axis."""
    rng, lattices, t = np.random.default_rng(leaves), [], np.linspace(0, 1, 17)[:, None]
    for turn in range(leaves):
        angle, tilt = 2.4 * turn + rng.normal() * 0.2, rng.uniform(0.25, 1.0)
        width = length * 0.13 * np.sin(np.pi * t**0.7) * np.linspace(-1, 1, 7)
        out = length * t * np.sin(tilt) * (0.6 + 0.6 * t) + 0 * width
        rise = length * (t * np.cos(tilt * 0.6) - 0.45 * t**2 * tilt) + 0.5 * np.abs(width)
        c, s = np.cos(angle), np.sin(angle)
        lattices.append(Lattice(np.stack([out * c - width * s, rise, out * s + width * c], -1)))
    return lattices


def cloth(width, depth, drop, waves):
    """A runner across a table of `depth` (z from -depth to 0, y = 0) that hangs down in folds in front."""
    t, x = np.linspace(0, 1, 121)[:, None], np.linspace(-0.5, 0.5, 121)
    line = smooth([(-depth, 0.004), (-0.01, 0.004), (0.02, 0.0), (0.03, -0.04), (0.03, -drop)], 4)
    step = np.r_[0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))]
    z, y = (np.interp(t * step[-1], step, line[:, k]) for k in (0, 1))
    hang = np.clip(-y / drop, 0, 1)
    fold = 0.035 * hang * (np.sin(waves * 2 * np.pi * x + 1) + 0.4 * np.sin(waves * 4.7 * np.pi * x))
    ripple = 0.003 * (1 - hang) * (1 + np.sin(9 * x / width + 14 * z))
    points = [x * width * (1 + 0.05 * hang), y + ripple + 0 * x, z + np.abs(fold) + fold * 0.3]
    return [Lattice(np.stack(points, -1), (width * 3, step[-1] * 3))]


def curtain(width, height, waves):
    """A hanging cloth in even folds along z."""
    t, x = np.linspace(0, 1, 9)[:, None], np.linspace(0, 1, 241)
    depth = (0.035 + 0.02 * t) * np.sin(waves * 2 * np.pi * x + 0.5 * np.sin(5 * x))
    return [Lattice(np.stack([depth, height * (1 - t) + 0 * x, width * x + 0 * t], -1), (2, 2))]


def place(lattices, position, turn_deg=0.0):
    """Turn around the Y axis, then move."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return [part._replace(points=part.points @ turn.T + np.asarray(position)) for part in lattices]


def mesh(lattice, bsdf, radiance=None):
    """The triangles of a lattice with smooth normals; with `radiance` it is a lamp."""
    points, scale, is_closed = lattice
    rows, columns = points.shape[:2]
    ring = np.concatenate([points[:, -2:-1], points, points[:, 1:2]], 1) if is_closed else points
    across = np.gradient(ring, axis=1)[:, 1:-1] if is_closed else np.gradient(ring, axis=1)
    normals = np.cross(across, np.gradient(points, axis=0))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-20
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)
    v, u = np.meshgrid(np.linspace(0, scale[1], rows), np.linspace(0, scale[0], columns), indexing="ij")
    properties = mi.Properties()
    properties["bsdf"] = bsdf
    if radiance is not None:
        properties["emitter"] = mi.load_dict({"type": "area", "radiance": radiance})
    shape = mi.Mesh("", rows * columns, len(faces), properties, True, True)
    fields = mi.traverse(shape)
    for name, values in [("positions", points), ("normals", normals), ("texcoords", np.stack([u, v], -1))]:
        fields[f"vertex_{name}"] = np.ascontiguousarray(values, np.float32).ravel()
    fields["faces"] = faces.astype(np.uint32).ravel()
    fields.update()
    return shape
