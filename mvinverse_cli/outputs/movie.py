"""One movie at work: its frames in time, and a file that appears whole or not at all. H, W pixels, C channels."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.video.stream import VideoStream

from ..errors import OutputError
from ..formats import OnExists
from ..maps import Array
from ..timecode import Timecode
from .about import plain_text
from .codecs import Codec, picture_of, set_up
from .sink import PatientFile
from .whole import WholeFile, write_errors

logger = logging.getLogger(__name__)

# Ticks per second: a grid on which the clocks of common sources lie (1/1000, 1/90000, 1/15360, 1001/24000, ...).
TICKS = 5_760_000
OTHER_FORMATS = "choose --format png, exr or tiff for pictures of several sizes"


def ticks_per_second(rate: Fraction) -> int:
    """The time scale of a movie: frames of a constant `rate` of less digits than a mean one (that of a phone, over
    minutes) fall on it exactly, all others within 0.2 us."""
    step = rate.numerator
    return TICKS if TICKS % step == 0 or step > TICKS else step * (TICKS // step)


class MovieWriter:
    """Encodes frames into the movie `path`, which appears at `finish` and never after `abandon`.

    rate: frames per second, of the source where it is a video; every: frames of the source from one of the movie's to
    the next; attributes: texts for the movie's comment.
    """

    def __init__(
        self,
        path: Path,
        codec: Codec,
        size: tuple[int, int],
        rate: Fraction,
        attributes: Mapping[str, str],
        on_exists: OnExists,
        *,
        is_color: bool,
        every: int = 1,
        timecode: Timecode | None = None,
        pixel_aspect: float = 1.0,
        remedy: str = OTHER_FORMATS,
    ) -> None:
        """size: (height, width) of every frame; an odd side grows by one pixel where the codec has even sides only.

        is_color: the codes are sRGB-encoded, and tagged so. timecode: that of the first frame, where it has one.
        pixel_aspect: width of a pixel over its height. remedy: for frames of several sizes.
        """
        self.remedy = remedy
        self.path = path
        self.codec = codec
        self.is_color = is_color
        self.height, self.width = size
        self._pixel_aspect = pixel_aspect
        self._tick = codec.tick or Fraction(1, ticks_per_second(rate))
        self._frame_ticks = round(every / rate / self._tick)
        self._start: Fraction | None = None  # time of the first frame in the source
        self._last = -self._frame_ticks  # ticks at which the last frame is shown
        with self._errors():
            self._whole = WholeFile(path, on_exists)
            self._sink = PatientFile(self._whole.file)
            try:
                self._container: OutputContainer = av.open(
                    self._sink,
                    "w",
                    format=codec.container,
                    options={"fflags": "+bitexact"},  # else Matroska draws lots for its identifiers
                )
                self._container.metadata["title"] = plain_text(path.stem)
                self._container.metadata["comment"] = json.dumps(attributes, ensure_ascii=False)
                if timecode is not None:  # of this MOV and MP4 make a track, Matroska a tag
                    self._container.metadata["timecode"] = timecode.tag(rate)
                self._stream = self._add_stream(rate)
            except BaseException:
                self._whole.discard()
                raise
        if (self._stream.height, self._stream.width) != size:
            logger.warning(
                "%s: %d x %d pixels have an odd side, which %s 4:2:0 cannot hold; its edge is repeated once",
                path,
                self.width,
                self.height,
                codec.name,
            )

    def encode(self, codes: Array, time: Fraction, place: str) -> None:
        """Adds a frame, (H, W, C) uint8 or uint16 of the codec's depth.

        time: presentation time in seconds, from anywhere on: the first frame becomes 0. place: names the frame in
        errors.
        """
        height, width = codes.shape[:2]
        if (height, width) != (self.height, self.width):
            raise OutputError(
                f"{self.path}: {place} has {width} x {height} pixels and the movie {self.width} x {self.height}; "
                f"{self.remedy}"
            )
        picture = picture_of(codes, self.codec, self._stream)
        picture.pts = self._ticks(time, place)
        picture.time_base = self._tick
        self._mux(picture)
        self._last = picture.pts

    def close(self) -> None:
        """Flushes the encoder, which may have kept back all there is, and ends the file, which has no name yet."""
        self._mux(None)
        with self._errors():
            self._container.close()
            self._sink.check()

    def commit(self) -> None:
        """Gives a closed movie its name."""
        with self._errors():
            self._whole.commit()

    def _mux(self, picture: av.VideoFrame | None) -> None:
        """Encodes a picture, or what the encoder has kept back, and writes what comes of it."""
        with self._errors():
            for packet in self._stream.encode(picture):
                packet.duration = self._frame_ticks  # encoders leave the last one's to the rate of the source
                self._container.mux(packet)
            self._sink.check()

    def abandon(self) -> None:
        """Removes an unfinished movie; a finished one stays."""
        with suppress(av.FFmpegError):  # the trailer of a file that goes anyway
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
                raise OutputError(
                    f"{self.path}: the {self.codec.name} encoder failed: {error}; choose another --format"
                ) from error

    def _add_stream(self, rate: Fraction) -> VideoStream:
        options = dict(self.codec.options)
        stream = cast(VideoStream, self._container.add_stream(self.codec.encoder, rate=rate, options=options))
        size = (self.height, self.width)
        set_up(stream, self.codec, size, is_color=self.is_color, pixel_aspect=self._pixel_aspect)
        stream.time_base = self._tick
        stream.codec_context.time_base = self._tick
        return stream

    def _ticks(self, time: Fraction, place: str) -> int:
        """When to show a frame, in ticks since the first: always after the one before."""
        if self._start is None:
            self._start = time
        ticks = max(round((time - self._start) / self._tick), self._last + 1, 0)
        longest = self.codec.longest_ticks
        if longest is not None and ticks - self._last > longest:
            raise OutputError(
                f"{self.path}: {place} comes {float((ticks - self._last) * self._tick):.0f} s after the frame before, "
                f"{self.codec.container.upper()} holds {float(longest * self._tick):.0f} s; "
                "choose --format png, exr or tiff"
            )
        return ticks
