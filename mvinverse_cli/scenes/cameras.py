"""Camera paths: a few nearby views of one sight. Positions are metres in the world, +Y up."""

from collections.abc import Sequence

import numpy as np

from ..maps import Array
from .record import Camera

VIEWS = 4


def look_at(
    origin: Sequence[float] | Array, target: Sequence[float] | Array, fov_x_deg: float, roll: float = 0.0
) -> Camera:
    """A camera at `origin` that sees `target` in its middle, turned by `roll` radians around its axis."""
    eye = np.asarray(origin, float)
    back = eye - np.asarray(target, float)
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    c, s = np.cos(roll), np.sin(roll)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([c * right + s * up, c * up - s * right, back], axis=1)
    pose[:3, 3] = eye
    return Camera(pose, fov_x_deg)


def path(
    rng: np.random.Generator, origin: Array, target: Array, fov_x_deg: float, low: Array, high: Array
) -> tuple[Camera, ...]:
    """`VIEWS` cameras from `origin` on: a walk past the target, an orbit around it, or a pan, inside a box.

    low, high: (3,) corners of the box that the cameras stay in.
    """
    kind = rng.choice(["walk", "orbit", "pan"], p=[0.45, 0.4, 0.15])
    distance = np.linalg.norm(origin - target)
    step = rng.normal(size=3) * (1, 0.35, 1)
    step *= rng.uniform(0.03, 0.12) * distance / np.linalg.norm(step)
    turn = np.radians(rng.uniform(3, 14)) * rng.choice([-1, 1])
    drift = rng.normal(size=3) * (0.12 if kind == "pan" else 0.04) * distance
    roll = np.radians(rng.normal(0, 2.5))
    cameras = []
    for k in range(VIEWS):
        eye = origin.astype(float)
        if kind == "walk":
            eye = origin + step * k
        elif kind == "orbit":
            c, s = np.cos(turn * k), np.sin(turn * k)
            eye = target + np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ (origin - target) + step * 0.3 * k
        cameras.append(look_at(np.clip(eye, low, high), target + drift * k / VIEWS, fov_x_deg, roll))
    return tuple(cameras)
