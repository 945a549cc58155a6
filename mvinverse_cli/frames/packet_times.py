"""Presentation times of the packets of a video, where the container tells none that hold."""

import av
from av.container import InputContainer
from av.video.stream import VideoStream

_REORDERING = ("h264", "hevc")  # the order of whose pictures only their decoder knows


class PacketTimes:
    """Mends what a demuxer says of the packets of one stream, handed over in decoding order."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._format = container.format.name
        self._may_reorder = stream.codec_context.name in _REORDERING and stream.codec_context.has_b_frames
        self._made_up: bool | None = None  # not known before the first packet
        self._offset = 0
        self._last: tuple[int, int] | None = None  # decoding time and length of the packet before

    def mend(self, packet: "av.Packet[VideoStream]") -> None:
        """Takes away times that are made up, and lets those that begin again go on."""
        if self._made_up is None:
            self._made_up = self._may_reorder and self._are_in_decoding_order(packet)
        if self._made_up:
            packet.pts = None
        elif "mpeg" in self._format:
            self._go_on(packet)

    def _are_in_decoding_order(self, first: "av.Packet[VideoStream]") -> bool:
        """Whether the container has one time a picture, which FFmpeg hands out as that of its presentation: AVI always,
        MXF without offsets in its index, where the first picture of a reordered stream is to be shown as it is decoded.
        """
        return "avi" in self._format or ("mxf" in self._format and first.pts == first.dts)

    def _go_on(self, packet: "av.Packet[VideoStream]") -> None:
        """MPEG streams may be joined as they are (`cat`): the times of the second begin again."""
        if packet.dts is None:  # as of all but the first picture of a group, in some program streams
            self._last = None if self._last is None else (sum(self._last), packet.duration or self._last[1])
            return
        if self._last is not None and packet.dts + self._offset <= self._last[0]:
            self._offset = sum(self._last) - packet.dts
        packet.dts += self._offset
        if packet.pts is not None:
            packet.pts += self._offset
        self._last = packet.dts, packet.duration or 1
