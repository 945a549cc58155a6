"""One step after another: batch in, weights a little better, with their running mean beside them.

The same seed on the same number of CPU threads gives the same bytes, and a step depends on nothing but its batch and
the state that `Trainer.state` holds: a training that is stopped and resumed ends in the weights of an undisturbed one.
(GPU kernels add up in any order, so there only nearly.) B scenes, N views, H W pixels.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import DeviceMemoryError, TrainingError
from ..maps import MapName
from ..model.mvinverse import MVInverse
from ..options import TrainDtype, TrainOptions
from .losses import LossForm, map_losses, total_loss
from .ranks import Ranks
from .schedule import decay_at, rate_at

if TYPE_CHECKING:
    from .data import Batch

BETAS = (0.9, 0.98)  # 0.98 instead of 0.999: the second moment follows batches of changing sizes and scenes sooner
BYPASS = "res_encoder."
TABLES = ("token", "pos_embed")  # learned inputs: decay would pull them to nothing, as with biases and norms


@dataclass(frozen=True)
class StepLoss:
    """What one step found: still on the device, so that nothing waits for it."""

    step: int  # counted from 1
    samples: tuple[str, ...]
    maps: tuple[MapName, ...]
    values: Tensor  # (len(maps) + 2,): the loss of each map, the weighted sum, the norm of the gradient


def choose_precision(name: TrainDtype, device: torch.device) -> torch.dtype:
    """The dtype of matrix products and convolutions; weights, sums and losses are float32 in any case.

    `auto`: bfloat16 where the hardware multiplies in it, else float32. GPUs do since 2020, CPUs with AVX512-BF16 or
    AMX; elsewhere it is emulated, slower than float32.
    """
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    if device.type == "cuda":
        with torch.cuda.device(device):
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return torch.bfloat16 if fast else torch.float32


def parameter_groups(model: nn.Module, options: TrainOptions) -> list[dict[str, Any]]:
    """The parameters of `model` for AdamW, by learning rate and decay: `rate` is a group's share of the learning rate.

    Matrices and kernels decay; biases, norms, layer scales, tokens and the position table do not. A bypass that has
    learnt before learns at `bypass_rate`; at 0 it is left out, and no gradient is computed for it.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    is_taught = options.imagenet or options.weights is not None
    for name, parameter in model.named_parameters():
        decays = parameter.ndim > 1 and not any(table in name for table in TABLES)
        rate = options.bypass_rate if is_taught and name.startswith(BYPASS) else 1.0
        if rate == 0:
            parameter.requires_grad_(False)
            continue
        groups.setdefault((rate, options.weight_decay if decays else 0.0), []).append(parameter)
    return [{"params": group, "rate": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


class Trainer:
    """A network under training: its weights, their running mean, and the optimizer, from the first step to the last."""

    def __init__(self, model: MVInverse, options: TrainOptions, device: torch.device, ranks: Ranks | None = None):
        self.model = model.to(device)
        self.options = options
        self.device = device
        self.ranks = ranks or Ranks()
        self.form = LossForm.of(options)
        self.precision = choose_precision(options.dtype, device)
        groups = parameter_groups(model, options)
        learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.names = list(learning)  # of `parameters`
        self.parameters: list[Tensor] = list(learning.values())
        self.mean = [parameter.detach().clone() for parameter in self.parameters]
        self.optimizer = torch.optim.AdamW(groups, options.learning_rate, BETAS, fused=device.type in ("cpu", "cuda"))
        self.step = 0  # steps taken
        self.unread: list[StepLoss] = []
        set_training(model)

    @property
    def learning_rate(self) -> float:
        """Of the step to come."""
        return self.options.learning_rate * rate_at(self.step, self.options.steps, self.options.warmup)

    def take_step(self, batch: "Batch") -> None:
        """One step on `batch`; its losses wait in `unread`. Raises DeviceMemoryError."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * group["rate"]
        try:
            losses, total = self.losses_of(batch)
            self.optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(total)
        except torch.OutOfMemoryError as error:
            raise DeviceMemoryError(f"{self.device}: out of memory in a training step; lower --pixels") from error
        self.ranks.average(self.parameters)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.options.clip)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.mean, self.parameters, 1 - decay_at(self.step, self.options.ema))
        self.step += 1
        values = torch.stack([*(value.detach() for value in losses.values()), total.detach(), norm])
        self.unread.append(StepLoss(self.step, batch.names, tuple(losses), values))

    def losses_of(self, batch: "Batch") -> tuple[dict[MapName, Tensor], Tensor]:
        """The loss of each map of `batch`, and their weighted sum."""
        batch = batch.to(self.device)
        views = batch.images.shape[0] * batch.images.shape[1]
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            predicted = self.model(batch.images, maps=tuple(batch.maps), frame_batch=views)
        losses = map_losses(predicted, batch.maps, batch.masks, self.form)
        return losses, total_loss(losses)

    def read_losses(self) -> dict[str, float]:
        """The mean losses of the steps since they were last read: by map, `total` and `gradient` (its norm, unclipped).

        Waits for the device. Raises TrainingError, naming step and samples, where one is no finite number.
        """
        unread, self.unread = self.unread, []
        sums: dict[str, list[float]] = {}
        for loss in unread:
            names = (*loss.maps, "total", "gradient")
            values = loss.values.tolist()
            if not all(isfinite(value) for value in values):
                said = ", ".join(f"{name} {value:g}" for name, value in zip(names, values, strict=True))
                raise TrainingError(
                    f"step {loss.step}: a loss is not a number ({said}) on {', '.join(loss.samples)}; the last "
                    "checkpoint is kept: lower --learning-rate, try --dtype float32, or look at these scenes"
                )
            for name, value in zip(names, values, strict=True):
                sums.setdefault(name, []).append(value)
        return {name: sum(values) / len(values) for name, values in sums.items()}

    @contextmanager
    def with_mean_weights(self) -> Iterator[MVInverse]:
        """The network in evaluation mode with the running mean as its weights, for the block."""
        own = [parameter.data for parameter in self.parameters]
        try:
            for parameter, mean in zip(self.parameters, self.mean, strict=True):
                parameter.data = mean
            yield self.model.eval()
        finally:
            for parameter, value in zip(self.parameters, own, strict=True):
                parameter.data = value
            set_training(self.model)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on beside its batch."""
        return {
            "step": self.step,
            "model": self.model.state_dict(),
            "mean": self.mean,
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` returned, in this network or another of the same sizes."""
        self.model.load_state_dict(state["model"])
        for mean, saved in zip(self.mean, state["mean"], strict=True):
            mean.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]


def set_training(model: nn.Module) -> None:
    """Training mode for all but the batch norms of the bypass, whose statistics stay as they are.

    A batch holds views of two or three rooms, too alike for their statistics to stand for pictures at large.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
