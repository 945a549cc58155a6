"""What float files hold: maps as they are, colour in the space asked for, half or float32. H, W pixels, C channels."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..color import to_acescg
from ..formats import Bits, Colorspace
from ..maps import SPECS, Array, FrameMaps, MapName
from .quantize import check_finite

HALF_MAX = 65504.0  # the largest finite half; the next one is infinity

# ASWF Color Interop Forum recommendation 1.0.0
COLOR_INTEROP_IDS: Mapping[Colorspace, str] = {"srgb-linear": "lin_rec709_scene", "acescg": "lin_ap1_scene"}
DATA_INTEROP_ID = "data"


def interop_id(names: Sequence[MapName], colorspace: Colorspace) -> str:
    """The colour space of float files that hold the maps `names`: that of its colour, where there is some."""
    has_color = any(SPECS[name].kind == "color" for name in names)
    return COLOR_INTEROP_IDS[colorspace] if has_color else DATA_INTEROP_ID


def float_maps(
    frame: FrameMaps, names: Sequence[MapName], bits: Bits, colorspace: Colorspace, place: str
) -> dict[MapName, Array]:
    """The maps `names` of `frame` as (H, W, C) float16 (`bits` half) or float32; the residual needs its plate.

    Raises OutputError for NaN and infinity; `place` names the frame.
    """
    pixels: dict[MapName, Array] = {}
    for name in names:
        if name == "residual":
            both: tuple[MapName, ...] = ("albedo", "shading")
            missing = [factor for factor in both if factor not in pixels]
            factors = pixels | float_maps(frame, missing, bits, colorspace, place)
            pixels[name] = residual(frame.needed_plate, factors, bits, colorspace)
            continue
        check_finite(frame.maps[name], SPECS[name], place)
        is_color = SPECS[name].kind == "color"
        pixels[name] = rounded(in_space(frame.maps[name], colorspace) if is_color else frame.maps[name], bits)
    return pixels


def residual(plate: Array, factors: Mapping[MapName, Array], bits: Bits, colorspace: Colorspace) -> Array:
    """What albedo x shading, as they are in the file, leave of the plate (H, W, 3): the sum is the plate again.

    factors: both in `colorspace` and rounded, so that only the rounding of the residual itself is lost. A product has
    another value in other primaries: all three are of the same.
    """
    product = factors["albedo"].astype(np.float32) * factors["shading"].astype(np.float32)
    return rounded(in_space(plate, colorspace) - product, bits)


def float_plate(plate: Array, bits: Bits, colorspace: Colorspace) -> Array:
    """A plate (H, W, 3), scene-linear Rec.709, as float16 or float32 in `colorspace`."""
    return rounded(in_space(plate, colorspace), bits)


def in_space(linear: Array, colorspace: Colorspace) -> Array:
    """Scene-linear Rec.709 (H, W, 3) in `colorspace`."""
    return to_acescg(linear) if colorspace == "acescg" else linear


def rounded(values: Array, bits: Bits) -> Array:
    """To the nearest half, kept finite; float32 stays as it is."""
    if bits == "half":
        return np.clip(values, -HALF_MAX, HALF_MAX).astype(np.float16)
    return values.astype(np.float32, copy=False)
