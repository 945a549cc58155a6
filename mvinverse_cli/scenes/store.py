"""The scenes in a folder: which are whole, which are broken and why. N views, H W pixels.

Beside the record's own folders, files `scene_<name>.npz` are read: rooms by artists with everything but metallic and
roughness (arrays rgb, albedo, shading, normal, distance, mask, pose (N, 4, 4), fov_x_deg).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenEXR

from ..archives import DAMAGED_ARCHIVE
from ..color import srgb_to_linear
from ..errors import InputError
from ..maps import Array, Maps
from .record import Camera, Split, View, read_about, read_view, view_path

MOST_BROKEN = 0.1  # share of the scenes that may be broken before the result is not what was asked for

_NPZ_ARRAYS = ("rgb", "albedo", "shading", "normal", "distance", "mask", "pose", "fov_x_deg")
_FLIPPED_XZ = np.diag([-1.0, 1.0, -1.0, 1.0])  # OpenGL's camera axes to Mitsuba's (+X left, +Y up, +Z forward)

Broken = tuple[Path, str]  # a scene, and why it cannot be used


@dataclass(frozen=True)
class ScenePath:
    """A scene on disk: a folder of the record, or an `.npz` file."""

    path: Path
    views: int
    size: tuple[int, int]  # (height, width) of its smallest view along each axis
    split: Split
    layout: str
    generator: int  # 0 for scenes that are not rendered by this package

    @property
    def name(self) -> str:
        """`00000012`, or the stem of the file."""
        return self.path.stem

    @property
    def described(self) -> str:
        """What its files do not tell by their names, in a line: another scene of the same name differs in it."""
        height, width = self.size
        is_line = len(f"{self.layout}.".splitlines()) == 1
        layout = self.layout if is_line else self.layout.encode("unicode_escape").decode()
        return f"{self.views} views of {width}x{height}, {self.split}, {layout}, generator {self.generator}"

    def read(self, views: Sequence[int] | None = None) -> tuple[View, ...]:
        """Those of its views, or all of them. Raises InputError where a file is missing or broken."""
        chosen = range(self.views) if views is None else views
        if self.path.suffix == ".npz":
            return _read_npz(self.path, chosen)
        return tuple(read_view(view_path(self.path, i)) for i in chosen)


@dataclass(frozen=True)
class SceneList:
    """What `find_scenes` found, each in the order of its names."""

    scenes: tuple[ScenePath, ...]
    broken: tuple[Broken, ...]

    def first(self, limit: int | None) -> "SceneList":
        """Of the first `limit` by their paths, broken ones counted; None: all."""
        taken = {*sorted([*(scene.path for scene in self.scenes), *(path for path, _ in self.broken)])[:limit]}
        scenes = tuple(scene for scene in self.scenes if scene.path in taken)
        return SceneList(scenes, tuple(broken for broken in self.broken if broken[0] in taken))

    def digest(self) -> str:
        """SHA-256, in hex, of what is in the list: names, versions of the generator, views, sizes, layouts."""
        told = [(s.name, s.generator, s.views, s.size, s.split, s.layout) for s in self.scenes]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def find_scenes(folder: Path, split: Split | None = None) -> SceneList:
    """The scenes in `folder`, of one split or of both; only headers are read.

    A scene that lacks a file, or whose header cannot be read, is among the broken ones. Raises InputError where the
    folder cannot be read or has no whole scene of the split.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}; render scenes to it, or choose another") from error
    scenes: list[ScenePath] = []
    others: list[ScenePath] = []
    broken: list[Broken] = []
    for path in entries:
        is_npz = path.suffix == ".npz" and path.name.startswith("scene_")
        if not is_npz and not (path.name.isdecimal() and (path.is_dir() or path.is_symlink())):
            continue
        try:
            scene = _open_npz(path) if is_npz else _open_record(path)
        except InputError as error:
            broken.append((path, str(error)))
            continue
        (scenes if split in (None, scene.split) else others).append(scene)
    if not scenes and broken:
        raise InputError(f"{folder}: all {len(broken)} scenes are broken: {broken[0][1]}")
    if not scenes and others:
        raise InputError(f"{folder}: holds no {split} scenes, its {len(others)} are {others[0].split}; name another")
    if not scenes:
        kind = "scenes" if split is None else f"{split} scenes"
        raise InputError(f"{folder}: holds no {kind}; make some with `mvinverse scenes render -o {folder}`")
    return SceneList(tuple(scenes), tuple(broken))


def _open_record(path: Path) -> ScenePath:
    """The scene in a folder of the record. Raises InputError."""
    about = read_about(path)
    sizes = [_exr_size(view_path(path, i)) for i in range(about["views"])]
    size = (min(height for height, _ in sizes), min(width for _, width in sizes))
    return ScenePath(path, about["views"], size, about["split"], about["layout"], about["generator"])


def _exr_size(path: Path) -> tuple[int, int]:
    """(height, width) from a view's header. Raises InputError."""
    try:
        # a stream: given a path that is not there, the bindings print to stderr
        with path.open("rb") as stream, OpenEXR.File(stream, header_only=True) as file:
            (left, top), (right, bottom) = file.header()["dataWindow"]
    except (OSError, RuntimeError, KeyError) as error:
        raise InputError(f"{path}: not a whole view ({error}); remove this scene and render it again") from error
    return int(bottom) - int(top) + 1, int(right) - int(left) + 1


def _open_npz(path: Path) -> ScenePath:
    """The scene in an `.npz` file. Raises InputError."""
    shape = _npz_arrays(path, ("rgb",))["rgb"].shape
    if len(shape) != 4 or shape[3] != 3 or not all(shape):
        raise InputError(f"{path}: rgb is {shape}, not views of pixels of three channels; fetch it again")
    return ScenePath(path, shape[0], shape[1:3], "held-out", "artist", 0)


def _npz_arrays(path: Path, wanted: Sequence[str]) -> dict[str, Array]:
    """The `wanted` arrays. Raises InputError where the file cannot be read or any of all arrays is missing."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            missing = sorted(set(_NPZ_ARRAYS) - set(file.files))
            if missing:
                raise InputError(f"{path}: lacks {', '.join(missing)}; fetch it again")
            return {name: file[name] for name in wanted}
    except DAMAGED_ARCHIVE as error:
        raise InputError(f"{path}: cannot be read ({error}); fetch it again") from error


def _read_npz(path: Path, views: Sequence[int]) -> tuple[View, ...]:
    """The `views` of an `.npz` scene. Raises InputError."""
    arrays = _npz_arrays(path, _NPZ_ARRAYS)
    try:
        return tuple(_npz_view(arrays, i) for i in views)
    except (ValueError, TypeError, IndexError) as error:
        raise InputError(f"{path}: not a whole scene ({error}); fetch it again") from error


def _npz_view(arrays: dict[str, Array], i: int) -> View:
    """View `i`. The depth along each pixel's ray becomes that along the viewing axis."""
    camera = Camera(arrays["pose"][i] @ _FLIPPED_XZ, float(arrays["fov_x_deg"]))
    color = srgb_to_linear(np.divide(arrays["rgb"][i], 255, dtype=np.float32))
    normal = arrays["normal"][i].astype(np.float32)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    maps: Maps = {
        "albedo": np.divide(arrays["albedo"][i], 65535, dtype=np.float32),
        "normal": np.divide(normal, length, out=normal, where=length > 0),
        "shading": arrays["shading"][i].astype(np.float32),
    }
    slant = np.linalg.norm(camera.rays(*color.shape[:2]), axis=-1, keepdims=True)
    depth = (arrays["distance"][i][..., None] / slant).astype(np.float32)
    return View(color, maps, depth, arrays["mask"][i][..., None], camera)
