"""Views whose geometry is known by hand: a slanted wall, with a box before it where wanted."""

import numpy as np

from mvinverse_cli.maps import Array, MapName
from mvinverse_cli.scenes.record import Camera, View

SIZE = (56, 70)  # (height, width)
SLOPE = 0.3  # the wall is z = SLOPE * x - 3
BOX = (0.5, -1.5)  # half side and z of a square before the wall, facing +Z


def make_camera(x: float, turn_deg: float = 0.0) -> Camera:
    """Stands at (x, 0, 0), looks along -Z, turned about +Y."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    to_world = np.array([[c, 0, s, x], [0, 1, 0, 0], [-s, 0, c, 0], [0, 0, 0, 1.0]])
    return Camera(to_world, 60.0)


def make_view(camera: Camera, *, box: bool = False, size: tuple[int, int] = SIZE) -> View:
    """Albedo is a linear function of the point in the world, so that it is the same from everywhere."""
    rays = camera.rays(*size)
    directions = rays @ camera.to_world[:3, :3].T
    origin = camera.to_world[:3, 3]
    # origin.z + t * d.z = SLOPE * (origin.x + t * d.x) - 3
    depth = (SLOPE * origin[0] - 3 - origin[2]) / (directions[..., 2] - SLOPE * directions[..., 0])
    normal = np.array([-SLOPE, 0, 1]) / np.hypot(SLOPE, 1)
    normals = np.broadcast_to(normal, (*size, 3)).copy()
    if box:
        near = (BOX[1] - origin[2]) / directions[..., 2]
        points = origin + near[..., None] * directions
        hit = (np.abs(points[..., :2]) < BOX[0]).all(axis=-1)
        depth = np.where(hit, near, depth)
        normals[hit] = (0, 0, 1)
    points = origin + depth[..., None] * directions
    albedo = 0.4 + points * [0.05, 0.05, 0.02]
    data = 0.5 + 0.1 * points[..., :1]
    maps: dict[MapName, Array] = {
        "albedo": albedo,
        "metallic": data,
        "roughness": data,
        "normal": normals @ camera.to_world[:3, :3],
        "shading": albedo,
    }
    maps = {name: values.astype(np.float32) for name, values in maps.items()}
    mask = np.ones((*size, 1), bool)
    return View(maps["albedo"] * maps["shading"], maps, depth[..., None].astype(np.float32), mask, camera)
