"""Colour and its alpha: what was stored multiplied by coverage comes back as if covered in full."""

from typing import Literal

import numpy as np

from ..maps import Array

Alpha = Literal["none", "apart", "multiplied"]  # of a picture: how its colours were stored beside it

ALPHA_NOTES: dict[Alpha, str] = {
    "none": "",
    "apart": "the alpha channel is dropped",
    "multiplied": "colours are divided by their alpha, which is dropped",
}
LEAST = 2.0**-24  # of a half float; a blur in float32 leaves less, which would divide to more than any light


def divided(color: Array, alpha: Array) -> Array:
    """float32 color, multiplied by alpha (the same shape, or one that spreads to it) -> as if alpha were 1.

    Where alpha is 0, or under LEAST, it stays, which keeps light that has no coverage.
    """
    whole: Array = np.divide(color, alpha, out=color.copy(), where=alpha >= LEAST)
    return whole
