"""The network: N views of one scene in, five maps of each view out, in one pass.

Attribute names are the published checkpoint's keys. B scenes, N frames, T tokens of a frame (registers, then patches),
C channels, H W pixels, h w patches.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from ..maps import MAPS, SPECS, MapName
from .block import Block
from .bypass import build_bypass, bypass_channels
from .config import ModelConfig
from .dpt import DPTHead
from .rope import patch_positions, rope_table
from .vit import VisionTransformer

# Of the pictures the network was trained on (ImageNet's), in the checkpoint as buffers.
IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)

TOKEN_LEVELS = slice(2, 4)  # of the bypass: the one that meets the token grid, and the next coarser


class MVInverse(nn.Module):
    """MVInverse (CVPR 2026): DINOv2 encoder, alternating decoder, convolutional bypass, five DPT heads.

    `ModelConfig()` is the published network, whose file loads strictly. Only attention across frames holds all tokens
    at once; everything else runs `frame_batch` frames at a time.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.register_token = nn.Parameter(torch.zeros(1, 1, config.registers, config.dim))
        self.register_buffer("image_mean", torch.tensor(IMAGE_MEAN).view(1, 3, 1, 1))
        self.register_buffer("image_std", torch.tensor(IMAGE_STD).view(1, 3, 1, 1))
        channels = bypass_channels(config)
        self.encoder = VisionTransformer(config, channels[TOKEN_LEVELS] if config.bypass_tokens else ())
        self.decoder = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp_ratio, qk_norm=True, scale=0.01)
            for _ in range(config.decoder_depth)
        )
        self.res_encoder = build_bypass(config)
        for name in MAPS:
            seen = channels if name in config.bypass_maps else ()
            self.add_module(f"{name}_head", DPTHead(config, SPECS[name].channels, seen))

    def forward(self, images: Tensor, *, maps: Sequence[MapName] = MAPS, frame_batch: int = 1) -> dict[MapName, Tensor]:
        """Maps of every view, seen together.

        images: (B, N, 3, H, W) in [0, 1] on the curve `config.input_transfer`, H and W multiples of the patch size.
        maps: those wanted; the heads of others do not run.
        frame_batch: frames that encoder, bypass, heads and attention within a frame take at once; same numbers.
        Returns (B, N, H, W, C) float32 for each map: albedo and shading in [0, 1] on the config's curves, metallic and
        roughness in [0, 1], normals of unit length in camera space (OpenGL axes).
        """
        scenes, views, _, height, width = images.shape
        patch_size = self.config.patch_size
        if height % patch_size or width % patch_size:
            raise ValueError(f"pictures of {width}x{height}: sides must be multiples of {patch_size}")
        grid = (height // patch_size, width // patch_size)
        frames = (images.flatten(0, 1) - self.image_mean) / self.image_std
        frames = frames.to(self.register_token.dtype)  # (B * N, 3, H, W)
        batches = frames.split(frame_batch)
        # What joins the tokens is kept for the heads: less than a level, and the bypass is the dearer part.
        pyramids = [self.see(batch) if self.config.bypass_tokens else None for batch in batches]
        tokens = torch.cat(
            [
                self.encoder(batch, pyramid[TOKEN_LEVELS] if pyramid else ())
                for batch, pyramid in zip(batches, pyramids, strict=True)
            ]
        )  # (B * N, h * w, C)
        levels = self.decode(tokens.unflatten(0, (scenes, views)), grid, frame_batch)
        shares = zip(*(level.split(frame_batch) for level in levels), strict=True)
        parts = [
            self.read_out(batch, share, grid, maps, pyramid)
            for batch, share, pyramid in zip(batches, shares, pyramids, strict=True)
        ]
        return {name: torch.cat([part[name] for part in parts]).unflatten(0, (scenes, views)) for name in maps}

    def decode(self, tokens: Tensor, grid: tuple[int, int], frame_batch: int) -> list[Tensor]:
        """Patch tokens (B, N, h * w, C) -> the four levels that the heads read, each (B * N, h * w, 2 C)."""
        config = self.config
        scenes, views = tokens.shape[:2]
        positions = patch_positions(*grid, config.registers, tokens.device)
        rope = rope_table(positions, config.dim // config.heads, config.rope_base)
        registers = self.register_token.expand(scenes, views, -1, -1)
        x = torch.cat([registers, tokens], dim=2).flatten(0, 1)  # (B * N, T, C)
        levels = []
        for pair in range(config.decoder_depth // 2):
            within, across = self.decoder[2 * pair], self.decoder[2 * pair + 1]
            frame = in_batches(partial(within, rope=rope), x, frame_batch)
            x = across(frame.unflatten(0, (scenes, views)).flatten(1, 2), rope)  # (B, N * T, C)
            x = x.unflatten(1, (views, -1)).flatten(0, 1)  # (B * N, T, C)
            if pair in config.levels:
                levels.append(torch.cat([frame, x], dim=-1)[:, config.registers :])
        return levels

    def see(self, frames: Tensor) -> list[Tensor]:
        """Normalised frames (n, 3, H, W) -> the four levels of the bypass, fine to coarse."""
        height, width = frames.shape[-2:]
        # 8/7: the pyramid then meets the token grid at 4, 2, 1 and 1/2 pixels a patch of 14
        return self.res_encoder(interpolate(frames, (height // 7 * 8, width // 7 * 8), mode="bilinear"))

    def read_out(
        self,
        frames: Tensor,
        levels: Sequence[Tensor],
        grid: tuple[int, int],
        maps: Sequence[MapName],
        bypass: list[Tensor] | None,
    ) -> dict[MapName, Tensor]:
        """Normalised frames (n, 3, H, W) and their levels, four of (n, h * w, 2 C) -> (n, H, W, C) of each map.

        bypass: its pyramid of these frames, where it has been computed already.
        """
        seeing = self.config.bypass_maps
        if bypass is None and any(name in seeing for name in maps):
            bypass = self.see(frames)
        outputs = {}
        for name in maps:
            head = self.get_submodule(f"{name}_head")
            raw = head(levels, grid, bypass if name in seeing else None, frames).float().permute(0, 2, 3, 1)
            outputs[name] = normalize(raw.tanh(), dim=-1) if SPECS[name].kind == "vector" else raw.sigmoid()
        return outputs


def in_batches(function: Callable[[Tensor], Tensor], x: Tensor, batch: int) -> Tensor:
    """`function` over `batch` rows of `x` at a time, joined again."""
    return torch.cat([function(part) for part in x.split(batch)])
