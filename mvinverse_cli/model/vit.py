"""The encoder: DINOv2 with registers (Oquab 2023, Darcet 2024), one frame at a time.

Attribute names are the published checkpoint's keys. N frames, C channels, H W pixels, h w patches.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from .block import Block
from .config import ModelConfig


class PatchEmbed(nn.Module):
    """Cuts a picture into patches and projects each to a token."""

    def __init__(self, dim: int, patch_size: int):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, C, h, w)."""
        return self.proj(images)


class VisionTransformer(nn.Module):
    """Normalised pictures, and the coarse levels of the bypass where `bypass` tells their channels, to patch tokens."""

    def __init__(self, config: ModelConfig, bypass: Sequence[int] = ()):
        super().__init__()
        self.position_grid = config.position_grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.register_tokens = nn.Parameter(torch.zeros(1, config.encoder_registers, config.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.position_grid**2, config.dim))
        self.patch_embed = PatchEmbed(config.dim, config.patch_size)
        if bypass:
            self.bypass_embed = nn.ModuleList(nn.Conv2d(width, config.dim, 1) for width in bypass)
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp_ratio, qk_norm=False, scale=1e-5)
            for _ in range(config.encoder_depth)
        )
        self.norm = nn.LayerNorm(config.dim, eps=1e-6)

    def forward(self, images: Tensor, bypass: Sequence[Tensor] = ()) -> Tensor:
        """Normalised (N, 3, H, W), bypass levels (N, ..., near h, near w) -> patch tokens (N, h * w, C), row first."""
        patches = self.patch_embed(images)  # (N, C, h, w)
        for index, level in enumerate(bypass):
            seen = self.bypass_embed[index](level)
            patches = patches + interpolate(seen, size=patches.shape[-2:], mode="bilinear")
        patches = (patches + self.patch_positions(*patches.shape[-2:])).flatten(2).mT  # (N, h * w, C)
        class_token = self.cls_token + self.pos_embed[:, :1]
        special = torch.cat([class_token, self.register_tokens], dim=1)  # registers have no position
        x = torch.cat([special.expand(len(images), -1, -1), patches], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, special.shape[1] :])

    def patch_positions(self, rows: int, columns: int) -> Tensor:
        """The position table resized to the patch grid: (1, C, rows, columns)."""
        side = self.position_grid
        table = self.pos_embed[:, 1:].mT.unflatten(-1, (side, side))
        # float32: bicubic weights in half precision would shift every position
        resized = interpolate(table.float(), size=(rows, columns), mode="bicubic", antialias=True)
        return resized.to(table.dtype)
