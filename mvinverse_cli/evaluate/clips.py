"""Clips as `flicker` sees them: which there are, and their pairs of adjacent frames, each with its maps and flow.

h w pixels of the network's size, at which the maps are; H W of the clip, in which flow is found; C channels.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError, MvInverseError, OptionError, read_errors
from ..flow import KEPT_LEAST, FlowSource, PairFlow, warp_map
from ..frames import check_in_time, find_shots, resize
from ..frames.names import is_image, is_video
from ..maps import SPECS, Array, Maps
from ..options import DecomposeOptions
from ..shot.decompose import Findings, decompose_shot
from ..shot.layout import Layout, lay_out, plan_passes
from ..shot.passes import Network
from ..shot.plates import linear_light, open_plates
from .metrics import encoded
from .reprojection import as_shown
from .result import Broken

logger = logging.getLogger(__name__)

INPUT = "input"
VECTORS = frozenset(str(name) for name, spec in SPECS.items() if spec.kind == "vector")


@dataclass(frozen=True)
class Clip:
    """A clip on disk, by the name of its file or folder, and its frames and cuts."""

    path: Path
    layout: Layout

    @property
    def name(self) -> str:
        """By which its flows are found: a folder's whole name, a file's without its extension."""
        return self.path.name if self.path.is_dir() else self.path.stem


@dataclass(frozen=True)
class Seen:
    """A frame. maps: (h, w, C) as in memory; shown: the same and the input, (h, w, C), as their errors are taken.

    picture: (H, W, 3) uint8 sRGB.
    """

    index: int
    number: int
    name: str
    maps: Maps
    shown: Mapping[str, Array]
    picture: Array


@dataclass(frozen=True)
class Pair:
    """A frame and the next, and the first one's flow, at the size of the maps."""

    before: Seen
    after: Seen
    flow: PairFlow

    @property
    def is_alike(self) -> bool:
        """Whether the two show enough of the same to be compared."""
        return self.flow.kept >= KEPT_LEAST

    def warped(self, name: str, values: Array) -> Array:
        """Values (h, w, C) of the second frame on the grid of the first."""
        return warp_map(values, self.flow.forward, unit_vectors=name in VECTORS)


def clips_of(data: Path) -> list[Path]:
    """The clips that `data` is or holds, by their names: videos, and folders of pictures.

    Raises InputError where there are none.
    """
    with read_errors(data):
        if data.is_file():
            return [data]
        if not data.is_dir():
            raise InputError(f"{data}: no such clip or folder; name a video, a folder of frames or of clips")
        entries = sorted(path for path in data.iterdir() if not path.name.startswith("."))
        files = {path for path in entries if path.is_file()}
    found = [path for path in entries if (path in files and is_video(path)) or _holds_pictures(path)]
    if any(map(is_image, files)):
        if found:
            logger.warning(
                "%s: its pictures are taken for one clip; left out: %s", data, ", ".join(path.name for path in found)
            )
        return [data]
    if not found:
        raise InputError(f"{data}: holds no video and no folder of pictures; name a folder of clips")
    return found


def _holds_pictures(path: Path) -> bool:
    try:
        return path.is_dir() and any(is_image(inner) for inner in path.iterdir())
    except OSError as error:
        logger.warning("%s: left out: %s", path, error.strerror or error)
        return False


def lay_out_clips(paths: Sequence[Path], options: DecomposeOptions, broken: list[Broken]) -> Iterator[Clip]:
    """Each clip of two frames or more, with its cuts; others are named in the log and added to `broken`.

    Raises OptionError where no clip can be taken and one does not hold the frames that are asked for; beside others it
    is left out, as any other that cannot be measured.
    """
    refusal: OptionError | None = None
    is_any = False
    for path in paths:
        try:
            (shot,) = find_shots([path], allow_gaps=True)
            check_in_time(shot)
            layout = lay_out(shot, options)
            if len(layout.choice.wanted) < 2:
                raise InputError(f"{path}: one frame, and flicker takes two; give a longer clip")
        except (InputError, OptionError) as error:
            if isinstance(error, OptionError):
                if len(paths) == 1:
                    raise
                refusal = refusal or error
            leave_out(path, error, broken)
            continue
        is_any = True
        yield Clip(path, layout)
    if refusal is not None and not is_any:
        raise refusal


def leave_out(path: Path, error: MvInverseError, broken: list[Broken]) -> None:
    """Names a clip that cannot be measured."""
    logger.warning("clip left out: %s", error)
    broken.append((path, str(error)))


def pairs_of(
    clip: Clip, network: Network, options: DecomposeOptions, flow: FlowSource, lost: list[Broken], *, quiet: bool
) -> Iterator[Pair]:
    """Adjacent frames of one size that can be read, none across a cut, in their order; the clip streams through.

    Frames that cannot be read are added to `lost`. quiet: what had to be decided about the clip is not said. Raises
    InputError where a flow is missing or no frame can be read.
    """
    layout = clip.layout
    planned = plan_passes(layout, network.config, network.device, network.dtype, options, is_loaded=True)
    findings = Findings(planned.windows)
    frames = decompose_shot(layout, network.short(planned.is_short), options, findings, quiet=quiet)
    before: Seen | None = None
    with open_plates(layout, sorted(layout.choice.wanted)) as plates, closing(frames):
        for frame in frames:
            picture = encoded(linear_light(plates.take(frame.index)))
            height, width = frame.maps["albedo"].shape[:2]
            shown: dict[str, Array] = {name: as_shown(name, values) for name, values in frame.maps.items()}
            shown[INPUT] = resize(picture, (height, width), growing=cv2.INTER_CUBIC).clip(0, 1)  # as `fit_pixels` does
            codes: Array = np.rint(picture * 255).astype(np.uint8)
            after = Seen(frame.index, frame.number, f"{clip.name} {frame.number}", frame.maps, shown, codes)
            if before and _follow(before, after) and after.index not in layout.cuts:
                found = flow.pair(clip.name, before.index, before.picture, after.picture)
                yield Pair(before, after, found.at((height, width)))
            before = after
    for fault in findings.faults:
        which = "frames are" if fault.number is None else f"frame {fault.number} is"
        lost.append((clip.path, f"{fault.source}: {which} left out: {fault.reason}"))


def _follow(before: Seen, after: Seen) -> bool:
    """Whether nothing is missing between two frames, lost or never there, and they can be compared."""
    return after.number == before.number + 1 and after.picture.shape == before.picture.shape
