"""What the reading side hands on: a shot (files that belong together), its frames, and the frames it lost."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ..color import Transfer
from ..maps import Array
from ..timecode import Timecode
from .tagged_light import TaggedLight

ShotKind = Literal["video", "sequence", "stills"]


@dataclass(frozen=True)
class Shot:
    """Frames that the network may attend to together, found but not yet decoded.

    A `video` has one path and numbers that start at `--start-frame`; a `sequence` has one path for each number of its
    file names; `stills` are views named by the user, numbered from 1, that keep their own names.
    """

    name: str  # stem of its output files; its folder's name where there are several shots
    kind: ShotKind
    paths: tuple[Path, ...]
    numbers: tuple[int, ...]  # of every path of a sequence or stills; empty for a video
    sizes: tuple[tuple[int, int], ...]  # distinct (width, height), upright: all of stills, the first of others
    rate: Fraction | None  # frames per second: the average of a video, what EXR plates name
    frame_count: int | None  # in the source; None where the container does not say
    given: Path | None = None  # what the user calls the one path of a video, where that is a copy: - for stdin
    pattern: Path | None = None  # of a sequence's paths, however many: plates/shot.####.exr
    pixel_aspect: float = 1.0  # width of an upright pixel over its height; 1 where pictures differ in it
    tagged: TaggedLight | None = None  # of its first picture, where that is none of sRGB

    def called(self, path: Path) -> Path:
        """One of the paths as the user knows it."""
        return self.given or path

    @property
    def sources(self) -> tuple[Path, ...]:
        """Where its frames come from, as the user knows it: a sequence, which may grow, by its pattern."""
        return (self.pattern,) if self.pattern else tuple(map(self.called, self.paths))


@dataclass(frozen=True)
class Frame:
    """One decoded picture, upright: pixels (H, W, 3) RGB, uint8, uint16 (full range) or float32, on `transfer`."""

    pixels: Array
    transfer: Transfer
    index: int  # its position in the shot
    number: int
    time: Fraction | None  # presentation time in seconds, for video
    name: str
    source: Path
    timecode: Timecode | None = None  # that the source gives it


@dataclass(frozen=True)
class Fault:
    """A frame that was asked for and could not be had; `reason` leaves it to `source` to name the file."""

    number: int | None  # None: how many are missing is not known
    source: Path
    reason: str
    shot: str = ""  # its name, once several shots are told of
