"""Views of no room at all: smooth random maps, with the colour that their diffuse image has."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.scenes.record import Camera, View, write_scene

SIZE = (42, 56)  # (height, width)


def make_camera(seed=0, fov_x_deg=60.0):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    to_world = np.eye(4)
    to_world[:3, :3] = turn * np.sign(np.linalg.det(turn))
    to_world[:3, 3] = rng.standard_normal(3)
    return Camera(to_world, fov_x_deg)


def make_view(seed=0, size=SIZE, maps=MAPS):
    """Left and upper borders are not in the mask."""
    rng = np.random.default_rng(seed)

    def smooth(channels):
        coarse = rng.random((4, 5, channels), dtype=np.float32) * 0.8 + 0.1
        return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_LINEAR).reshape(*size, channels)

    made = {name: smooth(SPECS[name].channels) for name in MAPS}
    normal = made["normal"] * [2, 2, 1] - [1, 1, 0]
    made["normal"] = (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).astype(np.float32)
    mask = np.ones((*size, 1), bool)
    mask[:4], mask[:, :4] = False, False
    color = made["albedo"] * made["shading"]
    return View(color, {name: made[name] for name in maps}, smooth(1) + 1, mask, make_camera(seed))


def make_scenes(folder: Path, seeds: Iterable[int], views=4, size=SIZE, maps=MAPS, split="train") -> Path:
    for seed in seeds:
        made = [make_view(10 * seed + i, size, maps) for i in range(views)]
        write_scene(folder, seed, made, layout="noise", split=split, generator=1)
    return folder
