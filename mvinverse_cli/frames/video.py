"""Video files: what the container says and promises."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import SideData
from av.stream import Disposition
from av.video.stream import VideoStream

from ..errors import InputError
from .headers import check_size
from .names import shown
from .orientation import UPRIGHT, Orientation, matrix_orientation
from .video_decoder import VideoDecoder


@dataclass(frozen=True)
class VideoFacts:
    """size: upright (width, height) of the first picture. frame_count: as the container's index says, else None."""

    size: tuple[int, int]
    rate: Fraction | None
    frame_count: int | None


def probe_video(path: Path) -> VideoFacts:
    """What a video says of itself; decodes up to its first picture, so that a file with none is told early.

    Raises InputError where the file is no video or not one picture of it can be decoded.
    """
    container, stream = open_video(path)
    with container:
        decoder = VideoDecoder(container, stream)
        _, first = next(iter(decoder), (0, None))
        if first is None:
            raise InputError(f"{shown(path)}: none of its frames can be decoded ({decoder.reason}); export it again")
        size = orientation_of(first).size(first.width, first.height)
        return VideoFacts(size, stream.average_rate, _promised_frames(stream))


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Raises InputError where nothing with pictures can be opened."""
    try:
        # "file:" keeps a colon in a name from being read as a protocol; a playlist in disguise may fetch nothing
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except (FFmpegError, OSError) as error:
        raise InputError(f"{shown(path)}: not a video that can be read ({error.strerror})") from error
    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        container.close()
        raise InputError(f"{shown(path)}: no video in it, only {held}; give a file with pictures")
    stream = streams[0]
    try:
        check_size(stream.codec_context.width, stream.codec_context.height, path)
    except InputError:
        container.close()
        raise
    return container, stream


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """How the container says that its pictures are to be turned."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return matrix_orientation(struct.unpack("=9i", bytes(matrix))) if isinstance(matrix, SideData) else UPRIGHT


def _promised_frames(stream: VideoStream) -> int | None:
    """From the container's index, less what an edit list leaves out; None where there is none (mkv, fragmented mp4)."""
    if not stream.frames:
        return None
    entries = stream.index_entries
    if len(entries) != stream.frames:
        return stream.frames
    return sum(not entry.is_discard for entry in entries)
