"""Maps as one NUT stream, for a program that reads them from a pipe: a lossless FFV1 video stream per map.

A stream's metadata names its map (`title`) and says what its numbers mean (`meaning`, `encoding`); the container's
`comment` is the provenance as JSON. H, W pixels, C channels.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from ..errors import OptionError, OutputError
from ..maps import SPECS, Array, FrameMaps, MapName
from ..options import WriteOptions
from ..sizes import show_percent
from .about import NORMAL_CONVENTIONS, About, plain_text
from .manifest import INTEGER_CODES
from .movie import ticks_per_second
from .naming import ShotOutputs
from .quantize import Depth, quantize
from .sink import PatientSink, Sink
from .writers import with_y_down

logger = logging.getLogger(__name__)

# Lossless, and read everywhere: by (colour, bits), how numpy holds a picture and how FFV1 does.
LAYOUTS: dict[tuple[bool, Depth], tuple[str, str]] = {
    (True, 8): ("rgb24", "bgr0"),
    (True, 16): ("gbrp16le", "gbrp16le"),
    (False, 8): ("gray", "gray"),
    (False, 16): ("gray16le", "gray16le"),
}


@contextmanager
def stream_errors() -> Iterator[None]:
    """Turns what goes wrong with the stream of the block into an OutputError."""
    try:
        yield
    except OSError as error:  # a reader that has gone, a full disk behind it
        raise OutputError(f"stdout cannot be written: {error.strerror or error}") from error
    except av.FFmpegError as error:
        raise OutputError(f"stdout: the encoder failed: {error}") from error


@contextmanager
def open_stream(
    shot: ShotOutputs, about: About, sink: Sink, on_done: Callable[[int], None] = lambda number: None
) -> Iterator["StreamWriter"]:
    """The stream of one shot, for the block: ended properly when that ends well, broken off when it does not.

    on_done: told the number of each frame that is on its way.
    """
    writer = StreamWriter(shot, about, sink, on_done)
    try:
        yield writer
        writer.finish()
    except Exception:
        raise
    except BaseException:  # a signal: whoever reads may be slow, or may never read again
        writer.give_up()
        raise
    finally:
        writer.close()


class StreamWriter:
    """Takes the frames of one shot, in order: `open_stream` makes and ends it."""

    def __init__(self, shot: ShotOutputs, about: About, sink: Sink, on_done: Callable[[int], None]) -> None:
        self._shot, self._on_done = shot, on_done
        self._depth: Depth = stream_depth(shot)
        rate = shot.movie_rate
        self._rate = rate
        self._frame_ticks = round(shot.every * ticks_per_second(rate) / rate)
        self._tick = Fraction(1, ticks_per_second(rate))
        self._start: Fraction | None = None  # time of the first frame in the source
        self._last = -self._frame_ticks  # ticks at which the last frame is shown
        self._size: tuple[int, int] | None = None  # (height, width), of the first frame and so of all
        self._streams: dict[MapName, VideoStream] = {}
        self._clipped: dict[MapName, float] = {}  # the largest share of each map in a frame
        self._sink = PatientSink(sink)
        with stream_errors():
            self._container: OutputContainer = av.open(self._sink, "w", format="nut")
            self._container.metadata["title"] = plain_text(shot.stem)
            self._container.metadata["comment"] = json.dumps(about.attributes(), ensure_ascii=False)

    def write(self, frame: FrameMaps) -> None:
        """Encodes one frame of every map. Raises OutputError where the reader has gone, and for another size."""
        place = f"{self._shot.stem}: frame {frame.name if self._shot.stills else frame.number}"
        height, width = frame.maps[self._shot.maps[0]].shape[:2]
        if self._size is None:
            self._size = (height, width)
            for name in self._shot.maps:
                self._streams[name] = self._add_stream(name)
        if (height, width) != self._size:
            raise OutputError(
                f"{place} has {width} x {height} pixels and the stream {self._size[1]} x {self._size[0]}; write to a "
                "folder instead"
            )
        ticks = self._ticks(self._shot.time_of(frame))
        maps = with_y_down(frame.maps) if self._shot.options.normals == "directx" else frame.maps
        for name, stream in self._streams.items():
            codes, clipped = quantize(maps[name], SPECS[name], self._depth, place)
            self._clipped[name] = max(self._clipped.get(name, 0), clipped)
            picture = self._picture(codes, stream)
            picture.pts, picture.time_base = ticks, self._tick
            self._mux(stream, picture)
        self._last = ticks
        self._on_done(frame.number)

    def finish(self) -> None:
        """Empties the encoders and ends the stream."""
        for stream in self._streams.values():
            self._mux(stream, None)
        with stream_errors():
            self._container.close()
            self._sink.check()
        for name, share in self._clipped.items():
            if share:
                logger.warning(
                    "up to %s of a frame's %s map is outside its range and was clipped", show_percent(share), name
                )

    def _mux(self, stream: VideoStream, picture: av.VideoFrame | None) -> None:
        """Encodes a picture, or what the encoder has kept back, and writes what comes of it."""
        with stream_errors():
            for packet in stream.encode(picture):
                packet.duration = self._frame_ticks
                self._container.mux(packet)
            self._sink.check()

    def give_up(self) -> None:
        """Nothing more is written: to be asked for before `close` where there is no time to wait for the reader."""
        self._sink.give_up()

    def close(self) -> None:
        """Gives back what is held; the reader sees what was written so far."""
        with suppress(av.FFmpegError):  # the end of a stream that is broken anyway
            self._container.close()

    def _add_stream(self, name: MapName) -> VideoStream:
        spec, size = SPECS[name], self._size or (0, 0)
        stream = self._container.add_stream("ffv1", rate=self._rate)
        stream.height, stream.width = size
        stream.pix_fmt = LAYOUTS[spec.channels == 3, self._depth][1]
        stream.time_base = stream.codec_context.time_base = self._tick
        meaning = NORMAL_CONVENTIONS[self._shot.options.normals] if spec.kind == "vector" else spec.meaning
        stream.metadata.update({"title": name, "meaning": meaning, "encoding": INTEGER_CODES[spec.kind]})
        return stream

    def _picture(self, codes: Array, stream: VideoStream) -> av.VideoFrame:
        """(H, W, C) uint8 or uint16 as the encoder takes it; nothing is rounded."""
        held, coded = LAYOUTS[codes.shape[-1] == 3, self._depth]
        pixels = np.ascontiguousarray(codes if codes.shape[-1] == 3 else codes[..., 0])
        picture = av.VideoFrame.from_ndarray(pixels, format=held)
        return picture if held == coded else picture.reformat(format=coded)

    def _ticks(self, time: Fraction) -> int:
        """When to show a frame, in ticks since the first: always after the one before."""
        if self._start is None:
            self._start = time
        return max(round((time - self._start) / self._tick), self._last + 1, 0)


def stream_depth(shot: ShotOutputs) -> Depth:
    """Bits of a sample in the stream: as PNG has them."""
    return 8 if shot.options.bits_of("png") == "8" else 16


def check_stream(options: WriteOptions, sizes: Sequence[Sequence[tuple[int, int]]]) -> None:
    """Raises OptionError for what one stream of maps cannot be: a format of files, several shots, several sizes.

    So it does for flags that hold for files alone.

    sizes: those of each shot.
    """
    if options.sheet:
        raise OptionError("--output -: one stream holds maps alone; leave --sheet away, or write to a folder")
    if [*options.format] != ["png"]:
        raise OptionError("--output -: maps go to stdout as nut, 8 bits deep or with --bits 16; leave --format away")
    for flag, value, default in (
        ("--on-exists", options.on_exists, WriteOptions.on_exists),
        ("--writers", options.writers, WriteOptions.writers),
    ):
        if value != default:
            raise OptionError(f"--output -: no file is written; leave {flag} {value} away, or write to a folder")
    if len(sizes) > 1:
        raise OptionError(f"--output -: one stream holds one shot, and {len(sizes)} were given; run them apart")
    if len(sizes[0]) > 1:
        raise OptionError("--output -: one stream holds pictures of one size; write these to a folder")
