"""OpenEXR: the maps of a frame in one part, in a part each, or in a file each. H, W pixels, C channels.

Colour is scene-linear, normals are raw xyz. Frames are compressed side by side on the writers' threads, so OpenEXR's
own threads stay at their default of none: with both, they only get in each other's way.
"""

import io
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import OpenEXR

from ..formats import Colorspace, ExrCompression, ExrLayout
from ..maps import SPECS, Array, MapName
from ..timecode import Timecode
from .light import COLOR_INTEROP_IDS, DATA_INTEROP_ID

COMPRESSIONS: Mapping[ExrCompression, Any] = {
    "zip": OpenEXR.ZIP_COMPRESSION,
    "piz": OpenEXR.PIZ_COMPRESSION,
    "dwaa": OpenEXR.DWAA_COMPRESSION,
    "htj2k": OpenEXR.HTJ2K256_COMPRESSION,
    "none": OpenEXR.NO_COMPRESSION,
}

LARGEST_COUNTER = 2**31 - 1  # the bindings keep the lower 32 bits of a larger one, such as a date, and say nothing


class Layer(NamedTuple):
    """Pixels (H, W, C) float16 or float32 and the name of each channel."""

    name: str
    is_color: bool
    pixels: Array
    channels: tuple[str, ...]


def encode_exr(
    maps: Mapping[MapName, Array],
    attributes: Mapping[str, str],
    *,
    layout: ExrLayout = "single",
    compression: ExrCompression = "zip",
    colorspace: Colorspace = "srgb-linear",
    rgb: Array | None = None,
    number: int,
    rate: Fraction | None,
    timecode: Timecode | None = None,
    pixel_aspect: float = 1.0,
) -> bytes:
    """The `maps`, (H, W, C) float16 or float32 and finite, as one EXR file.

    layout: `single` and `parts` name channels `albedo.R` ... `roughness.V`; `files` takes one map and calls its
    channels R, G, B or Y. compression: of data and vectors ZIP in place of DWAA, which loses some of them. colorspace:
    that the colour among the `maps` is in. rgb: (H, W, 3) for the top-level R, G, B. number, rate (frames per second)
    and timecode, where known, go to each header beside `attributes`, and so does pixel_aspect, a pixel's width over
    its height.
    """
    layers = [
        file_layer(name, pixels) if layout == "files" else named_layer(name, pixels) for name, pixels in maps.items()
    ]
    if rgb is not None:
        layers.insert(0, Layer("rgb", True, rgb, ("R", "G", "B")))
    frame = {"pixelAspectRatio": pixel_aspect, **timing(number, rate, timecode)}
    parts = [
        (header(part, attributes, compression, colorspace, frame), channels(part), name)
        for name, part in divide(layers, layout, compression).items()
    ]
    # alone, a part has no name: readers would show it as a layer
    content = parts[0][:2] if len(parts) == 1 else ([OpenEXR.Part(*part) for part in parts],)
    buffer = io.BytesIO()
    OpenEXR.File(*content).write(buffer)
    return buffer.getvalue()


def named_layer(name: MapName, pixels: Array) -> Layer:
    """A map among others: data never ends in R, G or B."""
    suffixes = SPECS[name].exr_channels
    return Layer(name, SPECS[name].kind == "color", pixels, tuple(f"{name}.{suffix}" for suffix in suffixes))


def file_layer(name: MapName, pixels: Array) -> Layer:
    """A map that has a file to itself, for programs that know no layers."""
    return Layer(name, SPECS[name].kind == "color", pixels, ("R", "G", "B") if SPECS[name].channels == 3 else ("Y",))


def divide(layers: list[Layer], layout: ExrLayout, compression: ExrCompression) -> dict[str, list[Layer]]:
    """The layers of each part, by its name. DWAA takes colour and data apart: it knows only whole parts."""
    if layout == "parts":
        return {layer.name: [layer] for layer in layers}
    if compression == "dwaa":
        sides = {"color": [layer for layer in layers if layer.is_color]}
        sides["data"] = [layer for layer in layers if not layer.is_color]
        return {name: side for name, side in sides.items() if side}
    return {"maps": layers}


def channels(part: list[Layer]) -> dict[str, Array]:
    """The (H, W) planes of a part."""
    return {
        # the bindings write wrong pixels from a strided array, without an error
        name: np.ascontiguousarray(layer.pixels[..., place])
        for layer in part
        for place, name in enumerate(layer.channels)
    }


def timing(number: int, rate: Fraction | None, timecode: Timecode | None) -> dict[str, Any]:
    """The frame's place in time, as OpenEXR's standard attributes."""
    known: dict[str, Any] = {"imageCounter": number} if number <= LARGEST_COUNTER else {}
    if rate is not None:
        known["framesPerSecond"] = rate
    if timecode is not None:
        code = timecode
        flags = (code.drop_frame, code.color_frame, code.field_phase, *code.binary_groups)
        groups = [code.user_data >> shift & 0xF for shift in range(0, 32, 4)]
        known["timeCode"] = OpenEXR.TimeCode(code.hours, code.minutes, code.seconds, code.frame, *flags, *groups)
    return known


def header(
    part: list[Layer],
    attributes: Mapping[str, str],
    compression: ExrCompression,
    colorspace: Colorspace,
    frame: Mapping[str, Any],
) -> dict[str, Any]:
    """The header, a new dict each time: the bindings change the one they are given. The windows follow the pixels.

    frame: what it says of the frame itself, by OpenEXR's names.
    """
    has_color = any(layer.is_color for layer in part)
    return {
        "type": OpenEXR.scanlineimage,
        "compression": COMPRESSIONS["zip" if compression == "dwaa" and not has_color else compression],
        "colorInteropID": COLOR_INTEROP_IDS[colorspace] if has_color else DATA_INTEROP_ID,
        **frame,
        **attributes,
    }
