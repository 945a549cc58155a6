"""Solids of training scenes that are like nothing in particular: prisms, stars, gears, twisted, tapered; knots; sheets.

Sizes are metres; a solid stands on the origin and is about `size` high.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..maps import Array
from .shapes import Lattice, both_sides, boulder, box, lathe, place, superellipsoid, tube
from .stage import Stage


def rotation(rng: np.random.Generator, most: float) -> Array:
    """A rotation (3, 3) around a random axis by up to `most` radians."""
    x, y, z = (axis := rng.normal(size=3)) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = rng.uniform(-most, most)
    turn: Array = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross  # Rodrigues
    return turn


def tilted(lattices: Iterable[Lattice], turn: Array) -> list[Lattice]:
    """Turned around the origin by a rotation (3, 3)."""
    return [replace(part, points=part.points @ turn.T) for part in lattices]


def prism(outline: Array, height: float, twist: float = 0.0, top: float = 1.0) -> list[Lattice]:
    """A counter-clockwise outline (n, 2) in (x, -z) drawn up to `height`, turned by `twist` radians, scaled to `top`.

    Sides are flat, with sharp edges; the outline must be seen whole from its middle, where the ends are fanned out.
    """
    rows = np.linspace(0, 1, 9 if twist else 2)
    turns, scales = twist * rows, 1 + (top - 1) * rows
    x = scales[:, None] * (outline[:, 0] * np.cos(turns)[:, None] - outline[:, 1] * np.sin(turns)[:, None])
    z = -scales[:, None] * (outline[:, 0] * np.sin(turns)[:, None] + outline[:, 1] * np.cos(turns)[:, None])
    walls = np.stack([x, height * rows[:, None] + 0 * x, z], -1)  # (rows, n, 3)
    faces = []
    for k in range(len(outline)):
        side = walls[:, [k, (k + 1) % len(outline)]]
        width = float(np.linalg.norm(side[0, 1] - side[0, 0]))
        faces.append(Lattice(side, (width, height)))
    for ring, is_top in ((walls[0], False), (walls[-1], True)):
        closed = np.concatenate([ring, ring[:1]])
        inner = closed * (1e-3, 1, 1e-3)
        rings = np.stack([closed, inner] if is_top else [inner, closed])
        reach = float(np.abs(ring[:, [0, 2]]).max())
        faces.append(Lattice(rings, (6 * reach, reach)))
    return faces


def random_outline(rng: np.random.Generator, radius: float) -> Array:
    """A polygon, star, gear or irregular shape around the origin, counter-clockwise: (n, 2)."""
    kind = rng.integers(4)
    count = int(rng.integers(3, 9))
    if kind == 0:  # regular
        far = np.ones(count)
    elif kind == 1:  # a star
        far = np.where(np.arange(2 * count) % 2, rng.uniform(0.4, 0.8), 1.0)
    elif kind == 2:  # a gear
        far = np.where(np.arange(4 * count) % 4 < 2, rng.uniform(0.7, 0.9), 1.0)
    else:
        far = rng.uniform(0.5, 1.0, count + 2)
    angle = np.linspace(0, 2 * np.pi, len(far), endpoint=False)
    stretch = rng.uniform(0.5, 1.0)
    outline: Array = radius * far[:, None] * np.stack([np.cos(angle), stretch * np.sin(angle)], -1)
    return outline


def knot(stage: Stage, size: float) -> list[Lattice]:
    """A thick or thin tube along a random closed-looking path."""
    points = stage.rng.uniform(-0.5, 0.5, (int(stage.rng.integers(4, 9)), 3)) * size + (0, size / 2, 0)
    thick = size * stage.uniform(0.02, 0.12)
    return tube(points.tolist(), thick, thick * stage.uniform(0.5, 1.0), 14)


def sheet(stage: Stage, size: float) -> list[Lattice]:
    """A sheet of cloth or paper in waves and creases, seen from both sides."""
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 40), np.linspace(-0.5, 0.5, 40))
    height = np.zeros_like(u)
    for _ in range(5):
        wave = stage.rng.normal(size=2) * stage.uniform(2, 9)
        bump = np.sin(wave[0] * u + wave[1] * v + stage.uniform(0, 6))
        height += stage.uniform(0.01, 0.07) * (np.abs(bump) if stage.chance(0.3) else bump)
    points = np.stack([u, height + 0.2, -v], -1) * size * 1.4
    return both_sides([Lattice(points, (size * 1.4, size * 1.4))])


def melted(stage: Stage, size: float) -> list[Lattice]:
    """A few lumps grown into each other."""
    parts = []
    for _ in range(int(stage.rng.integers(2, 6))):
        spot = stage.rng.normal(0, 0.28, 3) * size + (0, size / 2, 0)
        parts += place(boulder(stage.rng, size * stage.uniform(0.15, 0.35), 20), spot)
    return parts


def frame(stage: Stage, size: float) -> list[Lattice]:
    """A scaffold of bars along the edges of a block."""
    bar, sides = size * stage.uniform(0.03, 0.1), size * stage.rng.uniform(0.5, 1.2, 3)
    bars = []
    for axis in range(3):
        for a in (-0.5, 0.5):
            for b in (-0.5, 0.5):
                centre, extent = np.zeros(3), np.full(3, bar)
                first, second = sorted({0, 1, 2} - {axis})
                centre[first], centre[second], extent[axis] = a * sides[first], b * sides[second], sides[axis]
                bars += box(centre, extent)
    return place(bars, (0, sides[1] / 2, 0))


def random_solid(stage: Stage, size: float) -> list[Lattice]:
    """Any solid."""
    rng = stage.rng
    kind = rng.integers(10)
    if kind < 3:
        twist = stage.uniform(-1.5, 1.5) if stage.chance(0.3) else 0.0
        top = stage.uniform(0.05, 1.3) if stage.chance(0.5) else 1.0
        return prism(random_outline(rng, size * stage.uniform(0.25, 0.7)), size, twist, top)
    if kind == 3:
        return box((0, size / 2, 0), (size * rng.uniform(0.1, 1.3, 3) * (1, 0, 1) + (0, size, 0)).tolist())
    if kind == 4:
        square = (stage.uniform(0.2, 1.8), stage.uniform(0.2, 1.8))
        sides = (size * stage.uniform(0.3, 1.2), size, size * stage.uniform(0.3, 1.2))
        return place(superellipsoid(sides, square), (0, size / 2, 0))
    if kind == 5:
        knots = int(rng.integers(3, 9))
        radii = np.r_[0, rng.uniform(0.08, 0.6, knots) * size, 0]
        heights = np.r_[0, np.sort(rng.uniform(0, size, knots)), size]
        profile = list(zip(radii.tolist(), heights.tolist(), strict=True))
        return lathe(profile, int(rng.integers(0, 3)), int(rng.choice([6, 8, 32])))
    return (knot, sheet, melted, frame)[kind - 6](stage, size)
