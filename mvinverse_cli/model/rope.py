"""Two-dimensional rotary positions of the decoder's queries and keys.

T tokens of a frame, D head width: its first half turns with the row y, its second with the column x (base 100).
Angles stay in float32 whatever the network computes in: half precision would blur neighbouring positions.
"""

from typing import TypeAlias

import torch
from torch import Tensor

Rope: TypeAlias = tuple[Tensor, Tensor]  # cosines and sines, each (T, D) float32


def patch_positions(rows: int, columns: int, registers: int, device: torch.device) -> Tensor:
    """(registers + rows * columns, 2) integer (y, x): registers at (0, 0), patches from (1, 1), row first."""
    y = torch.arange(1, rows + 1, device=device)
    x = torch.arange(1, columns + 1, device=device)
    patches = torch.cartesian_prod(y, x)
    return torch.cat([patches.new_zeros(registers, 2), patches])


def rope_table(positions: Tensor, width: int, base: float) -> Rope:
    """Cosines and sines for tokens at `positions` (T, 2) and heads of `width` D, laid out [y y x x] in quarters."""
    quarter = width // 4
    powers = torch.arange(quarter, device=positions.device, dtype=torch.float32) / quarter
    angles = positions.float()[:, :, None] * base**-powers  # (T, 2, D/4)
    angles = angles.repeat(1, 1, 2).flatten(1)  # (T, D)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, rope: Rope) -> Tensor:
    """x (B, heads, N * T, D), laid out [y0 y1 x0 x1], becomes x * cos + [-y1 y0 -x1 x0] * sin.

    The table (T, D) of one frame serves each of the N frames that share the sequence.
    """
    cos, sin = rope
    frames = x.unflatten(2, (-1, len(cos)))  # (B, heads, N, T, D)
    first, second = frames.unflatten(-1, (2, 2, -1)).unbind(-2)  # each (B, heads, N, T, 2, D/4)
    turned = torch.stack([-second, first], dim=-2).flatten(-3)
    return (frames * cos + turned * sin).to(x.dtype).flatten(2, 3)
