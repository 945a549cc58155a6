"""The network computed the plain way, as the other side of benchmarks and tests: same weights, same numbers.

All pairs of the decoder are kept until the end, attention writes its whole matrix, all frames go through every part at
once, and the heads' 1x1 convolutions run after the upsampling.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mvinverse_cli.maps import MAPS, MapName
from mvinverse_cli.model.attention import Seen
from mvinverse_cli.model.block import Attention
from mvinverse_cli.model.dpt import FusionBlock, upsample
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.rope import Rope, patch_positions, rope_table, rotate


class PlainAttention(Attention):
    """Softmax written out."""

    def forward(self, x: Tensor, rope: Rope | None = None) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        if rope is not None:
            q, k = rotate(q, rope), rotate(k, rope)
        weights = (q @ k.mT * q.shape[-1] ** -0.5).softmax(dim=-1)  # (B, heads, T, T)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class PlainFusionBlock(FusionBlock):
    """The 1x1 convolution at the finer size."""

    def forward(self, coarse: Tensor, fine: Tensor | None, size: tuple[int, int]) -> Tensor:
        """As FusionBlock.forward."""
        x = coarse if fine is None else coarse + self.resConfUnit1(fine)
        return self.out_conv(upsample(self.resConfUnit2(x), size))


class PlainMVInverse(MVInverse):
    """Every pair kept, every frame at once."""

    def forward(self, images: Tensor, *, maps: Sequence[MapName] = MAPS, frame_batch: int = 0) -> dict[MapName, Tensor]:
        """As MVInverse.forward, whatever `frame_batch` says."""
        return super().forward(images, maps=maps, frame_batch=images.shape[0] * images.shape[1])

    def decode(
        self, pieces: list[Tensor], grid: tuple[int, int], seen: Seen, keep: Callable[[Tensor], Tensor]
    ) -> list[list[Tensor]]:
        """As MVInverse.decode, of the one piece that `forward` makes and with nothing thinned."""
        (tokens,) = pieces
        config = self.config
        scenes, views = tokens.shape[:2]
        rope = rope_table(
            patch_positions(*grid, config.registers, tokens.device), config.dim // config.heads, config.rope_base
        )
        x = torch.cat([self.register_token.expand(scenes, views, -1, -1), tokens], dim=2).flatten(0, 1)
        pairs = []
        for within, across in zip(self.decoder[::2], self.decoder[1::2], strict=True):
            frame = within(x, rope)
            x = across(frame.unflatten(0, (scenes, views)).flatten(1, 2), rope).unflatten(1, (views, -1)).flatten(0, 1)
            pairs.append(torch.cat([frame, x], dim=-1))
        return [[pairs[level][:, config.registers :] for level in config.levels]]


def make_plain(model: MVInverse) -> MVInverse:
    """Turns `model`, in place, into its plain form; its weights stay where they are."""
    model.__class__ = PlainMVInverse
    for module in model.modules():
        if isinstance(module, Attention):
            module.__class__ = PlainAttention
        elif isinstance(module, FusionBlock):
            module.__class__ = PlainFusionBlock
    return model
