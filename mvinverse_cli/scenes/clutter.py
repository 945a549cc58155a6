"""Clutter: small things, plants and pictures, each put on a stage at a place. Sizes are metres.

The two halves of the vocabulary share vessels alone.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .materials import Material
from .shapes import (
    Lattice,
    boulder,
    box,
    cylinder,
    lathe,
    leaves,
    place,
    quad,
    ring,
    superellipsoid,
    tube,
)
from .solids import random_solid
from .stage import Place, Stage


def vessel(stage: Stage, size: float) -> list[Lattice]:
    """A vase, pot, cup or bottle of a random profile."""
    knots = int(stage.rng.integers(4, 7))
    radii = stage.rng.uniform(0.25, 1.0, knots) * size * 0.5
    heights = np.linspace(0, size * stage.uniform(0.7, 1.8), knots)
    outside = [(0.0, 0.0), *zip(radii.tolist(), heights.tolist(), strict=True)]
    wall = max(0.006, 0.05 * size)
    inside = [(max(r - wall, 0.002), h - (0.0 if k else wall)) for k, (r, h) in enumerate(outside[:1:-1])]
    return lathe([*outside, *inside, (0.0, inside[-1][1])], 2 if stage.chance(0.7) else 0)


def bent_tube(stage: Stage, size: float) -> list[Lattice]:
    """A bow of pipe standing on its ends."""
    r = stage.uniform(0.04, 0.1) * size
    return tube([(-size / 2, 0, 0), (-size / 2, size, 0), (size / 2, size, 0.2 * size), (size / 2, 0, 0)], r, r)


def pile(stage: Stage, size: float) -> list[Lattice]:
    """A few flat boxes on each other: books, tiles, folded cloth."""
    faces, height = [], 0.0
    for _ in range(int(stage.rng.integers(2, 6))):
        thick, width, depth = (
            stage.uniform(0.08, 0.2) * size,
            stage.uniform(0.7, 1.1) * size,
            stage.uniform(0.5, 0.8) * size,
        )
        faces += place(box((0, height + thick / 2, 0), (width, thick, depth)), (0, 0, 0), stage.uniform(-0.3, 0.3))
        height += thick
    return faces


def candlestick(stage: Stage, size: float) -> list[Lattice]:
    """A turned stem with sharp rings."""
    profile = [(0.0, 0.0), (0.3, 0.0), (0.3, 0.06)]
    for k in range(int(stage.rng.integers(3, 6))):
        y = 0.12 + 0.2 * k
        profile += [(0.06, y), (stage.uniform(0.1, 0.2), y + 0.06), (0.06, y + 0.12)]
    profile += [(0.15, profile[-1][1] + 0.05), (0.15, profile[-1][1] + 0.1), (0.0, profile[-1][1] + 0.1)]
    return lathe([(r * size, y * size) for r, y in profile], 1)


def quoit(stage: Stage, size: float) -> list[Lattice]:
    """A ring lying flat on a low drum."""
    drum, thick = cylinder(size * 0.3, size * 0.2), stage.uniform(0.08, 0.14) * size
    return drum + place(ring(size * 0.4, thick), (0, thick, 0))


def pyramid(stage: Stage, size: float) -> list[Lattice]:
    """Balls stacked in a heap of four."""
    r = size * 0.3
    spots = [(0, r, r * 1.15), (-r, r, -0.58 * r), (r, r, -0.58 * r), (0, r * 2.6, 0)]
    return [part for spot in spots for part in place(superellipsoid((2 * r, 2 * r, 2 * r)), spot)]


SMALL_THINGS: dict[str, tuple[Callable[[Stage, float], list[Lattice]], ...]] = {
    "train": (
        lambda s, size: box((0, size / 2, 0), [size * s.uniform(0.5, 1.2), size, size * s.uniform(0.5, 1.2)]),
        lambda s, size: place(
            superellipsoid(
                (size * s.uniform(0.6, 1.2), size, size * s.uniform(0.6, 1.2)),
                (s.uniform(0.2, 1.6), s.uniform(0.2, 1.6)),
            ),
            (0, size / 2, 0),
        ),
        lambda s, size: place(superellipsoid((size, size, size)), (0, size / 2, 0)),
        vessel,
        vessel,
        lambda s, size: place(boulder(s.rng, size / 2), (0, size * 0.48, 0)),
        lambda s, size: cylinder(size * 0.4, size * s.uniform(0.4, 1.6)),
        bent_tube,
        pile,
        random_solid,
        random_solid,
        random_solid,
    ),
    "held-out": (
        candlestick,
        quoit,
        pyramid,
        vessel,
        lambda s, size: place(superellipsoid((size, size, size), (2.4, s.uniform(0.8, 2.4))), (0, size / 2, 0)),
        lambda s, size: lathe([(0, 0), (size * 0.5, 0), (size * s.uniform(0.0, 0.3), size * s.uniform(0.8, 1.5))], 0),
        lambda s, size: box((0, size / 2, 0), [size * s.uniform(0.2, 0.5), size, size * s.uniform(0.8, 1.3)]),
    ),
}


def small_thing(stage: Stage, at: Place, size: float) -> None:
    """One piece of clutter, about `size` high."""
    kinds = SMALL_THINGS[stage.split]
    shape = kinds[stage.rng.integers(len(kinds))](stage, size)
    stage.add(shape, "metal" if stage.chance(0.12) else "object", at, stage.uniform(0, 2 * np.pi))
    stage.sights.append((at[0], at[1] + size / 2, at[2]))


def plant(stage: Stage, at: Place, size: float) -> None:
    """Leaves in a pot."""
    pot = lathe([(0, 0), (0.3 * size, 0), (0.36 * size, 0.5 * size), (0.3 * size, 0.5 * size), (0, 0.45 * size)], 0)
    stage.add(pot, "object", at)
    tufts = leaves(stage.rng, int(stage.rng.integers(10, 22)), size)
    stage.add(place(tufts, (0, 0.45 * size, 0)), foliage(stage), at)
    stage.sights.append((at[0], at[1] + size * 0.7, at[2]))


def foliage(stage: Stage) -> Material:
    """The green, or rarely red or yellow, of leaves, darker along one edge."""
    green = np.array([stage.uniform(0.03, 0.25), stage.uniform(0.15, 0.4), stage.uniform(0.02, 0.12)])
    if stage.chance(0.15):
        green = green[[1, 0, 2]]
    tone = np.linspace(0.6, 1.0, 16)[None, :, None] * np.ones((16, 1, 1))
    rough = np.full((16, 16, 1), stage.uniform(0.3, 0.8), np.float32)
    return Material((green * tone).astype(np.float32), rough, np.zeros_like(rough), None, 2.0)


def picture(stage: Stage, at: Place, turn: float) -> None:
    """A framed picture whose back is at `at`, facing +z before the turn."""
    width, height, border = stage.uniform(0.25, 1.3), stage.uniform(0.25, 1.0), stage.uniform(0.015, 0.06)
    stage.add(box((0, 0, 0.012), (width, height, 0.024)), "metal" if stage.chance(0.2) else "furniture", at, turn)
    painted = stage.material("picture")
    canvas = quad(
        (-width / 2 + border, -height / 2 + border, 0.026), (width - 2 * border, 0, 0), (0, height - 2 * border, 0)
    )
    once = 1 / painted.repeats  # the canvas shows the whole texture, once, its first row at the top
    stage.add([replace(canvas, size=(once, -once), start=(0.0, once))], painted, at, turn)
    stage.sights.append(at)
