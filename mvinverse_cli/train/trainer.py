"""Learning from scenes whose true maps are known: what learns how fast, and what a step makes small.

B scenes, N views.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import TrainingError
from ..model.mvinverse import MVInverse
from ..trainings import TrainOptions
from .loop import Loop
from .losses import LossForm, map_losses, total_loss
from .ranks import Ranks

if TYPE_CHECKING:
    from .data import Batch

BYPASS = "res_encoder."
MOST_LOOKED_AT = 10  # batches, until a map that is to learn has to be known in some scene
TABLES = ("token", "pos_embed")  # learned inputs: decay would pull them to nothing, as with biases and norms


class Trainer(Loop[TrainOptions, "Batch"]):
    """Learns from scenes whose true maps are known."""

    advice = "the last checkpoint is kept: lower --learning-rate, try --dtype float32, or look at these scenes"

    def __init__(
        self,
        model: MVInverse,
        options: TrainOptions,
        device: torch.device,
        ranks: Ranks | None = None,
        *,
        licence: str | None = None,
    ):
        """licence: of the weights that it starts from, which stays with all that comes of them."""
        super().__init__(model, options, device, parameter_groups(model, options), ranks)
        self.licence = licence
        self.form = LossForm.of(options)
        self.unknown = set(options.maps) if options.train == "heads" else set()  # maps not met so far, in `looked_at`
        self.looked_at = 0  # batches
        set_training(model)

    def losses_of(self, batch: "Batch") -> tuple[dict[str, Tensor], Tensor]:
        """The loss of each map of `batch` that learns, and their weighted sum.

        Raises TrainingError where heads alone learn and the first MOST_LOOKED_AT batches have nothing for one of them.
        """
        self.look_for_maps(batch)
        batch = batch.to(self.device)
        views = batch.images.shape[0] * batch.images.shape[1]
        maps = self.options.maps
        with self.autocast():
            with torch.set_grad_enabled(self.options.train != "heads"):
                attended = self.model.attend(batch.images, frame_batch=views)
            predicted = self.model.read_out(attended, slice(None), maps)
        losses = map_losses(predicted, {name: batch.maps[name] for name in maps}, batch.masks, self.form)
        return dict(losses.items()), total_loss(losses)

    def look_for_maps(self, batch: "Batch") -> None:
        """Raises TrainingError as `losses_of` says: a head without a truth would only decay."""
        self.unknown -= {name for name in self.unknown if bool(batch.masks[name].any())}
        self.looked_at += 1
        if self.unknown and self.looked_at == MOST_LOOKED_AT:
            raise TrainingError(
                f"--maps: no scene of {MOST_LOOKED_AT} steps knows {', '.join(sorted(self.unknown))}; leave it out, or "
                "choose scenes that have it"
            )

    @contextmanager
    def with_mean_weights(self) -> Iterator[MVInverse]:
        """The network in evaluation mode with the running mean as its weights, for the block."""
        try:
            with self.with_weights(self.mean) as model:
                yield model.eval()
        finally:
            set_training(self.model)

    def state(self) -> dict[str, Any]:
        """As of any loop, with the licence."""
        return {**super().state(), "licence": self.licence}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` returned, in this version or an earlier one, which kept no licence."""
        super().load_state(state)
        self.licence = state.get("licence")


def set_training(model: nn.Module) -> None:
    """Training mode for all but the batch norms of the bypass, whose statistics stay as they are.

    A batch holds views of two or three rooms, too alike for their statistics to stand for pictures at large.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def parameter_groups(model: nn.Module, options: TrainOptions) -> list[dict[str, Any]]:
    """The parameters of `model` by learning rate and decay: `rate` is a group's share of the learning rate.

    Matrices and kernels decay; biases, norms, layer scales, tokens and the position table do not. A bypass that has
    learnt before learns at `bypass_rate`; at 0 it is left out, and no gradient is computed for it. Nor is one for what
    the options leave as it is.
    """
    learning = tuple(f"{name}_head." for name in options.maps) if options.train == "heads" else ("",)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    is_taught = options.imagenet or options.weights is not None
    for name, parameter in model.named_parameters():
        decays = parameter.ndim > 1 and not any(table in name for table in TABLES)
        rate = options.bypass_rate if is_taught and name.startswith(BYPASS) else 1.0
        if rate == 0 or not name.startswith(learning):
            parameter.requires_grad_(False)
            continue
        groups.setdefault((rate, options.weight_decay if decays else 0.0), []).append(parameter)
    return [{"params": group, "rate": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]
