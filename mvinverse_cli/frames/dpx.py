"""DPX pictures (SMPTE 268M): what the header says of size and curve, and pixels through FFmpeg's decoder.

H rows, W columns. Code values are brought to light by the header's transfer field, never by a guess from the pixels.
"""

import struct
from dataclasses import dataclass

import av
import numpy as np
from av.error import FFmpegError

from ..color import Transfer
from ..maps import Array
from ..timecode import Timecode
from .alpha import Alpha
from .orientation import UPRIGHT, Orientation
from .tiff import OtherColorsError

MAGICS = (b"SDPX", b"XPDS")

# The transfer field of the first image element, SMPTE 268M table 5A.
_LOGARITHMIC = {1: "printing density", 3: "logarithmic"}
_LINEAR = 2
_VIDEO = {4: "unspecified video", 5: "SMPTE 274M", 6: "BT.709", 7: "BT.601 625 lines", 8: "BT.601 525 lines"}

# Cineon's curve: 10-bit codes of black and of 90% white, and densities of a code and of the negative's gamma.
_BLACK, _WHITE, _DENSITY_STEP, _GAMMA = 95, 685, 0.002, 0.6
_LARGEST_CODE = 1023

_PIXEL_ASPECT = 1628  # where it lies in the header of the image's source: width, then height
_TIMECODE = 1920  # where it lies in the television header: binary coded decimals, one byte for each pair of digits
_UNDEFINED = (0, 0xFFFFFFFF)  # the second by the standard, the first as many programs write it

# Of lines that run across, SMPTE 268M table 4; and undefined.
_ORIENTATIONS = {
    0: UPRIGHT,
    1: Orientation(mirrored=True),
    2: Orientation(flipped=True),
    3: Orientation(mirrored=True, flipped=True),
    0xFFFF: UPRIGHT,
}

_RGB_PLANES = (2, 0, 1)  # of FFmpeg's planar formats, which hold green, blue, red


@dataclass(frozen=True)
class DpxLayout:
    """What the header says: size as stored, bits of a sample, the transfer field, where the first line lies."""

    width: int
    height: int
    bits: int
    transfer: int
    timecode: Timecode | None
    orientation: Orientation
    pixel_aspect: float  # width of a pixel over its height, 0 where none is named

    @property
    def curve(self) -> str:
        """How the code values are read, and why."""
        if self.transfer in _LOGARITHMIC:
            return f"its header says {_LOGARITHMIC[self.transfer]}: read as Cineon log, 95 to 685"
        if self.transfer in _VIDEO:
            return f"its header says {_VIDEO[self.transfer]}: read as if it were sRGB, as video is"
        said = "linear" if self.transfer == _LINEAR else f"no curve that is known ({self.transfer})"
        return f"its header says {said}: read as scene-linear"


def read_dpx_layout(head: bytes) -> DpxLayout:
    """From the first 2048 bytes. Raises ValueError where they are too few, or its lines are columns."""
    if len(head) < 808:
        raise ValueError(f"the header ends at byte {len(head)}")
    order = ">" if head[:4] == b"SDPX" else "<"
    width, height = struct.unpack_from(order + "II", head, 772)
    (scanned,) = struct.unpack_from(order + "H", head, 768)
    if scanned not in _ORIENTATIONS:
        raise ValueError(f"its lines are columns (orientation {scanned}), which is not read; write it upright")
    timecode, aspect = _read_timecode(head, order), _read_pixel_aspect(head, order)
    return DpxLayout(width, height, head[803], head[801], timecode, _ORIENTATIONS[scanned], aspect)


def _read_pixel_aspect(head: bytes, order: str) -> float:
    """Width over height of a pixel; 0 where it is undefined, or behind the end."""
    if len(head) < _PIXEL_ASPECT + 8:
        return 0.0
    terms = struct.unpack_from(order + "II", head, _PIXEL_ASPECT)
    return 0.0 if set(terms) & set(_UNDEFINED) else terms[0] / terms[1]


def _read_timecode(head: bytes, order: str) -> Timecode | None:
    """That of the television header; None where it is undefined, no time, or behind the end."""
    if len(head) < _TIMECODE + 4:
        return None
    (packed,) = struct.unpack_from(order + "I", head, _TIMECODE)
    digits = f"{packed:08x}"
    if packed in _UNDEFINED or not digits.isdecimal():
        return None
    hours, minutes, seconds, frame = (int(digits[at : at + 2]) for at in (0, 2, 4, 6))
    try:
        return Timecode(hours, minutes, seconds, frame)
    except ValueError:
        return None


def decode_dpx(data: bytes) -> tuple[Array, Transfer, Alpha, str, Timecode | None]:
    """(H, W, 3), its curve, what alpha there was, in words how it was read, and its timecode.

    float32 scene-linear for logarithmic and linear files, where Cineon's 90% white is 1 and film holds up to 13.5;
    uint8 or uint16 at full range on the curve of video for those that hold video. Raises ValueError for what is
    damaged, truncated or of a kind that FFmpeg does not read.
    """
    layout = read_dpx_layout(data)
    codes, most, alpha = _read_codes(data)
    codes = layout.orientation.apply(codes)
    if layout.transfer in _LOGARITHMIC:
        light = _cineon_to_linear(codes * np.float32(_LARGEST_CODE / most))
        return light, "linear", alpha, layout.curve, layout.timecode
    if layout.transfer in _VIDEO:
        full: type[np.unsignedinteger] = np.uint8 if most == 255 else np.uint16
        scaled = np.rint(codes * (np.iinfo(full).max / most)).astype(full)
        return scaled, "srgb", alpha, layout.curve, layout.timecode
    return np.multiply(codes, 1 / most, dtype=np.float32), "linear", alpha, layout.curve, layout.timecode


def _read_codes(data: bytes) -> tuple[Array, int, Alpha]:
    """(H, W, 3) uint8 or uint16 as stored, the largest code there can be, and what alpha there was."""
    try:
        decoder = av.CodecContext.create("dpx", "r")
        pictures = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except FFmpegError as error:
        raise ValueError(error.strerror) from error
    if not pictures or not isinstance(pictures[0], av.VideoFrame):
        raise ValueError("no picture in it")
    picture = pictures[0]
    name, bits = picture.format.name, picture.format.components[0].bits
    dtype = np.dtype(np.uint8 if bits == 8 else ">u2" if name.endswith("be") else "<u2")
    planes = [
        np.frombuffer(memoryview(plane), dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
        for plane in picture.planes
    ]
    count = len(picture.format.components)
    alpha: Alpha = "apart" if count in (2, 4) else "none"
    width = picture.width
    if name.startswith("gray"):
        codes = np.repeat(planes[0][:, :width, None], 3, axis=-1)
    elif name.startswith("gbr"):
        codes = np.stack([planes[index][:, :width] for index in _RGB_PLANES], axis=-1)
    elif name.startswith("rgb"):
        codes = planes[0][:, : width * count].reshape(picture.height, width, count)[..., :3]
    elif name == "abgr":
        codes = planes[0][:, : width * count].reshape(picture.height, width, count)[..., :0:-1]
    else:
        raise OtherColorsError(f"its samples are {name}, not RGB or gray")
    return np.ascontiguousarray(codes, dtype.newbyteorder("=")), 2**bits - 1, alpha


def _cineon_to_linear(codes: Array) -> Array:
    """10-bit codes, any shape, as float -> light, float32; code 95 is 0 and 685 is 1, what lies below black negative.

    Kodak, "Conversion of 10-bit Log Film Data To 8-bit Linear or Video Data" (1995), with no soft clip.
    """
    density = _DENSITY_STEP / _GAMMA
    black = 10 ** ((_BLACK - _WHITE) * density)
    light: Array = ((10 ** ((codes - _WHITE) * density) - black) / (1 - black)).astype(np.float32)
    return light
