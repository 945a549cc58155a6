"""From what the options call a model to weights on this machine, and where and in what precision they will run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..options import DecomposeOptions

if TYPE_CHECKING:  # at run time torch waits until the plan stands
    import torch

    from ..model.weights import Weights


@dataclass(frozen=True)
class Located:
    """The weights on this machine and where the network will run."""

    weights: "Weights"
    device: "torch.device"
    dtype: "torch.dtype"


def locate_model(options: DecomposeOptions, *, download: bool = True) -> Located:
    """What `--model`, `--device` and `--dtype` stand for on this machine; weights are fetched where they are missing.

    Raises OptionError for a device that is not there, WeightsError for weights that cannot be had.
    """
    from ..model.device import choose_device, choose_dtype
    from ..model.weights import choose_name, find_weights

    device = choose_device(options.device)
    weights = find_weights(choose_name(options.model, device.type), download=download)
    return Located(weights, device, choose_dtype(options.dtype, device))
