"""The flow of a pair of pictures, and which of its pixels to trust. H W pixels of the pictures."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from ..maps import Array
from .warp import look_up, stays_inside

# |f + b|^2 < RELATIVE (|f|^2 + |b|^2) + ABSOLUTE (Sundaram 2010, equation 5), in pixels of a picture 512 wide
RELATIVE = 0.01
ABSOLUTE = 0.5
REFERENCE_SIDE = 512  # pixels of the long side at which flow is found and checked
KEPT_LEAST = 0.6  # share of valid pixels under which a pair shows too little of the same


@dataclass(frozen=True)
class PairFlow:
    """forward: (H, W, 2) float32, the first picture's flow to the second, in pixels (see the room's docstring).
    valid: (H, W, 1) bool, the first picture's pixels that the second shows as well."""

    forward: Array
    valid: Array

    @property
    def kept(self) -> float:
        """The share of valid pixels, to be compared with KEPT_LEAST."""
        return float(self.valid.mean())

    def at(self, size: tuple[int, int]) -> "PairFlow":
        """The same for pictures brought to (height, width) `size`. A pixel is valid where all that goes into it is."""
        if size == self.forward.shape[:2]:
            return self
        share = _resized(self.valid.astype(np.float32), size)
        return PairFlow(resized_flow(self.forward, size), share[..., None] > 0.999)

    def cropped(self, rows: slice, columns: slice) -> "PairFlow":
        """The same for the same part of both pictures: what leaves it is not valid."""
        forward = self.forward[rows, columns]
        return PairFlow(forward, self.valid[rows, columns] & stays_inside(forward))


class FlowSource(Protocol):
    """Whatever finds the flow of a pair: `DisFlow`, or `FlowFolder` for those that another program has found."""

    def pair(
        self, clip: str, position: int, first: Array, second: Array, size: tuple[int, int] | None = None
    ) -> PairFlow:
        """The flow from the frame at `position` of `clip`, counted from 0, to the next one.

        first, second: the two, (H, W, 3) uint8 RGB, sRGB-encoded. size: (width, height) of the frames that they show,
        where the two have other proportions, as on a network's grid. Raises InputError where there is none for them.
        """


def consistent(forward: Array, backward: Array) -> Array:
    """(H, W, 1) bool: the pixels of the first picture whose way there (H, W, 2) is undone by the way back (H, W, 2).

    forward is the first picture's flow to the second, backward the second's to the first; where that check fails one of
    the two sees what the other does not, or one is wrong. False too where the way leads out of the picture, or is no
    number.
    """
    known = np.isfinite(forward).all(axis=-1, keepdims=True)
    forward = np.where(known, forward, 0)
    back, inside = look_up(backward, forward)
    scale = REFERENCE_SIDE / max(forward.shape[:2])
    f, b = forward * scale, back * scale
    apart = np.sum((f + b) ** 2, axis=-1, keepdims=True)
    allowed = RELATIVE * (np.sum(f**2, axis=-1, keepdims=True) + np.sum(b**2, axis=-1, keepdims=True)) + ABSOLUTE
    agrees: Array = known & inside & (apart < allowed)  # NaN agrees with nothing
    return agrees


def checked_pair(forward: Array, backward: Array) -> PairFlow:
    """The flows of both directions (H, W, 2) as one; what is no number becomes 0 and is not valid."""
    valid = consistent(forward, backward)
    return PairFlow(np.where(np.isfinite(forward), forward, 0).astype(np.float32), valid)


def resized_flow(flow: Array, size: tuple[int, int]) -> Array:
    """flow (h, w, 2) -> (H, W, 2) float32 of pictures brought to (height, width) `size`: its pixels are those."""
    height, width = flow.shape[:2]
    scale = np.array([size[1] / width, size[0] / height], np.float32)
    return _resized(flow, size) * scale


def _resized(values: Array, size: tuple[int, int]) -> Array:
    """(h, w, C) -> (H, W, C), or (H, W) where C is 1: the mean of an area where it shrinks, bilinear where it grows."""
    shrinks = size[0] < values.shape[0]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: Array = cv2.resize(values, (size[1], size[0]), interpolation=way)
    return resized
