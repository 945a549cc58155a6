"""A dense prediction head (DPT, Ranftl 2021): four levels of tokens become one map at the picture's size.

Attribute names are the published checkpoint's keys. N frames, C channels of a level (frame and global tokens side by
side), F features, H W pixels, h w patches. All upsampling aligns corners: the checkpoint was trained so.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from .config import ModelConfig

LEAST = 16  # channels of a head's last layers, however few its features


def upsample(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, F, ...) -> (N, F, *size), bilinear with aligned corners."""
    return interpolate(x, size=size, mode="bilinear", align_corners=True)


class ResidualUnit(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, features: int):
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, F, H, W) -> (N, F, H, W)."""
        # The published unit rectifies in place, so that its shortcut carries relu(x), not x.
        x = relu(x)
        return x + self.conv2(relu(self.conv1(x), inplace=True))


class FusionBlock(nn.Module):
    """Adds a finer level to what came from the coarser ones, and upsamples."""

    def __init__(self, features: int, *, coarsest: bool):
        super().__init__()
        if not coarsest:
            self.resConfUnit1 = ResidualUnit(features)
        self.resConfUnit2 = ResidualUnit(features)
        self.out_conv = nn.Conv2d(features, features, 1)

    def forward(self, coarse: Tensor, fine: Tensor | None, size: tuple[int, int]) -> Tensor:
        """coarse (N, F, ...) and fine of the same shape (none for the coarsest level) -> (N, F, *size)."""
        x = coarse if fine is None else coarse + self.resConfUnit1(fine)
        # A 1x1 convolution commutes with bilinear weights, which sum to one: before is a quarter of the work.
        return upsample(self.out_conv(self.resConfUnit2(x)), size)


class Scratch(nn.Module):
    """The convolutions that turn the pyramid into one map."""

    def __init__(self, levels: Sequence[int], features: int, channels: int, *, slope: float, detail: bool):
        super().__init__()
        self.layer1_rn = nn.Conv2d(levels[0], features, 3, padding=1, bias=False)
        self.layer2_rn = nn.Conv2d(levels[1], features, 3, padding=1, bias=False)
        self.layer3_rn = nn.Conv2d(levels[2], features, 3, padding=1, bias=False)
        self.layer4_rn = nn.Conv2d(levels[3], features, 3, padding=1, bias=False)
        self.refinenet1 = FusionBlock(features, coarsest=False)
        self.refinenet2 = FusionBlock(features, coarsest=False)
        self.refinenet3 = FusionBlock(features, coarsest=False)
        self.refinenet4 = FusionBlock(features, coarsest=True)
        # Of the published 256 features a half and an eighth; fewer than LEAST units are too few to survive a ReLU.
        half, last = max(features // 2, LEAST), max(features // 8, LEAST)
        self.output_conv1 = nn.Conv2d(features, half, 3, padding=1)
        if detail:
            self.detail = nn.Conv2d(3, half, 3, padding=1)
        rectifier = nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)
        self.output_conv2 = nn.Sequential(nn.Conv2d(half, last, 3, padding=1), rectifier, nn.Conv2d(last, channels, 1))

    def forward(self, pyramid: list[Tensor], size: tuple[int, int], detail: Tensor | None) -> Tensor:
        """Four levels, fine to coarse, and the pictures (N, 3, *size) or None -> (N, channels, *size)."""
        first, second, third, fourth = (
            layer(level)
            for layer, level in zip(
                (self.layer1_rn, self.layer2_rn, self.layer3_rn, self.layer4_rn), pyramid, strict=True
            )
        )
        x = self.refinenet4(fourth, None, third.shape[-2:])
        x = self.refinenet3(x, third, second.shape[-2:])
        x = self.refinenet2(x, second, first.shape[-2:])
        x = self.refinenet1(x, first, (2 * first.shape[-2], 2 * first.shape[-1]))
        x = upsample(self.output_conv1(x), size)
        return self.output_conv2(x if detail is None else x + self.detail(detail))


class DPTHead(nn.Module):
    """One map from four levels of tokens and, where `bypass` channels are given, the bypass pyramid."""

    def __init__(self, config: ModelConfig, channels: int, bypass: Sequence[int] = ()):
        super().__init__()
        widths = [config.features * factor for factor in (1, 2, 4, 4)]
        self.patch_size = config.patch_size
        self.norm = nn.LayerNorm(2 * config.dim)
        self.projects = nn.ModuleList(nn.Conv2d(2 * config.dim, width, 1) for width in widths)
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(widths[0], widths[0], 4, stride=4),
                nn.ConvTranspose2d(widths[1], widths[1], 2, stride=2),
                nn.Identity(),
                nn.Conv2d(widths[3], widths[3], 3, stride=2, padding=1),
            ]
        )
        if bypass:
            self.fuse_projects = nn.ModuleList(
                nn.Conv2d(before, after, 1) for before, after in zip(bypass, widths, strict=True)
            )
        self.has_detail = bool(bypass) and config.bypass_detail
        self.scratch = Scratch(widths, config.features, channels, slope=config.head_slope, detail=self.has_detail)

    def forward(
        self, levels: Sequence[Tensor], grid: tuple[int, int], bypass: Sequence[Tensor] | None, frames: Tensor
    ) -> Tensor:
        """levels: four (N, h * w, C); grid: (h, w); bypass: its pyramid or None; frames: normalised (N, 3, H, W).

        Returns (N, channels, H, W).
        """
        pyramid = []
        for i, tokens in enumerate(levels):
            x = self.norm(tokens).mT.unflatten(-1, grid)  # (N, C, h, w)
            x = self.resize_layers[i](self.projects[i](x))
            if bypass is not None:
                x = x + self.fuse_projects[i](bypass[i])
            pyramid.append(x)
        size = (grid[0] * self.patch_size, grid[1] * self.patch_size)
        return self.scratch(pyramid, size, frames if self.has_detail else None)
