"""From a decoded video picture to RGB: which matrix and range it was coded with, and the sum itself.

swscale is used only to bring chroma to every pixel and to unpack formats: its own YCbCr to RGB sums are off by up to
5/255 by default, and depend on flags that break on some formats. H rows, W columns.
"""

import logging
from dataclasses import dataclass
from typing import TypeAlias

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from ..maps import Array
from .tagged_light import TaggedLight
from .video_tags import matrix_name

log = logging.getLogger(__name__)

Matrix: TypeAlias = tuple[float, float]  # luma weights of red and blue

# Luma weights by AVColorSpace, which numbers as ITU-T H.273 table 4 does.
_BT709, _BT601, _BT2020 = (0.2126, 0.0722), (0.299, 0.114), (0.2627, 0.0593)
_MATRICES: dict[int, Matrix] = {
    1: _BT709,
    4: (0.30, 0.11),
    5: _BT601,
    6: _BT601,
    7: (0.212, 0.087),
    9: _BT2020,
}
_UNNAMED = 2  # as a stream is tagged that does not say
_HD_LINES = 720  # a stream that does not say is BT.709 from here up, as in players


@dataclass(frozen=True)
class Coding:
    """How a stream's numbers stand for colour; `matrix` is not used where they are RGB or gray already."""

    matrix: Matrix
    full_range: bool


def coding_of(frame: av.VideoFrame) -> Coding:
    """As the picture is tagged, else as players guess."""
    guess = _BT709 if frame.height >= _HD_LINES else _BT601
    # gray and the yuvj formats of JPEG are full range unless they say otherwise
    full_by_default = frame.format.name.startswith(("yuvj", "gray", "ya"))
    tagged = ColorRange(frame.color_range)
    full_range = full_by_default if tagged == ColorRange.UNSPECIFIED else tagged == ColorRange.JPEG
    return Coding(_MATRICES.get(frame.colorspace, guess), full_range)


def is_swscale_rgb(format: av.VideoFormat) -> bool:
    """Whether swscale brings a format to RGB without a matrix of ours: digital cinema's XYZ by that of SMPTE 428-1."""
    return format.is_rgb or format.has_palette or format.name.startswith("xyz")


def tagged_light(frame: av.VideoFrame) -> TaggedLight | None:
    """What the RGB of a picture stands for; None where that is sRGB, as swscale makes it of digital cinema's XYZ."""
    if frame.format.name.startswith("xyz"):
        return None
    return TaggedLight.of(int(frame.color_trc), int(frame.color_primaries))


def log_coding(frame: av.VideoFrame, name: str) -> None:
    """Says what had to be guessed of a stream's colour, and what is done about curves and primaries of others."""
    is_ycbcr = not is_swscale_rgb(frame.format) and len(frame.format.components) >= 3
    if is_ycbcr and frame.colorspace not in _MATRICES:
        label = "BT.709" if coding_of(frame).matrix == _BT709 else "BT.601"
        if (tag := matrix_name(int(frame.colorspace))) in {"gbr", "unknown", "reserved"}:
            log.info("%s: the stream does not name its colour matrix; read as %s, by its height", name, label)
        else:
            log.warning("%s: tagged colour matrix %s, read as if it were %s; convert it first", name, tag, label)
    if any(component.is_alpha for component in frame.format.components):
        log.info("%s: the alpha channel is dropped", name)
    if frame.interlaced_frame:
        log.warning("%s: interlaced, and both fields of a frame are read as one picture; deinterlace it first", name)
    if tagged := tagged_light(frame):
        log.info("%s: %s", name, tagged.said)


def without_other_matrix(frame: av.VideoFrame) -> av.VideoFrame:
    """The same picture, untagged where swscale would refuse it for a matrix that it does not know."""
    if frame.colorspace and frame.colorspace not in _MATRICES:
        frame.colorspace = _UNNAMED
    return frame


class RgbConverter:
    """Keeps swscale's tables from one picture to the next."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def convert(self, frame: av.VideoFrame) -> Array:
        """(H, W, 3) RGB as stored: uint8 for sources of 8 bits, uint16 at full range for deeper ones. No alpha."""
        bits = max(component.bits for component in frame.format.components)
        if is_swscale_rgb(frame.format):
            return self._reformatted(frame, "rgb24" if bits <= 8 else "rgb48le").to_ndarray()
        coding = coding_of(frame)
        if len(frame.format.components) < 3:  # gray, perhaps with alpha
            planes = [_plane(self._reformatted(frame, "gray" if bits <= 8 else f"gray{bits}le"), 0)]
        else:
            same_range = ColorRange.JPEG if coding.full_range else ColorRange.MPEG
            full_chroma = self._reformatted(frame, "yuv444p" if bits <= 8 else f"yuv444p{bits}le", same_range)
            planes = [_plane(full_chroma, index) for index in range(3)]
        return _to_rgb(planes, bits, coding)

    def _reformatted(self, frame: av.VideoFrame, format: str, range: ColorRange | None = None) -> av.VideoFrame:
        if frame.format.name == format:
            return frame
        return self._reformatter.reformat(
            without_other_matrix(frame),
            format=format,
            src_color_range=range,
            dst_color_range=range,
            interpolation=Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT,
        )


def _plane(frame: av.VideoFrame, index: int) -> Array:
    """(H, W) uint8 or uint16 of one plane, without the padding at the end of its rows; shares the frame's memory."""
    plane = frame.planes[index]
    dtype = np.dtype(np.uint8 if frame.format.components[index].bits <= 8 else "<u2")
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
    return rows[:, : plane.width]


def _to_rgb(planes: list[Array], bits: int, coding: Coding) -> Array:
    """Y (and Cb, Cr) of `bits` (H, W) each -> (H, W, 3) RGB, uint8 or uint16 at full range (ITU-T H.273, 8.3)."""
    most, unit = 2**bits - 1, 2 ** (bits - 8)
    black = 0 if coding.full_range else 16 * unit
    luma_span, chroma_span = (most, most) if coding.full_range else (219 * unit, 224 * unit)
    out = 255 if bits <= 8 else 65535
    kr, kb = coding.matrix
    kg = 1 - kr - kb
    of_luma = np.ones((3, 1))
    of_chroma = np.array([[0, 2 - 2 * kr], [-2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg], [2 - 2 * kb, 0]])
    matrix = of_luma * (out / luma_span)
    zero = np.array([black])
    if len(planes) == 3:
        matrix = np.hstack([matrix, of_chroma * (out / chroma_span)])
        zero = np.array([black, 128 * unit, 128 * unit])
    affine = np.column_stack([matrix, -matrix @ zero])  # (3, planes + 1)
    return cv2.transform(cv2.merge(planes), affine)  # rounds to nearest and clips
