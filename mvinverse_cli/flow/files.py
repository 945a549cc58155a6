"""Flows that another program has found, read from a folder: the place to plug in a network.

For clip `shot`, a video of that stem or the pictures of a folder of that name, and its frames counted from 0, the pair
(7, 8) is looked for in FOLDER/shot/, or, of one clip, in FOLDER itself where that holds no folder `shot`, as either of

    0007.npz                               arrays `forward` and `backward`, (H, W, 2) of any float type
    forward.0007.flo, backward.0007.flo    Middlebury files (Baker 2011): "PIEH", width, height, then u v of each pixel

with any number of digits. forward is frame 7's flow to frame 8, backward frame 8's to frame 7, in pixels of the
flow's own size, which may be another than the frames' as long as the proportions are theirs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..archives import DAMAGED_ARCHIVE
from ..errors import InputError, read_errors
from ..maps import Array
from .pair import PairFlow, checked_pair

FLO_MAGIC = b"PIEH"
FLO_HEADER = 12  # bytes: magic, width, height
UNKNOWN = np.float64(1e9)  # no flow is known where a component is larger, as in .flo files; a half cannot hold it
NAME = re.compile(r"(?:(?P<way>forward|backward)\.)?(?P<position>\d+)\.(?P<kind>flo|npz)")
SAME_PROPORTIONS = 0.02  # how far width / height of flow and frames may be apart: flows are found at whole pixels


@dataclass
class FlowFolder:
    """The folder that flows are read from. clip: the one whose flows lie in the folder itself, once known."""

    folder: Path
    clip: str | None = None

    @classmethod
    def at(cls, folder: str) -> "FlowFolder":
        """Raises InputError where there is no such folder."""
        if not Path(folder).is_dir():
            raise InputError(f"--flow {folder}: no such folder; it has to hold flows as .flo or .npz")
        return cls(Path(folder))

    def pair(
        self, clip: str, position: int, first: Array, second: Array, size: tuple[int, int] | None = None
    ) -> PairFlow:
        """The flow from frame `position` of `clip` to the next, at the size of `first` (H, W, 3): see `FlowSource`.

        Raises InputError where it is not there, not readable, or of a picture with other proportions.
        """
        forward, backward = self._both(clip, position)
        if forward.shape != backward.shape:
            said = f"{_size(forward)} forward and {_size(backward)} backward"
            raise InputError(f"{self._place(clip)}: flows of pair {position} differ in size, {said}")
        height, width = first.shape[:2]
        shown_width, shown_height = size or (width, height)
        ratio = (forward.shape[1] / forward.shape[0]) / (shown_width / shown_height)
        if abs(ratio - 1) > SAME_PROPORTIONS:
            raise InputError(
                f"{self._place(clip)}: the flow of pair {position} is {_size(forward)}, which is not the shape of "
                f"frames of {shown_width}x{shown_height}; was it found for another clip?"
            )
        return checked_pair(forward, backward).at((height, width))

    def _both(self, clip: str, position: int) -> tuple[Array, Array]:
        """forward and backward of a pair, (H, W, 2) float32 each, NaN where unknown."""
        place = self._place(clip)
        found = {}
        with read_errors(place):
            paths = sorted(place.iterdir())
        for path in paths:
            match = NAME.fullmatch(path.name)
            if match and int(match["position"]) == position:
                found[match["way"], match["kind"]] = path
        if (None, "npz") in found:
            return read_npz(found[None, "npz"])
        if ("forward", "flo") in found and ("backward", "flo") in found:
            return read_flo(found["forward", "flo"]), read_flo(found["backward", "flo"])
        name = f"{position:04d}"
        wanted = f"{name}.npz, or forward.{name}.flo and backward.{name}.flo"
        raise InputError(f"{place}: no flow for frames {position} and {position + 1} of {clip}; wanted {wanted}")

    def _place(self, clip: str) -> Path:
        """Where the flows of `clip` lie. Raises InputError where those of another do."""
        if (self.folder / clip).is_dir():
            return self.folder / clip
        self.clip = self.clip or clip
        if clip != self.clip:
            raise InputError(
                f"--flow {self.folder}: no folder {clip} in it, and its own flows are those of {self.clip}; give each "
                "clip a folder of its name"
            )
        return self.folder


def check_names(clips: Iterable[tuple[str, Path]]) -> None:
    """Raises InputError where two of the `clips`, each by its name and its file, would be given the same flows."""
    first: dict[str, Path] = {}
    for name, path in clips:
        other = first.setdefault(name, path)
        if other != path:
            raise InputError(
                f"{other} and {path}: the flows of both would be those of a clip {name}; give each clip a name of its "
                "own, or its pictures a folder with one"
            )


def read_flo(path: Path) -> Array:
    """A Middlebury file as (H, W, 2) float32, NaN where the flow is unknown. Raises InputError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not data.startswith(FLO_MAGIC) or len(data) < FLO_HEADER:
        raise InputError(f"{path}: no .flo file: it has to begin with PIEH, width and height")
    width, height = (int(side) for side in np.frombuffer(data, "<i4", 2, offset=len(FLO_MAGIC)))
    expected = FLO_HEADER + 8 * width * height
    if min(width, height) < 1 or len(data) != expected:
        raise InputError(f"{path}: {len(data)} bytes, where {width}x{height} flows take {expected}; write it again")
    flow = np.frombuffer(data, "<f4", offset=FLO_HEADER).reshape(height, width, 2)
    return only_known(flow)


def only_known(flow: Array) -> Array:
    """(H, W, 2) of any float type as float32, NaN where the flow is unknown."""
    known = (np.abs(flow) < UNKNOWN).all(axis=-1, keepdims=True)
    return np.where(known, flow, np.nan).astype(np.float32)


def read_npz(path: Path) -> tuple[Array, Array]:
    """`forward` and `backward` of a numpy archive, (H, W, 2) float32 each; nothing in it is run. Raises InputError."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            flows = [archive[way] for way in ("forward", "backward")]
    except KeyError as error:
        raise InputError(f"{path}: {error.args[0]}; it has to hold the arrays forward and backward") from error
    except DAMAGED_ARCHIVE as error:
        raise InputError(f"{path}: not readable as .npz: {error}") from error
    for flow in flows:
        if flow.ndim != 3 or flow.shape[-1] != 2 or not flow.size or flow.dtype.kind != "f":
            raise InputError(f"{path}: holds {flow.dtype} of {flow.shape}; a flow is (height, width, 2) of floats")
    return only_known(flows[0]), only_known(flows[1])


def _size(flow: Array) -> str:
    return f"{flow.shape[1]}x{flow.shape[0]}"
