"""Video files: what the container says and promises."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from ..errors import InputError
from .boxes import is_fragmented, is_whole_riff
from .headers import check_size, likely_aspect
from .names import shown
from .orientation import UPRIGHT, Orientation, matrix_orientation
from .tagged_light import TaggedLight
from .video_color import tagged_light
from .video_decoder import VideoDecoder, path_of

# PyAV 18 refuses titles that are not UTF-8 unless it is told; 19 takes them, and no longer the argument.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if av.__version__.startswith("18.") else {}


@dataclass(frozen=True)
class VideoFacts:
    """size: upright (width, height) of the first picture, whose pixels are `pixel_aspect` times as wide as high, and
    whose colours are `tagged` where they are none of sRGB. frame_count: as the container's index says, else None."""

    size: tuple[int, int]
    rate: Fraction | None
    frame_count: int | None
    pixel_aspect: float
    tagged: TaggedLight | None


def probe_video(path: Path) -> VideoFacts:
    """What a video says of itself; decodes up to its first picture, so that a file with none is told early.

    Raises InputError where the file is no video or not one picture of it can be decoded.
    """
    container, stream = open_video(path)
    with container:
        decoder = VideoDecoder(container, stream)
        _, first = next(iter(decoder), (0, None))
        if first is None:
            why = decoder.reason or "it holds none"
            raise InputError(f"{shown(path)}: none of its frames can be decoded ({why}); export it again")
        orientation = orientation_of(first)
        size = orientation.size(first.width, first.height)
        aspect = likely_aspect(float(stream.sample_aspect_ratio or 0))
        upright = 1 / aspect if orientation.transposed else aspect
        # PyAV 19 has a rational number of its own, which only arithmetic turns into a Fraction
        rate = None if stream.average_rate is None else Fraction(stream.average_rate)
        return VideoFacts(size, rate, _promised_frames(container, stream), upright, tagged_light(first))


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Raises InputError where nothing with pictures can be opened."""
    try:
        # "file:" keeps a colon in a name from being read as a protocol; a playlist in disguise may fetch nothing
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, **_LENIENT)
    except (FFmpegError, OSError) as error:
        advice = "check the rights" if isinstance(error, PermissionError) else "copy or export it again"
        raise InputError(f"{shown(path)}: not a video that can be read ({error.strerror}); {advice}") from error
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        container.close()
        raise InputError(f"{shown(path)}: no video in it, only {held}; give a file with pictures")
    try:
        _open_decoder(streams[0], path)
    except InputError:
        container.close()
        raise
    return container, streams[0]


def _open_decoder(stream: VideoStream, path: Path) -> None:
    # None where no decoder is known, whatever PyAV's types say
    codec: VideoCodecContext | None = stream.codec_context
    if codec is None:
        raise InputError(f"{shown(path)}: no decoder for its pictures; convert it to H.264 or ProRes")
    check_size(codec.width, codec.height, path)
    stream.thread_type = "AUTO"
    try:
        codec.open()
    except FFmpegError as error:
        raise InputError(
            f"{shown(path)}: its pictures cannot be decoded ({error.strerror}); export it again"
        ) from error


def timecode_tag(container: InputContainer, stream: VideoStream) -> str:
    """The first picture's timecode as the file gives it, with the stream or the whole; empty where there is none."""
    tags = {**container.metadata, **stream.metadata}
    return next((str(text) for name, text in tags.items() if str(name).lower() == "timecode"), "")


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """How the container says that its pictures are to be turned; the same for all of a stream.

    To be asked of one: what PyAV hands out of a picture holds the picture, and is held by it, until Python looks for
    such circles, and meanwhile a 4K clip fills memory.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return matrix_orientation(struct.unpack("=9i", bytes(matrix))) if isinstance(matrix, SideData) else UPRIGHT


def _promised_frames(container: InputContainer, stream: VideoStream) -> int | None:
    """From the container's index, less what an edit list leaves out; None where there is none (mkv, fragmented mp4)."""
    if not 0 < stream.frames <= container.size:  # more frames than bytes: a header that is not to be believed
        return None
    if "mp4" in container.format.name and is_fragmented(path_of(container)):  # its index is of the first fragment
        return None
    entries = stream.index_entries
    if container.format.name == "avi" and 0 < len(entries) < stream.frames:
        # fewer where frames were dropped, which are empty chunks, or where the index at the end of the file is gone
        return len(entries) if is_whole_riff(path_of(container)) else stream.frames
    if len(entries) != stream.frames:
        return stream.frames
    return sum(not entry.is_discard for entry in entries)
