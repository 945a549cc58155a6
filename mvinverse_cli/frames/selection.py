"""Which frames of a shot are wanted: `--frames` and `--every`.

A key is what the user counts by: a position from 1 in a video or among stills, a file's own number in a sequence.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from fileseq.exceptions import FileSeqException
from fileseq.frameset import FrameSet

from ..errors import OptionError
from .frame import Shot


@dataclass(frozen=True)
class Selection:
    """The wanted keys, ascending and each once; `keys` is None for every frame of a video of unknown length."""

    keys: Sequence[int] | None
    every: int

    def index(self, key: int) -> int | None:
        """Place of `key` among the wanted frames, from 0; None where it is not wanted."""
        if self.keys is None:
            place, rest = divmod(key - 1, self.every)
            return None if rest else place
        place = bisect_left(self.keys, key)
        return place if place < len(self.keys) and self.keys[place] == key else None

    def is_past(self, key: int) -> bool:
        """Whether `key` and all after it are not wanted."""
        return self.keys is not None and key > self.keys[-1]


def select_frames(shot: Shot, *, frames: str | None, every: int, start_frame: int) -> Selection:
    """What `frames` (fileseq grammar, None for all) and `every` choose of a shot.

    Raises OptionError where the range cannot be read, chooses nothing or leaves what the shot is known to hold.
    """
    held = _keys_of(shot)
    if frames is None:
        return Selection(None if held is None else held[::every], every)
    wanted = _parse(frames)
    if held is not None:
        outside = wanted[0] < held[0] or wanted[-1] > held[-1]
        chosen = sorted(set(wanted).intersection(held))
        if outside or not chosen:
            raise OptionError(_outside(shot, frames, wanted, held, start_frame))
        wanted = chosen
    elif wanted[0] < 1:
        raise OptionError(f"--frames {frames}: the frames of {shot.paths[0].name} count from 1")
    return Selection(tuple(wanted[::every]), every)


def wanted_frames(
    shot: Shot, *, frames: str | None, every: int, start_frame: int
) -> tuple[tuple[int, str], ...] | None:
    """Number and name of each frame that `frames` and `every` choose, without decoding; None where nobody can know.

    Raises OptionError as `select_frames` does.
    """
    keys = select_frames(shot, frames=frames, every=every, start_frame=start_frame).keys
    if keys is None:
        return None
    if shot.kind == "video":
        return tuple((start_frame + key - 1, shot.name) for key in keys)
    stems = {number: path.stem for number, path in zip(shot.numbers, shot.paths, strict=True)}
    return tuple((key, stems[key]) for key in keys)


def _keys_of(shot: Shot) -> Sequence[int] | None:
    if shot.kind == "video":
        return None if shot.frame_count is None else range(1, shot.frame_count + 1)
    return shot.numbers


def _parse(frames: str) -> list[int]:
    """Ascending numbers, each once."""
    try:
        numbers = set(FrameSet(frames))
    except (FileSeqException, ValueError) as error:
        raise OptionError(f"--frames {frames!r}: not a frame range; write 1-100, 1-100x2 or 5,7,9") from error
    whole = sorted(int(number) for number in numbers if number == int(number))
    if len(whole) < len(numbers) or not whole:
        raise OptionError(f"--frames {frames!r}: chooses no whole frames; write 1-100, 1-100x2 or 5,7,9")
    return whole


def _outside(shot: Shot, frames: str, wanted: Sequence[int], held: Sequence[int], start_frame: int) -> str:
    message = f"--frames {frames}: {shot.name} holds frames {held[0]}-{held[-1]}"
    if shot.kind == "video" and wanted[0] >= start_frame:
        message += "; the frames of a video count from 1, whatever number its files start at"
    return message
