"""HEIF pictures of HEVC, as phones take them (HEIC), through libheif. Turned upright by the file's own transforms; the
EXIF orientation beside them, which says the same once more, counts for nothing.

H rows, W columns.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np
import pi_heif

from ..maps import Array

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # ISO/IEC 23008-12, annex B
UNSPECIFIED = 2  # of H.273


class HeifLayout(NamedTuple):
    """size: upright (width, height); tags: codes of transfer and primaries (H.273)."""

    size: tuple[int, int]
    icc_profile: bytes | None
    tags: tuple[int, int]


def is_heif(start: bytes) -> bool:
    """Whether a file of these first bytes is one; AVIF is not."""
    return start[4:8] == b"ftyp" and start[8:12] in BRANDS


def read_heif_layout(file: BinaryIO) -> HeifLayout:
    """What the primary picture says of itself; no pixel is decoded. Raises ValueError where it is broken."""
    with _primary(file) as picture:
        tags = picture.info.get("nclx_profile") or {}
        transfer, primaries = (
            int(tags.get(name, UNSPECIFIED)) for name in ("transfer_characteristics", "color_primaries")
        )
        return HeifLayout(picture.size, picture.info.get("icc_profile") or None, (transfer, primaries))


def decode_heif(file: BinaryIO) -> Array:
    """The primary picture: (H, W) or (H, W, C) of gray, RGB or RGBA, upright, uint8, or uint16 at full range where it
    has more than 8 bits. Raises ValueError for what is damaged, truncated or of a codec that is not read."""
    with _primary(file) as picture:
        if picture.mode.removesuffix(";16") not in ("L", "I", "LA", "RGB", "RGBA"):  # I: gray of more than 8 bits
            raise ValueError(f"its pixels are {picture.mode}, not gray, RGB or RGBA")
        samples: Array = np.array(picture)
        if samples.dtype == np.uint8:
            return samples
        bits = int(picture.info["bit_depth"])  # of which libheif makes the upper ones of 16
        widened: Array = np.rint((samples >> (16 - bits)) * (65535 / (2**bits - 1))).astype(np.uint16)
        return widened


@contextmanager
def _primary(file: BinaryIO) -> Iterator[pi_heif.HeifImage]:
    try:
        opened = pi_heif.open_heif(file, convert_hdr_to_8bit=False)
        yield opened[opened.primary_index]
    except (OSError, EOFError, SyntaxError, RuntimeError, LookupError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
