"""Every picture that can be had from a video stream, damaged or not, with its place in the file."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from .boxes import ends_inside_a_box
from .packet_times import PacketTimes
from .timeline import Timeline

_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")
_VP8_SHOWN = 0x10  # RFC 6386, 9.1: without it a packet is a hidden reference


class VideoDecoder:
    """Every sound picture with its place in the file, from 0, in order; goes on after packets that cannot be decoded.

    Afterwards `places` is how many places there are, `cut_short` whether the file ended before the end that its header
    promises, and `reason` the first mishap ("" without one).
    """

    def __init__(self, container: InputContainer, stream: VideoStream, promised_frames: int | None = None) -> None:
        self._container, self._stream = container, stream
        self._promised_frames = promised_frames
        self._is_vp8 = stream.codec_context.name == "vp8"
        self._times = PacketTimes(container, stream)
        self._timeline = Timeline()
        self.reason = ""
        self.cut_short = False
        self._packet_count = 0
        self._end = Fraction(0)  # when the last picture is taken off the screen
        self._empty = False
        self._damaged = False
        self._timed = True

    @property
    def places(self) -> int:
        return self._timeline.next_place

    def __iter__(self) -> Iterator[tuple[int, av.VideoFrame]]:
        keep_gap = False
        for frame in self._frames():
            # Without damage, gaps are sound where they come first (pictures that need one before the cut) and in
            # interlaced streams (second fields in packets of their own).
            place = self._timeline.place(frame.pts, keep_gap=keep_gap or self._damaged)
            if frame.pts is None and place is not None:
                frame.pts = self._times.of_place(place)
            keep_gap = not frame.interlaced_frame
            if frame.is_corrupt:  # the decoder made up what it could not read
                self._note("damaged data")
            elif place is not None:
                yield place, frame
        self._timeline.finish(keep_gap=keep_gap or self._damaged)

    def _frames(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets():
            self._expect(packet)
            yield from self._decoded(packet)
        self._check_end()
        # A decoder that stumbles while it is emptied still holds pictures: ask until it says that it is empty, but not
        # for ever.
        for _ in range(self._packet_count + 1):
            if not self._empty:
                yield from self._decoded(None)

    def _packets(self) -> Iterator["av.Packet[VideoStream]"]:
        try:
            yield from (packet for packet in self._container.demux(self._stream) if packet.size)
        except FFmpegError as error:
            self._note(error.strerror)

    def _expect(self, packet: "av.Packet[VideoStream]") -> None:
        self._times.mend(packet)
        if packet.is_discard:  # left out by an edit list: the decoder drops it
            return
        self._packet_count += 1
        if self._is_vp8 and not bytes(packet)[0] & _VP8_SHOWN:
            return
        self._timed = packet.pts is not None
        self._timeline.sent(packet.pts)
        if packet.pts is not None:
            self._end = max(self._end, (packet.pts + (packet.duration or 0)) * packet.time_base)

    def _check_end(self) -> None:
        rate = self._stream.average_rate
        if self._promised_frames is not None:
            self.cut_short = self._packet_count < self._promised_frames
        elif "mp4" in self._container.format.name:
            self.cut_short = ends_inside_a_box(path_of(self._container))
        elif rate:
            end = _promised_end(self._container, self._stream)
            self.cut_short = end is not None and end - self._end > Fraction(3, 2) / rate
        if self.cut_short:
            self._note("the file is truncated")
            if rate and self._stream.time_base:
                self._timeline.assume_even(1 / (rate * self._stream.time_base))

    def _decoded(self, packet: "av.Packet[VideoStream] | None") -> list[av.VideoFrame]:
        """What comes out for one packet, or for None at the end of the stream."""
        try:
            return self._stream.codec_context.decode(packet)
        except EOFError:
            self._empty = True
        except FFmpegError as error:
            self._note(error.strerror)
            if not self._timed:  # AVI and raw streams: without times, the order of mishaps is all there is
                self._timeline.skip()
        return []

    def _note(self, mishap: str | None) -> None:
        self._damaged = True
        self.reason = self.reason or mishap or "damaged data"


def path_of(container: InputContainer) -> Path:
    """The file that was opened, as `open_video` names it to the library."""
    return Path(container.name.removeprefix("file:"))


def _promised_end(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """The time at which the header of a Matroska file says the pictures end; other files promise none."""
    if "matroska" not in container.format.name:
        return None
    tag = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))  # of this stream, as the usual muxers write it
    if tag:
        return (int(tag[1]) * 60 + int(tag[2])) * 60 + Fraction(tag[3])
    if len(container.streams) == 1 and container.duration is not None:
        return Fraction(container.duration, av.time_base)
    return None
