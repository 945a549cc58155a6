"""Layered OpenEXR: one file per frame with all maps, half or float, ZIP. H, W pixels, C channels.

Colour is scene-linear Rec.709, normals are raw xyz. Frames are compressed side by side on the writers' threads, so
OpenEXR's own threads stay at their default of none: with both, they only get in each other's way.
"""

import io
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import OpenEXR

from ..maps import SPECS, Array, MapName, Maps
from ..options import Bits
from .quantize import check_finite

HALF_MAX = 65504.0  # the largest finite half; the next one is infinity
COLOR_INTEROP_ID = "lin_rec709_scene"  # ASWF Color Interop Forum recommendation 1.0.0


def encode_exr(
    maps: Maps,
    chosen: tuple[MapName, ...],
    bits: Bits,
    attributes: Mapping[str, str],
    *,
    number: int,
    rate: Fraction | None,
    place: str,
) -> bytes:
    """The `chosen` of `maps`, float32 (H, W, C), as one EXR file with channels `albedo.R` ... `roughness.V`.

    bits: half or float. number and rate (frames per second, where known) go to the header beside `attributes`.
    Raises OutputError for NaN and infinity; `place` names the frame.
    """
    channels: dict[str, Array] = {}
    for name in chosen:
        check_finite(maps[name], SPECS[name], place)
        values = np.clip(maps[name], -HALF_MAX, HALF_MAX).astype(np.float16) if bits == "half" else maps[name]
        for place_in_pixel, suffix in enumerate(SPECS[name].exr_channels):
            # the bindings write wrong pixels from a strided array, without an error
            channels[f"{name}.{suffix}"] = np.ascontiguousarray(values[..., place_in_pixel])
    buffer = io.BytesIO()
    OpenEXR.File(header(chosen, attributes, number, rate), channels).write(buffer)
    return buffer.getvalue()


def header(
    chosen: tuple[MapName, ...], attributes: Mapping[str, str], number: int, rate: Fraction | None
) -> dict[str, Any]:
    """The header, a new dict each time: the bindings change the one they are given. The windows follow the pixels."""
    colors = any(SPECS[name].kind == "color" for name in chosen)
    timing = {} if rate is None else {"framesPerSecond": rate}
    return {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "colorInteropID": COLOR_INTEROP_ID if colors else "data",
        "imageCounter": number,
        **timing,
        **attributes,
    }
