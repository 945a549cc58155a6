"""LPIPS (Zhang et al. 2018) with AlexNet's features, version 0.1: how far apart two pictures look.

The features are those of ImageNet's AlexNet as torchvision publishes it, fetched once (233 MB) into torch's own cache;
the weights of their channels come with torchmetrics. Where either cannot be had, a sentence says so and nothing fails.
H W pixels, C channels, h w of a layer.
"""

import logging
import os
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ..maps import Array

logger = logging.getLogger(__name__)

ALEXNET = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"  # its hash is in its name, and checked
CHANNEL_WEIGHTS = Path("functional/image/lpips_models/alex.pth")  # in torchmetrics
# What the features were trained on, seen from [-1, 1] (the scaling layer of the published implementation)
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
CHANNELS = (64, 192, 384, 256, 256)


class Lpips(nn.Module):
    """Attribute names of `features` and `lin0` to `lin4` are those of the published files."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
        )
        for layer, channels in enumerate(CHANNELS):
            self.register_parameter(f"lin{layer}", nn.Parameter(torch.zeros(1, channels, 1, 1)))
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Two pictures (2, 3, H, W) in [0, 1], sides of 35 pixels or more -> their distance, a scalar."""
        x = (images * 2 - 1 - self.shift) / self.scale
        distance = x.new_zeros(())
        layer = 0
        for step in self.features:
            x = step(x)
            if isinstance(step, nn.ReLU):
                one, other = normalize(x, dim=1, eps=1e-10)  # (C, h, w) each
                weights = self.get_parameter(f"lin{layer}")[0]  # (C, 1, 1)
                distance = distance + ((one - other) ** 2 * weights).sum(dim=0).mean()
                layer += 1
        return distance

    def between(self, prediction: Array, truth: Array) -> float:
        """The distance of two pictures (H, W, 3), float32 in [0, 1]."""
        pair = torch.stack([torch.from_numpy(picture).permute(2, 0, 1) for picture in (prediction, truth)])
        with torch.inference_mode():
            return float(self(pair.float()))


class Perceptual(NamedTuple):
    """The network, or None and why it cannot be had."""

    network: Lpips | None
    reason: str


def open_lpips() -> Perceptual:
    """The network with its published weights, on the CPU."""
    spec = find_spec("torchmetrics")
    places = spec.submodule_search_locations if spec else None
    if not places:
        return Perceptual(None, "torchmetrics, which brings its weights, is not installed")
    cached = Path(torch.hub.get_dir()) / "checkpoints" / ALEXNET.rpartition("/")[2]
    if not cached.is_file():
        if os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on"):
            return Perceptual(None, f"AlexNet's weights are not at {cached}, and HF_HUB_OFFLINE forbids to fetch them")
        logger.info("fetching AlexNet's weights for LPIPS, once (233 MB)")
    try:
        features = torch.hub.load_state_dict_from_url(
            ALEXNET, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
        channels = torch.load(Path(places[0]) / CHANNEL_WEIGHTS, map_location="cpu", weights_only=True)
        network = Lpips()
        network.load_state_dict(
            {name: value for name, value in features.items() if name.startswith("features.")}
            | {f"lin{layer}": channels[f"lin{layer}.model.1.weight"] for layer in range(len(CHANNELS))}
        )
    except (OSError, EOFError, RuntimeError, KeyError, pickle.UnpicklingError) as error:
        return Perceptual(None, f"AlexNet's weights cannot be had ({error}); put them at {cached}")
    return Perceptual(network.eval().requires_grad_(False), "")
