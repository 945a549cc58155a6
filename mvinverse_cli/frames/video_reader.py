"""The frames of a video: wanted pictures with number and time, and an account of those that could not be had."""

import logging
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av

from ..errors import InputError, OptionError
from ..maps import Array
from ..sizes import show_count
from ..timecode import Timecodes
from .frame import Fault, Frame, Shot
from .names import shown
from .orientation import Orientation
from .reader import FrameReader
from .selection import Choice
from .video import open_video, orientation_of, timecode_tag
from .video_color import RgbConverter, log_coding, tagged_light
from .video_decoder import VideoDecoder

log = logging.getLogger(__name__)

_SILENT = "no picture came out of the decoder"


class VideoReader(FrameReader):
    """Decodes from the start up to the last wanted frame, and on to the end where the user asks for the shot's last.

    Only there it comes to light whether the file breaks off. Only wanted frames are brought to RGB.
    """

    def __init__(self, shot: Shot, choice: Choice, positions: Sequence[int], quiet: bool) -> None:
        super().__init__(len(positions))
        self._shot, self._choice, self._quiet = shot, choice, quiet
        self._wanted = {choice.grid.place(position): position for position in positions}  # ascending
        end = choice.count - 1
        self._to_end = choice.wanted[-1] == end and end in positions
        self._path = shot.called(shot.paths[0])
        self._container, self._stream = open_video(shot.paths[0])
        self._orientation: Orientation | None = None  # once a picture has been seen
        self._timed = 0, Fraction(0)  # place and time of the last picture that has one
        self._timecodes = Timecodes.parse(timecode_tag(self._container, self._stream), shot.rate)

    def close(self) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        if not self._wanted:
            return
        last = max(self._wanted)
        decoder = VideoDecoder(self._container, self._stream, self._shot.frame_count)
        converter = RgbConverter()
        after = 0  # the place behind the last sound picture
        yielded = 0
        for place, picture in decoder:
            if after == 0 and not self._quiet:
                log_coding(picture, self._shot.name)
            self._lose(range(after, place), decoder.reason or _SILENT)
            after = place + 1
            time = self._time(picture, place)
            if place in self._wanted:
                yield self._frame(picture, place, time, converter.convert(picture))
                yielded += 1
            if after > last and not self._to_end:
                return
        self._lose(range(after, decoder.places), decoder.reason or _SILENT)
        self._check_end(decoder)
        if not yielded:
            self._fail(decoder)

    def _time(self, picture: av.VideoFrame, place: int) -> Fraction | None:
        """Seconds; of pictures without times, as of raw streams and AVI, by the rate from the last one that has one."""
        if picture.pts is not None and self._stream.time_base is not None:
            self._timed = place, picture.pts * self._stream.time_base
            return self._timed[1]
        return self._timed[1] + (place - self._timed[0]) / self._shot.rate if self._shot.rate else None

    def _frame(self, picture: av.VideoFrame, place: int, time: Fraction | None, stored: Array) -> Frame:
        self._orientation = self._orientation or orientation_of(picture)
        tagged = tagged_light(picture)
        pixels = self._orientation.apply(stored)
        position = self._wanted[place]
        timecode = self._timecodes.at(place) if self._timecodes else None
        number, name = self._choice.number(position), self._shot.name
        if tagged is not None:
            return Frame(tagged.to_rec709(pixels), "linear", position, number, time, name, self._path, timecode)
        return Frame(pixels, "srgb", position, number, time, name, self._path, timecode)

    def _lose(self, places: range, reason: str) -> None:
        for place in places:
            if place in self._wanted:
                self.faults.append(Fault(self._choice.number(self._wanted[place]), self._path, reason))

    def _check_end(self, decoder: VideoDecoder) -> None:
        """Accounts for what was promised, or counted beforehand, and did not come."""
        places, promised, last = decoder.places, self._shot.frame_count, max(self._wanted)
        self.truncated = decoder.cut_short
        lost_before = len(self.faults)
        if promised is not None and decoder.reason:  # sound streams may promise their fields, or what leads a cut
            ends = f"the file ends after {places} of {show_count(promised, 'frame')}"
            self._lose(range(places, promised), ends if decoder.cut_short else decoder.reason)
        elif promised is not None and last >= places and not self._quiet:
            log.info("%s: %d of the %d frames that its index counts are shown", self._shot.name, places, promised)
        elif promised is None:  # the file may no longer be the one that was counted
            self._lose(range(places, last + 1), f"the video ends at its frame {places}")
        if decoder.cut_short and len(self.faults) == lost_before:
            self.faults.append(Fault(None, self._path, f"the file ends at its frame {places}, before its promised end"))

    def _fail(self, decoder: VideoDecoder) -> None:
        """Nothing was yielded: raises what the user can do about it."""
        if 0 < decoder.places <= min(self._wanted) and not decoder.cut_short:
            raise OptionError(f"--frames: {self._shot.name} holds frames 1-{decoder.places}, none of those asked for")
        reason = self.faults[0].reason if self.faults else decoder.reason
        raise InputError(f"{shown(self._path)}: not one of its frames can be read ({reason}); export it again")
