"""The only rounding: maps in memory to the codes of integer files. H, W pixels, C channels.

Colour maps are sRGB-encoded on the way, vectors become n * 0.5 + 0.5, data goes straight.
"""

from typing import Literal, NamedTuple

import numpy as np

from ..color import linear_to_srgb
from ..errors import OutputError
from ..maps import Array, MapSpec

Depth = Literal[8, 16]


class Quantized(NamedTuple):
    """codes: (H, W, C) uint8 or uint16; clipped: the share in [0, 1] of values that lie outside the codes' range."""

    codes: Array
    clipped: float


def check_finite(values: Array, spec: MapSpec, place: str) -> None:
    """Raises OutputError where `values` holds NaN or infinity; `place` names the frame."""
    # min and max carry NaN and infinity through, at a fraction of the memory that isfinite(values) takes
    if not (np.isfinite(values.min()) and np.isfinite(values.max())):
        raise OutputError(
            f"{place}: the {spec.name} map holds NaN or infinity, in float32 too; try `mvinverse weights verify`"
        )


def quantize(values: Array, spec: MapSpec, depth: Depth, place: str) -> Quantized:
    """(H, W, C) float32 as maps are in memory -> codes of `depth` bits, rounded to nearest and clamped.

    Values count as clipped where they are more than half a step outside the range. Raises OutputError for NaN and
    infinity; `place` names the frame.
    """
    check_finite(values, spec, place)
    top = 2**depth - 1
    encoded = linear_to_srgb(values) if spec.kind == "color" else values
    codes = (encoded - np.float32(spec.low)) * np.float32(top / (spec.high - spec.low))
    np.rint(codes, out=codes)
    clipped = 0.0
    if codes.min() < 0 or codes.max() > top:
        clipped = float(np.count_nonzero((codes < 0) | (codes > top)) / codes.size)
        np.clip(codes, 0, top, out=codes)
    return Quantized(codes.astype(np.uint8 if depth == 8 else np.uint16), clipped)
