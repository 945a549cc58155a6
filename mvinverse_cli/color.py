"""Transfer curves: the only place where colour space changes. Arrays are float32, any shape, Rec.709 primaries.

The sRGB curve is the piecewise one of IEC 61966-2-1. Values above 1 follow the same curve; negative ones are
mirrored (`f(-x) = -f(x)`), so that out-of-gamut plates survive a round trip.
"""

from typing import Literal

import numpy as np

from .maps import Array

Transfer = Literal["srgb", "linear"]


def srgb_to_linear(encoded: Array) -> Array:
    """sRGB-encoded values to scene-linear light; float32, same shape."""
    size = np.abs(encoded)
    linear = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    signed: Array = np.copysign(linear, encoded).astype(np.float32)
    return signed


def linear_to_srgb(linear: Array) -> Array:
    """Scene-linear light to sRGB-encoded values; float32, same shape."""
    size = np.abs(linear)
    encoded = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    signed: Array = np.copysign(encoded, linear).astype(np.float32)
    return signed


def convert(values: Array, source: Transfer, target: Transfer) -> Array:
    """Values from the `source` curve to the `target` curve; returned as they are where the two agree."""
    if source == target:
        return values
    return srgb_to_linear(values) if source == "srgb" else linear_to_srgb(values)
