"""The frames of a video: wanted pictures with number and time, and an account of those that could not be had."""

from collections.abc import Iterator
from fractions import Fraction

import av

from ..errors import InputError, OptionError
from ..maps import Array
from .frame import Fault, Frame, Shot
from .names import shown
from .reader import FrameReader
from .selection import Selection
from .video import open_video, orientation_of
from .video_color import RgbConverter, log_coding
from .video_decoder import VideoDecoder

_SILENT = "no picture came out of the decoder"


class VideoReader(FrameReader):
    """Decodes from the start, up to the last wanted frame; only wanted frames are brought to RGB."""

    def __init__(self, shot: Shot, selection: Selection, *, start_frame: int) -> None:
        keys = selection.keys
        super().__init__(None if keys is None or shot.frame_count is None else len(keys))
        self._shot, self._selection, self._start_frame = shot, selection, start_frame
        self._path = shot.paths[0]
        self._container, self._stream = open_video(self._path)

    def close(self) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[Frame]:
        decoder = VideoDecoder(self._container, self._stream, self._shot.frame_count)
        converter = RgbConverter()
        after = 1  # the place behind the last sound picture
        yielded = 0
        for place, picture in decoder:
            if after == 1:
                log_coding(picture, self._shot.name)
            self._lose(range(after, place), decoder.reason or _SILENT)
            after = place + 1
            index = self._selection.index(place)
            if index is not None:
                yield self._frame(picture, place, index, converter.convert(picture))
                yielded += 1
            if self._selection.is_past(after):
                return
        self._lose(range(after, decoder.places + 1), decoder.reason or _SILENT)
        self._check_end(decoder)
        if not yielded:
            self._fail(decoder)

    def _frame(self, picture: av.VideoFrame, place: int, index: int, stored: Array) -> Frame:
        pixels = orientation_of(picture).apply(stored)
        number = self._start_frame + place - 1
        if picture.pts is not None and self._stream.time_base is not None:
            time: Fraction | None = picture.pts * self._stream.time_base
        else:  # raw streams and AVI carry no times
            time = (place - 1) / self._shot.rate if self._shot.rate else None
        return Frame(pixels, "srgb", index, number, time, self._shot.name, self._path)

    def _lose(self, places: range, reason: str) -> None:
        for place in places:
            if self._selection.index(place) is not None:
                self.faults.append(Fault(self._start_frame + place - 1, self._path, reason))

    def _check_end(self, decoder: VideoDecoder) -> None:
        """Accounts for what was promised and did not come, or was asked for where nothing was promised."""
        places, promised = decoder.places, self._shot.frame_count
        self.truncated = decoder.cut_short
        if promised is not None and decoder.reason:  # a sound interlaced stream may promise its fields
            ends = f"the file ends after {places} of {promised} frames"
            self._lose(range(places + 1, promised + 1), ends if decoder.cut_short else decoder.reason)
        elif promised is None and self._selection.keys is not None:
            self._lose(range(places + 1, self._selection.keys[-1] + 1), f"the video ends at its frame {places}")
        elif decoder.cut_short:
            self.faults.append(Fault(None, self._path, f"the file ends at its frame {places}, before its promised end"))

    def _fail(self, decoder: VideoDecoder) -> None:
        """Nothing was yielded: raises what the user can do about it."""
        keys, places = self._selection.keys, decoder.places
        if places and keys is not None and keys[0] > places and not decoder.cut_short:
            hint = "; the frames of a video count from 1" if keys[0] >= self._start_frame else ""
            raise OptionError(f"--frames: {self._shot.name} holds frames 1-{places}, none of those asked for{hint}")
        reason = self.faults[0].reason if self.faults else decoder.reason
        raise InputError(f"{shown(self._path)}: not one of its frames can be read ({reason}); export it again")
