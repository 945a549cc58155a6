"""The record of one scene: a few views with their true maps, in memory and as layered EXR files. H, W pixels.

On disk a scene is a folder `00000012` with `view_0.exr`, `view_1.exr`, ... and `scene.json`. A view's EXR opens in any
compositor: `R G B` is what the camera saw, the maps are named as in `maps.SPECS`, `mask.V` is 1 on surfaces with true
maps, `Z` is the depth. All but `Z` are halves. The camera is in the header: `fieldOfViewX` in degrees and
`worldToCamera`, which follows OpenEXR's convention of row vectors: (x, y, z, 1) of the world times the matrix is the
point in camera axes, here OpenGL's (+X right, +Y up, +Z back).
"""

import io
import json
import re
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import OpenEXR

from ..errors import InputError, OutputError
from ..maps import MAPS, SPECS, Array, MapName, Maps
from .pinhole import Camera as Camera

Split = Literal["train", "held-out"]

SCENE_JSON = "scene.json"
HALF_MAX = 65504.0  # the largest finite half
PIXEL_TYPES = (np.uint32, np.float16, np.float32)  # of a channel, by its number in an EXR header
LEFTOVER = re.compile(r"\.\d{8,}-[0-9a-f]{8}\.part")  # of a scene that is being written
LEFTOVER_AGE = 600.0  # seconds after which an unfinished folder is a killed run's: writing one takes less than one


@dataclass(frozen=True)
class View:
    """What one camera saw of a scene, and the truth about it. All arrays but the mask are float32.

    color: (H, W, 3) scene-linear Rec.709, exposed: its mean over the scene is about 0.2.
    maps: any of the five, (H, W, C); albedo and shading scene-linear, the shading at the exposure of `color` (it may
    exceed 1; diffuse image = albedo x shading); normals of unit length in camera axes.
    depth: (H, W, 1) metres along the viewing axis, 0 where nothing was hit; None where unknown.
    mask: (H, W, 1) bool, the surfaces that have true maps: no lamp, window pane or sky.
    """

    color: Array
    maps: Maps
    depth: Array | None
    mask: Array
    camera: Camera | None

    def __post_init__(self) -> None:
        _check_array("color", self.color, self.color.shape[:2], 3)
        for name, values in self.maps.items():
            if name not in MAPS:
                raise ValueError(f"there is no map {name!r}; choose from {', '.join(MAPS)}")
            _check_array(name, values, self.size, SPECS[name].channels)
        _check_array("mask", self.mask, self.size, 1, np.bool_)
        if self.depth is not None:
            _check_array("depth", self.depth, self.size, 1)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.color.shape[:2]
        return height, width


def _check_array(name: str, values: Array, size: tuple[int, ...], channels: int, dtype: Any = np.float32) -> None:
    """Raises ValueError unless `values` is a `dtype` array of (*size, channels) with pixels in it."""
    if values.shape != (*size, channels) or values.dtype != dtype or not values.size:
        raise ValueError(f"{name} is {values.dtype} {values.shape}; wanted {np.dtype(dtype)} {(*size, channels)}")


def scene_path(folder: Path, seed: int) -> Path:
    """Where the scene of a seed lies."""
    return folder / f"{seed:08d}"


def view_path(scene: Path, index: int) -> Path:
    """Where a view of the scene in the folder `scene` lies."""
    return scene / f"view_{index}.exr"


def write_scene(
    folder: Path,
    seed: int,
    views: Sequence[View],
    *,
    layout: str,
    split: Split,
    generator: int,
    rendering: Mapping[str, int] | None = None,
) -> Path:
    """Writes a scene whole or not at all; returns its folder, `<folder>/<seed:08d>`.

    layout: the kind of scene, in the generator's words; generator: the version of the generator; rendering: the options
    that its pixels depend on beside the seed, by name.
    Raises OutputError where the scene is there already, holds NaN or infinity, or cannot be written.
    """
    if not views or seed < 0 or split not in get_args(Split):
        raise ValueError(f"a scene has one view or more, a seed from 0 and a split of {get_args(Split)}")
    path = scene_path(folder, seed)
    if path.exists():
        raise OutputError(f"{path}: is there already; remove it to write this scene again")
    about = {"seed": seed, "generator": generator, "split": split, "layout": layout, "views": len(views)}
    about |= rendering or {}
    part = folder / f".{path.name}-{secrets.token_hex(4)}.part"
    contents = {view_path(part, i): _encode(view, f"{path}: view {i}") for i, view in enumerate(views)}
    try:
        part.mkdir(parents=True)
        for file, content in contents.items():
            file.write_bytes(content)
        (part / SCENE_JSON).write_text(json.dumps(about) + "\n", encoding="utf-8")
        part.rename(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot write: {reason}; make room, or choose another folder") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return path


def remove_leftovers(folder: Path) -> int:
    """Removes what killed runs left in `folder`; returns how many. Scenes that are just being written stay."""
    old = [part for part in folder.glob(".*.part") if LEFTOVER.fullmatch(part.name) and _is_old(part)]
    for part in old:
        shutil.rmtree(part, ignore_errors=True)
    return len(old)


def _is_old(part: Path) -> bool:
    """Whether an unfinished folder is a killed run's; not where it is no more, for another run has finished it."""
    try:
        return time.time() - part.stat().st_mtime > LEFTOVER_AGE
    except FileNotFoundError:
        return False


def _encode(view: View, place: str) -> bytes:
    """One view as an EXR file. Raises OutputError for NaN and infinity; `place` names the view."""
    channels: dict[str, Array] = {}
    for prefix, suffixes, values in (
        ("", ("R", "G", "B"), view.color),
        *((f"{name}.", SPECS[name].exr_channels, view.maps[name]) for name in MAPS if name in view.maps),
        ("mask.", ("V",), view.mask),
    ):
        _check_finite(prefix.rstrip(".") or "color", values, place)
        halves = np.clip(values, -HALF_MAX, HALF_MAX).astype(np.float16)
        # the bindings write wrong pixels from a strided array, without an error
        channels |= {prefix + suffix: np.ascontiguousarray(halves[..., i]) for i, suffix in enumerate(suffixes)}
    if view.depth is not None:
        _check_finite("depth", view.depth, place)
        channels["Z"] = np.ascontiguousarray(view.depth[..., 0])
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "colorInteropID": "lin_rec709_scene"}
    if view.camera is not None:
        header["worldToCamera"] = np.linalg.inv(view.camera.to_world).T.astype(np.float32, order="C")
        header["fieldOfViewX"] = float(view.camera.fov_x_deg)
    buffer = io.BytesIO()
    OpenEXR.File(header, channels).write(buffer)
    return buffer.getvalue()


def _check_finite(name: str, values: Array, place: str) -> None:
    """Raises OutputError, with the `place`, where `values` hold NaN or infinity."""
    if not np.isfinite(values).all():
        raise OutputError(f"{place}: {name} holds NaN or infinity; leave this scene out")


def read_about(path: Path) -> Mapping[str, Any]:
    """What `scene.json` of the scene at `path` says. Raises InputError where it cannot be read or lacks a field."""
    file = path / SCENE_JSON
    try:
        about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error}); remove this scene and render it again") from error
    kinds = {"seed": int, "generator": int, "split": str, "layout": str, "views": int}
    whole = isinstance(about, dict) and all(type(about.get(name)) is kind for name, kind in kinds.items())
    if not whole or about["views"] < 1 or about["split"] not in get_args(Split):
        raise InputError(f"{file}: does not describe a scene; remove this scene and render it again")
    return about


def read_scene(path: Path) -> tuple[View, ...]:
    """The views of the scene in the folder `path`, in order. Raises InputError where a file is missing or broken."""
    return tuple(read_view(view_path(path, i)) for i in range(read_about(path)["views"]))


def read_view(path: Path) -> View:
    """One view from its EXR file. Raises InputError where it is missing, truncated or not a view."""
    try:
        data = path.read_bytes()
        with OpenEXR.File(io.BytesIO(data), header_only=True) as file:
            header = dict(file.header())
        # this reader, unlike File, never writes to stdout on a damaged file
        source = OpenEXR.InputFile(io.BytesIO(data))
        names = sorted(channel.name for channel in header["channels"])
        (left, top), (right, bottom) = header["dataWindow"]
        size = (int(bottom) - int(top) + 1, int(right) - int(left) + 1)
        kinds = source.header()["channels"]
        planes = {
            name: np.frombuffer(plane, PIXEL_TYPES[kinds[name].type.v]).reshape(size)
            for name, plane in zip(names, source.channels(names), strict=True)
        }
        return _decode(planes, header)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a whole view ({error}); remove this scene and render it again") from error


def _decode(planes: Mapping[str, Array], header: Mapping[str, Any]) -> View:
    """A view of the channels (H, W) of a file. Raises KeyError for a channel that is missing, ValueError for NaN."""
    for name, plane in planes.items():
        if not np.isfinite(plane).all():
            raise ValueError(f"{name} holds NaN or infinity")
    maps: dict[MapName, Array] = {}
    for name in MAPS:
        if any(channel.startswith(f"{name}.") for channel in planes):
            maps[name] = _joined(planes, f"{name}.", SPECS[name].exr_channels)
    if "normal" in maps:  # halves are 0.03 degrees off, which an angle taken from a dot product makes 1.5
        length = np.linalg.norm(maps["normal"], axis=-1, keepdims=True)
        maps["normal"] = np.divide(maps["normal"], length, out=maps["normal"], where=length > 0)
    camera = None
    if "worldToCamera" in header:
        to_camera = np.asarray(header["worldToCamera"], np.float64).T
        camera = Camera(np.linalg.inv(to_camera), float(header["fieldOfViewX"]))
    depth = _joined(planes, "", ("Z",)) if "Z" in planes else None
    return View(_joined(planes, "", ("R", "G", "B")), maps, depth, planes["mask.V"][..., None] > 0.5, camera)


def _joined(planes: Mapping[str, Array], prefix: str, suffixes: Sequence[str]) -> Array:
    """(H, W) planes -> (H, W, C) float32."""
    return np.stack([planes[prefix + suffix] for suffix in suffixes], axis=-1).astype(np.float32)
