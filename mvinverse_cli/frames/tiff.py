"""TIFF pictures: the first page, in the precision that the file has.

H rows, W columns, C samples as stored, S colour samples (1 or 3).
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffFile, TiffPage

from ..maps import Array
from .alpha import Alpha, divided
from .orientation import UPRIGHT, Orientation, exif_orientation

ORIENTATION_TAG = 274
_GRAYS = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
_JPEGS = (COMPRESSION.OJPEG, COMPRESSION.JPEG)  # whose YCbCr comes back as RGB


class OtherColorsError(ValueError):
    """A sound picture whose samples are no RGB and no gray that is read."""


@contextmanager
def _first_page(file: BinaryIO) -> Iterator[TiffPage]:
    try:
        with TiffFile(file) as tiff:
            page = tiff.pages.first
            if not isinstance(page, TiffPage):
                raise ValueError("the first page has no tags of its own")
            yield page
    # tifffile trusts tags to be of their usual type, and offsets to lie in the file
    except (TypeError, ArithmeticError, LookupError, struct.error) as error:
        raise ValueError(f"malformed tags: {error}") from error


def read_tiff_layout(file: BinaryIO) -> tuple[int, int, Orientation, bytes | None, int]:
    """Width, height, orientation and ICC profile of the first page, from its tags, and how many pages there are of its
    size at least: 1 where what follows is a smaller copy.

    Raises ValueError where they are broken.
    """
    with _first_page(file) as page:
        tag = page.tags.get(ORIENTATION_TAG)
        width, height = int(page.imagewidth), int(page.imagelength)
        upright = UPRIGHT if tag is None else exif_orientation(int(tag.value))
        return width, height, upright, page.iccprofile or None, _count_pages(page)


def _count_pages(page: TiffPage) -> int:
    pages = page.parent.pages
    try:
        return len(pages) if len(pages) > 1 and pages[1].shape == page.shape else 1
    except (TypeError, ArithmeticError, LookupError, ValueError, struct.error):  # broken behind the page that is read
        return 1


def decode_tiff(data: bytes) -> tuple[Array, Alpha]:
    """(H, W, 3) uint8, uint16 or float32 of a file's bytes, and what alpha was taken out.

    Raises ValueError or RuntimeError for what is damaged, truncated or of a kind that is not read.
    """
    with _first_page(io.BytesIO(data)) as page:
        ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
        if max(ends) > len(data):  # tifffile fills some missing strips with zeros and says nothing
            raise ValueError(f"the picture ends at byte {max(ends)}, the file at {len(data)}")
        samples = page.asarray()
        if page.axes == "SYX":
            samples = np.moveaxis(samples, 0, -1)
        if samples.ndim == 2:
            samples = samples[..., None]  # (H, W, C)
        if samples.ndim != 3 or samples.shape[:2] != (page.imagelength, page.imagewidth):
            raise ValueError(f"its samples are {samples.shape}, no picture of {page.imagewidth}x{page.imagelength}")
        if page.photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
            if page.colormap.shape[:1] != (3,):
                raise ValueError(f"its palette is {page.colormap.shape}, not one of RGB")
            return np.moveaxis(page.colormap[:, samples[..., 0]], 0, -1), "none"
        return _color_of(_in_full_range(samples, page.bitspersample), page)


def _color_of(samples: Array, page: TiffPage) -> tuple[Array, Alpha]:
    """(H, W, C) -> (H, W, 3), and what alpha there was; colour that was stored multiplied by alpha is divided."""
    is_rgb = page.photometric == PHOTOMETRIC.RGB or (
        page.photometric == PHOTOMETRIC.YCBCR and page.compression in _JPEGS
    )
    if not is_rgb and page.photometric not in _GRAYS:
        raise OtherColorsError(
            f"its colours are {getattr(page.photometric, 'name', page.photometric)}, not RGB or gray"
        )
    count = 3 if is_rgb else 1
    if samples.shape[-1] < count:
        raise ValueError(f"it is called RGB and has {samples.shape[-1]} of the 3 samples of a pixel")
    color, rest = samples[..., :count], samples[..., count:]  # (H, W, S), (H, W, C - S)
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        color = np.iinfo(color.dtype).max - color if color.dtype.kind == "u" else 1 - color
    alpha: Alpha = "apart" if rest.size else "none"
    if rest.size and page.extrasamples[:1] == (EXTRASAMPLE.ASSOCALPHA,):
        color, alpha = _divided(color, rest[..., :1]), "multiplied"
    return np.ascontiguousarray(np.repeat(color, 3, axis=-1) if count == 1 else color), alpha


def _in_full_range(samples: Array, bits: int) -> Array:
    """Unsigned samples of `bits` and floats of any width -> uint8 or uint16 at full range, or float32."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    if samples.dtype.kind == "b":
        return samples.astype(np.uint8) * np.uint8(255)
    if samples.dtype.kind != "u" or bits > 32:
        raise OtherColorsError(f"its samples are {samples.dtype}, not 8 or 16 bits without sign, or float")
    if bits in (8, 16):
        return samples
    target = np.uint8 if bits < 8 else np.uint16
    scaled: Array = np.rint(samples * (np.iinfo(target).max / (2**bits - 1))).astype(target)
    return scaled


def _divided(color: Array, alpha: Array) -> Array:
    """(H, W, S) multiplied by alpha (H, W, 1) -> as if alpha were 1; where alpha is 0 it stays."""
    if color.dtype == np.float32:
        return divided(color, alpha)
    full = np.iinfo(color.dtype).max
    quotient = np.divide(color * float(full), alpha, out=color.astype(np.float64), where=alpha > 0)
    whole: Array = np.rint(quotient).clip(0, full).astype(color.dtype)
    return whole
