"""Attention across all frames of a scene, exact but in pieces, and its keys thinned on a grid.

A piece holds some frames of every scene: (B, n, T, C). B scenes, N frames in all, n frames of a piece, T tokens of a
frame (registers, then patches), S of them that are seen, C channels, D head width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor

from .block import Block
from .rope import Rope


@dataclass(frozen=True)
class Seen:
    """Which tokens of each frame the global blocks take keys and values of."""

    kept: Tensor | slice  # indices of tokens
    averaged: Tensor | None  # indices of those that one mean key and value of the frame stands for


def choose_seen(grid: tuple[int, int], registers: int, *, stride: int, mean: bool, device: torch.device) -> Seen:
    """What a frame of `grid` shows where one patch in `stride` is kept; with `mean`, the mean of the others besides."""
    if stride == 1:
        return Seen(slice(None), None)
    kept, others = thin_tokens(grid, registers, stride)
    averaged = torch.tensor(others, device=device) if mean and others else None
    return Seen(torch.tensor(kept, device=device), averaged)


def thin_tokens(grid: tuple[int, int], registers: int, stride: int) -> tuple[list[int], list[int]]:
    """The tokens that are kept, and the others. Of the patches of `grid` (h, w) all are (stride 1), a checkerboard (2),
    or every second (4) or third (9) row and column; of the registers all."""
    kept, others = [*range(registers)], list[int]()
    for y in range(grid[0]):
        for x in range(grid[1]):
            (kept if on_grid(y, x, stride) else others).append(registers + y * grid[1] + x)
    return kept, others


def on_grid(y: int, x: int, stride: int) -> bool:
    """Whether the patch in row y and column x is one in `stride`. Raises ValueError for a stride of no such grid."""
    if stride == 2:
        return (y + x) % 2 == 0
    if stride in (1, 4, 9):
        step = isqrt(stride)
        return y % step == 0 and x % step == 0
    raise ValueError(f"kv_stride {stride}: 1, 2, 4 or 9")


def attend_across(block: Block, pieces: Sequence[Tensor], rope: Rope, seen: Seen) -> Iterator[Tensor]:
    """Every token of the pieces sees the `seen` tokens of all of them; yields what becomes of each piece, in order.

    Only keys and values are held for all frames. A caller may put each yielded piece in place of the old one.
    """
    keys, values = all_keys_values(block, pieces, rope, seen)
    for piece in pieces:
        yield block.attend(piece.flatten(1, 2), keys, values, rope).view_as(piece)


def all_keys_values(block: Block, pieces: Sequence[Tensor], rope: Rope, seen: Seen) -> tuple[Tensor, Tensor]:
    """Keys and values of the pieces, one after another: (B, heads, N * S, D) each."""
    frames = sum(piece.shape[1] for piece in pieces)
    keys = values = torch.empty(0)
    start = 0
    for piece in pieces:
        k, v = keys_values(block, piece, rope, seen)
        if start == 0:
            shape = (*k.shape[:2], k.shape[2] // piece.shape[1] * frames, k.shape[3])
            keys, values = k.new_empty(shape), v.new_empty(shape)
        own = slice(start, start + k.shape[2])
        # written in place: joining the parts at the end would need them twice
        keys[:, :, own], values[:, :, own] = k, v
        start = own.stop
    return keys, values


def keys_values(block: Block, piece: Tensor, rope: Rope, seen: Seen) -> tuple[Tensor, Tensor]:
    """Keys and values of a piece's `seen` tokens, frame by frame: (B, heads, n * S, D) each."""
    if seen.averaged is None:
        cos, sin = rope
        return block.keys_values(piece[:, :, seen.kept].flatten(1, 2), (cos[seen.kept], sin[seen.kept]))
    k, v = (part.unflatten(2, (piece.shape[1], -1)) for part in block.keys_values(piece.flatten(1, 2), rope))
    return thin(k, seen.kept, seen.averaged), thin(v, seen.kept, seen.averaged)


def thin(x: Tensor, kept: Tensor | slice, averaged: Tensor) -> Tensor:
    """x (B, heads, n, T, D) -> the tokens that are kept and the mean of the others, (B, heads, n * S, D)."""
    mean = x[:, :, :, averaged].mean(dim=3, keepdim=True)
    return torch.cat([x[:, :, :, kept], mean], dim=3).flatten(2, 3)
