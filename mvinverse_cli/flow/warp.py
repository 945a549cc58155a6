"""Backward warping: the second picture's values on the first picture's grid. H W pixels, C channels."""

import cv2
import numpy as np

from ..maps import Array


def _targets(flow: Array) -> tuple[Array, Array]:
    """x and y, (H, W) float32, where the pixels of a flow (H, W, 2) go."""
    height, width = flow.shape[:2]
    x: Array = np.arange(width, dtype=np.float32) + flow[..., 0]
    y: Array = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return x, y


def stays_inside(flow: Array) -> Array:
    """(H, W, 1) bool: the pixels that a flow (H, W, 2) does not lead out of the picture."""
    height, width = flow.shape[:2]
    x, y = _targets(flow)
    inside: Array = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return inside[..., None]


def look_up(values: Array, flow: Array) -> tuple[Array, Array]:
    """values (H, W, C) of the second picture, flow (H, W, 2) of the first -> them on the first's grid, float32
    (H, W, C), and (H, W, 1) bool where all that went into them lay inside the picture.

    Bilinear between the four pixels around (x + u, y + v); outside, the edge is repeated.
    """
    x, y = _targets(flow)
    contiguous = np.ascontiguousarray(values, np.float32)
    warped = cv2.remap(contiguous, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped.reshape(values.shape), stays_inside(flow)


def warp_map(values: Array, flow: Array, *, unit_vectors: bool = False) -> Array:
    """A map (H, W, C) of the second picture on the grid of the first, whose flow (H, W, 2) it is; float32, C <= 4.

    `unit_vectors` brings normals back to length 1, which interpolation shortens; they are not turned, for a flow does
    not tell how the camera did. What the first picture alone shows has values too: see `PairFlow.valid`.
    """
    warped, _ = look_up(values, flow)
    if unit_vectors:
        length = np.sqrt(np.einsum("hwc,hwc->hw", warped, warped))[..., None]
        warped = np.divide(warped, length, out=np.zeros_like(warped), where=length > 0)
    return warped
