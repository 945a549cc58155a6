"""A second look at the same pictures, smaller and mirrored: it settles how bright and how turned whole areas are.

What a network takes in of a scene at once, and which way round, changes its mistakes; details, which a smaller picture
lacks, stay those of the first look. Maps of two sizes are merged for depth by Miangoleh 2021 ("Boosting monocular depth
estimation models to high-resolution via content-adaptive multi-resolution merging"), mirrored ones averaged for
super-resolution by Lim 2017 ("Enhanced deep residual networks", geometric self-ensemble).

B scenes, n frames, H W pixels of the first look, h w of the second, C channels.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from ..maps import SPECS, MapName

SIDE = 2 / 3  # of the second look's pictures, of those of the first
CELLS = 4  # along a side of a patch of the second look: what is smaller is detail


def second_size(size: tuple[int, int], patch_size: int) -> tuple[int, int]:
    """(H, W) of the first look -> (h, w) of the second, multiples of the patch."""
    height, width = (max(1, round(SIDE * side / patch_size)) * patch_size for side in size)
    return height, width


def seen_again(images: Tensor, patch_size: int) -> Tensor:
    """(B, n, 3, H, W) -> (B, n, 3, h, w), left for right."""
    height, width = images.shape[-2:]
    size = second_size((height, width), patch_size)
    smaller = interpolate(images.flatten(0, 1), size, mode="bilinear", antialias=True)
    return smaller.flip(-1).unflatten(0, images.shape[:2])


def merged(first: Mapping[MapName, Tensor], second: Mapping[MapName, Tensor], patch_size: int) -> dict[MapName, Tensor]:
    """Maps (B, n, H, W, C) of the first look, whose means of each cell are moved half the way to those of the second,
    (B, n, h, w, C) as `seen_again` shows it. Normals are of unit length again, others in [0, 1]."""
    maps = {}
    for name, values in first.items():
        fine, other = (part.flatten(0, 1).permute(0, 3, 1, 2) for part in (values, second[name].flip(3)))
        is_vector = SPECS[name].kind == "vector"
        if is_vector:
            other = other * other.new_tensor([-1, 1, 1])[:, None, None]  # x points to the other side in a mirror
        cells = [CELLS * side // patch_size for side in other.shape[-2:]]
        change = cell_means(other, cells) - cell_means(fine, cells)
        moved = fine + interpolate(change, fine.shape[-2:], mode="bilinear") / 2
        moved = normalize(moved, dim=1) if is_vector else moved.clamp(0, 1)
        maps[name] = moved.permute(0, 2, 3, 1).unflatten(0, values.shape[:2])
    return maps


def cell_means(values: Tensor, cells: Sequence[int]) -> Tensor:
    """(n, C, H, W) -> (n, C, *cells), the mean of each cell and of the pixels that it cuts.

    As matrices: Metal has adaptive pooling for whole multiples of the cells alone.
    """
    rows, columns = (means_along(length, count, values) for length, count in zip(values.shape[-2:], cells, strict=True))
    return rows @ values @ columns.mT


def means_along(length: int, count: int, like: Tensor) -> Tensor:
    """(count, length) that takes the means of `count` cells along `length` pixels, on the device of `like`."""
    cells = torch.arange(count, device=like.device)[:, None]
    pixels = torch.arange(length, device=like.device)
    first, end = cells * length // count, -(-(cells + 1) * length // count)
    inside = ((pixels >= first) & (pixels < end)).to(like.dtype)
    return inside / inside.sum(dim=1, keepdim=True)
