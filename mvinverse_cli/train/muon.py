"""Muon: an optimizer for matrices that makes every direction of a step equally long (Jordan 2024).

The mean gradient of a matrix is mostly a few strong directions. Brought to singular values of about 1 it also learns
the weak ones, in fewer steps than AdamW, which looks at each number alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from .ranks import Ranks

MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # coefficients that bring singular values to 0.7 ... 1.2 in ROUNDS
ROUNDS = 5
LENGTH = 0.2  # root mean square of a step's numbers at rate 1, as of one of AdamW (Liu 2025, "Muon is scalable")
NARROWEST = 16  # rows or columns; what is narrower has no directions to speak of


def suits_muon(parameter: Tensor) -> bool:
    """Whether `parameter` is a matrix, or a kernel that is one when each output's weights are a row."""
    return parameter.ndim > 1 and min(parameter.shape[0], parameter[0].numel()) >= NARROWEST


def part_of(group: Mapping[str, Any], *, by_muon: bool) -> dict[str, Any]:
    """A group of parameters, as optimizers take them, with those alone that suit Muon, or that do not."""
    return {**group, "params": [parameter for parameter in group["params"] if suits_muon(parameter) == by_muon]}


def orthogonalize(matrices: Tensor) -> Tensor:
    """Matrices (K, A, B) with their singular values brought to about 1; in their dtype, which bfloat16 may be."""
    a, b, c = NEWTON_SCHULZ
    is_tall = matrices.shape[1] > matrices.shape[2]
    x: Tensor = matrices.mT if is_tall else matrices
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).to(x.dtype)
    for _ in range(ROUNDS):  # x <- a x + (b s + c s s) x, where s = x x^T
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """Steps of matrices and kernels along their mean gradient, made orthogonal, with weight decay as in AdamW.

    precision: of the matrix products. Among several `ranks`, whose gradients are the same, each makes its share
    orthogonal and all take the whole step.
    """

    def __init__(
        self, groups: list[dict[str, Any]], learning_rate: float, precision: torch.dtype, ranks: Ranks | None = None
    ):
        super().__init__(groups, {"lr": learning_rate, "weight_decay": 0.0})
        self.precision = precision
        self.ranks = ranks or Ranks()

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of all parameters that have a gradient; `closure`, which would compute them, is not called."""
        for group in self.param_groups:
            for parameters in alike(group["params"]):
                directions = self.ranks.share(self._directions(parameters), orthogonalize)
                directions = directions.to(parameters[0].dtype).contiguous()  # or they are added one by one
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
                length = LENGTH * max(directions.shape[1:]) ** 0.5
                ways = [way.view_as(parameter) for way, parameter in zip(directions, parameters, strict=True)]
                torch._foreach_add_(parameters, ways, alpha=-group["lr"] * length)

    def _directions(self, parameters: Sequence[Tensor]) -> Tensor:
        """Where the gradients of parameters of one shape have pointed, and point now (Nesterov): (K, A, B)."""
        for parameter in parameters:
            if "mean" not in self.state[parameter]:
                self.state[parameter]["mean"] = torch.zeros_like(parameter)
        means = [self.state[p]["mean"] for p in parameters]
        gradients = [p.grad for p in parameters if p.grad is not None]
        torch._foreach_lerp_(means, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, means, MOMENTUM)
        return torch.stack([values.flatten(1) for values in ahead]).to(self.precision)


def alike(parameters: Sequence[Tensor]) -> list[list[Tensor]]:
    """Those that have a gradient, by the shape of their matrix: what is made orthogonal at once."""
    shapes: dict[tuple[int, int], list[Tensor]] = {}
    for parameter in parameters:
        if parameter.grad is not None:
            shapes.setdefault((parameter.shape[0], parameter[0].numel()), []).append(parameter)
    return list(shapes.values())
