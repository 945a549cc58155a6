"""How movies are encoded: H.264 for looking at, ProRes for an edit, FFV1 where no code may be lost. H, W pixels.

| format | codec | pixels | a map comes back |
|---|---|---|---|
| mp4 | H.264, 8 or 10 bits | 4:2:0, BT.709, limited range | about right: colour has half the resolution |
| mov | ProRes 4444 | 4:4:4, 10 bits, BT.709, limited range | nearly right |
| mkv | FFV1 | RGB or gray, 16 bits, full range | exactly |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream

from ..formats import Bits, FileKind
from ..maps import Array
from .quantize import Depth

# FFmpeg's name of "no matrix, red, green and blue as they are", which PyAV's own enumeration leaves out
NO_MATRIX = 0

X264 = {
    "preset": "veryfast",
    "crf": "12",  # no loss that the eye sees
    "mbtree": "0",  # with it, on AVX-512, one encode in a thousand comes out otherwise (PyAV 18 and 19)
    "bf": "0",  # without B-frames packets lie in display order, and MP4 keeps the duration of each
}
LARGEST_DENOMINATOR = 6553  # of a pixel aspect, which is under 10: H.264 has 16 bits for either term
THREADS = 4  # fixed: the bytes depend on it
# Flat colours come back within 1/255; within 2/255 without these flags
ACCURATE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


@dataclass(frozen=True)
class Codec:
    """One way to encode a movie."""

    name: str  # as people know it
    container: Literal["mp4", "mov", "matroska"]
    encoder: str
    pixel_format: str
    depth: Depth  # of the codes that `picture_of` takes
    options: Mapping[str, str] = field(default_factory=dict)
    matrix: int = Colorspace.ITU709
    color_range: ColorRange = ColorRange.MPEG
    even_sides: bool = False
    tick: Fraction | None = None  # of the container's clock in seconds; None: chosen for the rate
    longest_ticks: int | None = 2**31 - 1  # of a frame: FFmpeg's muxer for MP4 and MOV refuses a longer one


def codec_of(format: FileKind, bits: Bits, channels: int) -> Codec:
    """The codec of a movie `format` for maps with one or three `channels`."""
    if format == "mov":
        return Codec("ProRes", "mov", "prores_ks", "yuv444p10le", 16, {"profile": "4444"})
    if format == "mkv":
        return Codec(
            "FFV1",
            "matroska",
            "ffv1",
            "gbrp16le" if channels == 3 else "gray16le",
            16,
            {"level": "3", "slicecrc": "1"},
            matrix=NO_MATRIX if channels == 3 else Colorspace.ITU709,
            color_range=ColorRange.JPEG,
            tick=Fraction(1, 1000),  # FFmpeg's muxer knows no finer one
            longest_ticks=None,
        )
    if bits == "10":
        return Codec("H.264", "mp4", "libx264", "yuv420p10le", 16, X264, even_sides=True)
    return Codec("H.264", "mp4", "libx264", "yuv420p", 8, X264, even_sides=True)


def set_up(
    stream: VideoStream, codec: Codec, size: tuple[int, int], *, is_color: bool, pixel_aspect: float = 1.0
) -> None:
    """Prepares a stream of `codec` for pictures of `size` (height, width), and tags it.

    pixel_aspect: width of a pixel over its height.
    """
    height, width = size
    stream.width = width + width % 2 if codec.even_sides else width
    stream.height = height + height % 2 if codec.even_sides else height
    stream.pix_fmt = codec.pixel_format
    context = stream.codec_context
    context.thread_count = THREADS
    # Of MP4 and MOV: Matroska's muxer asks for it where PyAV does not let anybody write
    context.sample_aspect_ratio = Fraction(pixel_aspect).limit_denominator(LARGEST_DENOMINATOR)
    context.colorspace = codec.matrix
    context.color_range = codec.color_range
    context.color_primaries = ColorPrimaries.BT709
    # Data has no curve; a player that is told none shows the codes as they are
    context.color_trc = ColorTrc.IEC61966_2_1 if is_color else ColorTrc.UNSPECIFIED


def picture_of(codes: Array, codec: Codec, stream: VideoStream) -> av.VideoFrame:
    """(H, W, C) uint8 or uint16 of the codec's depth -> a picture for `stream`, tagged as it is."""
    if codec.container == "matroska":
        pixels = codes if codes.shape[-1] == 3 else codes[..., 0]
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=codec.pixel_format)
    else:
        # Gray goes as RGB: its own conversion is off by 3/255
        pad = ((0, stream.height - codes.shape[0]), (0, stream.width - codes.shape[1]), (0, 3 - codes.shape[-1]))
        rgb = np.pad(codes, pad, mode="edge")
        if codec.depth == 16:  # swscale counts up to 255 * 256 there: its white would lie above the legal one
            rgb = np.rint(rgb * np.float32(65280 / 65535)).astype(np.uint16)
        picture = av.VideoFrame.from_ndarray(rgb, format="rgb24" if codec.depth == 8 else "rgb48le").reformat(
            format=codec.pixel_format,
            dst_colorspace=codec.matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=codec.color_range,
            interpolation=ACCURATE,
        )
    # Tagged after the conversion: told of primaries and curve, it would move the pixels
    context = stream.codec_context
    picture.colorspace = context.colorspace
    picture.color_range = context.color_range
    picture.color_primaries = context.color_primaries
    picture.color_trc = context.color_trc
    return picture
