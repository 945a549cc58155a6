"""Which frames share a pass. Integers only: no frame, tensor or file is known here.

Positions count the frames of a shot from 0. A scene is what lies between two cuts; no pass sees beyond it. Everything
is a function of the shot's length, its cuts and the options, never of the frames that happen to be asked for: whoever
computes a frame, computes it beside the same others.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise


def least_window(anchors: int, overlap: int) -> int:
    """Frames of the smallest window: the anchors, those shared with the window before, and a new one."""
    return anchors + overlap + 1


@dataclass(frozen=True)
class Windows:
    """How large passes are. A scene of up to `window` frames (None: of any length) is one pass; a longer one is seen in
    windows of so many, of which `anchors` and `overlap` are not new."""

    window: int | None
    anchors: int
    overlap: int

    def __post_init__(self) -> None:
        if self.window is not None and self.window < least_window(self.anchors, self.overlap):
            raise ValueError(f"{self} has no room for a new frame")

    def at_most(self, frames: int) -> "Windows":
        """The same with passes of at most `frames` frames, as far as anchors and overlap allow."""
        most = frames if self.window is None else min(self.window, frames)
        return replace(self, window=max(most, least_window(self.anchors, self.overlap)))

    def plan(self, count: int, cuts: Sequence[int]) -> tuple["Scene", ...]:
        """The scenes of `count` frames, one beginning at 0 and at each of the `cuts`, ascending."""
        edges = [0, *(cut for cut in cuts if 0 < cut < count), count]
        return tuple(self.plan_scene(range(start, stop)) for start, stop in pairwise(edges) if start < stop)

    def plan_scene(self, frames: range) -> "Scene":
        """One scene in passes."""
        if self.window is None or len(frames) <= self.window:
            return Scene(frames, (), (Pass(frames, 0),))
        step = self.window - self.anchors - self.overlap
        passes = [Pass(frames[: self.overlap + step], 0)]
        for start in range(step, len(frames) - self.overlap, step):
            passes.append(Pass(frames[start : start + self.overlap + step], self.overlap))
        return Scene(frames, spread_anchors(frames, self.anchors), tuple(passes))


@dataclass(frozen=True)
class Pass:
    """Frames whose maps one pass gives. The first `overlap` of them the pass before has given as well."""

    frames: range
    overlap: int


@dataclass(frozen=True)
class Scene:
    """The frames between two cuts, their passes, and the anchors that take part in each: none where one pass is all."""

    frames: range
    anchors: tuple[int, ...]
    passes: tuple[Pass, ...]

    def needed(self, wanted: Collection[int], *, has_gain: bool) -> Iterator[int]:
        """The passes that it takes for the frames `wanted`: those that give one and, with anchors, the first, whose
        gain is the scene's. has_gain: whether one of the maps wanted is brought to it.

        A frame in an overlap takes each pass that gives it.
        """
        giving = [i for i, this in enumerate(self.passes) if any(position in wanted for position in this.frames)]
        if has_gain and giving and giving[0] > 0 and self.anchors:
            yield 0
        yield from giving

    @property
    def largest(self) -> int:
        """The most frames that a pass takes in."""
        return max(len(self.anchors) + len(this.frames) for this in self.passes)


def spread_anchors(frames: range, count: int) -> tuple[int, ...]:
    """The middles of `count` equal parts of `frames`."""
    return tuple(frames[(2 * part + 1) * len(frames) // (2 * count)] for part in range(count))
