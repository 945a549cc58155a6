"""What a network starts training from, where nothing has been learnt: small transformer, steady convolutions, and heads
that begin near the middle of their maps.

The published network descends from trained transformers, whose layer scales of 1e-5 and 0.01 let a fresh part in
slowly; from nothing they would stop learning. C channels, S side of the position table.
"""

import math

import torch
from torch import Generator, Tensor, nn

from ..maps import MAPS, MapName
from .block import LayerScale
from .dpt import DPTHead, FusionBlock, ResidualUnit
from .efficientnet import InvertedResidual
from .mvinverse import MVInverse
from .resnext import Bottleneck

TOKEN_STD = 0.02
LAYER_SCALE = 0.1
RECTIFIED_GAIN = math.sqrt(2)  # behind a ReLU, which halves the power (He 2015, equation 10)
BRANCH_GAIN = 0.3  # of what is added to a shortcut: a long chain of sums would swell otherwise
POSITION_SIZE = 0.5  # of the sines, beside patches of about unit spread
LAST_GAIN = 0.05  # of a head's last layer: maps start nearly flat

# Where a map starts: the logit of a grey map, of rare metal, and tanh 0.5 towards the camera.
LAST_BIASES: dict[MapName, tuple[float, ...]] = {
    "albedo": (-0.3, -0.3, -0.3),
    "metallic": (-2.0,),
    "roughness": (0.3,),
    "normal": (0.0, 0.0, 0.55),
    "shading": (0.0, 0.0, 0.0),
}


@torch.no_grad()
def initialize(model: MVInverse, generator: Generator) -> None:
    """Fills every parameter of `model`, on the CPU, for training from nothing; the same generator, the same numbers."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            fill_trunc_normal(module.weight, generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fill_conv(module, RECTIFIED_GAIN, generator)
        elif isinstance(module, nn.LayerNorm | nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, LayerScale):
            nn.init.constant_(module.gamma, LAYER_SCALE)
    for module in model.modules():
        if isinstance(module, DPTHead):
            initialize_head(module, generator)
        elif isinstance(module, Bottleneck) and isinstance(module.downsample, nn.Identity):
            nn.init.constant_(module.bn3.weight, BRANCH_GAIN)
        elif isinstance(module, InvertedResidual) and module.adds:
            nn.init.constant_(module._bn2.weight, BRANCH_GAIN)
    for name in MAPS:
        last = model.get_submodule(f"{name}_head.scratch.output_conv2.2")
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        fill_conv(last, LAST_GAIN, generator)
        last.bias.copy_(torch.tensor(LAST_BIASES[name]))
    initialize_tokens(model, generator)


def initialize_tokens(model: MVInverse, generator: Generator) -> None:
    """Patches of unit spread, the tokens beside them, and their positions."""
    encoder = model.encoder
    fill_conv(encoder.patch_embed.proj, 1, generator)
    for embed in getattr(encoder, "bypass_embed", ()):
        fill_conv(embed, 1, generator)
    for tokens in (model.register_token, encoder.cls_token, encoder.register_tokens):
        fill_trunc_normal(tokens, generator)
    nn.init.zeros_(encoder.pos_embed[:, :1])
    encoder.pos_embed[0, 1:] = sine_positions(encoder.position_grid, model.config.dim) * POSITION_SIZE


def initialize_head(head: DPTHead, generator: Generator) -> None:
    """Convolutions that keep the spread of what they read, and residual units that start small.

    Filters sum to zero: what a ReLU gives is positive, and layer upon layer its mean would outgrow the picture until
    the first steps of training silence the last units for good.
    """
    gains = dict.fromkeys(head.modules(), 1.0)
    for module in head.modules():
        if isinstance(module, ResidualUnit):
            gains[module.conv1], gains[module.conv2] = RECTIFIED_GAIN, BRANCH_GAIN
        elif isinstance(module, FusionBlock):
            gains[module.out_conv] = RECTIFIED_GAIN
    for module, gain in gains.items():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            fill_conv(module, gain, generator)
        if isinstance(module, nn.Conv2d):
            module.weight -= module.weight.mean(dim=(1, 2, 3), keepdim=True)


def fill_trunc_normal(tensor: Tensor, generator: Generator) -> None:
    """As transformers start: a normal distribution of TOKEN_STD, cut at twice its spread."""
    nn.init.trunc_normal_(tensor, std=TOKEN_STD, a=-2 * TOKEN_STD, b=2 * TOKEN_STD, generator=generator)


def fill_conv(conv: nn.Module, gain: float, generator: Generator) -> None:
    """Normal weights that multiply the spread of white input by `gain`, and no bias."""
    assert isinstance(conv, nn.Conv2d | nn.ConvTranspose2d)
    fan_in = conv.weight[0].numel()
    if isinstance(conv, nn.ConvTranspose2d):
        fan_in = conv.in_channels  # kernel and stride agree: each output pixel has one tap
    nn.init.normal_(conv.weight, std=gain / math.sqrt(fan_in), generator=generator)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


def sine_positions(side: int, dim: int) -> Tensor:
    """(side * side, dim): sines and cosines of y, then of x, from one wave across the table to `side / 2` waves."""
    count = dim // 4
    waves = torch.logspace(0, math.log10(max(side / 2, 1)), count)
    angles = (torch.arange(side) + 0.5)[:, None] / side * waves * math.pi  # (S, C/4)
    table = torch.cat([angles.sin(), angles.cos()], dim=-1)  # (S, C/2)
    y, x = table[:, None].expand(side, side, -1), table[None].expand(side, side, -1)
    return torch.cat([y, x], dim=-1).flatten(0, 1)
