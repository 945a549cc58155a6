"""Fixtures shared by every wing."""

import copy

import pytest
import torch

from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.mvinverse import MVInverse

TINY = ModelConfig(
    dim=32,
    heads=2,
    encoder_depth=2,
    position_grid=5,
    decoder_depth=8,
    levels=(0, 1, 2, 3),
    features=32,
    bypass_depths=(1, 1, 1, 1),
    bypass_width=8,
    bypass_groups=4,
)


@pytest.fixture(scope="session")
def tiny_model() -> MVInverse:
    """A seeded network of every part in which every part shows: not to be changed by a test."""
    generator = torch.Generator().manual_seed(0)
    model = MVInverse(TINY)
    for name, value in model.state_dict().items():
        if name.startswith("image_") or not value.is_floating_point():
            continue
        noise = torch.rand(value.shape, generator=generator) - 0.5
        fan_in = value[0].numel() if value.ndim > 1 else 0
        # weights of unit gain; norms, layer scales and variances near one; biases and means small
        value.copy_(noise * (12 / fan_in) ** 0.5 if fan_in else noise / 5 + (not name.endswith(("bias", "mean"))))
    return model.eval().requires_grad_(False)


@pytest.fixture
def tiny(tiny_model: MVInverse) -> MVInverse:
    """A copy of `tiny_model` that a test may change."""
    return copy.deepcopy(tiny_model)
