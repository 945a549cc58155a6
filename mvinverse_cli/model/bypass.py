"""The convolutional bypass beside the transformer: which one a config asks for, and what it gives.

Each takes normalised pictures (N, 3, H, W) and returns features at 1/4, 1/8, 1/16 and 1/32 of their size.
"""

from torch import nn

from . import efficientnet
from .config import ModelConfig
from .resnext import EXPANSION, ResNeXt

PATCH = 16  # pixels that stand for a patch, whatever side that has of the network's own


def bypass_channels(config: ModelConfig) -> tuple[int, ...]:
    """Channels of the four levels, fine to coarse."""
    if config.bypass == "efficientnet_lite0":
        return efficientnet.CHANNELS
    return tuple(EXPANSION * config.bypass_width * 2**stage for stage in range(4))


def bypass_size(size: tuple[int, int], patch_size: int) -> tuple[int, int]:
    """(H, W) of the pictures, whole patches -> of what the bypass sees of them: its levels then meet the token grid at
    4, 2, 1 and 1/2 pixels a patch."""
    height, width = (side // patch_size * PATCH for side in size)
    return height, width


def build_bypass(config: ModelConfig) -> nn.Module:
    """The bypass that `config` asks for, not yet filled."""
    return efficientnet.EfficientNetLite0() if config.bypass == "efficientnet_lite0" else ResNeXt(config)
