"""What a checkpoint says of itself: the sizes that build the network and the curves it was trained with.

The defaults are the published network. Lengths of the bypass and of the heads follow the two widths they are built on
(`bypass_width`, `features`) in the published proportions.
"""

from dataclasses import dataclass

from ..color import Transfer


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of an `MVInverse` network and its colour contract."""

    dim: int = 1024  # channels of a token, in encoder and decoder
    heads: int = 16
    mlp_ratio: float = 4.0
    patch_size: int = 14
    encoder_depth: int = 24
    encoder_registers: int = 4
    position_grid: int = 37  # the stored position table is position_grid x position_grid patches
    decoder_depth: int = 36  # even blocks attend within a frame, odd ones across all frames
    registers: int = 5  # tokens put before each frame's patches in the decoder
    rope_base: float = 100.0
    levels: tuple[int, int, int, int] = (3, 8, 13, 17)  # (frame, global) pairs that the heads read
    features: int = 256  # channels of a head's pyramid
    bypass_depths: tuple[int, int, int, int] = (3, 4, 23, 3)  # bottlenecks in each ResNeXt stage
    bypass_width: int = 64  # channels of the ResNeXt stem; stage i ends in 4 * 2**i times as many
    bypass_groups: int = 32
    input_transfer: Transfer = "srgb"
    albedo_transfer: Transfer = "srgb"
    shading_transfer: Transfer = "srgb"
