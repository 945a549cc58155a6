"""Pictures of rendered scenes set in motion: pairs of frames whose flow is known exactly, beside those of real clips.

A hand that holds a camera moves a picture by parts of a pixel up to a patch, and each frame has a noise of its own.
Real clips that may be trained on are few; these make every scene one. B scenes, N views, H W pixels.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from ..maps import Array
from .data import Batch

SHIFT_PIXELS = (0.2, 12.0)  # from tremor to nearly the patch of 14
TURN_SIGMA, ZOOM_SIGMA = np.radians(1.0), 0.02  # of the angle, and of the logarithm of the scale
NOISE = (0.001, 0.016)  # standard deviation, of a range of 1: up to 4 steps of 255


@dataclass(frozen=True)
class Triplet:
    """Frames (0, t, t + 1) of B clips: images (B, N, 3, H, W) on the input curve, flow (B, H, W, 2) of frame t in
    pixels, valid (B, H, W, 1) bool. N is 2 where t is 0."""

    images: Tensor
    flow: Tensor
    valid: Tensor
    names: tuple[str, ...]


def set_in_motion(batch: Batch, rng: np.random.Generator) -> Triplet:
    """Of each scene its first view and, as neighbours in time, its last view and the same moved."""
    count, views, _, height, width = batch.images.shape
    still = batch.images[:, -1]  # (B, 3, H, W)
    moves = np.stack([draw_move(rng) for _ in range(count)])
    flow = flow_of(moves, height, width)
    # the moved frame shows at x what the still one shows where the inverse of the move takes x
    back = flow_of(np.stack([np.linalg.inv(move) for move in moves]), height, width)
    place = (back + grid_of(height, width)) / torch.tensor([width - 1, height - 1]) * 2 - 1
    moved = grid_sample(still, place, mode="bicubic", padding_mode="reflection", align_corners=True)
    target = flow + grid_of(height, width)
    valid = ((target >= 0) & (target <= torch.tensor([width - 1, height - 1]))).all(-1, keepdim=True)
    sigma = np.exp(rng.uniform(np.log(NOISE[0]), np.log(NOISE[1]), (count, 1, 1, 1))).astype(np.float32)
    pair = [_seen(frame, sigma, rng) for frame in (still, moved)]
    first = [batch.images[:, 0]] if views > 1 else []
    names = tuple(f"{name}, moved" for name in batch.names)
    return Triplet(torch.stack([*first, *pair], dim=1), flow, valid, names)


def draw_move(rng: np.random.Generator) -> Array:
    """A small shift, turn and zoom about the middle of a picture: (3, 3), of pixels counted from there."""
    angle, scale = rng.normal(0, TURN_SIGMA), np.exp(rng.normal(0, ZOOM_SIGMA))
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    way, far = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(np.log(SHIFT_PIXELS[0]), np.log(SHIFT_PIXELS[1])))
    return np.array([[c, -s, far * np.cos(way)], [s, c, far * np.sin(way)], [0, 0, 1]])


def flow_of(moves: Array, height: int, width: int) -> Tensor:
    """(B, 3, 3) moves -> how far each takes each pixel: (B, H, W, 2) float32, x and y in pixels."""
    place = grid_of(height, width).numpy() - np.array([(width - 1) / 2, (height - 1) / 2])
    moved = place @ moves[:, None, :2, :2].transpose(0, 1, 3, 2) + moves[:, None, None, :2, 2]
    return torch.from_numpy((moved - place).astype(np.float32))


def grid_of(height: int, width: int) -> Tensor:
    """(H, W, 2) float32: x and y of each pixel."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y], dim=-1).float()


def _seen(frame: Tensor, sigma: Array, rng: np.random.Generator) -> Tensor:
    """A frame (B, 3, H, W) with its own noise, in steps of 8 bits."""
    noise = torch.from_numpy(sigma * rng.standard_normal(frame.shape, dtype=np.float32))
    return ((frame + noise).clamp(0, 1) * 255).round() / 255
