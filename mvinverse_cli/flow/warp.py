"""Backward warping: the second picture's values on the first picture's grid. H W pixels, C channels."""

import cv2
import numpy as np

from ..maps import Array


def look_up(values: Array, flow: Array) -> tuple[Array, Array]:
    """values (H, W, C) of the second picture, flow (H, W, 2) of the first -> them on the first's grid, float32
    (H, W, C), and (H, W, 1) bool where all that went into them lay inside the picture.

    Bilinear between the four pixels around (x + u, y + v); outside, the edge is repeated.
    """
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32) + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    contiguous = np.ascontiguousarray(values, np.float32)
    warped = cv2.remap(contiguous, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped.reshape(values.shape), inside[..., None]


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
