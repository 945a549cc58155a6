"""The base colours of rendered materials as paint: any surface of any scene in any of training's patterns. P points."""

from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np

from ..maps import Array
from ..scenes.materials import random_material
from ..scenes.recipe import Use
from .lookup import looked_up
from .solid import Solid, draw_solid
from .surface import Surface

LEVELS = 5  # of a texture, each half the one before: far off, several texels are one pixel
PIXEL = 0.006  # a pixel's breadth as a share of its distance: 170 of them over sixty degrees
STRETCH = (0.4, 1.6)  # of the size that is right for the use
BENT_SHARE, BEND, TURNS = 0.3, (0.02, 0.15), (0.1, 1.0)  # waves: their height in squares, and how many a square
PARTED_SHARE = 0.4  # of the paints; the others are one texture all over
MASK = np.array([[0, 0, 0], [1, 1, 1]], np.float32)


@dataclass(frozen=True)
class Texture:
    """Squares laid on along one of three axes, that which a surface faces most. levels: (n, n, 3) base colours, linear,
    and their halves; axes: (3, 3) rows in squares per metre; bend: how far, in squares, waves of `wave` (3, 3) shift
    them."""

    levels: tuple[Array, ...]
    axes: Array
    bend: float
    wave: Array

    def at(self, surface: Surface) -> Array:
        """(P, 3) colours of what is seen."""
        place = surface.points @ self.axes.T
        if self.bend:
            place += np.float32(self.bend) * np.sin(place @ self.wave.T)
        side = np.abs(surface.normal @ self.axes.T).argmax(axis=1)
        across = np.where(side == 0, place[:, 2], place[:, 0]) % 1
        down = np.where(side == 1, place[:, 2], place[:, 1]) % 1
        texels = surface.far[:, 0] * (PIXEL * np.linalg.norm(self.axes[0]) * len(self.levels[0]))
        level = np.rint(np.log2(np.maximum(texels, 1))).clip(0, len(self.levels) - 1)
        color = np.empty_like(place)
        for index, texture in enumerate(self.levels):
            here = level == index
            n = len(texture)
            color[here] = looked_up(texture, down[here] * n, across[here] * n, cv2.BORDER_WRAP)
        return color


@dataclass(frozen=True)
class Parted:
    """One texture where a pattern that fills space is 1, another where it is 0."""

    first: Texture
    second: Texture
    mask: Solid

    def at(self, surface: Surface) -> Array:
        """(P, 3) colours of what is seen."""
        share = self.mask.at(surface.points)
        mixed: Array = share * self.first.at(surface) + (1 - share) * self.second.at(surface)
        return mixed


def draw_texture(rng: np.random.Generator) -> Texture | Parted:
    """Paint in the colours of one or two materials of training, of whatever use."""
    if rng.random() < PARTED_SHARE:
        return Parted(_draw_one(rng), _draw_one(rng), draw_solid(rng, MASK))
    return _draw_one(rng)


def _draw_one(rng: np.random.Generator) -> Texture:
    uses = get_args(Use)
    material = random_material(rng, uses[rng.integers(len(uses))], "train")
    levels = [material.base_color]
    while len(levels) < LEVELS:
        half = len(levels[-1]) // 2
        levels.append(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0] if rng.random() < 0.3 else np.eye(3)
    bend = rng.uniform(*BEND) if rng.random() < BENT_SHARE else 0.0
    wave = 2 * np.pi * rng.uniform(*TURNS) * np.linalg.qr(rng.standard_normal((3, 3)))[0]
    axes = turn * (material.repeats / rng.uniform(*STRETCH))
    return Texture(tuple(levels), axes.astype(np.float32), float(bend), wave.astype(np.float32))
