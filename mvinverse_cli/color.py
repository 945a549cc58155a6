"""Transfer curves and primaries: the only place where colour space changes. Arrays are float32.

Colour has Rec.709 primaries, but for what `to_acescg` makes of it.

The sRGB curve is the piecewise one of IEC 61966-2-1. Values above 1 follow the same curve; negative ones are
mirrored (`f(-x) = -f(x)`), so that out-of-gamut plates survive a round trip.
"""

from typing import Literal

import numpy as np

from .maps import Array

Transfer = Literal["srgb", "linear"]

# Linear Rec.709 (D65) to ACEScg (AP1, S-2014-004; the ACES white), adapted by Bradford: as in OpenColorIO's built-in
# ACES configs, from "Linear Rec.709 (sRGB)" to "ACEScg"
REC709_TO_AP1 = (
    (0.6130974024, 0.3395231462, 0.0473794514),
    (0.0701937225, 0.9163538791, 0.0134523985),
    (0.0206155929, 0.1095697729, 0.8698146342),
)


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


def to_acescg(linear: Array) -> Array:
    """Scene-linear Rec.709 (..., 3) to scene-linear AP1; float32, same shape. Neutral stays neutral."""
    converted: Array = linear @ np.array(REC709_TO_AP1, np.float32).T
    return converted
