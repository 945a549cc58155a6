"""What fine-tuning makes small, after the MVInverse paper: how far each map moves where the picture tells that nothing
did, and how far it leaves what the network said before.

    |M_t - warp(M_{t+1}, F)|^2  +  anchor_weight |M_0 - M_0 before|^2

summed over the maps, each a mean over its valid pixels and channels, on the network's own curves. F is frame t's flow
to t + 1 (`mvinverse_cli.flow`). Beside them stands what the paper does not have: what a flatter map costs. B pairs,
H W pixels, C channels; everything float32 and on the device.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, normalize, relu

from ..maps import SPECS, MapName
from .losses import weighted_mean

LEAST_VARIANCE = 1e-8


def warp(values: Tensor, flow: Tensor) -> Tensor:
    """values (B, H, W, C) of frame t + 1, flow (B, H, W, 2) of frame t in pixels -> them on frame t's grid.

    As `flow.warp_map` does it, and differentiable in `values`.
    """
    height, width = flow.shape[1:3]
    x = torch.arange(width, device=flow.device) + flow[..., 0]
    y = torch.arange(height, device=flow.device)[:, None] + flow[..., 1]
    # grid_sample counts from -1 to 1 between the centres of the first and the last pixel
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], dim=-1)
    planes = values.permute(0, 3, 1, 2)
    return grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=True).permute(0, 2, 3, 1)


def consistency_losses(
    now: Mapping[MapName, Tensor], later: Mapping[MapName, Tensor], flow: Tensor, valid: Tensor
) -> dict[MapName, Tensor]:
    """mean |M_t - warp(M_{t+1}, F)|^2 of each map over the pixels valid (B, H, W, 1): scalars.

    now, later: (B, H, W, C) of frames t and t + 1. Normals are normalised again behind the warp.
    """
    losses: dict[MapName, Tensor] = {}
    for name, value in now.items():
        warped = warp(later[name].float(), flow)
        if SPECS[name].kind == "vector":
            warped = normalize(warped, dim=-1)
        losses[name] = weighted_mean((value.float() - warped).square(), valid.to(flow.dtype))
    return losses


def anchor_losses(now: Mapping[MapName, Tensor], before: Mapping[MapName, Tensor]) -> dict[MapName, Tensor]:
    """mean |M_0 - M_0 before|^2 of each map (B, H, W, C): scalars."""
    return {name: (now[name].float() - values.float()).square().mean() for name, values in before.items()}


def contrast_losses(now: Mapping[MapName, Tensor], before: Mapping[MapName, Tensor]) -> dict[MapName, Tensor]:
    """The square of what each map (B, H, W, C) has lost of its standard deviation inside a frame: scalars.

    The anchor holds noise as firmly as it holds edges; this holds neither, as long as there is as much to be seen.
    """
    return {name: relu(contrast(values) - contrast(now[name])).square().mean() for name, values in before.items()}


def contrast(values: Tensor) -> Tensor:
    """(B, H, W, C) -> (B,): the standard deviation inside each frame, over the root mean square of its channels."""
    variance = values.float().var(dim=(1, 2), correction=0).mean(-1)
    return (variance + LEAST_VARIANCE).sqrt()  # the root of 0 has no slope
