"""Small data sets in the exact layouts of the published ones, and a model that knows their truth."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np
import OpenEXR

from mvinverse_cli.evaluate.datasets.hypersim_camera import ENTRIES, TABLE, pinhole, rays
from mvinverse_cli.evaluate.example import Example
from mvinverse_cli.maps import MAPS, SPECS, Array, MapName, Maps
from tests.evaluate.planes import SLOPE, make_camera
from tests.flow.motion import texture
from tests.frames.media import write_png
from tests.scenes.views import make_view

SIZE = (56, 70)  # (height, width)
UNIT = 40.0  # asset units of a metre
Change = Callable[[MapName, Array], Array]


def same(name: MapName, values: Array) -> Array:
    return values


def shifted(name: MapName, values: Array) -> Array:
    return np.roll(values, 7, axis=1)


def scaled(name: MapName, values: Array) -> Array:
    """Normals lose half of their x, which turns them."""
    return values * np.array([0.5, 1, 1], np.float32) if name == "normal" else values / 2


def flipped(name: MapName, values: Array) -> Array:
    return values[:, ::-1]


WRONG: dict[str, Change] = {"shifted": shifted, "scaled": scaled, "flipped": flipped}


def oracle(examples: Sequence[Example], change: Change = same) -> Callable[..., list[Maps]]:
    """Stands in for `predict_views`: the truth of each picture, changed; maps without truth are 0."""

    def predict(network: object, pictures: Sequence[Array], place: str, *, together: bool) -> list[Maps]:
        found = []
        for picture in pictures:
            (known,) = [one for one in examples if np.array_equal(one.picture, picture)]
            empty = {name: np.zeros((*picture.shape[:2], SPECS[name].channels), np.float32) for name in MAPS}
            found.append(empty | {name: change(name, values) for name, values in known.maps.items()})
        return found

    return predict


def write_exr(path: Path, values: Array) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    OpenEXR.File({}, {"RGB": np.ascontiguousarray(values, np.float32)}).write(str(path))
    return path


def write_interiorverse(folder: Path, pictures: dict[str, int], split: str = "test") -> Path:
    """`pictures` of each scene by its name. The upper rows and left columns of every picture are not valid."""
    seed = 0
    for scene, count in pictures.items():
        for number in range(count):
            seed += 1
            view = make_view(seed, SIZE)
            material = np.concatenate([view.maps["roughness"], view.maps["metallic"], 0 * view.maps["metallic"]], -1)
            depth = np.where(view.mask, 1000 * view.depth, np.inf)
            files = {
                "im": view.color,
                "albedo": view.maps["albedo"],
                "material": material,
                "normal": view.maps["normal"],
                "mask": np.repeat(view.mask, 3, -1),
                "depth": np.repeat(depth, 3, -1),
            }
            for kind, values in files.items():
                write_exr(folder / split / scene / f"{number:03d}_{kind}.exr", values)
    return folder


def write_pictures(folder: Path, count: int, size: tuple[int, int] = (56, 84), step: int = 2) -> Path:
    """A clip as a folder of frames: a texture that slides right by `step` pixels a frame."""
    folder.mkdir(parents=True, exist_ok=True)
    wide = texture(size[0] + 64, size[1] + 64)
    for i in range(count):
        left = 32 - step * i
        write_png(folder / f"f.{i + 1:04d}.png", np.ascontiguousarray(wide[32:-32, left : left + size[1]]))
    return folder


def write_hdf5(path: Path, values: Array, key: str = "dataset") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file[key] = values
    return path


def write_table(folder: Path, projections: dict[str, Array]) -> None:
    with (folder / TABLE).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["scene_name", "settings_output_img_width", *ENTRIES])
        writer.writerows([name, SIZE[1], *matrix.ravel()] for name, matrix in projections.items())


def shifted_lens() -> Array:
    """A projection whose middle lies well off the picture's."""
    projection = pinhole(*SIZE)
    projection[0, 2], projection[1, 2] = 0.3, -0.2
    return projection


def write_hypersim(folder: Path, scene: str = "ai_001_001", frames: int = 3, projection: Array | None = None) -> Path:
    """A slanted wall seen by a camera that walks along it and turns; its albedo is a function of the place, with a
    checkerboard, and every second row of normals faces away. The first column of pixels shows nothing."""
    lens = pinhole(*SIZE) if projection is None else projection
    cameras = [make_camera(0.3 * i, 4 * i) for i in range(frames)]
    detail = folder / scene / "_detail" / "cam_00"
    write_hdf5(detail / "camera_keyframe_positions.hdf5", np.stack([c.to_world[:3, 3] * UNIT for c in cameras]))
    write_hdf5(detail / "camera_keyframe_orientations.hdf5", np.stack([c.to_world[:3, :3] for c in cameras]))
    write_hdf5(detail / "camera_keyframe_frame_indices.hdf5", np.arange(frames))
    normal = np.array([-SLOPE, 0, 1]) / np.hypot(SLOPE, 1)
    for frame, camera in enumerate(cameras):
        directions = rays(lens, *SIZE) @ camera.to_world[:3, :3].T
        origin = camera.to_world[:3, 3]
        distance = (SLOPE * origin[0] - 3 - origin[2]) / (directions[..., 2] - SLOPE * directions[..., 0])
        points = origin + distance[..., None] * directions
        albedo = 0.4 + points * [0.05, 0.05, 0.02] + 0.1 * np.sin(2 * points[..., :1])
        normals = np.tile(normal @ camera.to_world[:3, :3], (*SIZE, 1))
        normals[::2] *= -1
        points[:, 0] = np.nan
        entity = np.ones(SIZE, np.int32)
        entity[:, 0] = -1
        files = {
            "final": {"color": 5 * albedo, "diffuse_reflectance": albedo},
            "geometry": {"position": points * UNIT, "normal_cam": normals, "render_entity_id": entity},
        }
        for room, kinds in files.items():
            for kind, values in kinds.items():
                stored = values if kind == "render_entity_id" else values.astype(np.float32)
                path = folder / scene / "images" / f"scene_cam_00_{room}_hdf5" / f"frame.{frame:04d}.{kind}.hdf5"
                write_hdf5(path, stored)
    write_table(folder, {scene: lens})
    return folder
