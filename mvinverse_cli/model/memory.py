"""How much memory a pass takes, from its tokens and bytes: nothing is measured at run time.

What grows with the frames (pictures, tokens, keys and values, levels, pyramids) is counted exactly; the workspace of a
frame batch is counted as its largest moment. Together they were held against the resident memory of the CPU.
H W pixels, h w patches, T tokens of a frame, C channels, F features of a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, prod

import torch

from ..maps import MAPS, SPECS, MapName
from .attention import thin_tokens
from .bypass import bypass_channels, bypass_size
from .config import ModelConfig
from .dpt import LEAST
from .efficientnet import STAGES, STEM
from .mvinverse import MVInverse
from .second_look import second_size

# Measured: an allocator cannot use every hole, and keeps freed blocks for later (glibc those up to 32 MiB).
HOLES = 1.06
KEPT_BLOCKS = 3
LARGEST_KEPT = 2**25

PICTURE_BYTES = 4  # of a value of a picture or a map: float32 whatever the network computes in

# Tensors of the widest layer's size that stand at the dearest moment of a bypass: the layer, its norm, its neighbours.
WIDE_TENSORS = {"efficientnet_lite0": 3, "resnext": 4}


@dataclass(frozen=True)
class FrameBytes:
    """Bytes that one frame takes: while it waits, then while its batch is at work."""

    picture: int
    tokens: int  # between two blocks
    keys_values: int  # of a block across frames
    levels: int
    pyramid: int  # kept for the heads, if it is
    fresh_pyramid: int  # as the bypass gives it
    block: int
    bypass: int
    head: int
    maps: int
    largest: int  # single tensor at work


@dataclass(frozen=True)
class LookBytes:
    """Bytes that one look at all frames takes, and what of them waits for the heads when all have seen each other."""

    attend: int
    held: int
    read: int  # beside what is held, as a batch is read out
    largest: int


def pass_bytes(
    config: ModelConfig,
    *,
    frames: int,
    size: tuple[int, int],
    frame_batch: int,
    element_bytes: int,
    kv_stride: int = 1,
    read_maps: Sequence[MapName] = MAPS,
    levels_bytes: int | None = None,
    looks: int = 1,
) -> int:
    """Bytes above the weights at the peak of `attend` and of `read_out`, batch by batch, for one scene.

    size: (H, W) as the network sees them. element_bytes: of a number as it is computed; levels_bytes: as levels are
    kept, the same if None, 0 if on the host. Pictures are on the device, the last batch of maps beside that in work.
    """
    sizes = [size, second_size(size, config.patch_size)][:looks]
    first, *second = (
        look_bytes(config, frames, seen, frame_batch, element_bytes, kv_stride, read_maps, levels_bytes)
        for seen in sizes
    )
    peak, held, largest = max(first.attend, first.held + first.read), first.held, first.largest
    for look in second:
        # it comes while what the first look is read out of waits, and its maps while those of the first do
        batch_maps = min(frame_batch, frames) * map_bytes(size, read_maps)
        peak = max(peak, held + look.attend, held + look.held + max(first.read, batch_maps + look.read))
        largest = max(largest, look.largest)
    return ceil(HOLES * peak) + KEPT_BLOCKS * min(largest, LARGEST_KEPT)


def look_bytes(
    config: ModelConfig,
    frames: int,
    size: tuple[int, int],
    frame_batch: int,
    element_bytes: int,
    kv_stride: int,
    read_maps: Sequence[MapName],
    levels_bytes: int | None,
) -> LookBytes:
    """The terms of `pass_bytes` for all frames."""
    computed = frame_bytes(config, size, element_bytes, element_bytes, kv_stride=kv_stride, read_maps=read_maps)
    one, fetched = computed, 0
    if levels_bytes is not None:
        one = frame_bytes(config, size, element_bytes, levels_bytes, kv_stride=kv_stride, read_maps=read_maps)
        fetched = computed.levels + computed.pyramid
    batch = min(frame_batch, frames)
    seeing = not config.bypass_tokens and bool({*read_maps} & {*config.bypass_maps})
    head = max(one.bypass, one.head + one.fresh_pyramid) if seeing else one.head
    held = frames * (one.picture + one.pyramid)
    encode = held + frames * one.tokens + batch * max(one.bypass, one.block)
    held += frames * one.levels
    decode = held + frames * (one.tokens + one.keys_values) + batch * one.block
    read = batch * (fetched + head + 2 * one.maps)
    largest = max(batch * one.largest, frames * one.keys_values // 2)
    return LookBytes(max(encode, decode), held, read, largest)


def frame_bytes(
    config: ModelConfig,
    size: tuple[int, int],
    element_bytes: int,
    kept_bytes: int,
    *,
    kv_stride: int,
    read_maps: Sequence[MapName],
) -> FrameBytes:
    """The terms of `pass_bytes` for one frame."""
    height, width = size
    pixels = height * width
    grid = (height // config.patch_size, width // config.patch_size)
    patches = prod(grid)
    tokens = config.registers + patches
    seen = len(thin_tokens(grid, config.registers, kv_stride)[0]) + (kv_stride > 1)  # perhaps a mean
    hidden = int(config.mlp_ratio * config.dim) * (max(config.registers, 1 + config.encoder_registers) + patches)
    bypass_sides = bypass_size(size, config.patch_size)
    pyramid = sum(
        channels * prod(ceil(side / 2 ** (level + 2)) for side in bypass_sides)
        for level, channels in enumerate(bypass_channels(config))
    )
    wide = ceil(widest_bypass(config) * prod(bypass_sides))
    half, last = max(config.features // 2, LEAST), max(config.features // 8, LEAST)
    # At full size the two sides of a convolution, also in its own layout; before it the picture's share and their sum.
    # Below, levels of 4, 2, 1 and 1/2 pixels a patch: projected to 1, 2, 4 and 4 F, then each to F.
    full = 2 * half + 2 * last + (half if config.bypass_detail else 0)
    below = config.features * (16 * (1 + 1) + 4 * (2 + 1) + (4 + 1) + (4 + 1) / 4)
    return FrameBytes(
        picture=3 * pixels * PICTURE_BYTES,
        tokens=tokens * config.dim * element_bytes,
        keys_values=2 * seen * config.dim * element_bytes,
        levels=4 * 2 * config.dim * patches * kept_bytes,
        pyramid=pyramid * kept_bytes if config.bypass_tokens else 0,
        fresh_pyramid=pyramid * element_bytes,
        block=(2 * tokens * config.dim + 2 * hidden) * element_bytes,  # before and after both norm and GELU
        bypass=(WIDE_TENSORS[config.bypass] * wide + pyramid) * element_bytes,
        head=ceil(full * pixels + below * patches) * element_bytes,
        maps=map_bytes(size, read_maps),
        largest=max(wide, hidden, half * pixels) * element_bytes,
    )


def map_bytes(size: tuple[int, int], read_maps: Sequence[MapName]) -> int:
    """Bytes of a frame's maps."""
    return sum(SPECS[name].channels for name in read_maps) * prod(size) * PICTURE_BYTES


def widest_bypass(config: ModelConfig) -> float:
    """Numbers that the widest layer of the bypass gives for each pixel it sees."""
    if config.bypass == "resnext":
        return 8 * config.bypass_width / 16  # where the second stage begins: its channels at the first one's size
    widest, area, before = 0.0, 1 / 4, STEM
    for expansion, _, stride, after, _ in STAGES:
        widest = max(widest, expansion * before * area)
        area, before = area / stride**2, after
    return widest


@cache
def weights_bytes(config: ModelConfig, element_bytes: int) -> int:
    """Bytes of the network's parameters and buffers."""
    with torch.device("meta"):
        state = MVInverse(config).state_dict()
    return sum(value.numel() for value in state.values()) * element_bytes
