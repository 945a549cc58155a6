"""Alignments: what a prediction may be multiplied by before its error counts, the same for every method.

Pixels are those of one picture that count, P x C, scene-linear.
"""

import numpy as np

from ..maps import Array
from ..protocols import Alignment

# A prediction that is zero everywhere has no scale: it stays as it is.
DARKEST = 1e-12


def gain_of(prediction: Array, truth: Array, alignment: Alignment) -> Array:
    """The least-squares gain, (C,) float32, of `prediction` (P, C) towards `truth` (P, C), both linear.

    none: 1; scale: one number for all channels; channel: one for each. It minimises the squared error in linear light.
    """
    channels = truth.shape[-1]
    if alignment == "none":
        return np.ones(channels, np.float32)
    axes = 0 if alignment == "channel" else None
    product = np.sum(prediction * truth, axis=axes, dtype=np.float64)
    square = np.sum(prediction * prediction, axis=axes, dtype=np.float64)
    gain = np.divide(product, square, out=np.ones_like(product), where=square > DARKEST)
    return np.broadcast_to(gain, channels).astype(np.float32)
