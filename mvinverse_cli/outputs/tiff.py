"""TIFF, 8 and 16 bit or float32, zlib-compressed, channels interleaved. H, W pixels, C channels.

Integer colour maps carry an sRGB profile; float ones are scene-linear Rec.709 and, like data and vectors, untagged.
"""

import functools
import io
import json
from collections.abc import Mapping

import imagecodecs
import numpy as np
import tifffile

from ..maps import Array, MapSpec

PROFILE_DATE = slice(24, 36)  # of an ICC header: the time at which the profile was made


@functools.cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB, without the date of today: files made twice are the same."""
    profile = bytearray(imagecodecs.cms_profile("srgb"))
    profile[PROFILE_DATE] = bytes(12)
    return bytes(profile)


def encode_tiff(pixels: Array, spec: MapSpec, attributes: Mapping[str, str]) -> bytes:
    """(H, W, C) uint8, uint16 (sRGB-encoded where `spec` is colour) or float32 as in memory -> a TIFF file.

    The `attributes` are its description, as JSON.
    """
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        pixels if spec.channels == 3 else pixels[..., 0],
        photometric="rgb" if spec.channels == 3 else "minisblack",
        planarconfig="contig" if spec.channels == 3 else None,
        compression="zlib",
        compressionargs={"level": 1},  # with the predictor, higher levels save a few percent for several times the time
        predictor=True,
        maxworkers=1,  # files are compressed side by side already
        description=json.dumps(attributes, indent=1),  # the tag is ASCII: JSON escapes the rest
        software=attributes["software"],
        iccprofile=srgb_profile() if spec.kind == "color" and pixels.dtype != np.float32 else None,
        metadata=None,
    )
    return buffer.getvalue()
