"""One map's movie: H.264 in MP4, 8-bit 4:2:0, tagged BT.709. H, W pixels, C channels.

A movie is for looking at: measure data and normals in the other formats.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream

from ..errors import OutputError
from ..formats import OnExists
from ..maps import Array, MapSpec
from .about import plain_text
from .quantize import quantize
from .whole import WholeFile, write_errors

logger = logging.getLogger(__name__)

# Ticks per second: a grid on which the clocks of common sources lie (1/1000, 1/90000, 1/15360, 1001/24000, ...).
TICKS = 5_760_000
LONGEST_FRAME = 2**31 - 1  # in ticks: FFmpeg's MP4 muxer refuses a longer one
X264 = {
    "preset": "veryfast",
    "crf": "12",  # no loss that the eye sees
    "mbtree": "0",  # with it, on AVX-512, one encode in a thousand comes out otherwise (PyAV 18 and 19)
    "bf": "0",  # without B-frames packets lie in display order, and MP4 keeps the duration of each
}
X264_THREADS = 4  # fixed: the bytes depend on it
# Flat colours come back within 1/255; within 2/255 without these flags
ACCURATE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


def ticks_per_second(rate: Fraction) -> int:
    """The time scale of a movie: frames of constant `rate` fall on it exactly, all others within 0.2 us."""
    step = rate.numerator
    return TICKS if TICKS % step == 0 else step * max(1, TICKS // step)


class MovieWriter:
    """Encodes frames into the movie `path`, which appears at `finish` and never after `abandon`.

    rate: frames per second, of the source where it is a video; attributes: texts for the movie's comment.
    """

    def __init__(
        self,
        path: Path,
        spec: MapSpec,
        size: tuple[int, int],
        rate: Fraction,
        attributes: Mapping[str, str],
        on_exists: OnExists,
    ) -> None:
        """size: (height, width) of every frame; an odd side grows by one pixel, since 4:2:0 has even sides only."""
        self.path = path
        self.spec = spec
        self.height, self.width = size
        self._frame_ticks = round(ticks_per_second(rate) / rate)
        self._tick = Fraction(1, ticks_per_second(rate))
        self._start: Fraction | None = None  # time of the first frame in the source
        self._last = -self._frame_ticks  # ticks at which the last frame is shown
        with self._errors():
            self._whole = WholeFile(path, on_exists)
            try:
                self._container: OutputContainer = av.open(self._whole.file, "w", format="mp4")
                self._container.metadata["title"] = plain_text(path.stem)
                self._container.metadata["comment"] = json.dumps(attributes, ensure_ascii=False)
                self._stream = self._add_stream(rate)
            except BaseException:
                self._whole.discard()
                raise
        if self.height % 2 or self.width % 2:
            logger.warning(
                "%s: %d x %d pixels have an odd side, which H.264 4:2:0 cannot hold; its edge is repeated once",
                path,
                self.width,
                self.height,
            )

    def encode(self, values: Array, time: Fraction | None, place: str) -> float:
        """Adds a frame, (H, W, C) float32 as in memory; returns the share of its values that were clipped.

        time: presentation time in the source, in seconds; the first frame's becomes 0. None: frames follow each other
        at the movie's rate. `place` names the frame in errors.
        """
        codes, clipped = quantize(values, self.spec, 8, place)
        height, width = codes.shape[:2]
        if (height, width) != (self.height, self.width):
            raise OutputError(
                f"{self.path}: {place} has {width} x {height} pixels and the movie {self.width} x {self.height}; "
                "choose --format png, exr or tiff for pictures of several sizes"
            )
        picture = self._picture(codes)
        picture.pts = self._ticks(time, place)
        picture.time_base = self._tick
        picture.duration = self._frame_ticks
        with self._errors():
            self._container.mux(self._stream.encode(picture))
        self._last = picture.pts
        return clipped

    def finish(self) -> None:
        """Flushes the encoder and gives the movie its name."""
        with self._errors():
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._whole.commit()

    def abandon(self) -> None:
        """Removes an unfinished movie; a finished one stays."""
        with suppress(OSError, av.FFmpegError):  # the trailer of a file that goes anyway
            self._container.close()
        with self._errors():
            self._whole.discard()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with write_errors(self.path):
            try:
                yield
            except (av.FFmpegError, UnknownCodecError) as error:
                if isinstance(error, OSError):
                    raise
                raise OutputError(f"{self.path}: the H.264 encoder failed: {error}; choose another --format") from error

    def _add_stream(self, rate: Fraction) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=rate, options=X264)
        stream.width = self.width + self.width % 2
        stream.height = self.height + self.height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = self._tick
        context = stream.codec_context
        context.time_base = self._tick
        context.thread_count = X264_THREADS
        context.colorspace = Colorspace.ITU709
        context.color_range = ColorRange.MPEG
        context.color_primaries = ColorPrimaries.BT709
        # Data has no curve; a player that is told none shows the codes as they are
        context.color_trc = ColorTrc.IEC61966_2_1 if self.spec.kind == "color" else ColorTrc.UNSPECIFIED
        return stream

    def _picture(self, codes: Array) -> av.VideoFrame:
        """(H, W, C) uint8 -> a yuv420p picture of even sides. Gray goes as RGB: its own conversion is off by 3/255."""
        rgb = np.pad(codes, ((0, self.height % 2), (0, self.width % 2), (0, 3 - codes.shape[-1])), mode="edge")
        picture = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=ACCURATE,
        )
        # Tagged after the conversion: told of primaries and curve, it would move the pixels
        context = self._stream.codec_context
        picture.colorspace = context.colorspace
        picture.color_range = context.color_range
        picture.color_primaries = context.color_primaries
        picture.color_trc = context.color_trc
        return picture

    def _ticks(self, time: Fraction | None, place: str) -> int:
        """When to show a frame, in ticks since the first: always after the one before."""
        if time is None:
            return self._last + self._frame_ticks
        if self._start is None:
            self._start = time
        ticks = max(round((time - self._start) / self._tick), self._last + 1, 0)
        if ticks - self._last > LONGEST_FRAME:
            raise OutputError(
                f"{self.path}: {place} comes {float((ticks - self._last) * self._tick):.0f} s after the frame before, "
                f"MP4 holds {float(LONGEST_FRAME * self._tick):.0f} s; choose --format png, exr or tiff"
            )
        return ticks
