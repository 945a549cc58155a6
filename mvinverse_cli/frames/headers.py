"""What a picture file says of itself before a pixel is decoded: its format, size and orientation.

The format is told by the first bytes, not by the name: a PNG called .jpg is a PNG.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import OpenEXR

from ..errors import InputError
from .exr import choose_layer, window_size
from .names import shown
from .orientation import UPRIGHT, Orientation, exif_orientation
from .tiff import read_tiff_layout

Format = Literal["png", "jpeg", "webp", "tiff", "exr"]

MAX_PIXELS = 2**28  # 268 Mpx: a decompression bomb is told by its header

_ORIENTATION_TAG = 274
_EXIF_START = b"Exif\0\0"


@dataclass(frozen=True)
class Header:
    """`width` and `height` as stored; `size` as shown."""

    format: Format
    width: int
    height: int
    orientation: Orientation = UPRIGHT

    @property
    def size(self) -> tuple[int, int]:
        return self.orientation.size(self.width, self.height)


def read_header(file: BinaryIO, path: Path) -> Header:
    """The header of the picture in `file`, read from its start; `path` is for messages.

    Raises InputError for anything that is no picture, a broken header, or more pixels than MAX_PIXELS.
    """
    start = file.read(16)
    file.seek(0)
    try:
        header = _read_known(file, start, path)
    except (struct.error, IndexError, ValueError, RuntimeError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(f"{shown(path)}: its header is broken ({shown(reason)}); export the picture again") from error
    check_size(header.width, header.height, path)
    return header


def check_size(width: int, height: int, path: Path) -> None:
    """Raises InputError where a picture has no pixels or more than MAX_PIXELS."""
    if width < 1 or height < 1:
        raise InputError(f"{shown(path)}: its header is broken (a size of {width}x{height}); export the picture again")
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{shown(path)}: {width}x{height} is {width * height / 1e6:.0f} Mpx, over the limit of "
            f"{MAX_PIXELS / 1e6:.0f}; scale the picture down first"
        )


def _read_known(file: BinaryIO, start: bytes, path: Path) -> Header:
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _read_png(file)
    if start.startswith(b"\xff\xd8\xff"):
        return _read_jpeg(file)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _read_webp(file)
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return Header("tiff", *read_tiff_layout(file))
    if start.startswith(b"\x76\x2f\x31\x01"):
        part, _ = choose_layer(OpenEXR.File(file, header_only=True).parts, path)
        check_size(*window_size(part.header["dataWindow"]), path)
        return Header("exr", *window_size(part.header["displayWindow"]))
    raise InputError(f"{shown(path)}: not a PNG, JPEG, WebP, TIFF or EXR picture, whatever its name; convert it to one")


def _read_png(file: BinaryIO) -> Header:
    head = file.read(24)
    if head[12:16] != b"IHDR":
        raise ValueError("no IHDR chunk")
    return Header("png", *struct.unpack(">II", head[16:24]))


def _read_jpeg(file: BinaryIO) -> Header:
    """Walks the marker segments (ITU-T T.81, B.1.1) up to the frame header."""
    orientation = UPRIGHT
    file.seek(2)
    while True:
        marker = _next_marker(file)
        (length,) = struct.unpack(">H", file.read(2))
        segment = file.read(length - 2)
        # SOF0..SOF15 start a frame; C4, C8 and CC in their midst are tables
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", segment[1:5])
            return Header("jpeg", width, height, orientation)
        if marker in (0xD9, 0xDA):
            raise ValueError("no frame header before the picture")
        if marker == 0xE1 and segment.startswith(_EXIF_START):
            orientation = _exif_orientation(segment[len(_EXIF_START) :])


def _next_marker(file: BinaryIO) -> int:
    byte = file.read(1)
    if byte != b"\xff":
        raise ValueError("no marker where one must be")
    while byte == b"\xff":  # any number of fill bytes
        byte = file.read(1)
    return byte[0]


def _exif_orientation(exif: bytes) -> Orientation:
    """Of a TIFF-structured EXIF block; a damaged block means upright, as in every viewer."""
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, entry)
            if tag == _ORIENTATION_TAG:
                return exif_orientation(value)
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def _read_webp(file: BinaryIO) -> Header:
    """The three kinds of first chunk (RFC 9649, sections 2.5 to 2.7)."""
    head = file.read(30)
    kind = head[12:16]
    if kind == b"VP8X":
        return Header("webp", 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little"))
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return Header("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return Header("webp", width & 0x3FFF, height & 0x3FFF)
    raise ValueError(f"unknown first chunk {kind!r}")
