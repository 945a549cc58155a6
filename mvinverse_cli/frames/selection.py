"""Which frames of a shot are wanted: `--frames`, `--every` and `--cuts`.

A key is what the user counts by: from 1 in a video or among stills, a file's own number in a sequence. A place is where
a frame stands in the shot, from 0. Positions count the places on the grid of `--every`, from 0, over the whole shot,
whatever frames of it are asked for.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from fileseq.exceptions import FileSeqException, MaxSizeException
from fileseq.frameset import FrameSet

from ..errors import OptionError
from .frame import Shot
from .names import missing_ranges


@dataclass(frozen=True)
class Grid:
    """The places of a shot that are positions: every `every`-th from `phase` on."""

    every: int
    phase: int  # less than every

    def __contains__(self, place: int) -> bool:
        """Whether the frame at `place` of the shot is at a position."""
        return place % self.every == self.phase

    def place(self, position: int) -> int:
        """Where the frame stands in the shot, from 0."""
        return self.phase + position * self.every

    def position(self, place: int) -> int:
        """The position of a place, or where it lies between two the later one; 0 or less up to the first."""
        return -((self.phase - place) // self.every)

    def count(self, places: int) -> int:
        """How many positions a shot of `places` frames has."""
        return len(range(self.phase, places, self.every))


@dataclass(frozen=True)
class Choice:
    """The positions of a shot, and those that the user wants."""

    grid: Grid
    count: int  # of positions
    wanted: tuple[int, ...]  # positions, ascending and each once
    numbers: Sequence[int]  # in file names, of every position
    names: Sequence[str]  # stems of file names, of every position

    def number(self, position: int) -> int:
        """The frame's number in file names."""
        return self.numbers[position]

    def name(self, position: int) -> str:
        """The stem of the frame's file names."""
        return self.names[position]


def choose_grid(shot: Shot, *, frames: str | None, every: int, start_frame: int) -> Grid:
    """The positions of a shot: every `every`-th frame, so counted that the first of `frames` (None: of all) is one.

    Where the frames asked for do not all lie on that grid, every frame is a position.
    Raises OptionError where the range cannot be read, chooses nothing or leaves what the shot is known to hold.
    """
    return Grid(every, 0) if frames is None else _grid_through(_places(shot, frames, every, start_frame), every)


def choose(shot: Shot, *, frames: str | None, every: int, start_frame: int, count: int) -> Choice:
    """What `frames` (fileseq grammar, None for all) and `every` choose of a shot that has `count` positions.

    count: at least 1, as `survey_shot` finds it on the grid of `choose_grid`.
    Raises OptionError where the range cannot be read, chooses nothing or leaves the shot.
    """
    if frames is None:
        grid, wanted = Grid(every, 0), tuple(range(count))
    else:
        places = _places(shot, frames, every, start_frame)
        grid = _grid_through(places, every)
        wanted = tuple(map(grid.position, places))
        if wanted[-1] >= count:  # in a video, which turned out to be shorter
            first = places[bisect_left(wanted, count)] + 1
            hint = _count_hint(shot, places[0] + 1, start_frame)
            raise OptionError(f"--frames {frames}: {shot.name} ends before frame {first}{hint}")
    if shot.kind == "video":
        numbers: Sequence[int] = range(start_frame + grid.phase, start_frame + grid.place(count), grid.every)
        return Choice(grid, count, wanted, numbers, (shot.name,) * count)
    stems = tuple(path.stem for path in shot.paths[grid.phase :: grid.every])
    return Choice(grid, count, wanted, shot.numbers[grid.phase :: grid.every], stems)


def parse_cuts(text: str, shot: Shot, choice: Choice) -> tuple[int, ...]:
    """The positions that begin a scene where the user names its first frame, in grammar and counting of `--frames`.

    A frame between two positions stands for the later one. That the shot's first frame begins a scene goes without
    saying. Raises OptionError where the list cannot be read, and for the first frame in it that the shot has not.
    """
    keys = _parse("--cuts", text)
    # behind the last position of a video of unknown length there may be frames that are none
    held = _keys_of(shot) or range(1, choice.grid.place(choice.count) + 1)
    outside = [key for key in keys if not held[0] <= key <= held[-1]]
    if outside:
        raise OptionError(f"--cuts {text}: {shot.name} has no frame {outside[0]}, it holds frames {held[0]}-{held[-1]}")
    cuts = {choice.grid.position(_place_of(shot, key)) for key in keys}
    return tuple(sorted(cut for cut in cuts if 0 < cut < choice.count))


def _places(shot: Shot, frames: str, every: int, start_frame: int) -> list[int]:
    """The places of the frames that `frames` and `every` choose, ascending; perhaps behind a video of unknown length.

    Raises OptionError where there is none of them, or `frames` leaves what the shot is known to hold.
    """
    keys = _parse("--frames", frames)
    held = _keys_of(shot)
    if held is not None:
        chosen = sorted(set(keys).intersection(held))
        if not chosen or keys[0] < held[0] or keys[-1] > held[-1]:
            hint = _count_hint(shot, keys[0], start_frame)
            lacking = missing_ranges(held)
            but = f" but {lacking}" if lacking and keys[0] >= held[0] and keys[-1] <= held[-1] else ""
            raise OptionError(f"--frames {frames}: {shot.name} holds frames {held[0]}-{held[-1]}{but}{hint}")
        keys = chosen
    elif keys[0] < 1:
        raise OptionError(f"--frames {frames}: the frames of {shot.paths[0].name} count from 1")
    return [_place_of(shot, key) for key in keys[::every]]


def _grid_through(places: Sequence[int], every: int) -> Grid:
    """The grid of every `every`-th frame on which all `places` lie; where there is none, that of all frames."""
    grid = Grid(every, places[0] % every)
    return grid if all(place in grid for place in places) else Grid(1, 0)


def _keys_of(shot: Shot) -> Sequence[int] | None:
    """None for a video that does not tell how many frames it has."""
    if shot.kind == "video":
        return None if shot.frame_count is None else range(1, shot.frame_count + 1)
    return shot.numbers


def _place_of(shot: Shot, key: int) -> int:
    """Where the frame `key` stands in the shot; for a gap in a sequence, where the next frame does."""
    return key - 1 if shot.kind == "video" else bisect_left(shot.numbers, key)


def _parse(option: str, frames: str) -> list[int]:
    """Ascending numbers, each once."""
    try:
        numbers = set(FrameSet(frames))
    except MaxSizeException as error:
        raise OptionError(f"{option} {frames}: far more frames than a shot has; end at its last one") from error
    except (FileSeqException, ValueError) as error:
        raise OptionError(f"{option} {frames!r}: not a frame range; write 1-100, 1-100x2 or 5,7,9") from error
    whole = sorted(int(number) for number in numbers if number == int(number))
    if len(whole) < len(numbers) or not whole:
        raise OptionError(f"{option} {frames!r}: chooses no whole frames; write 1-100, 1-100x2 or 5,7,9")
    return whole


def _count_hint(shot: Shot, first: int, start_frame: int) -> str:
    """For who counts a video's frames, from `first` on, by the numbers of the files that are written."""
    if shot.kind == "video" and first >= start_frame:
        return "; the frames of a video count from 1, whatever number its files start at"
    return ""
