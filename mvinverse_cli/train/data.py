"""Batches of views with their truth, drawn from rendered scenes: step s of a seed is the same batch in every run.

B samples, each N views of one scene, H W pixels, C channels of a map. Images are (B, N, 3, H, W), maps
(B, N, H, W, C), both float32 on the curves of the model's config.
"""

import logging
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..color import convert
from ..errors import InputError
from ..maps import MAPS, SPECS, Array, MapName, Maps
from ..model.config import ModelConfig
from ..scenes.record import View
from ..scenes.store import Broken, ScenePath
from ..trainings import TrainOptions
from .ahead import batches_ahead
from .augment import (
    MOST_ENLARGED,
    bright_gain,
    crop_share,
    draw_crop,
    draw_size,
    enlargement,
    flipped,
    light_gain,
    photographed,
    relit,
    sensor_white,
)
from .cache import SharedViews
from .decoded import Decoded, decode, resized, taken_apart
from .revise import revise

logger = logging.getLogger(__name__)

PAINT, SHAPE = 1, 2  # tell the draws of `revise`, and of a batch's views and size, from the others


@dataclass(frozen=True)
class Batch:
    """images: (B, N, 3, H, W) in [0, 1]; maps: (B, N, H, W, C), zeros where a scene lacks one; masks: (B, N, H, W, 1)
    bool, the pixels whose truth is known, for each map; names: of the B scenes."""

    images: Tensor
    maps: Mapping[MapName, Tensor]
    masks: Mapping[MapName, Tensor]
    names: tuple[str, ...]

    def to(self, device: torch.device) -> "Batch":
        """The same on `device`."""
        maps = {name: values.to(device, non_blocking=True) for name, values in self.maps.items()}
        masks = {name: values.to(device, non_blocking=True) for name, values in self.masks.items()}
        return Batch(self.images.to(device, non_blocking=True), maps, masks, self.names)

    def pin_memory(self) -> "Batch":
        """The same where a GPU fetches it while the processor goes on."""
        maps = {name: values.pin_memory() for name, values in self.maps.items()}
        masks = {name: values.pin_memory() for name, values in self.masks.items()}
        return Batch(self.images.pin_memory(), maps, masks, self.names)


@dataclass(frozen=True)
class Sample:
    """N views of one scene at the batch's size, float32: picture (N, H, W, 3) in [0, 1] on the model's input curve,
    maps (N, H, W, C) scene-linear, mask (N, H, W, 1) bool; present: the maps that the scene has."""

    picture: Array
    maps: Maps
    mask: Array
    present: frozenset[MapName]
    name: str


class Samples:
    """Draws batches from scenes: `batch(step)` depends on the options, the step and the scenes' order alone.

    abreast: how many steps are taken side by side, by processes that then wait for each other: steps 0 to abreast - 1
    have other scenes and one shape, and so on. sharers: how many processes keep decoded views of their own, in as much
    memory together as one alone; with those abreast. cache_bytes: that each keeps at most.

    A scene that turns out to be broken when its pixels are read is logged and noted in `broken`, and another takes its
    place, the same in every run; where no other has as many views, some of fewer views.
    """

    def __init__(
        self,
        scenes: Sequence[ScenePath],
        config: ModelConfig,
        options: TrainOptions,
        *,
        abreast: int = 1,
        sharers: int = 1,
        cache_bytes: int | None = None,
    ) -> None:
        if not scenes:
            raise ValueError("there is no scene to draw from")
        self.scenes = tuple(scenes)
        self.config = config
        self.options = options
        self.abreast = abreast
        self.broken: dict[int, Broken] = {}  # by the scene's place in `scenes`
        self._most_views = max(scene.views for scene in scenes)
        self._cache = SharedViews(self.scenes, cache_bytes, sharers=max(abreast, sharers))

    def batches(self, steps: Iterable[int], *, workers: int = 0) -> Generator[Batch, None, None]:
        """The batches of `steps`, in their order, made ahead: by a thread, or by so many processes forked from this
        one, which share what they read. To be closed (`contextlib.closing`) by whoever leaves it early."""
        return batches_ahead(self, steps, workers)

    def batch(self, step: int) -> Batch:
        """The batch of one step. Raises InputError where no scene can be read."""
        most, size = self._shape(step)
        for views in range(most, 0, -1):
            if samples := self._samples(step, views, size):
                return to_batch(samples, self.config)
        raise InputError(f"none of {len(self.scenes)} scenes can be read; render them again")

    def _samples(self, step: int, views: int, size: tuple[int, int]) -> list[Sample]:
        """As many samples of that shape as a step holds; fewer, or none, where too few scenes of so many views can be
        read."""
        wanted = max(1, round(self.options.pixels / (views * size[0] * size[1])))
        samples: list[Sample] = []
        for index in self._order(step, views, size):
            if len(samples) == wanted:
                break
            try:
                samples.append(self._sample(step, index, views, size))
            except InputError as error:
                self.note(index, str(error))
        return samples

    def _shape(self, step: int) -> tuple[int, tuple[int, int]]:
        """How many views the samples of a step have, and their (height, width), which one scene at least can fill.

        Drawn for a scene, not for all: the smallest of a set would keep every batch small.
        """
        drawn = step // self.abreast
        if self.options.shapes:
            drawn = int(np.random.default_rng([self.options.seed, drawn, 1, SHAPE]).integers(self.options.shapes))
        rng = np.random.default_rng([self.options.seed, drawn, 0, SHAPE])
        most = min(self.options.max_views, self._most_views)
        views = int(rng.integers(min(self.options.min_views, most), most + 1))
        scene = self.scenes[int(rng.choice(self._with(views)))]
        return views, draw_size(rng, self.options, self.config.patch_size, scene.size)

    def _order(self, step: int, views: int, size: tuple[int, int]) -> list[int]:
        """The scenes of at least `views`, shuffled; last come those that would be enlarged too much to be of `size`."""
        order = np.random.default_rng([self.options.seed, step]).permutation(self._with(views)).tolist()
        return sorted(order, key=lambda index: enlargement(size, self.scenes[index].size) > MOST_ENLARGED)

    def _with(self, views: int) -> list[int]:
        """The scenes that have at least so many views."""
        return [index for index, scene in enumerate(self.scenes) if scene.views >= views]

    def note(self, index: int, reason: str) -> None:
        """Logs a scene that cannot be read, the first time."""
        known = index in self.broken
        self.broken[index] = (self.scenes[index].path, reason)
        if not known:
            logger.warning("skipped: %s", reason)

    def _sample(self, step: int, index: int, views: int, size: tuple[int, int]) -> Sample:
        """The scene at `index`, augmented: `views` of its views, cropped and brought to `size`. Raises InputError."""
        rng = np.random.default_rng([self.options.seed, step, index])
        scene = self.scenes[index]
        decoded = self._decoded(index, rng.permutation(scene.views)[:views].tolist())
        share, white = crop_share(rng), sensor_white(rng)
        gain = light_gain(rng) * bright_gain(rng)
        cut = [view.cut(*draw_crop(rng, share, size, view.pixels.shape[1:3])) for view in decoded]
        revise(cut, np.random.default_rng([self.options.seed, step, index, PAINT]))
        fitted = []
        for view in cut:
            pixels = view.pixels
            pixels[0, ..., :3], pixels[3, ..., :3] = relit(pixels[0, ..., :3], pixels[3, ..., :3], gain, white)
            fitted.append(resized(pixels, size))
        color, maps, mask = taken_apart(np.stack(fitted, axis=1))
        if rng.random() < 0.5:
            color, maps, mask = flipped(color, maps, mask)
        picture = np.divide(photographed(color, rng), 255, dtype=np.float32)
        picture = convert(picture, "srgb", self.config.input_transfer)
        present = frozenset.intersection(*(view.present for view in decoded))
        return Sample(picture, maps, mask, present, scene.name)

    def _decoded(self, index: int, views: Sequence[int]) -> list[Decoded]:
        """Those views of a scene, from the cache as far as it has them. Raises InputError."""
        kept = {view: self._cache.get(index, view) for view in views}
        missing = [view for view, decoded in kept.items() if decoded is None]
        read = dict(zip(missing, map(decode, self.scenes[index].read(missing)), strict=True)) if missing else {}
        for view, decoded in read.items():
            self._cache.put(index, view, decoded)
        return [kept[view] or read[view] for view in views]


def views_batch(views: Sequence[View], config: ModelConfig, size: tuple[int, int], *, name: str = "") -> Batch:
    """All views of a scene as one sample of (height, width) `size`, nothing cropped and nothing augmented."""
    fitted = []
    for view in views:
        pixels = decode(view).pixels.astype(np.float32)
        pixels[0, ..., :3] = np.clip(pixels[0, ..., :3], 0, 1)  # as in a camera, before pixels are averaged
        fitted.append(resized(pixels, size))
    color, maps, mask = taken_apart(np.stack(fitted, axis=1))
    present = frozenset.intersection(*(frozenset(view.maps) for view in views))
    sample = Sample(convert(color, "linear", config.input_transfer), maps, mask, present, name)
    return to_batch([sample], config)


def to_batch(samples: Sequence[Sample], config: ModelConfig) -> Batch:
    """Samples of one shape as tensors, on the curves of `config`; light over 1 is clipped."""
    maps: dict[MapName, Tensor] = {}
    masks: dict[MapName, Tensor] = {}
    for name in MAPS:
        values = np.clip(np.stack([sample.maps[name] for sample in samples]), SPECS[name].low, SPECS[name].high)
        maps[name] = torch.from_numpy(convert(values, "linear", config.curve_of(name)))
        known = np.stack([sample.mask if name in sample.present else np.zeros_like(sample.mask) for sample in samples])
        masks[name] = torch.from_numpy(known)
    images = torch.from_numpy(np.stack([sample.picture for sample in samples])).permute(0, 1, 4, 2, 3).contiguous()
    return Batch(images, maps, masks, tuple(sample.name for sample in samples))
