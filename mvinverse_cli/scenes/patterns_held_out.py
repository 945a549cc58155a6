"""Patterns that only held-out scenes use: a network that does well on them has not just learnt the training patterns.

As in `textures`: (n, n), rows along v, columns along u, tiling (hills apart, which fill one square).
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from .textures import Draw, Pattern, bands, cells, grain, noise, plane, step


def hexagons(rng: np.random.Generator, n: int) -> Pattern:
    """Six-sided tiles with grout."""
    u, v = plane(n)
    rows = int(rng.integers(2, 6))
    columns = round(rows * 1.732)
    x, y = u * columns, v * rows * 1.732
    offsets, ids = [], []
    for shift in (0.0, 0.5):
        column, row = np.floor(x - shift), np.floor(y / 1.732 - shift)
        offsets.append((np.abs(x - shift - column - 0.5), np.abs(y - (shift + row + 0.5) * 1.732)))
        ids.append((row % rows) * columns + column % columns + 2 * shift * rows * columns)
    first = np.hypot(*offsets[0]) < np.hypot(*offsets[1])
    dx, dy = (np.where(first, a, b) for a, b in zip(*offsets, strict=True))
    edge = 0.5 - np.maximum(dx, 0.5 * dx + 0.866 * dy)
    index, parts = np.where(first, *ids).astype(int), int(rng.integers(1, 4))
    size = 2 * rows * columns
    place = rng.integers(0, parts, size).astype(np.float32)[index]
    tone = rng.uniform(-1, 1, size).astype(np.float32)[index] * 0.6 + 0.4 * (2 * noise(rng, n) - 1)
    joint = 1 - step(edge - rng.uniform(0.01, 0.06), 1.5 * columns / n)
    return Pattern(place, parts, tone, np.minimum(edge * 8, 1).astype(np.float32), joint.astype(np.float32), columns)


def herringbone(rng: np.random.Generator, n: int) -> Pattern:
    """Blocks laid across each other, each with its piece of the grain."""
    u, v = plane(n)
    length = int(rng.integers(2, 5))
    count = 2 * length * int(rng.integers(1, 1 + 8 // length))
    column, row = (u * count).astype(int), (v * count).astype(int)
    fu, fv = u * count - column, v * count - row
    place_in = (column - row) % (2 * length)
    lying = place_in < length
    along = np.where(lying, place_in + fu, 2 * length - 1 - place_in + fv)
    across = np.where(lying, fv, fu)
    start = (
        np.where(lying, (column - place_in) % count, column),
        np.where(lying, row, (row - (2 * length - 1 - place_in)) % count),
    )
    index = start[0] * count + start[1] + lying * count * count
    edge = np.minimum(np.minimum(along, length - along), np.minimum(across, 1 - across))
    lines = grain(rng, n)
    shifts = rng.integers(0, n, 2 * count * count)[index]
    piece = lines[((across * n / count).astype(int) + shifts) % n, ((along * n / count).astype(int) + 7 * shifts) % n]
    tone = rng.uniform(-1, 1, 2 * count * count).astype(np.float32)[index]
    joint = (1 - step(edge - rng.uniform(0.0, 0.06), 1.5 * count / n)).astype(np.float32)
    return Pattern(piece * rng.uniform(0.2, 1), 2, tone, np.minimum(edge * 10, 1).astype(np.float32), joint, count)


def marble(rng: np.random.Generator, n: int) -> Pattern:
    """Veins of several widths in a cloudy stone."""
    veins = np.zeros((n, n), np.float32)
    for strength in (1.0, 0.6, 0.4):
        cloud = noise(rng, n, int(rng.integers(2, 5)), 5, 0.45)
        ridge = np.clip(1 - 2 * np.abs(cloud - rng.uniform(0.4, 0.6)), 0, 1)
        veins = np.maximum(veins, strength * ridge ** rng.uniform(5, 40))
    return Pattern(np.asarray(veins, np.float32), 2, 1.4 * noise(rng, n, 3) - 0.7)


def terrazzo(rng: np.random.Generator, n: int) -> Pattern:
    """Chips of several stones in a ground."""
    count, parts = int(rng.integers(6, 20)), int(rng.integers(3, 6))
    first, second, index = cells(rng, n, count)
    part = rng.integers(0, parts, count * count)[index]
    chip = (second - first > rng.uniform(0.05, 0.25)) & (first < rng.uniform(0.3, 0.7))
    return Pattern((part * chip).astype(np.float32), parts, 2 * noise(rng, n, 8) - 1, None, None, count)


def plaid(rng: np.random.Generator, n: int) -> Pattern:
    """Bands across bands, in a twill."""
    u, v = plane(n)
    count, parts = int(rng.integers(4, 14)), int(rng.integers(2, 5))
    state = rng.integers(2**31)
    warp, weft = (bands(np.random.default_rng(state), count, parts, along) for along in (u, v))
    texel = np.arange(n)
    over = ((texel[:, None] + texel[None]) // 2) % 2 == 0
    return Pattern(np.where(over, warp, weft), parts, 0.5 * noise(rng, n, 4, 3), over.astype(np.float32), None, count)


def kilim(rng: np.random.Generator, n: int) -> Pattern:
    """Zigzags or diamonds in bands of several colours."""
    u, v = plane(n)
    count, parts = int(rng.integers(2, 7)), int(rng.integers(2, 6))
    steps = int(rng.choice([8, 16, 128]))
    saw = np.round(np.abs(2 * (u * count % 1) - 1) * steps) / steps
    saw_v = np.abs(2 * (v * count % 1) - 1)
    along = v * int(rng.integers(1, 4)) + saw * rng.uniform(0.05, 0.5) if rng.random() < 0.5 else 0.5 * (saw + saw_v)
    place = bands(rng, int(rng.integers(3, 10)), parts, along)
    return Pattern(place, parts, 1.4 * noise(rng, n, 32, 2) - 0.7, noise(rng, n, 32, 2), None, count)


def hills(rng: np.random.Generator, n: int) -> Pattern:
    """A landscape: a disc in a graded sky over rows of hills."""
    u, v = plane(n)
    rows = int(rng.integers(2, 6))
    place = 1.0 * v
    place = np.where(np.hypot(u - rng.uniform(0.2, 0.8), v - rng.uniform(0.1, 0.4)) < rng.uniform(0.05, 0.2), 2, place)
    for row in range(rows):
        ridge = rng.uniform(0.3, 0.5) + 0.5 * row / rows + 0.2 * (noise(rng, n, 4, 4)[0] - 0.5)
        place = np.where(v > ridge, 3 + row % 3, place)
    return Pattern(place.astype(np.float32), 6, 2 * noise(rng, n, 8) - 1, noise(rng, n, 24, 3))


HELD_OUT: Mapping[str, Draw] = MappingProxyType(
    {
        "hexagons": hexagons,
        "herringbone": herringbone,
        "marble": marble,
        "terrazzo": terrazzo,
        "plaid": plaid,
        "kilim": kilim,
        "hills": hills,
    }
)
