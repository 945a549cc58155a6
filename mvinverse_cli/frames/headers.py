"""What a picture file says of itself before a pixel is decoded: its format, size and orientation.

The format is told by the first bytes, not by the name: a PNG called .jpg is a PNG.
"""

import io
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Literal

from PIL.Image import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ..errors import InputError
from . import dpx, hdr, heif
from .exr import choose_layer, open_parts, window_size
from .names import shown
from .orientation import UPRIGHT, Orientation, exif_orientation
from .tagged_light import TaggedLight
from .tiff import ORIENTATION_TAG, read_tiff_layout

Format = Literal["png", "jpeg", "webp", "tiff", "exr", "dpx", "hdr", "heif"]

LEAST_ASPECT = 0.1  # of a pixel; the widest is as many times as wide as high
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = 12  # bytes of length, kind and checksum
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PIXELS = bytes(4) + b"IDAT"  # where Pillow stops before it is asked for them
MAX_PIXELS = 2**28  # 268 Mpx: a decompression bomb is told by its header

# Pillow's readers by name: `PIL.Image.open` has a limit on pixels of its own, which only a global can lift.
_PILLOW: dict[Literal["png", "jpeg", "webp"], Callable[[BinaryIO], Image]] = {
    "png": PngImageFile,
    "jpeg": JpegImageFile,
    "webp": WebPImageFile,
}


_SRGB_GAMMA = 0.45455  # as a PNG names it
_SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x and y of white, red, green and blue
_NEAR = 0.02  # Adobe RGB's green is .09 off


@dataclass(frozen=True)
class Header:
    """`width` and `height` as stored; `size` as shown; `rate`: frames per second, where the file names them.

    icc_profile: which colours its numbers mean, where the file says so by an ICC profile; other_colors: what a PNG
    without one names instead of those of sRGB; tagged: what its codes stand for, where it says so by the codes of a
    video. pixel_aspect: width of a stored pixel over its height, 2 for a plate squeezed by an anamorphic lens.
    left: in words, which other pictures the file holds that are not read.
    """

    format: Format
    width: int
    height: int
    orientation: Orientation = UPRIGHT
    rate: Fraction | None = None
    icc_profile: bytes | None = None
    other_colors: str = ""
    tagged: TaggedLight | None = None
    pixel_aspect: float = 1.0
    left: str = ""

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
    except (ArithmeticError, LookupError, OSError, RuntimeError, SyntaxError, ValueError) as error:
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


def likely_aspect(said: float) -> float:
    """A pixel's width over its height as a file gives it; 1 where that is 0, for unknown, or more than a lens does."""
    return said if LEAST_ASPECT < said < 1 / LEAST_ASPECT else 1.0


def _read_known(file: BinaryIO, start: bytes, path: Path) -> Header:
    if start.startswith(PNG_SIGNATURE):
        return _read_with_pillow("png", file)
    if start.startswith(b"\xff\xd8\xff"):
        return _read_with_pillow("jpeg", file)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _read_with_pillow("webp", file)
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        width, height, orientation, profile, pages = read_tiff_layout(file)
        left = f"holds {pages} pages; the first is read" if pages > 1 else ""
        return Header("tiff", width, height, orientation, icc_profile=profile, left=left)
    if start.startswith(b"\x76\x2f\x31\x01"):
        part, _, left = choose_layer(open_parts(file), path)
        check_size(*window_size(part.header["dataWindow"]), path)
        rate = part.header.get("framesPerSecond")
        is_rate = isinstance(rate, Fraction) and rate > 0
        size = window_size(part.header["displayWindow"])
        aspect = likely_aspect(float(part.header["pixelAspectRatio"]))
        return Header("exr", *size, rate=rate if is_rate else None, pixel_aspect=aspect, left=left)
    if start.startswith(dpx.MAGICS):
        layout = dpx.read_dpx_layout(file.read(2048))
        return Header("dpx", layout.width, layout.height, pixel_aspect=likely_aspect(layout.pixel_aspect))
    if start.startswith(hdr.MAGICS):
        return Header("hdr", *hdr.read_hdr_size(file))
    if heif.is_heif(start):
        size, profile, tags = heif.read_heif_layout(file)
        return Header("heif", *size, icc_profile=profile, tagged=None if profile else TaggedLight.of(*tags))
    raise InputError(
        f"{shown(path)}: not a PNG, JPEG, WebP, TIFF, EXR, DPX, HDR or HEIC picture, whatever its name; convert it to "
        "one"
    )


def _read_with_pillow(format: Literal["png", "jpeg", "webp"], file: BinaryIO) -> Header:
    """Size, orientation and profile; Pillow decodes no pixel before it is asked."""
    with warnings.catch_warnings(action="ignore"):  # of a damaged EXIF block, which means upright as in every viewer
        try:
            image = _PILLOW[format](file)
        except (SyntaxError, ValueError):  # texts of a PNG that are damaged, or too long for Pillow
            if format != "png":
                raise
            image = PngImageFile(_without_bad_texts(file))
        try:
            tag = Image.getexif(image).get(ORIENTATION_TAG, 1)  # of a PNG, its own method decodes the picture
        except (LookupError, OSError, SyntaxError, ValueError, struct.error):
            tag = 1
    upright, tags = exif_orientation(tag), _png_tags(file) if format == "png" else None
    is_narrow = False
    left = "is animated; its first picture is read" if getattr(image, "n_frames", 1) > 1 else ""
    if tags is not None and TaggedLight.is_known(*tags[:2]):
        transfer, primaries, is_full = tags
        if is_full:  # they outweigh what else there is of colours (PNG, third edition, 4.3)
            return Header(format, *image.size, upright, tagged=TaggedLight.of(transfer, primaries), left=left)
        is_narrow = True
    profile = image.info.get("icc_profile") or None
    other = "" if profile else "a narrow range of codes" if is_narrow else _other_colors(image.info)
    return Header(format, *image.size, upright, icc_profile=profile, other_colors=other, left=left)


def _png_tags(file: BinaryIO) -> tuple[int, int, bool] | None:
    """Transfer, primaries and whether codes have the full range, by the cICP chunk of a PNG, which lies before its
    pixels; None where there is none."""
    for kind, at, length in _png_chunks(file):
        if kind == b"cICP" and length == _CHUNK + 4:
            file.seek(at + 8)
            primaries, transfer, _, full_range = file.read(4)
            return transfer, primaries, bool(full_range)
    return None


def _without_bad_texts(file: BinaryIO) -> BinaryIO:
    """What a PNG says before its pixels, less the texts that Pillow does not take; others may tell its orientation."""
    said = PNG_SIGNATURE
    for kind, at, length in [*_png_chunks(file)]:
        file.seek(at)
        chunk = file.read(length)
        if kind in _PNG_TEXTS:
            try:
                PngImageFile(io.BytesIO(said + chunk + _PIXELS))
            except (SyntaxError, ValueError):
                continue
        said += chunk
    return io.BytesIO(said + _PIXELS)


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place in the file and bytes of each chunk before the pixels."""
    at = len(PNG_SIGNATURE)
    while True:
        file.seek(at)
        head = file.read(_CHUNK)
        if len(head) < _CHUNK or head[4:8] == b"IDAT":
            return
        length = _CHUNK + int.from_bytes(head[:4], "big")
        yield head[4:8], at, length
        at += length


def _other_colors(info: Mapping[Any, Any]) -> str:
    """What the gAMA and cHRM chunks of a PNG name that is not sRGB; an sRGB chunk outweighs both (PNG, 13.13)."""
    gamma, primaries = info.get("gamma", _SRGB_GAMMA), info.get("chromaticity", _SRGB_PRIMARIES)
    if "srgb" in info:
        return ""
    others = []
    if abs(gamma - _SRGB_GAMMA) > _NEAR:
        others.append(f"a gamma of {gamma:.3g}")
    if max(abs(own - usual) for own, usual in zip(primaries, _SRGB_PRIMARIES, strict=True)) > _NEAR:
        others.append("other primaries")
    return " and ".join(others)
