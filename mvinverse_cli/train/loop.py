"""One step after another: batch in, weights a little better, with their running mean beside them.

The same seed on the same number of CPU threads gives the same bytes, and a step depends on nothing but its batch and
the state that `Loop.state` holds: a training that is stopped and resumed ends in the weights of an undisturbed one.
(GPU kernels add up in any order, so there only nearly.)
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from ..errors import DeviceMemoryError, TrainingError
from ..model.device import ran_out_of_memory
from ..model.mvinverse import MVInverse
from ..trainings import Optimizer, TrainDtype
from .muon import Muon, part_of
from .ranks import Ranks
from .schedule import decay_at, rate_at

BETAS = (0.9, 0.98)  # 0.98 instead of 0.999: the second moment follows batches of changing sizes and scenes sooner


@dataclass(frozen=True)
class StepLoss:
    """What one step found: still on the device, so that nothing waits for it."""

    step: int  # counted from 1
    samples: tuple[str, ...]
    losses: tuple[str, ...]  # their names
    values: Tensor  # (len(losses) + 2,): each loss, the weighted sum, the norm of the gradient

    @property
    def told(self) -> dict[str, float]:
        """The values by name. Waits for the device."""
        return dict(zip((*self.losses, "total", "gradient"), self.values.tolist(), strict=True))


class BrokenLoss(NamedTuple):
    """A loss that is no finite number; the first of several in their order is the one to tell of."""

    step: int
    is_gradient_alone: bool  # as where the loss itself is another process's
    samples: tuple[str, ...]
    told: dict[str, float]


class LoopOptions(Protocol):
    """What any loop has to be told: the fields of that name of `TrainOptions` and `FinetuneOptions`."""

    @property
    def steps(self) -> int: ...
    @property
    def optimizer(self) -> Optimizer: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup(self) -> int: ...
    @property
    def clip(self) -> float: ...
    @property
    def ema(self) -> float: ...
    @property
    def dtype(self) -> TrainDtype: ...


class Named(Protocol):
    """A batch, as far as every loop has to know it."""

    @property
    def names(self) -> tuple[str, ...]: ...


Options = TypeVar("Options", bound=LoopOptions)
StepBatch = TypeVar("StepBatch", bound=Named)


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


@contextmanager
def memory_errors(device: torch.device, where: str, advice: str) -> Iterator[None]:
    """Turns an error of the block that says that `device` has no more memory into a DeviceMemoryError."""
    try:
        yield
    except RuntimeError as error:
        if not ran_out_of_memory(error):
            raise
        raise DeviceMemoryError(f"{device}: out of memory {where}; {advice}") from error


class Loop(ABC, Generic[Options, StepBatch]):
    """A network under training: its weights, their running mean and its optimizers, from the first step to the last."""

    advice = "lower --learning-rate or try --dtype float32"  # where a loss is no number
    smaller = "lower --pixels"  # where memory does not suffice

    def __init__(
        self,
        model: MVInverse,
        options: Options,
        device: torch.device,
        groups: list[dict[str, Any]],
        ranks: Ranks | None = None,
    ):
        """groups: the parameters that learn, as `parameter_groups` gives them; no others may ask for a gradient."""
        self.model = model.to(device)
        self.options = options
        self.device = device
        self.ranks = ranks or Ranks()
        self.precision = choose_precision(options.dtype, device)
        learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.names = list(learning)  # of `parameters`
        self.parameters: list[Tensor] = list(learning.values())
        self.mean = [parameter.detach().clone() for parameter in self.parameters]
        matrices = [part_of(group, by_muon=True) for group in groups] if options.optimizer == "muon" else []
        others = [part_of(group, by_muon=False) for group in groups] if matrices else groups
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, options.learning_rate, BETAS, fused=device.type in ("cpu", "cuda"))
        ]
        if matrices:
            self.optimizers.append(Muon(matrices, options.learning_rate, self.precision, self.ranks))
        self.step = 0  # steps taken
        self.unread: list[StepLoss] = []

    @abstractmethod
    def losses_of(self, batch: StepBatch) -> tuple[dict[str, Tensor], Tensor]:
        """The losses of `batch` by name, and their weighted sum."""

    @property
    def learning_rate(self) -> float:
        """Of the step to come."""
        return self.options.learning_rate * rate_at(self.step, self.options.steps, self.options.warmup)

    def take_step(self, batch: StepBatch) -> None:
        """One step on `batch`; its losses wait in `unread`. Raises DeviceMemoryError."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate * group["rate"]
        with memory_errors(self.device, "in a training step", self.smaller):
            losses, total = self.losses_of(batch)
            self.model.zero_grad(set_to_none=True)
            torch.autograd.backward(total)
            self.ranks.average(self.parameters)
            norm = nn.utils.clip_grad_norm_(self.parameters, self.options.clip)
            for optimizer in self.optimizers:
                optimizer.step()  # the first one takes room for what it remembers
        with torch.no_grad():
            torch._foreach_lerp_(self.mean, self.parameters, 1 - decay_at(self.step, self.options.ema))
        self.step += 1
        values = torch.stack([*(value.detach() for value in losses.values()), total.detach(), norm])
        self.unread.append(StepLoss(self.step, batch.names, tuple(losses), values))

    def autocast(self) -> torch.autocast:
        """Matrix products and convolutions in the chosen precision, for the block."""
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)

    def read_losses(self) -> dict[str, float]:
        """The mean losses of the steps since the last reading: by name, `total` and `gradient` (its norm, unclipped).

        Waits for the device, and for the other processes, which read at the same steps. Raises TrainingError, naming
        step and samples, where a loss of any of them is no finite number.
        """
        unread, self.unread = self.unread, []
        values: dict[str, list[float]] = {}
        own: list[BrokenLoss] = []
        for loss in unread:
            told = loss.told
            if not all(map(isfinite, told.values())):
                own.append(BrokenLoss(loss.step, isfinite(told["total"]), loss.samples, told))
            for name, value in told.items():
                values.setdefault(name, []).append(value)
        broken = [each for found in self.ranks.gather(own) for each in found]
        if broken:
            first = min(broken, key=lambda each: each[:2])
            said = ", ".join(f"{name} {value:g}" for name, value in first.told.items())
            raise TrainingError(
                f"step {first.step}: a loss is not a number ({said}) on {', '.join(first.samples)}; {self.advice}"
            )
        return {name: sum(each) / len(each) for name, each in values.items()}

    @contextmanager
    def with_weights(self, values: Sequence[Tensor]) -> Iterator[MVInverse]:
        """The network with `values` in the place of `parameters`, for the block."""
        own = [parameter.data for parameter in self.parameters]
        try:
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.data = value
            yield self.model
        finally:
            for parameter, value in zip(self.parameters, own, strict=True):
                parameter.data = value

    def state(self) -> dict[str, Any]:
        """All that the next step depends on beside its batch."""
        return {
            "step": self.step,
            "processes": self.ranks.world,
            "model": self.model.state_dict(),
            "mean": self.mean,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from what `state` returned, in this network or another of the same sizes."""
        self.model.load_state_dict(state["model"])
        for mean, saved in zip(self.mean, state["mean"], strict=True):
            mean.copy_(saved)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = state["step"]
