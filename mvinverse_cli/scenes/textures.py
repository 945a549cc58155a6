"""Patterns of surfaces: what lies where on a square of a material, before it gets colours; and what they are made from.

A pattern is (n, n): rows run along v, columns along u, and it tiles (pictures and writing apart: they fill one square).
`SHARED` patterns serve both splits; those of `patterns_train` and `patterns_held_out` serve one each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from ..maps import Array


@dataclass(frozen=True)
class Pattern:
    """A layout in (n, n) float32 arrays.

    place: in [0, parts - 1], the colour of a palette; a fraction blends its two neighbours.
    tone: in [-1, 1], darker or lighter within a colour. height: [0, 1], None where nothing stands out.
    joint: in [0, 1], 1 in the seams between pieces, None without seams.
    count: features (bricks, stripes, threads) across the square, from which its size in metres follows.
    """

    place: Array
    parts: int = 1
    tone: Array | None = None
    height: Array | None = None
    joint: Array | None = None
    count: float = 1.0


Draw = Callable[[np.random.Generator, int], Pattern]


@lru_cache(maxsize=512)
def spline(n: int, knots: int) -> Array:
    """The (n, knots) float32 weights of a periodic cubic B-spline at n texel centres."""
    place = (np.arange(n) + 0.5) / n * knots
    cell = np.floor(place).astype(int)
    t = place - cell
    cubes = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3
    weights = np.zeros((n, knots), np.float32)
    for offset, cube in enumerate(cubes):
        np.add.at(weights, (np.arange(n), (cell + offset - 1) % knots), cube / 6)
    weights.flags.writeable = False  # shared by all callers
    return weights


@lru_cache(maxsize=8)
def plane(n: int) -> tuple[Array, Array]:
    """Texture coordinates (u, v) of the texel centres, (n, n) float32 in (0, 1)."""
    centres = (np.arange(n, dtype=np.float32) + 0.5) / n
    return np.broadcast_to(centres, (n, n)), np.broadcast_to(centres[:, None], (n, n))


def noise(
    rng: np.random.Generator, n: int, knots: int = 4, octaves: int = 5, gain: float = 0.55, stretch: int = 1
) -> Array:
    """Tileable noise, (n, n) float32 in [0, 1] with mean 0.5: octaves of splines, `stretch` times longer along u."""
    total = np.zeros((n, n), np.float32)
    for octave in range(octaves):
        rows = min(n, knots * 2**octave)
        columns = max(2, rows // stretch)
        grid = rng.standard_normal((rows, columns), np.float32)
        total += gain**octave * (spline(n, rows) @ grid @ spline(n, columns).T)
        if rows == n:
            break
    total -= total.mean()
    return np.asarray(np.clip(0.5 + total * (0.22 / (float(total.std()) + 1e-6)), 0, 1))


def step(distance: Array, width: float) -> Array:
    """1 where a distance is positive, 0 where it is negative, with an edge `width` wide between."""
    return np.asarray(np.clip(distance / width + 0.5, 0, 1))


def cells(rng: np.random.Generator, n: int, count: int) -> tuple[Array, Array, Array]:
    """Worley cells of count x count scattered points: nearest and second distance (in cells), and the cell's index."""
    u, v = plane(n)
    x, y = u * count, v * count
    column, row = x.astype(int), y.astype(int)
    points = rng.random((count, count, 2), np.float32)
    first, second = np.full((n, n), 9, np.float32), np.full((n, n), 9, np.float32)
    index = np.zeros((n, n), int)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            r, c = (row + dy) % count, (column + dx) % count
            point = points[r, c]
            far = (column + dx + point[..., 0] - x) ** 2 + (row + dy + point[..., 1] - y) ** 2
            nearer = far < first
            second = np.where(nearer, first, np.minimum(second, far))
            index = np.where(nearer, r * count + c, index)
            first = np.where(nearer, far, first)
    return np.sqrt(first), np.sqrt(second), index


def bands(rng: np.random.Generator, count: int, parts: int, across: Array) -> Array:
    """Bands of random widths along `across` (taken modulo 1), each of one part: float32 of its shape."""
    widths = rng.uniform(0.3, 1.5, count) if rng.random() < 0.6 else np.ones(count)
    edges = np.cumsum(widths)[:-1] / widths.sum()
    part = (np.arange(count) + rng.integers(0, 2, count) * (parts > 2)) % parts
    return part.astype(np.float32)[np.searchsorted(edges, across % 1)]


def pieces(
    rng: np.random.Generator, n: int, columns: int, rows: int, gap: float, shift: float
) -> tuple[Array, Array, Array]:
    """Rectangles in rows: index of the piece, joint in [0, 1], and distance to the piece's edge (in row heights).

    Every second row is moved by `shift` pieces; a negative `shift` moves every row at random.
    """
    u, v = plane(n)
    row = (v * rows).astype(int)
    moved = rng.random(rows)[row] if shift < 0 else shift * (row % 2)
    across = u * columns + moved
    fx, fy = across % 1, v * rows % 1
    edge = np.minimum(np.minimum(fx, 1 - fx) * (rows / columns), np.minimum(fy, 1 - fy)).astype(np.float32)
    return row * columns + across.astype(int) % columns, 1 - step(edge - gap, 1.5 * rows / n), edge


def grain(rng: np.random.Generator, n: int) -> Array:
    """Wood grain along u, (n, n) float32 in [0, 1]."""
    rings = noise(rng, n, int(rng.integers(4, 10)), 3, 0.5, int(rng.choice([4, 8])))
    lines = 0.5 + 0.5 * np.sin(rings * rng.uniform(10, 60))
    return np.asarray(0.5 * lines + 0.5 * noise(rng, n, 16, 4, 0.9, 16), np.float32)


def relief(height: Array, tilt_deg: float) -> Array | None:
    """Unit normals of a (n, n) height field, (n, n, 3) float32: +x along u (columns), +y along v (rows), +z outwards.

    Its steep places tilt by about `tilt_deg`, none by more than 30 degrees. None where the field is even.
    """
    slope = np.stack([np.roll(height, 1, axis) - np.roll(height, -1, axis) for axis in (1, 0)], -1)
    size = np.sqrt((slope**2).sum(-1, keepdims=True))
    if size.max() < 1e-5:
        return None
    steep = 1.5 * np.sqrt((size**2).mean()) + 0.2 * size.max()  # few texels are steep where joints are thin
    scale = np.tan(np.radians(tilt_deg)) / steep
    slope = slope * (scale / np.maximum(1, size * scale / np.tan(np.radians(30))))
    normal = np.concatenate([slope, np.ones_like(size)], -1)
    return np.asarray(normal / np.sqrt((normal**2).sum(-1, keepdims=True)), np.float32)


def plain(rng: np.random.Generator, n: int) -> Pattern:
    """One colour."""
    return Pattern(np.zeros((n, n), np.float32))


def mottled(rng: np.random.Generator, n: int) -> Pattern:
    """Paint or plaster: a faint change of tone, a rough surface."""
    spots = noise(rng, n, int(rng.integers(2, 8)))
    return Pattern(np.zeros((n, n), np.float32), 1, 2 * spots - 1, noise(rng, n, int(rng.choice([4, 8, 16, 32])), 4))


SHARED: Mapping[str, Draw] = MappingProxyType({"plain": plain, "mottled": mottled})
