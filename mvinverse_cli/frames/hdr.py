"""Radiance HDR pictures (.hdr): what the header says, and pixels. H rows, W columns; light as the file has it."""

import re
from typing import BinaryIO

import imagecodecs
import numpy as np

from ..maps import Array

MAGICS = (b"#?RADIANCE", b"#?RGBE")
_RESOLUTION = re.compile(rb"\r?\n\r?\n([+-][XY]) (\d{1,9}) ([+-][XY]) (\d{1,9})\r?\n")
_HEADER_MOST = 2**16  # bytes


def read_hdr_size(file: BinaryIO) -> tuple[int, int]:
    """(width, height). Raises ValueError for a broken header, and for one that asks for XYZ or another scan order."""
    head = file.read(_HEADER_MOST)
    found = _RESOLUTION.search(head)
    if found is None:
        raise ValueError("no line with its size")
    if b"32-bit_rle_xyze" in head[: found.start()]:
        raise ValueError("its colours are XYZ, not RGB")
    if (found[1], found[3]) != (b"-Y", b"+X"):
        raise ValueError(f"its rows are stored as {found[1].decode()} {found[3].decode()}, not as -Y +X")
    return int(found[4]), int(found[2])


def decode_hdr(data: bytes) -> Array:
    """(H, W, 3) float32 scene-linear. Raises RuntimeError or ValueError for what is truncated or damaged."""
    # not cv2: it goes by way of a file in the temporary folder, and writes to stderr about damaged ones
    head = _RESOLUTION.search(data, 0, _HEADER_MOST)
    if head is None:
        raise ValueError("no line with its size")
    # the decoder is stricter than Radiance: lines end in one byte, and name the format
    lines = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n%b %b %b %b\n" % head.groups()
    pixels: Array = imagecodecs.rgbe_decode(lines + data[head.end() :])
    return np.ascontiguousarray(pixels, np.float32)
