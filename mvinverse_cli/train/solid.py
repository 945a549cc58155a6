"""Patterns that fill space: what an augmented surface is painted with, and what a projector throws. P points."""

from dataclasses import dataclass

import numpy as np

from ..maps import Array

DARKEST, BRIGHTEST = 0.02, 0.95  # of what is painted, as of the rendered materials
CELL_METRES = (0.04, 1.5)  # of a pattern, along each of its axes
ENDLESS_SHARE = 0.3  # axes along which a pattern does not change: stripes, layers, or one colour where all are
HASH_PRIMES = (73856093, 19349663, 83492791)  # of cells, Teschner 2003


@dataclass(frozen=True)
class Solid:
    """A pattern that fills space with cells. axes: (3, 3) rows in cells per metre; bend: how far, in cells, waves of
    `wave` (3, 3) turns per cell shift them; colors: (K, 3); joint: (3,) colour of the `gap` (in cells) between two."""

    axes: Array
    bend: float
    wave: Array
    colors: Array
    gap: float
    joint: Array
    seed: int

    def at(self, points: Array) -> Array:
        """(P, 3) metres -> (P, 3) colours."""
        place = points @ self.axes.T
        if self.bend:
            place += np.float32(self.bend) * np.sin(place @ self.wave.T)
        cell = np.floor(place)
        mixed = np.full(len(cell), self.seed, np.uint32)
        for index, prime in zip(cell.astype(np.int32).view(np.uint32).T, HASH_PRIMES, strict=True):
            mixed ^= index * np.uint32(prime)
        mixed ^= mixed >> np.uint32(13)
        mixed *= np.uint32(0x5BD1E995)  # MurmurHash's mixing
        mixed ^= mixed >> np.uint32(15)
        color: Array = self.colors[mixed % np.uint32(len(self.colors))]
        if self.gap <= 0:
            return color
        inside = place - cell
        varies = np.linalg.norm(self.axes, axis=1) > 0
        near = np.where(varies, np.minimum(inside, 1 - inside), 1).min(axis=1, keepdims=True)
        joined: Array = np.where(near < self.gap, self.joint, color)
        return joined


def draw_solid(rng: np.random.Generator, colors: Array, metres: tuple[float, float] = CELL_METRES) -> Solid:
    """A pattern of these colours, turned anyhow in half of all cases and upright in the others.

    metres: the least and the largest side of its cells.
    """
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0] if rng.random() < 0.5 else np.eye(3)
    low, high = np.log(metres)
    size = np.exp(rng.uniform(low, high, 3))
    if rng.random() < 0.5:
        size[:] = size[0]
    cells = np.where(rng.random(3) < ENDLESS_SHARE, 0, 1 / size)
    bend = rng.uniform(0.1, 0.8) if rng.random() < 0.4 else 0.0
    wave = rng.normal(0, rng.uniform(0.5, 3), (3, 3))
    gap = rng.uniform(0.02, 0.12) if rng.random() < 0.3 else 0.0
    joint = colors[0] * rng.uniform(0.2, 1.5)
    return Solid(
        (turn * cells[:, None]).astype(np.float32),
        float(bend),
        wave.astype(np.float32),
        colors,
        float(gap),
        np.clip(joint, DARKEST, BRIGHTEST).astype(np.float32),
        int(rng.integers(2**31)),
    )
