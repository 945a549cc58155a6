"""Presentation times of the packets of a video, where the container tells none that hold."""

from collections import deque

import av
from av.container import InputContainer
from av.video.stream import VideoStream

_REORDERING = ("h264", "hevc")  # the order of whose pictures only their decoder knows
_LEAP = 16  # lengths of a picture: a step this wide is a hole, or a time that is damaged


class PacketTimes:
    """Mends what a demuxer says of the packets of one stream, handed over in decoding order."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._format = container.format.name
        self._has_order_of_its_own = stream.codec_context.name in _REORDERING
        self._reorders = stream.codec_context.has_b_frames
        self._made_up: bool | None = None  # not known before the first packet
        self._slots: deque[int | None] = deque()  # where times are made up: those of the packets from `_place` on
        self._place = 0
        self._offset = 0
        self._last: int | None = None  # decoding time of the packet before
        self._next = 0  # that of the one to come, where all goes on evenly
        self._end = 0  # of all pictures so far, by their presentation
        self._before_leap: int | None = None  # decoding time before the last packet, where that came much later

    def mend(self, packet: "av.Packet[VideoStream]") -> None:
        """Takes away times that are made up, and lets those that begin again go on."""
        if self._made_up is None:
            self._made_up = self._has_order_of_its_own and self._are_in_decoding_order(packet)
        if self._made_up:
            self._slots.append(packet.dts)
            packet.pts = None
        elif "mpeg" in self._format:
            self._go_on(packet)

    def of_place(self, place: int) -> int | None:
        """The time of the picture at `place`, asked for in ascending order, where its packets have lost theirs."""
        while self._slots and self._place < place:
            self._slots.popleft()
            self._place += 1
        return self._slots[0] if self._slots else None

    def _are_in_decoding_order(self, first: "av.Packet[VideoStream]") -> bool:
        """Whether the container has one time a picture, which FFmpeg hands out as that of its presentation: AVI always,
        MXF without offsets in its index, where the first picture of a reordered stream is to be shown as it is decoded.
        """
        return "avi" in self._format or ("mxf" in self._format and self._reorders and first.pts == first.dts)

    def _go_on(self, packet: "av.Packet[VideoStream]") -> None:
        """MPEG streams may be joined as they are (`cat`): the times of the second begin again."""
        length = packet.duration or max(1, self._next - (self._last or 0))
        if packet.dts is None:  # as of all but the first picture of a group, in some program streams
            self._last, self._next = self._next, self._next + length
        else:
            self._step(packet.dts, packet.pts, length)
            packet.dts += self._offset
            self._last, self._next = packet.dts, packet.dts + length
        if packet.pts is not None:
            packet.pts += self._offset
            self._end = max(self._end, packet.pts + length)

    def _step(self, dts: int, pts: int | None, length: int) -> None:
        """Finds the offset from which on times go on: another one, where they go back."""
        now, last, before = dts + self._offset, self._last, self._before_leap
        self._before_leap = None
        if last is None:
            return
        if now > last:
            self._before_leap = last if now - last > _LEAP * length else None
        elif before is None or not before < now <= before + _LEAP * length:  # else the time before was damaged
            shown = 0 if pts is None else self._end - (pts + self._offset)
            self._offset += max(self._next - now, shown)
