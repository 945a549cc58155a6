"""Pictures beside their normals in one folder, by their names: `kitchen-ref.png` and `kitchen-normal.png`.

A file of normals ends in `normal`, `normals` or `normal_cam` behind `-`, `_` or `.`; its picture has what stands before
that alone or followed by one of PICTURES. Normals are in camera axes (OpenGL): raw in EXR and .npy, n * 0.5 + 0.5 in
integer pictures; a pixel whose normal is shorter than 0.5, or in integer pictures longer than 1.3, as black, counts for
nothing. Hypersim's previews are such pairs.
"""

import logging
import re
from functools import partial
from pathlib import Path

from ...errors import InputError
from ..example import Example, Source
from ..result import Broken
from .files import files_under, read_normals, read_srgb, unit

logger = logging.getLogger(__name__)

NORMALS = re.compile(r"(?P<stem>.+)(?P<mark>[-_.])(?:normal|normals|normal_cam)\.(?:png|exr|npy|tif|tiff|webp)", re.I)
PICTURES = ("tonemap", "rgb", "image", "im", "color", "ref")  # the first that is there
EXACT = (".exr", ".npy", ".tif", ".tiff", ".png", ".webp")  # of normals, in the order of their precision
SUFFIXES = (".png", ".jpg", ".jpeg", ".exr", ".tif", ".tiff", ".webp", ".heic", ".heif")


def find_pairs(folder: Path) -> tuple[list[Source[Example]], list[Broken]]:
    """The pairs in `folder` and under it, by their names, and the normals without a picture. Of a picture's normals in
    several files those of the most exact one count, and the log names the others."""
    found: dict[Path, Source[Example]] = {}
    alone: list[Broken] = []
    files = files_under(folder)
    # a camera writes .JPG; by the name and the suffix in small letters
    pictures = {(path.parent, path.stem, path.suffix.lower()): path for path in files}
    matches = [(path, match) for path in files if (match := NORMALS.fullmatch(path.name))]
    for path, match in sorted(matches, key=lambda pair: (EXACT.index(pair[0].suffix.lower()), pair[0])):
        known = (pictures.get((path.parent, stem, suffix)) for stem in _stems(match) for suffix in SUFFIXES)
        picture = next(filter(None, known), None)
        if picture is None:
            names = ", ".join(f"{match['stem']}{match['mark']}{name}" for name in PICTURES)
            alone.append((path, f"{path}: no picture beside it; wanted one of {match['stem']}, {names}"))
            continue
        if picture in found:
            logger.warning("%s: left out: the picture's normals are those of %s", path, found[picture].path.name)
            continue
        name = str(path.relative_to(folder).with_name(match["stem"]))
        found[picture] = Source(name, path, partial(read, name, picture, path))
    return sorted(found.values(), key=lambda source: source.path), sorted(alone)


def _stems(match: re.Match[str]) -> list[str]:
    """What the picture of some normals may be called."""
    return [match["stem"], *(f"{match['stem']}{match['mark']}{name}" for name in PICTURES)]


def read(name: str, picture: Path, normals: Path) -> Example:
    """One pair. Raises InputError where a file cannot be read, or the two differ in size."""
    shown, (true, points) = read_srgb(picture), unit(read_normals(normals))
    if shown.shape != true.shape:
        sizes = [f"{values.shape[1]}x{values.shape[0]}" for values in (shown, true)]
        raise InputError(f"{normals}: {sizes[1]}, and its picture {picture.name} is {sizes[0]}; export them again")
    return Example(name, name, shown, {"normal": true}, points)
