"""Where a view was seen from: rays through its pixels, and points of the world in its picture. H, W pixels."""

from dataclasses import dataclass

import numpy as np

from ..maps import Array


@dataclass(frozen=True)
class Camera:
    """A pinhole with square pixels and its principal point in the middle of the picture. Lengths are metres.

    to_world: (4, 4) float64, points of the camera's axes (+X right, +Y up, +Z back, towards the viewer) to the world.
    fov_x_deg: the full horizontal angle of view.
    """

    to_world: Array
    fov_x_deg: float

    def __post_init__(self) -> None:
        if self.to_world.shape != (4, 4) or self.to_world.dtype != np.float64:
            raise ValueError(f"to_world is {self.to_world.dtype} {self.to_world.shape}; wanted float64 (4, 4)")
        if not np.isfinite(self.to_world).all() or abs(np.linalg.det(self.to_world)) < 1e-12:
            raise ValueError("to_world cannot be inverted")
        if not 0 < self.fov_x_deg < 180:
            raise ValueError(f"fov_x_deg is {self.fov_x_deg}; wanted more than 0 and less than 180")

    def focal(self, width: int) -> float:
        """The focal length in pixels of a picture `width` pixels wide."""
        return float(width / 2 / np.tan(np.radians(self.fov_x_deg) / 2))

    def rays(self, height: int, width: int) -> Array:
        """(H, W, 3) float64: from the camera through the middle of each pixel, in camera axes, with z = -1."""
        x = (np.arange(width) + 0.5 - width / 2) / self.focal(width)
        y = (height / 2 - 0.5 - np.arange(height)) / self.focal(width)
        return np.stack(np.broadcast_arrays(x[None, :], y[:, None], -1.0), axis=-1)

    def points(self, depth: Array) -> Array:
        """depth (H, W, 1), metres along the viewing axis -> (H, W, 3) float64 points of the world."""
        in_camera = self.rays(*depth.shape[:2]) * depth
        points: Array = in_camera @ self.to_world[:3, :3].T + self.to_world[:3, 3]
        return points

    def project(self, points: Array, height: int, width: int) -> tuple[Array, Array]:
        """points (..., 3) of the world -> where a picture shows them, (..., 2) float64, and their depth, (..., 1).

        Places are (x, y) in pixels; the middle of the first pixel is (0, 0), as `cv2.remap` counts. Those of points
        that are not in front of the camera (depth 0 or less) are NaN.
        """
        to_camera = np.linalg.inv(self.to_world)
        in_camera = points @ to_camera[:3, :3].T + to_camera[:3, 3]
        depth = -in_camera[..., 2:]
        scale = self.focal(width) / np.where(depth > 0, depth, np.nan)
        x = width / 2 - 0.5 + in_camera[..., :1] * scale
        y = height / 2 - 0.5 - in_camera[..., 1:2] * scale
        return np.concatenate([x, y], axis=-1), depth
