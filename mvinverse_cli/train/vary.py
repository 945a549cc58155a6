"""The frames of a clip as another camera might have taken them: at another size, in other light, with its own noise.

A few clips teach a network to hold still on those clips; varied, on others too. N frames, H W pixels.
"""

import cv2
import numpy as np

from ..color import Transfer, convert
from ..flow import PairFlow
from ..maps import Array
from .augment import light_gain, photographed

POWER_SIGMA = 0.3  # of the logarithm of the exponent that light is raised to, about its mean
CHROMAS = (0.2, 1.5)  # times the distance of a colour from grey
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
    pair = PairFlow(flow, valid).at(size)
    return pictures.clip(0, 1), pair.forward, pair.valid


def taken_again(frames: Array, transfer: Transfer, rng: np.random.Generator) -> Array:
    """frames (N, H, W, 3) float32 in [0, 1] on the curve `transfer`, of things of other colours in light of one other
    strength and colour, through one other camera, whose noise and compression each frame gets by itself."""
    light = recoloured(convert(frames, transfer, "linear"), rng) * light_gain(rng)
    again: Array = convert(photographed(light, rng).astype(np.float32) / 255, "srgb", transfer)
    return again


def recoloured(light: Array, rng: np.random.Generator) -> Array:
    """Scene-linear light (N, H, W, 3) with more or less contrast, and, every other sample, in other hues: colours are
    turned about the axis of grey and drawn nearer to it or away from it."""
    power = np.exp(rng.normal(0, POWER_SIGMA))
    middle = np.float32(light.mean())
    light = middle * (light / middle) ** np.float32(power) if middle > 0 else light
    turn, chroma = rng.uniform(0, 2 * np.pi), rng.uniform(*CHROMAS)
    if rng.random() < 0.5:
        return light
    grey = np.full((3, 3), 1 / 3)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    # Rodrigues' formula: what is across the axis turns, what lies along it stays
    matrix = grey + chroma * (np.cos(turn) * (np.eye(3) - grey) + np.sin(turn) * axis)
    turned: Array = np.maximum(light @ matrix.T.astype(np.float32), 0)
    return turned
