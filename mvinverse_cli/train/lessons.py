"""What one step of a fine-tuning sees: a triplet of frames, of a clip or of a scene set in motion, and, where there are
scenes, some with their truth. N frames of a triplet, H W pixels.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..model.config import ModelConfig
from ..scenes.store import SceneList, find_scenes
from ..trainings import FinetuneOptions, TrainOptions
from .clips import Clip, Stretch
from .data import Batch, Samples
from .motion import Triplet, set_in_motion
from .vary import draw_scale, resized_part, taken_again

logger = logging.getLogger(__name__)

# Of the scenes beside the clips: few views a step, so that a step costs about twice what it costs without them.
SCENE_VIEWS = TrainOptions(min_side=98, max_side=182, pixels=60_000)
MOVED_SHARE = 0.2  # of the steps, where there are scenes: their pair is a scene's instead of a clip's
MOVED = 1  # tells these draws from those of the triplets


@dataclass(frozen=True)
class Lesson:
    """What one step sees: a triplet, and views with their truth where there are any."""

    triplet: Triplet
    scenes: Batch | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return self.triplet.names + (self.scenes.names if self.scenes else ())

    @property
    def views(self) -> int:
        """Pictures of the triplet and of the scenes."""
        seen = [self.triplet.images, *([self.scenes.images] if self.scenes else [])]
        return sum(images.shape[:2].numel() for images in seen)


class Lessons:
    """Draws what a step sees: `lesson(step)` is the same in every run, whichever process asks for it."""

    def __init__(
        self,
        clips: Sequence[Clip],
        scenes: SceneList | None,
        config: ModelConfig,
        options: FinetuneOptions,
        *,
        sharers: int = 1,
    ) -> None:
        """sharers: how many processes keep views of the scenes in memory."""
        self.stretches = [stretch for clip in clips for stretch in clip.stretches]
        self.options, self.config = options, config
        replay = replace(SCENE_VIEWS, seed=options.seed)
        self.samples = None if scenes is None else Samples(scenes.scenes, config, replay, sharers=sharers)

    def lesson(self, step: int) -> Lesson:
        """That of one step. Raises InputError where no scene can be read."""
        scenes = self.samples.batch(step) if self.samples else None
        rng = np.random.default_rng([self.options.seed, step, MOVED])
        if scenes is not None and rng.random() < MOVED_SHARE:
            return Lesson(set_in_motion(scenes, rng), scenes)
        return Lesson(draw_triplet(self.stretches, self.options, self.config, step), scenes)


def open_scenes(folder: Path) -> SceneList:
    """The scenes of `folder`; broken ones are logged. Raises InputError where none can be read."""
    found = find_scenes(folder, "train")
    for _, reason in found.broken:
        logger.warning("skipped: %s", reason)
    return found


def draw_triplet(stretches: Sequence[Stretch], options: FinetuneOptions, config: ModelConfig, step: int) -> Triplet:
    """The triplet of one step, the same in every run: a stretch, of it a pair, of their frames a part; half of them
    left for right.

    Every stretch is drawn as often, however long: many frames of one place teach no more than few.
    """
    rng = np.random.default_rng([options.seed, step])
    stretch = stretches[int(rng.integers(len(stretches)))]
    at = stretch.trained[int(rng.integers(len(stretch.trained)))]
    scale = draw_scale(rng) if options.vary else 1.0
    full = stretch.frames.shape[1:3]
    height, width = (part_size(side * scale, options.crop, config.patch_size) for side in full)
    rows, columns = draw_part(rng, full[0], height / scale), draw_part(rng, full[1], width / scale)
    frames = stretch.frames[[*dict.fromkeys((0, at, at + 1))], rows, columns].astype(np.float32)
    pair = stretch.flows[at].cropped(rows, columns)
    flow, valid = pair.forward.astype(np.float32), pair.valid
    if options.vary:
        frames, flow, valid = resized_part(frames, flow, valid, (height, width))
        frames = taken_again(frames, config.input_transfer, rng)
    if rng.random() < 0.5:
        frames, flow, valid = frames[:, :, ::-1], flow[:, ::-1] * np.array([-1, 1], np.float32), valid[:, ::-1]
    images = torch.from_numpy(frames.transpose(0, 3, 1, 2).copy())[None]
    name = f"{stretch.name}: the pair from its frame {at + 1}"
    return Triplet(images, torch.from_numpy(flow.copy())[None], torch.from_numpy(valid.copy())[None], (name,))


def part_size(side: float, crop: int | None, patch_size: int) -> int:
    """Whole patches, one at least, that lie in `side` pixels and in `crop` of them, in pixels."""
    length = side if crop is None else min(side, crop)
    return max(1, int(length + 1e-6) // patch_size) * patch_size


def draw_part(rng: np.random.Generator, side: int, length: float) -> slice:
    """`length` of `side` pixels, or all, at a random place."""
    whole = min(side, max(1, round(length)))
    start = int(rng.integers(side - whole + 1))
    return slice(start, start + whole)
