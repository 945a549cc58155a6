"""Turning a stored picture upright, whether EXIF or a video's display matrix says how.

H rows, W columns of the picture as stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..maps import Array


@dataclass(frozen=True)
class Orientation:
    """Swap the axes, then mirror left-right, then flip top-bottom. The default leaves the picture alone."""

    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Upright (width, height) of a picture stored as `width` x `height`."""
        return (height, width) if self.transposed else (width, height)

    def apply(self, pixels: Array) -> Array:
        """(H, W, C), any dtype -> the upright picture, contiguous."""
        if self.transposed:
            pixels = pixels.swapaxes(0, 1)
        if self.mirrored:
            pixels = pixels[:, ::-1]
        if self.flipped:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)


UPRIGHT = Orientation()

# EXIF 2.32, table 6: the tag says which side of the scene the 0th row and column are.
_EXIF = {
    1: UPRIGHT,
    2: Orientation(mirrored=True),
    3: Orientation(mirrored=True, flipped=True),
    4: Orientation(flipped=True),
    5: Orientation(transposed=True),
    6: Orientation(transposed=True, mirrored=True),
    7: Orientation(transposed=True, mirrored=True, flipped=True),
    8: Orientation(transposed=True, flipped=True),
}


def exif_orientation(tag: int) -> Orientation:
    """Of the EXIF or TIFF tag 274; values outside 1..8 mean upright, as in every viewer."""
    return _EXIF.get(tag, UPRIGHT)


def matrix_orientation(matrix: Sequence[int]) -> Orientation:
    """Of a display matrix (ISO/IEC 14496-12, 6.2.2): x' = a x + c y, y' = b x + d y, stored as a b u c d v x y w.

    Turns other than quarters are rare and unsupported by players: the nearest quarter is taken.
    """
    a, b, _, c, d = matrix[:5]
    if abs(b) > abs(a):
        return Orientation(transposed=True, mirrored=c < 0, flipped=b < 0)
    return Orientation(mirrored=a < 0, flipped=d < 0)
