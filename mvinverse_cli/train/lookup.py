"""Colours of a picture at many places at once. P places."""

import cv2
import numpy as np

from ..maps import Array

AT_ONCE = 32_000  # cv2.remap takes no picture of more than 32,767 rows


def looked_up(picture: Array, rows: Array, columns: Array, border: int) -> Array:
    """(H, W, 3) float32 at rows and columns (P,), bilinear, the middle of the first pixel at 0.5: (P, 3).

    border: what lies outside, as cv2 names it.
    """
    across, down = ((at - 0.5).astype(np.float32)[:, None] for at in (columns, rows))
    found = np.empty((len(rows), 1, 3), np.float32)
    for at in range(0, len(rows), AT_ONCE):
        part = slice(at, at + AT_ONCE)
        cv2.remap(picture, across[part], down[part], cv2.INTER_LINEAR, found[part], border)
    return found[:, 0]
