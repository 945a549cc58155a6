"""Colours that a file means otherwise than the house does: brought to sRGB, or to Rec.709's primaries.

By ICC profiles, as phones write them that photograph in Display P3, and by the primaries of EXR plates. H rows, W
columns.
"""

import io
from functools import lru_cache

import imagecodecs
import numpy as np
from PIL import ImageCms

from ..color import INTEROP_PRIMARIES, Primaries, is_same, to_rec709
from ..maps import Array
from .names import shown

SAME = 3  # codes of 255 by which a profile may differ from sRGB and be called sRGB: makers round its curve
LATTICE = 9  # colours along each axis that are compared


def in_rec709(light: Array, primaries: Primaries) -> tuple[Array, str]:
    """Scene-linear (H, W, 3) of these primaries -> the same light by Rec.709's, and what was done in words."""
    names = (name for name, known in INTEROP_PRIMARIES.items() if is_same(primaries, known))
    called = next(names, "those in its header")
    try:
        return to_rec709(light, primaries), f"its primaries are brought from {called} to Rec.709"
    except ValueError:
        return light, "its chromaticities span no colours, and are ignored"


def in_srgb(pixels: Array, profile: bytes) -> tuple[Array, str]:
    """(H, W, 3) uint8 or uint16, whose colours `profile` tells -> the same colours in sRGB, and what was done in words.

    They come back as they are where the profile is sRGB, or has no RGB of 8 or 16 bits to tell the colours of.
    """
    name, is_rgb, is_srgb = look_into(profile)
    if is_srgb:
        return pixels, ""
    if is_rgb and pixels.dtype.kind == "u":
        return transformed(pixels, profile), f"its colours are brought from {name} to sRGB"
    return pixels, f"its ICC profile, {name}, is ignored"


@lru_cache(maxsize=16)
def look_into(profile: bytes) -> tuple[str, bool, bool]:
    """The name of a profile, and whether its colours are RGB and sRGB."""
    try:
        opened = ImageCms.getOpenProfile(io.BytesIO(profile))
        name = shown(ImageCms.getProfileDescription(opened).strip()) or "without a name"
        if opened.profile.xcolor_space.strip() != "RGB":
            return name, False, False
        axis = np.linspace(0, 255, LATTICE).astype(np.uint8)
        colors = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(LATTICE, -1, 3)
        off = np.abs(transformed(colors, profile).astype(int) - colors)
        return name, True, bool(off.max() <= SAME)
    except (ImageCms.PyCMSError, OSError, RuntimeError, ValueError) as error:
        return f"damaged ({shown(str(error))})", False, False


def transformed(pixels: Array, profile: bytes) -> Array:
    """(H, W, 3) uint8 or uint16 from the colours of `profile` to sRGB. Raises RuntimeError for a profile of none."""
    srgb = imagecodecs.cms_profile("srgb")
    result: Array = imagecodecs.cms_transform(
        np.ascontiguousarray(pixels), profile, srgb, colorspace="rgb", outcolorspace="rgb"
    )
    return result
