"""Transfer curves and primaries: the only place where colour space changes. Arrays are float32.

Colour has Rec.709 primaries, but for what `to_acescg` makes of it and what `to_rec709` is given.

The sRGB curve is the piecewise one of IEC 61966-2-1. Values above 1 follow the same curve; negative ones are
mirrored (`f(-x) = -f(x)`), so that out-of-gamut plates survive a round trip.
"""

from collections.abc import Mapping
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


Primaries = tuple[float, float, float, float, float, float, float, float]  # x, y of red, green, blue and white

REC709: Primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
# By the names that the Color Interop Forum gives to scene-linear spaces, as EXR files carry them in `colorInteropID`
INTEROP_PRIMARIES: Mapping[str, Primaries] = {
    "lin_rec709_scene": REC709,
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
    "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.3290),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767),
}
BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))  # XYZ to cones


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


def is_same(primaries: Primaries, others: Primaries) -> bool:
    """Whether primaries are equal, but for how files round them."""
    return bool(np.allclose(primaries, others, atol=2e-3))


def to_rec709(linear: Array, primaries: Primaries) -> Array:
    """Scene-linear light (..., 3) of any primaries to Rec.709, adapted by Bradford; float32, same shape.

    Neutral stays neutral; what Rec.709 cannot show has negative parts. Raises ValueError for primaries that span no
    colours.
    """
    converted: Array = linear @ to_rec709_matrix(primaries).T.astype(np.float32)
    return converted


def to_rec709_matrix(primaries: Primaries) -> Array:
    """The (3, 3) float64 of `to_rec709`. Raises ValueError."""
    source, target = to_xyz_matrix(primaries), to_xyz_matrix(REC709)
    bradford = np.array(BRADFORD)
    cones = [bradford @ matrix.sum(axis=1) for matrix in (target, source)]  # of the two whites
    adapted = np.linalg.inv(bradford) @ np.diag(cones[0] / cones[1]) @ bradford
    matrix: Array = np.linalg.inv(target) @ adapted @ source
    return matrix


def to_xyz_matrix(primaries: Primaries) -> Array:
    """The (3, 3) float64 from RGB of these primaries to XYZ, white at Y = 1 (SMPTE RP 177). Raises ValueError."""
    x, y = np.array(primaries, np.float64).reshape(4, 2).T
    xyz = np.stack([x, y, 1 - x - y])  # (3, 4)
    if not np.isfinite(xyz).all() or y[3] <= 0 or abs(np.linalg.det(xyz[:, :3])) < 1e-6:
        raise ValueError(f"{primaries} span no colours")
    strength = np.linalg.solve(xyz[:, :3], xyz[:, 3] / y[3])
    matrix: Array = xyz[:, :3] * strength
    return matrix
