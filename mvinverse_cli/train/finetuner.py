"""Learning to hold still: lessons in, weights out that flicker less. What a lesson is tells `lessons.py`.

Where there are scenes whose true maps are known, each step also learns from some of them, as a training does: what
flickers least says the same of every frame, and the truth keeps it from saying less.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from ..maps import MapName
from ..model.mvinverse import MVInverse
from ..trainings import FinetuneOptions, TunePart
from .consistency import anchor_losses, consistency_losses, contrast_losses
from .data import Batch
from .lessons import Lesson
from .loop import Loop
from .lora import ADDED, add_low_rank
from .losses import LossForm, map_losses
from .motion import Triplet
from .ranks import Ranks

MapTensors: TypeAlias = dict[MapName, Tensor]  # (B, N, H, W, C)

PARTS: dict[TunePart, tuple[str, ...]] = {  # by what is in the names of their parameters
    "heads": ("_head.",),  # of the maps that are asked for
    "lora": ("_head.", ADDED),
    "decoder": ("_head.", "decoder."),
    "all": ("",),
}

# What scenes are held to, the truth or what was said before. Edges as sharp as the truth's are the first to flicker.
# Those the network made itself it can keep: without them the values alone let fine texture go (SSIM -4% in place of
# -2%, docs/finetuning.md); counted in full they crowd out the values. Metal that it has found already need not be
# balanced again.
TRUTH = LossForm(edges=0.0)
BEFORE = LossForm(edges=0.35, metal_weight=1.0)

OWN_STATE = (
    "good",
    "good_steps",
    "ways",
    "anchor_weights",
    "clip_scales",
    "truth_scales",
)  # of a fine-tuner, beside that of any loop


def learning_groups(model: MVInverse, options: FinetuneOptions) -> list[dict[str, Any]]:
    """The parameters of the part of `model` that learns, by decay; the others get no gradient.

    For `lora` the model is given its additions.
    """
    parts = PARTS[options.train]
    if options.train == "heads":
        parts = tuple(f"{name}_head." for name in options.maps)
    if options.train == "lora":
        add_low_rank(model, options.seed)
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(any(part in name for part in parts))
        if parameter.requires_grad:
            groups.setdefault(options.weight_decay if parameter.ndim > 1 else 0.0, []).append(parameter)
    return [{"params": group, "rate": 1.0, "weight_decay": decay} for decay, group in groups.items()]


class FineTuner(Loop[FinetuneOptions, Lesson]):
    """A trained network that learns to hold still; in evaluation mode throughout, as it is used."""

    smaller = "lower --crop, or train less of the network (--train)"

    def __init__(self, model: MVInverse, options: FinetuneOptions, device: torch.device, ranks: Ranks | None = None):
        super().__init__(model.eval(), options, device, learning_groups(model, options), ranks)
        self.begun = [parameter.detach().clone() for parameter in self.parameters]
        self.good = self.begun  # the last weights that the guard has let pass
        self.maps = options.maps  # that learn
        self.good_steps: dict[MapName, int] = dict.fromkeys(self.maps, 0)  # when that was, for what each map hangs on
        self.anchor_weights: dict[MapName, float] = dict.fromkeys(self.maps, options.anchor_weight)
        self.clip_scales: dict[MapName, float] = dict.fromkeys(self.maps, 1.0)  # see `balance`
        self.truth_scales = dict(self.clip_scales)
        self.ways: dict[MapName, float] = dict.fromkeys(self.maps, 1.0)  # see `part_way`

    def losses_of(self, batch: Lesson) -> tuple[dict[str, Tensor], Tensor]:
        """The consistency loss of each map, `anchor` and `contrast` (sums over the maps, unweighted), `scenes` (their
        loss, scaled, where there are any), and their weighted sum."""
        steady, anchors, flatter = self.clip_losses(batch.triplet)
        held = {
            name: self.anchor_weights[name] * anchors[name] + self.options.contrast_weight * flatter[name]
            for name in self.maps
        }
        total = torch.stack([self.clip_scales[name] * (steady[name] + held[name]) for name in self.maps]).sum()
        losses: dict[str, Tensor] = dict(steady.items())
        for name, parts in (("anchor", anchors), ("contrast", flatter)):
            losses[name] = torch.stack(list(parts.values())).sum()
        if batch.scenes is not None:
            errors = self.scene_losses(batch.scenes.to(self.device))
            losses["scenes"] = torch.stack([self.truth_scales[name] * errors[name] for name in self.maps]).sum()
            total = total + self.options.scenes_weight * losses["scenes"]
        return losses, total

    def clip_losses(self, triplet: Triplet) -> tuple[dict[MapName, Tensor], ...]:
        """How far each map moves between neighbours, how far it is from what it was before, and how much flatter."""
        images, flow, valid = (value.to(self.device) for value in (triplet.images, triplet.flow, triplet.valid))
        first = slice(0, 1)
        before, maps = self.before_and_now(images, first, slice(None))
        losses = consistency_losses(
            {name: values[:, -2] for name, values in maps.items()},
            {name: values[:, -1] for name, values in maps.items()},
            flow,
            valid,
        )
        now = {name: values[:, 0] for name, values in maps.items()}
        before = {name: values[:, 0] for name, values in before.items()}
        return losses, anchor_losses(now, before), contrast_losses(now, before)

    def before_and_now(self, images: Tensor, old: slice, new: slice) -> tuple[MapTensors, MapTensors]:
        """The maps of images (B, N, 3, H, W): of the frames `old` as they were, and of `new` as they are."""
        with self.with_weights(self.begun), torch.no_grad(), self.autocast():
            attended = self.model.attend(images)
            before = self.model.read_out(attended, old, self.maps)
        with self.autocast():
            if self.options.train != "heads":  # what the heads read changes as well
                attended = self.model.attend(images)
            return before, self.model.read_out(attended, new, self.maps)

    def scene_losses(self, scenes: Batch) -> dict[MapName, Tensor]:
        """The loss of each map on views whose truth is known, against that truth or against what it was before.

        What it was counts with its edges as well, which are no sharper than the network's own.
        """
        if self.options.scenes_target == "truth":
            return self.truth_losses(scenes)
        before, now = self.before_and_now(scenes.images, slice(None), slice(None))
        return map_losses(now, before, scenes.masks, BEFORE)

    def truth_losses(self, scenes: Batch) -> dict[MapName, Tensor]:
        """The loss of each map on views whose truth is known, as in a training but for its gradients: scalars."""
        with self.autocast():
            predicted = self.model(scenes.images, maps=self.maps, frame_batch=scenes.images.shape[:2].numel())
        wanted = {name: scenes.maps[name] for name in self.maps}
        return map_losses(predicted, wanted, scenes.masks, TRUTH)

    def balance(self, flicker: Mapping[MapName, float], scenes: Iterable[Batch]) -> None:
        """Scales all losses so that a map's error on `scenes`, times `scenes_weight`, and the square of its `flicker`
        count the same for every map: by nature normals flicker ten times as much as albedo and err as little.

        To be called with the weights it begins with.
        """
        with torch.no_grad():
            truths = [self.truth_losses(batch.to(self.device)) for batch in scenes]
        level = float(np.mean([flicker[name] ** 2 for name in self.maps]))
        for name in self.maps:
            error = float(torch.stack([truth[name] for truth in truths]).mean())
            self.clip_scales[name] = level / max(flicker[name] ** 2, 1e-9)
            # a map that none of these scenes has is not taught by one that comes later and has it
            self.truth_scales[name] = level / max(error, 1e-6) if error else 0.0

    def keep(self, ways: Mapping[MapName, float]) -> None:
        """Takes the weights `part_way`, 1 being the running mean as it is now, for good, for the maps in `ways`.

        Where more than the heads learns every map hangs on all of it, and only all maps can be kept together.
        """
        if self.options.train != "heads" and len(ways) < len(self.maps):
            return
        self.good = [
            values.clone() if self.way_of(key, ways) is not None else good
            for key, values, good in zip(self.names, self.part_way(ways), self.good, strict=True)
        ]
        self.good_steps |= dict.fromkeys(ways, self.step)
        self.ways |= ways

    def way_of(self, key: str, ways: Mapping[MapName, float]) -> float | None:
        """How far the parameter `key` goes with the maps in `ways`, which then are all of one way where more than the
        heads learns; None where it does not depend on them."""
        if self.options.train != "heads":
            return min(ways.values())
        return next((way for name, way in ways.items() if key.startswith(f"{name}_head.")), None)

    def part_way(self, ways: Mapping[MapName, float]) -> list[Tensor]:
        """The running mean, but for what the maps in `ways` hang on: of that, the point that lies so far (0 to 1) on
        the line from the weights it began with to the mean (Wortsman 2022: between two such both sides' virtues mix).
        """
        return [
            mean if (way := self.way_of(key, ways)) is None else torch.lerp(begun, mean, way)
            for key, begun, mean in zip(self.names, self.begun, self.mean, strict=True)
        ]

    def state(self) -> dict[str, Any]:
        """As of any loop, with the good weights, and without what does not learn: the weights it began with have it."""
        learning = {name: values.detach() for name, values in zip(self.names, self.parameters, strict=True)}
        own = {name: getattr(self, name) for name in OWN_STATE}
        return {**super().state(), "model": learning, **own}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` returned, in the network that it began with."""
        super().load_state({**state, "model": self.model.state_dict() | state["model"]})
        for name in OWN_STATE:
            setattr(self, name, state[name])
