"""InteriorVerse (Zhu et al. 2022): `<split>/<SCENE>/NNN_{im,albedo,material,depth,normal,mask}.exr`.

All are EXR pictures of one size: `im` and `albedo` scene-linear; of `material`, R is roughness and G metallic; `depth`
in millimetres, infinite where nothing was hit; `normal` in camera axes (OpenGL), raw; `mask` 1 where the rest is true.
Scenes are listed in text files, one name a line. H W pixels.
"""

import logging
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ...color import linear_to_srgb
from ...errors import InputError, read_errors
from ...maps import Array, MapName
from ..example import Example, Source
from ..result import Broken
from .files import check_there, is_folder, read_linear, unit

logger = logging.getLogger(__name__)

NAME = re.compile(r"(?P<number>\d+)_(?:im|albedo|material|depth|normal|mask)\.exr")
NEEDED = {"albedo": "albedo", "metallic": "material", "roughness": "material", "normal": "normal"}  # by map


def list_scenes(
    folder: Path, split: str, scenes: Path | None, limit: int | None = None
) -> tuple[list[Path], list[Broken]]:
    """The folders of the scenes, in the order of their list or their names; those listed that are not there.

    scenes: a list; None: `<split>.txt` in `folder` where it is there, else every folder of the split. limit: of the
    first scenes, those that are not there counted.
    Raises InputError where there is neither split nor list.
    """
    place = folder / split
    listed = scenes or folder / f"{split}.txt"
    if scenes is None and not listed.is_file():
        if not place.is_dir():
            raise InputError(f"{place}: no such folder; name another --split, or the data set's own folder in --data")
        return sorted(path for path in place.iterdir() if is_folder(path))[:limit], []
    try:
        names = [line.strip() for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(f"{listed}: the list of scenes cannot be read ({error})") from error
    paths = [folder / name if is_folder(folder / name) else place / name for name in names[:limit]]
    gone = [(path, f"{path}: listed in {listed.name} and not there") for path in paths if not is_folder(path)]
    return [path for path in paths if is_folder(path)], gone


def pictures_of(scenes: Sequence[Path], maps: tuple[MapName, ...]) -> tuple[list[Source[Example]], list[Broken]]:
    """The pictures of the scenes, each to be read with the true `maps`, ordered by number, and the scenes that cannot
    be looked into."""
    pictures: list[Source[Example]] = []
    broken: list[Broken] = []
    for scene in scenes:
        try:
            with read_errors(scene):
                names = [path.name for path in scene.iterdir()]
        except InputError as error:
            logger.warning("scene left out: %s", error)
            broken.append((scene, str(error)))
            continue
        numbers = sorted({match["number"] for name in names if (match := NAME.fullmatch(name))})
        pictures += (
            Source(f"{scene.name}/{number}", scene / number, partial(read, scene, number, maps)) for number in numbers
        )
    return pictures, broken


def read(scene: Path, number: str, maps: tuple[MapName, ...]) -> Example:
    """One picture with its true `maps`. Raises InputError with the files that it lacks, or where one is broken.

    The picture is clipped to [0, 1]. A pixel is valid where the mask says so, nothing is NaN or infinite and, where
    there is a depth, something was hit.
    """
    kinds = list(dict.fromkeys(("im", "mask", *(NEEDED[name] for name in maps))))
    paths = {kind: scene / f"{number}_{kind}.exr" for kind in kinds}
    check_there(list(paths.values()))
    planes = {kind: read_linear(path) for kind, path in paths.items()}
    depth = scene / f"{number}_depth.exr"
    if depth.is_file():
        planes["depth"] = read_linear(depth)
    sizes = {kind: plane.shape[:2] for kind, plane in planes.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{kind} {width}x{height}" for kind, (height, width) in sizes.items())
        raise InputError(f"{scene / number}: files of several sizes ({said}); fetch it again")
    mask = planes["mask"][..., 0] > 0.5
    for plane in planes.values():
        mask &= np.isfinite(plane).all(axis=-1)
    true: dict[MapName, Array] = {}
    for name in maps:
        plane = planes[NEEDED[name]]
        if name == "normal":
            true[name], points = unit(plane)
            mask &= points
        else:
            part = {"roughness": plane[..., :1], "metallic": plane[..., 1:2]}.get(name, plane)
            true[name] = np.clip(np.nan_to_num(part), 0, 1)
    picture = linear_to_srgb(np.clip(np.nan_to_num(planes["im"]), 0, 1))
    return Example(scene.name, f"{scene.name}/{number}", picture, true, mask)
