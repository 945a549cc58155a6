"""Clips as fine-tuning takes them: frames on the network's grid and curve, split at cuts, with the flow of neighbours.

N frames, h w pixels of the network.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..color import convert
from ..errors import InputError
from ..flow import KEPT_LEAST, FlowSource, PairFlow
from ..frames import Frame, Shot, check_in_time, choose, find_shots, open_positions, survey_shot
from ..maps import Array
from ..model.config import ModelConfig
from ..model.weights import file_hash
from ..shot.layout import rule_of
from ..shot.prepared import on_grid

logger = logging.getLogger(__name__)

MOST_FRAMES = 600  # of a clip that are held in memory: 600 MB at 518x294
PROBE_FRAMES = 3  # of a stretch that are kept out of the training, in its middle, to see what becomes of them


@dataclass(frozen=True)
class Stretch:
    """Frames between two cuts: (N, h, w, 3) float16 in [0, 1] on the model's input curve.

    flows: by the place of its first frame, each pair of neighbours of which enough is found again.
    """

    name: str
    frames: Array
    flows: Mapping[int, PairFlow]

    @cached_property
    def probe(self) -> range:
        """The places of neighbours in the middle that are looked at: held out, where enough others are left."""
        length = PROBE_FRAMES if len(self.frames) >= 3 * PROBE_FRAMES else 2
        runs = [range(at, at + length) for at in range(len(self.frames) - length + 1)]
        middle = (len(self.frames) - length) / 2
        flowing = [run for run in runs if all(at in self.flows for at in run[:-1])]
        near = sorted(flowing or [range(at, at + 2) for at in self.flows], key=lambda run: abs(run.start - middle))
        return near[0]

    @cached_property
    def trained(self) -> tuple[int, ...]:
        """The places of the pairs that are trained on: those without a frame of the probe, else all."""
        free = [at for at in self.flows if at not in self.probe and at + 1 not in self.probe]
        return tuple(free or self.flows)


@dataclass(frozen=True)
class Clip:
    """One clip. sha256: of its file, or of the hashes of its files, which are the same pictures wherever they lie."""

    name: str
    sha256: str
    stretches: tuple[Stretch, ...]


def find_clips(inputs: Sequence[str | Path]) -> tuple[Shot, ...]:
    """The shots among `inputs`. Raises InputError where there is none, or one that is known to have a single frame or
    frames that do not follow each other."""
    shots = find_shots(inputs, allow_gaps=False, written=False)
    for shot in shots:
        check_length(shot, shot.frame_count)
        check_in_time(shot)
    return shots


def check_length(shot: Shot, count: int | None) -> None:
    """Raises InputError where a shot has one frame only."""
    if count == 1:
        raise InputError(f"{shot.paths[0]}: one frame, which cannot flicker; give a video or neighbouring frames")


def open_clips(shots: Sequence[Shot], config: ModelConfig, max_size: int, flows: FlowSource) -> tuple[Clip, ...]:
    """Reads all that training needs of `shots`. Clips in which hardly anything is found again are left out, and said.

    Raises InputError where a clip cannot be read or has one frame, and where none is left.
    """
    opened = [open_clip(shot, config, max_size, flows) for shot in shots]
    clips = tuple(clip for clip in opened if clip.stretches)
    if not clips:
        raise InputError(
            f"no clip is left: no two neighbours show {KEPT_LEAST:.0%} of the same; give footage whose frames follow "
            "each other"
        )
    return clips


def flow_name(shot: Shot) -> str:
    """By which a clip's flows are found, as in `evaluate flicker`: the stem of a video, the folder of pictures."""
    if shot.kind == "video":
        return shot.name
    folder = shot.paths[0].parent  # as the user calls it: links keep their own names
    return (folder.resolve() if folder.name in ("", "..") else folder).name


def open_clip(shot: Shot, config: ModelConfig, max_size: int, flows: FlowSource) -> Clip:
    """One clip, perhaps without a stretch."""
    survey = survey_shot(shot, every=1, phase=0, cuts=True)
    check_length(shot, survey.count)
    edges = [0, *survey.cuts, survey.count]
    if survey.cuts:
        said = ", ".join(str(cut + 1) for cut in survey.cuts)
        logger.info("%s: split where a new scene begins, at its frame %s", shot.name, said)
    if survey.count > MOST_FRAMES:
        logger.warning("%s: of its %d frames the first %d are used", shot.name, survey.count, MOST_FRAMES)
    frames = read_frames(shot, min(survey.count, MOST_FRAMES), config, max_size)
    stretches, pairs = [], 0
    for start, stop in pairwise(edges):
        pictures = {at: frames[at] for at in range(start, stop) if at in frames}
        found = dict(find_flows(flow_name(shot), shot.sizes[0], pictures, config, flows))
        pairs += sum(at + 1 in pictures for at in pictures)
        places = {at: place for place, at in enumerate(pictures)}
        kept = {places[at]: flow for at, flow in found.items()}
        if kept:
            stacked = np.stack(list(pictures.values()))
            stretches.append(Stretch(f"{shot.name}, frames {start + 1} to {stop}", stacked, kept))
    lost = pairs - sum(len(stretch.flows) for stretch in stretches)
    if lost:
        left = "" if stretches else ": the clip is left out"
        said = f"under {KEPT_LEAST:.0%} of their pixels are found again"
        logger.warning("%s: %d of %d pairs of neighbours are not used, %s%s", shot.name, lost, pairs, said, left)
    return Clip(shot.name, hash_of_shot(shot), tuple(stretches))


def read_frames(shot: Shot, count: int, config: ModelConfig, max_size: int) -> dict[int, Array]:
    """The first `count` frames by position, (h, w, 3) float16 on the input curve of `config`; none that is broken."""
    choice = choose(shot, frames=None, every=1, start_frame=0, count=count)
    rule = rule_of(config, max_size, shot.pixel_aspect)
    grid = rule.grid(shot.sizes)

    def prepared(frame: Frame) -> Array:
        height, width = frame.pixels.shape[:2]
        fit = rule.fit((width, height), grid)
        return convert(on_grid(frame, fit, 1), frame.transfer, config.input_transfer).astype(np.float16)

    with open_positions(shot, choice, range(count)) as reader:
        frames = {frame.index: prepared(frame) for frame in reader}
        for fault in reader.faults:
            logger.warning("%s: a frame is left out: %s", fault.source, fault.reason)
    return frames


def find_flows(
    clip: str, size: tuple[int, int], frames: Mapping[int, Array], config: ModelConfig, flows: FlowSource
) -> Iterator[tuple[int, PairFlow]]:
    """The flow of each pair of neighbours that keeps KEPT_LEAST of its pixels, by the position of its first.

    frames: (h, w, 3), of a clip of `size` (width, height). Half precision is off by 1/64 pixel at a motion of 32.
    """
    pictures = {at: to_srgb_bytes(frame, config) for at, frame in frames.items()}
    for at in pictures:
        if at + 1 in pictures:
            pair = flows.pair(clip, at, pictures[at], pictures[at + 1], size)
            if pair.kept >= KEPT_LEAST:
                yield at, PairFlow(pair.forward.astype(np.float16), pair.valid)


def to_srgb_bytes(frame: Array, config: ModelConfig) -> Array:
    """(h, w, 3) on the input curve of `config` -> uint8, sRGB-encoded."""
    encoded: Array = np.rint(convert(frame.astype(np.float32), config.input_transfer, "srgb") * 255).astype(np.uint8)
    return encoded


def hash_of_shot(shot: Shot) -> str:
    """The sha256 of a shot's one file, or of the hashes of its files in their order."""
    hashes = [file_hash(path) for path in shot.paths]
    return hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode()).hexdigest()
