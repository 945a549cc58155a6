"""Low-rank additions to the matrices of the decoder (LoRA, Hu et al. 2022): little learns, and what it adds is small.

    W -> W + U D,  D (rank x in) random, U (out x rank) zero at first

While it learns, PyTorch's parametrizations compute the sums and rename the tensors; `plain_state` gives the network's
own names back, with the sums for the matrices.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from ..model.mvinverse import MVInverse

RANK = 8
ADDED = ".parametrizations.weight.0."  # in the names of what is added
BASE = ".parametrizations.weight.original"  # that of the matrix it is added to


class LowRank(nn.Module):
    """Adds U D to a matrix (out, in)."""

    def __init__(self, weight: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        rows, columns = weight.shape
        down = torch.randn(RANK, columns, generator=generator) / columns**0.5
        self.down = nn.Parameter(down.to(weight))
        self.up = nn.Parameter(weight.new_zeros(rows, RANK))

    def forward(self, weight: Tensor) -> Tensor:
        """(out, in) -> (out, in)."""
        added: Tensor = weight + self.up @ self.down
        return added


def add_low_rank(model: MVInverse, seed: int) -> None:
    """Gives every matrix of the decoder an addition, which changes nothing yet."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.decoder.modules():
        if isinstance(module, nn.Linear):
            parametrize.register_parametrization(module, "weight", LowRank(module.weight, generator))


def plain_state(model: MVInverse) -> dict[str, Tensor]:
    """The state of `model` under the names that it has without additions, which are added in."""
    state: dict[str, Tensor] = {}
    for name, values in model.state_dict().items():
        if name.endswith(BASE):
            owner = name.removesuffix(BASE)
            state[f"{owner}.weight"] = cast(Tensor, model.get_submodule(owner).weight).detach()
        elif ADDED not in name:
            state[name] = values
    return state
