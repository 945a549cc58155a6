"""The convolutional bypass beside the transformer: which one a config asks for, and what it gives.

Each takes normalised pictures (N, 3, H, W) and returns features at 1/4, 1/8, 1/16 and 1/32 of their size.
"""

from torch import nn

from . import efficientnet
from .config import ModelConfig
from .resnext import EXPANSION, ResNeXt


def bypass_channels(config: ModelConfig) -> tuple[int, ...]:
    """Channels of the four levels, fine to coarse."""
    if config.bypass == "efficientnet_lite0":
        return efficientnet.CHANNELS
    return tuple(EXPANSION * config.bypass_width * 2**stage for stage in range(4))


def build_bypass(config: ModelConfig) -> nn.Module:
    """The bypass that `config` asks for, not yet filled."""
    return efficientnet.EfficientNetLite0() if config.bypass == "efficientnet_lite0" else ResNeXt(config)
