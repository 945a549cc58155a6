"""How the passes of one scene become one: gains that bring their albedo and shading together, and cross-fades.

The training loss of albedo and shading leaves a gain per channel free, so that every pass may settle on another.
A frame's maps are (H, W, C) float32, colours scene-linear.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..maps import SPECS, Array, MapName, Maps

GAIN_LEAST, GAIN_MOST = 0.5, 2.0  # further off, the frames differ by more than a gain
TRIMMED = 0.2  # of the pixels, those that a first gain leaves furthest off: highlights, moving things


@dataclass(frozen=True)
class Seam:
    """Where a pass begins to give new frames, at `position`; its albedo was multiplied by `gain`, its shading divided.

    residual: RMS difference of the anchors' albedo to that of the first pass after the gain, over all pixels; before:
    the same without the gain.
    """

    position: int
    gain: tuple[float, float, float]
    residual: float
    before: float


def align(albedo: Sequence[Array], reference: Sequence[Array], position: int) -> Seam:
    """The gain that brings the anchors' `albedo` to the `reference` of the first pass, frame by frame: linear light.

    Per channel: g = sum(r a) / sum(a a), once over all pixels and once over those that it brings close; within
    [GAIN_LEAST, GAIN_MOST].
    """
    ours, theirs = (np.concatenate([frame.reshape(-1, 3) for frame in frames]) for frames in (albedo, reference))
    gain = least_squares(ours, theirs)
    off = np.abs(ours * gain - theirs).max(axis=-1)
    close = off <= np.quantile(off, 1 - TRIMMED)
    gain = np.clip(least_squares(ours[close], theirs[close]), GAIN_LEAST, GAIN_MOST)
    residual, before = (float(np.sqrt(np.mean((ours * g - theirs) ** 2))) for g in (gain, 1.0))
    red, green, blue = map(float, gain)
    return Seam(position, (red, green, blue), residual, before)


def least_squares(ours: Array, theirs: Array) -> Array:
    """The gain (3,) by which `ours` (P, 3) comes closest to `theirs`; 1 for a channel that is black."""
    power = np.einsum("pc,pc->c", ours, ours, dtype=np.float64)
    product = np.einsum("pc,pc->c", ours, theirs, dtype=np.float64)
    gain: Array = np.divide(product, power, out=np.ones(3), where=power > 1e-12)
    return gain


def with_gain(maps: Maps, gain: Sequence[float]) -> dict[MapName, Array]:
    """Albedo times `gain` and shading divided by it, so that their product stays; within [0, 1]."""
    factors: Mapping[MapName, Array] = {
        "albedo": np.asarray(gain, np.float32),
        "shading": 1 / np.asarray(gain, np.float32),
    }
    return {name: np.clip(values * factors[name], 0, 1) if name in factors else values for name, values in maps.items()}


def fade_share(index: int, overlap: int) -> float:
    """How much the later pass counts in the `index`th of `overlap` shared frames: a raised cosine, never 0 or 1."""
    return float(0.5 - 0.5 * np.cos(np.pi * (index + 1) / (overlap + 1)))


def cross_fade(earlier: Maps, later: Maps, share: float) -> dict[MapName, Array]:
    """The same frame out of two passes: the mean, the later one weighted by `share`; normals of unit length again."""
    faded = {}
    for name, values in earlier.items():
        mixed = values + np.float32(share) * (later[name] - values)
        if SPECS[name].kind == "vector":
            length = np.linalg.norm(mixed, axis=-1, keepdims=True)
            # opposite normals have no mean: the earlier one stays
            mixed = np.where(length > 1e-6, mixed / np.maximum(length, 1e-6), values)
        faded[name] = mixed
    return faded
