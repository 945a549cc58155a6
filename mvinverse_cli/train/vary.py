"""The frames of a clip as another camera might have taken them: at another size, in other light, with its own noise.

A few clips teach a network to hold still on those clips; varied, on others too. N frames, H W pixels.
"""

import cv2
import numpy as np

from ..color import Transfer, convert
from ..maps import Array
from .augment import light_gain, photographed

SCALES = (0.6, 1.7)  # of a frame's sides: what is noise at one size is texture at another


def draw_scale(rng: np.random.Generator) -> float:
    """By which the sides of a frame are to be multiplied."""
    return float(np.exp(rng.uniform(*np.log(SCALES))))


def resized_part(frames: Array, flow: Array, valid: Array, size: tuple[int, int]) -> tuple[Array, Array, Array]:
    """frames (N, H, W, 3) float32 in [0, 1], flow (H, W, 2) and valid (H, W, 1) bool of a pair, brought to (height,
    width) `size`. A pixel is valid where all that goes into it is."""
    before = frames.shape[1:3]
    if before == size:
        return frames, flow, valid
    to = size[::-1]
    way = cv2.INTER_AREA if size[0] < before[0] else cv2.INTER_CUBIC
    pictures = np.stack([cv2.resize(np.ascontiguousarray(frame), to, interpolation=way) for frame in frames])
    share = np.array([to[0] / before[1], to[1] / before[0]], np.float32)
    kept = cv2.resize(valid.astype(np.float32), to, interpolation=cv2.INTER_LINEAR) > 0.999
    return pictures.clip(0, 1), cv2.resize(flow, to, interpolation=cv2.INTER_LINEAR) * share, kept[..., None]


def taken_again(frames: Array, transfer: Transfer, rng: np.random.Generator) -> Array:
    """frames (N, H, W, 3) float32 in [0, 1] on the curve `transfer`, in light of one other strength and colour, through
    one other camera, whose noise and compression each frame gets by itself."""
    light = convert(frames, transfer, "linear") * light_gain(rng)
    again: Array = convert(photographed(light, rng).astype(np.float32) / 255, "srgb", transfer)
    return again
