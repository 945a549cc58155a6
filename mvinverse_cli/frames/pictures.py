"""Picture files: bytes to upright RGB in the precision that the file has.

H rows, W columns of the upright picture; C channels as stored.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import imagecodecs
import numpy as np

from ..color import Transfer
from ..errors import InputError
from ..maps import Array
from ..timecode import Timecode
from .alpha import ALPHA_NOTES, Alpha
from .dpx import decode_dpx
from .exr import read_exr
from .hdr import decode_hdr
from .headers import Header, read_header
from .heif import decode_heif
from .names import shown
from .profiles import in_rec709, in_srgb
from .tiff import OtherColorsError, decode_tiff


@dataclass(frozen=True)
class Picture:
    """pixels (H, W, 3) RGB, uint8, uint16 or finite float32, on curve `transfer`.

    reading: in words what had to be decided of its curve and colours; empty where the file leaves no choice. left: in
    words, which other pictures the file holds.
    """

    pixels: Array
    transfer: Transfer
    alpha: Alpha
    reading: str = ""
    timecode: Timecode | None = None
    left: str = ""

    @property
    def notes(self) -> list[str]:
        """What the user should know of how it was read."""
        return [note for note in (self.left, ALPHA_NOTES[self.alpha], self.reading) if note]


def probe_picture(path: Path) -> Header:
    """What a picture says of itself. Raises InputError for what cannot be opened or is no picture."""
    try:
        with path.open("rb") as file:
            return read_header(file, path)
    except OSError as error:
        raise InputError(f"{shown(path)}: {error.strerror or error}") from error


def read_picture(path: Path, *, is_color: bool = True) -> Picture:
    """A whole picture; where it is none of colours its numbers are left as they are.

    Raises InputError where it cannot be opened, is truncated or damaged, or holds numbers that are not finite.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{shown(path)}: {error.strerror or error}") from error
    header = read_header(io.BytesIO(data), path)
    return replace(_read(data, header, path, is_color=is_color), left=header.left)


def _read(data: bytes, header: Header, path: Path, *, is_color: bool) -> Picture:
    """The picture of a file's bytes, as `read_picture` says."""
    try:
        if header.format == "dpx":
            return Picture(*decode_dpx(data))
        if header.format == "exr":
            plate = read_exr(data, path)
            check_finite(plate.light, path)
            managed = is_color and plate.primaries
            light, reading = in_rec709(plate.light, managed) if managed else (plate.light, "")
            if is_color and plate.other_space and not reading:
                reading = f"is tagged {shown(plate.other_space)}, which is read as if it were lin_rec709_scene"
            return Picture(light, "linear", plate.alpha, reading, plate.timecode)
        stored, alpha = _decode(data, header)
    except OtherColorsError as error:
        raise InputError(f"{shown(path)}: {error}; convert it to RGB") from error
    except (RuntimeError, ValueError, IndexError, cv2.error) as error:
        raise InputError(f"{shown(path)}: truncated or damaged ({shown(str(error))}); export it again") from error
    pixels = header.orientation.apply(stored)
    reading = ""
    if is_color and header.tagged is not None:
        return Picture(header.tagged.to_rec709(pixels), "linear", alpha, header.tagged.said)
    if is_color and header.icc_profile is not None:
        pixels, reading = in_srgb(pixels, header.icc_profile)
    elif is_color and header.other_colors:
        reading = f"names {header.other_colors}, and is read as if it were sRGB; convert it first"
    if pixels.dtype == np.float32:
        check_finite(pixels, path)
        return Picture(pixels, "linear", alpha, reading)
    return Picture(pixels, "srgb", alpha, reading)


def check_finite(pixels: Array, path: Path) -> None:
    """Raises InputError that says how many pixels (H, W, 3) hold NaN or infinity, and where the first one is."""
    if np.isfinite(pixels).all():
        return
    bad = ~np.isfinite(pixels).all(axis=-1)
    row, column = np.argwhere(bad)[0]
    raise InputError(
        f"{shown(path)}: {int(bad.sum())} of {bad.size} pixels hold NaN or infinity, the first at x {column}, y {row}; "
        "repair the plate"
    )


def _decode(data: bytes, header: Header) -> tuple[Array, Alpha]:
    """(H, W, 3) as stored but for its alpha, which is taken out."""
    if header.format == "hdr":
        return decode_hdr(data), "none"
    if header.format == "tiff":
        return decode_tiff(data)
    if header.format == "jpeg":
        # cv2 knows CMYK and YCCK, and refuses a truncated file where libjpeg alone would fill it up with gray
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
        if stored is None:
            raise ValueError("the JPEG data ends early")
        return stored, "none"
    if header.format == "heif":
        return _without_alpha(decode_heif(io.BytesIO(data)))
    decode = imagecodecs.png_decode if header.format == "png" else imagecodecs.webp_decode
    return _without_alpha(decode(data))


def _without_alpha(stored: Array) -> tuple[Array, Alpha]:
    """(H, W), or (H, W, C) of gray, gray+alpha, RGB or RGBA, unassociated -> (H, W, 3), and what alpha there was."""
    if stored.ndim == 2:
        stored = stored[..., None]
    has_alpha = stored.shape[-1] in (2, 4)
    color = stored[..., :-1] if has_alpha else stored
    return np.repeat(color, 3, axis=-1) if color.shape[-1] == 1 else color, "apart" if has_alpha else "none"
