"""Hypersim's cameras: a projection matrix for each scene, for some lenses are tilted and shifted, and a pose a frame.

Camera axes are +X right, +Y up, +Z back: the camera looks along -Z. Lengths are the scene's asset units. H W pixels.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...maps import Array
from .files import read_hdf5

TABLE = "metadata_camera_parameters.csv"  # published apart from the images
TABLE_SOURCE = "contrib/mikeroberts3000 of the data set's repository"
ENTRIES = [f"M_proj_{row}{column}" for row in range(4) for column in range(4)]


@dataclass(frozen=True)
class LensCamera:
    """Any camera that a matrix tells.

    projection: (4, 4) float64, points of camera axes to clip space, as OpenGL's. rotation: (3, 3), camera axes to the
    world's; position: (3,) in the world.
    """

    projection: Array
    rotation: Array
    position: Array

    def project(self, points: Array, height: int, width: int) -> tuple[Array, Array]:
        """points (..., 3) of the world -> where a picture shows them, (..., 2), and how far off they are, (..., 1).

        Places are (x, y) in pixels; the middle of the first pixel is (0, 0) and half a pixel inside the edge of clip
        space, as the data set's own rays are cast. Those of points behind the camera are NaN.
        """
        in_camera = (points - self.position) @ self.rotation
        clip = in_camera @ self.projection[:, :3].T + self.projection[:, 3]
        ahead = np.where(clip[..., 3] > 0, clip[..., 3], np.nan)
        x = (clip[..., 0] / ahead + 1) * (width / 2) - 0.5
        y = (1 - clip[..., 1] / ahead) * (height / 2) - 0.5
        return np.stack([x, y], axis=-1), np.linalg.norm(in_camera, axis=-1, keepdims=True)


def rays(projection: Array, height: int, width: int) -> Array:
    """(H, W, 3): from the camera through the middle of each pixel, in camera axes, of any length."""
    x = (np.arange(width) + 0.5) / width * 2 - 1
    y = 1 - (np.arange(height) + 0.5) / height * 2
    clip = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 0.0, 1.0), axis=-1)
    points = clip @ np.linalg.inv(projection).T  # (H, W, 4)
    directions: Array = points[..., :3] / points[..., 3:]
    return directions


def pinhole(height: int, width: int, fov_x_deg: float = 60.0) -> Array:
    """(4, 4) float64: the projection of a lens that is neither tilted nor shifted; 60 degrees as most scenes have."""
    focal = 1 / np.tan(np.radians(fov_x_deg) / 2)
    near, far = 1.0, 1000.0
    depth = [0, 0, (near + far) / (near - far), 2 * near * far / (near - far)]
    return np.array([[focal, 0, 0, 0], [0, focal * width / height, 0, 0], depth, [0, 0, -1, 0]])


def toward_camera(normals: Array, projection: Array) -> Array:
    """Normals (H, W, 3) in camera axes, those of surfaces seen from behind turned round."""
    away = np.einsum("hwc,hwc->hw", normals, rays(projection, *normals.shape[:2])) > 0
    return np.where(away[..., None], -normals, normals).astype(np.float32)


def read_projections(folder: Path) -> Mapping[str, Array]:
    """The (4, 4) projection of each scene by its name, from the table in `folder` or the folder that it lies in.

    Raises InputError where the table is in neither, or is not what it should be.
    """
    table = next((path for path in (folder / TABLE, folder.parent / TABLE) if path.is_file()), None)
    if table is None:
        raise InputError(f"{folder / TABLE}: not there; copy it from {TABLE_SOURCE}: no pinhole stands for its lenses")
    try:
        with table.open(newline="", encoding="utf-8") as file:
            projections = {
                row["scene_name"]: np.array([float(row[entry]) for entry in ENTRIES]).reshape(4, 4)
                for row in csv.DictReader(file)
            }
        # a scene whose projection shows nothing counts as one without a row
        return {name: matrix for name, matrix in projections.items() if is_projection(matrix)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{table}: not the table of camera parameters ({error}); copy it again") from error


def is_projection(matrix: Array) -> bool:
    """Whether every point of a picture is that of a ray: what is singular shows nothing."""
    return bool(np.isfinite(matrix).all()) and np.linalg.matrix_rank(matrix) == len(matrix)


def read_poses(scene: Path, camera: str) -> Mapping[int, tuple[Array, Array]]:
    """Of each frame of a trajectory its rotation (3, 3), camera axes to the world's, and its position (3,).

    Raises InputError where a file is missing or they do not belong together.
    """
    folder = scene / "_detail" / camera
    positions = read_hdf5(folder / "camera_keyframe_positions.hdf5", (None, 3)).astype(np.float64)
    rotations = read_hdf5(folder / "camera_keyframe_orientations.hdf5", (len(positions), 3, 3)).astype(np.float64)
    indices = folder / "camera_keyframe_frame_indices.hdf5"
    numbers = read_hdf5(indices, (len(positions),)) if indices.is_file() else np.arange(len(positions))
    return {
        int(number): (rotation, position)
        for number, rotation, position in zip(numbers, rotations, positions, strict=True)
    }
