"""Several processes that train one network, as torchrun starts them; one process is the rule.

Each draws its own samples and has its own copy of the network; gradients are averaged between backward and step, in one
message. For networks of tens of megabytes that costs less than it takes to overlap it, and keeps the module unwrapped.
"""

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed

from ..errors import MvInverseError, TrainingError

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together."""

    rank: int = 0
    world: int = 1
    device: torch.device | None = None  # whose memory messages pass through; None: the CPU's

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Makes every gradient the mean over all processes; a parameter without one counts as zero."""
        if self.world == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.world
        shares = torch.split(flat, [p.numel() for p in parameters])
        for parameter, gradient in zip(parameters, shares, strict=True):
            parameter.grad = gradient.view_as(parameter)

    def share(self, work: Tensor, task: Callable[[Tensor], Tensor]) -> Tensor:
        """`task` of the rows of `work` (K, ...), which are the same everywhere, each done by one process alone."""
        if self.world == 1:
            return task(work)
        done = torch.zeros_like(work)
        own = slice(self.rank, None, self.world)
        if len(work[own]):
            done[own] = task(work[own])
        distributed.all_reduce(done)
        return done

    def any(self, wish: bool) -> bool:
        """Whether any process has this wish: all must leave a loop at the same step."""
        if self.world == 1:
            return wish
        votes = torch.tensor(int(wish), device=self.device)
        distributed.all_reduce(votes)
        return bool(votes.item())

    def gather(self, own: T) -> list[T]:
        """What every process has at hand, in the order of their ranks; anything that can be pickled."""
        if self.world == 1:
            return [own]
        gathered: list[T] = [own] * self.world
        distributed.all_gather_object(gathered, own)
        return gathered

    def lead(self, task: Callable[[], None]) -> None:
        """Has the leading process do `task` while the others wait.

        Raises its MvInverseError there, and a TrainingError in the others: all end, none hangs.
        """
        failure = None
        if self.leads:
            try:
                task()
            except MvInverseError as error:
                failure = error
        if self.any(failure is not None):
            raise failure or TrainingError("the first process cannot go on; it has said why")


def local_device(name: str) -> str:
    """`auto` and `cuda` as the GPU that torchrun means for this process; any other name as it is."""
    local = os.environ.get("LOCAL_RANK")
    if local is None or name not in ("auto", "cuda") or not torch.cuda.is_available():
        return name
    return f"cuda:{local}"


@contextmanager
def join_ranks(device: torch.device) -> Iterator[Ranks]:
    """The processes that torchrun started, for the block; this one alone where it did not."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks()
        return
    # torch.optim may bring this module in, and it keeps the group it finds as default arguments. Imported first, it
    # finds none: a group that is kept outlives its end, and its threads abort the process when they let go of tensors.
    importlib.import_module("torch.distributed.nn")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), world, device)
    finally:
        distributed.destroy_process_group()
