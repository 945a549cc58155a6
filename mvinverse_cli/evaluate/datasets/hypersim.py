"""Hypersim (Roberts et al. 2021), as its images are published:

    ai_VVV_NNN/images/scene_cam_XX_final_hdf5/frame.IIII.{color,diffuse_reflectance}.hdf5
    ai_VVV_NNN/images/scene_cam_XX_geometry_hdf5/frame.IIII.{position,normal_cam,render_entity_id}.hdf5
    ai_VVV_NNN/_detail/cam_XX/camera_keyframe_{positions,orientations,frame_indices}.hdf5

each with the key `dataset`, and the table of projections beside the scenes. Colour and reflectance are scene-linear;
positions are of the world, in asset units, and not finite where nothing was hit. H W pixels.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...color import linear_to_srgb
from ...errors import InputError, read_errors
from ...maps import Array, MapName
from ..example import Example, Source
from ..result import Broken
from .files import check_there, is_folder, read_hdf5, unit
from .hypersim_camera import TABLE, LensCamera, pinhole, read_poses, read_projections, toward_camera

logger = logging.getLogger(__name__)

FINAL, GEOMETRY = ("color", "diffuse_reflectance"), ("position", "normal_cam", "render_entity_id")
FRAME = re.compile(r"frame\.(?P<number>\d{4})\.(?:color|position|normal_cam)\.hdf5")
CAMERA = re.compile(r"scene_(?P<camera>cam_\d+)_(?:final|geometry)_hdf5")
NOTHING = -1  # the entity of a pixel that hit none
# The published tone mapping: this percentile of brightness becomes this bright on a curve of 1 / 2.2
PERCENTILE, BRIGHT, GAMMA = 90, 0.8, 2.2
BRIGHTNESS = np.array([0.3, 0.59, 0.11], np.float32)  # of R, G, B
DARKEST = 1e-4  # brightness under which a picture has no exposure


@dataclass(frozen=True)
class Trajectory:
    """The frames of one camera of one scene."""

    scene: Path
    camera: str
    frames: tuple[int, ...]

    @property
    def name(self) -> str:
        """`ai_001_001/cam_00`."""
        return f"{self.scene.name}/{self.camera}"

    def file(self, frame: int, kind: str) -> Path:
        """Where one kind of image of a frame lies."""
        room = "final" if kind in FINAL else "geometry"
        return self.scene / "images" / f"scene_{self.camera}_{room}_hdf5" / f"frame.{frame:04d}.{kind}.hdf5"


@dataclass(frozen=True)
class HypersimView:
    """A frame with what its pixels show: points (H, W, 3) float64 of the world, finite where the example is valid."""

    example: Example
    points: Array
    camera: LensCamera


def is_scene(folder: Path) -> bool:
    """Whether images of a scene can be seen in `folder`."""
    return any(CAMERA.fullmatch(place.name) for place in (folder / "images").glob("scene_cam_*"))


def holds_scenes(folder: Path) -> bool:
    """Whether `folder` is a scene, or one is in it."""
    return is_scene(folder) or any(map(is_scene, folder.glob("ai_*")))


def find_trajectories(folder: Path, limit: int | None = None) -> tuple[list[Trajectory], list[Broken]]:
    """The first `limit` cameras of the scenes in `folder`, with the frames that any file speaks of, by their names, and
    what of them cannot be looked into. Raises InputError where the folder itself cannot."""
    with read_errors(folder):
        scenes = [folder] if is_scene(folder) else sorted(filter(is_folder, folder.glob("ai_*")))
    frames: dict[tuple[Path, str], set[int]] = {}
    broken: dict[tuple[Path, str], Broken] = {}

    def inside(place: Path, key: tuple[Path, str]) -> list[Path]:
        try:
            with read_errors(place):
                return sorted(place.iterdir())
        except InputError as error:
            if not isinstance(error.__cause__, FileNotFoundError):  # else it is no scene
                logger.warning("left out: %s", error)
                broken[key] = place, str(error)
            return []

    for scene in scenes:
        for place in inside(scene / "images", (scene, "")):
            if match := CAMERA.fullmatch(place.name):
                key = scene, match["camera"]
                named = (FRAME.fullmatch(path.name) for path in inside(place, key))
                frames.setdefault(key, set()).update(int(one["number"]) for one in named if one)
    taken = sorted({*frames, *broken})[:limit]
    whole = [Trajectory(*key, tuple(sorted(frames[key]))) for key in taken if key not in broken]
    return whole, [broken[key] for key in taken if key in broken]


def cameras_of(trajectory: Trajectory, projections: Mapping[str, Array]) -> Mapping[int, LensCamera]:
    """The camera of each frame. Raises InputError where a pose or the scene's projection is missing."""
    if trajectory.scene.name not in projections:
        raise InputError(
            f"{trajectory.name}: {TABLE} has no projection for {trajectory.scene.name}; leave the scene out"
        )
    projection = projections[trajectory.scene.name]
    poses = read_poses(trajectory.scene, trajectory.camera)
    lost = [frame for frame in trajectory.frames if frame not in poses]
    if lost:
        raise InputError(f"{trajectory.name}: no pose for frame {lost[0]}; fetch its _detail folder again")
    return {frame: LensCamera(projection, *poses[frame]) for frame in trajectory.frames}


def views_of(trajectory: Trajectory, cameras: Mapping[int, LensCamera]) -> list[Source[HypersimView]]:
    """Each frame, to be read when its turn comes."""
    return [
        Source(
            f"{trajectory.name}/{frame:04d}", trajectory.file(frame, "color"), partial(read_view, trajectory, frame, at)
        )
        for frame, at in cameras.items()
    ]


def check_view(trajectory: Trajectory, frame: int) -> None:
    """Raises InputError with the files that re-projection of a frame needs and lacks."""
    for kind in ("color", "position"):
        check_there([trajectory.file(frame, kind)])


def read_view(trajectory: Trajectory, frame: int, camera: LensCamera) -> HypersimView:
    """A frame with its points, and what is there of true albedo and normals.

    Raises InputError where a file is missing, broken or of another size.
    """
    check_view(trajectory, frame)
    light = _image(trajectory, frame, "color")
    points = _image(trajectory, frame, "position", light.shape).astype(np.float64)
    hit = _hit(trajectory, frame, light.shape)
    mask: Array = hit & np.isfinite(np.concatenate([points, light], axis=-1)).all(axis=-1)
    maps: dict[MapName, Array] = {}
    if trajectory.file(frame, "diffuse_reflectance").is_file():
        albedo = _image(trajectory, frame, "diffuse_reflectance", light.shape)
        mask &= np.isfinite(albedo).all(axis=-1)
        maps["albedo"] = np.clip(np.nan_to_num(albedo), 0, 1)
    if trajectory.file(frame, "normal_cam").is_file():
        maps["normal"], pointing = _normals(trajectory, frame, light.shape, camera.projection)
        mask &= pointing
    name = f"{trajectory.name}/{frame:04d}"
    example = Example(trajectory.name, name, tone_mapped(light, hit), maps, mask)
    return HypersimView(example, np.where(mask[..., None], points, 0), camera)


def single_pictures(folder: Path) -> tuple[list[Source[Example]], list[Broken]]:
    """Every frame of `folder` with its true normals, each to be read when its turn comes, and what is broken of it.

    Which normals face away is told by the scene's projection; without the table, by a pinhole.
    """
    trajectories, broken = find_trajectories(folder)
    has_table = any((place / TABLE).is_file() for place in (folder, folder.parent))
    projections = read_projections(folder) if has_table else {}
    return [
        Source(
            f"{trajectory.name}/{frame:04d}",
            trajectory.file(frame, "normal_cam"),
            partial(read_normals, trajectory, frame, projections.get(trajectory.scene.name)),
        )
        for trajectory in trajectories
        for frame in trajectory.frames
    ], broken


def read_normals(trajectory: Trajectory, frame: int, projection: Array | None) -> Example:
    """A frame with its true normals. Raises InputError where a file is missing, broken or of another size."""
    for kind in ("color", "normal_cam"):
        check_there([trajectory.file(frame, kind)])
    light = _image(trajectory, frame, "color")
    lens = pinhole(*light.shape[:2]) if projection is None else projection
    normal, mask = _normals(trajectory, frame, light.shape, lens)
    picture = tone_mapped(light, _hit(trajectory, frame, light.shape))
    return Example(trajectory.name, f"{trajectory.name}/{frame:04d}", picture, {"normal": normal}, mask)


def tone_mapped(light: Array, hit: Array) -> Array:
    """Light (H, W, 3) of any exposure as a picture, sRGB in [0, 1]: as the data set's own script exposes it.

    hit: (H, W) bool, the pixels that show a surface: they decide. The script encodes by 1 / 2.2, here sRGB does.
    """
    light = np.nan_to_num(light.astype(np.float32), posinf=0.0, neginf=0.0)
    gain = np.float32(1)
    if hit.any():
        bright = float(np.percentile((light @ BRIGHTNESS)[hit], PERCENTILE))
        gain = np.float32(BRIGHT**GAMMA / bright if bright >= DARKEST else 0)
    return linear_to_srgb(np.clip(light * gain, 0, 1))


def _image(trajectory: Trajectory, frame: int, kind: str, shape: tuple[int, ...] = ()) -> Array:
    """One image of a frame, (H, W, 3), of `shape` where that is known. Raises InputError."""
    return read_hdf5(trajectory.file(frame, kind), shape or (None, None, 3))


def _normals(trajectory: Trajectory, frame: int, shape: tuple[int, ...], projection: Array) -> tuple[Array, Array]:
    """True normals (H, W, 3) of a frame, all towards the camera, and (H, W) where there are any. Raises InputError."""
    normal, pointing = unit(_image(trajectory, frame, "normal_cam", shape))
    return toward_camera(normal, projection), pointing


def _hit(trajectory: Trajectory, frame: int, shape: tuple[int, ...]) -> Array:
    """(H, W) bool: the pixels that show a surface; all, where no file says. Raises InputError."""
    path = trajectory.file(frame, "render_entity_id")
    if not path.is_file():
        return np.ones(shape[:2], bool)
    hit: Array = read_hdf5(path, shape[:2]) != NOTHING
    return hit
