"""Single files of data sets as arrays: EXR, HDF5, numpy, and pictures. H rows, W columns, C channels."""

import logging
import os
from pathlib import Path

import numpy as np

from ...archives import DAMAGED_ARCHIVE
from ...color import convert
from ...errors import InputError
from ...frames import as_float
from ...frames.exr import read_exr
from ...frames.pictures import read_picture
from ...maps import Array

logger = logging.getLogger(__name__)

DATASET = "dataset"  # the one key of a Hypersim file
LONGEST = 1.3  # that a normal of an integer picture is after lossy compression; black and white come to 1.73
# What h5py raises for a damaged file: an OSError when it is opened, any of the others when its tables are followed
DAMAGED_HDF5 = (OSError, RuntimeError, KeyError, TypeError, ValueError)


def files_under(folder: Path) -> list[Path]:
    """Every file in `folder` and under it, by its path, linked folders included; a folder that cannot be read is named
    in the log and left out."""

    def tell(error: OSError) -> None:
        logger.warning("%s: left out: %s", error.filename, error.strerror or error)

    found: list[Path] = []
    met: set[tuple[int, int]] = set()  # a link may lead to a folder above it
    for here, folders, names in os.walk(folder, onerror=tell, followlinks=True):
        status = Path(here).stat()
        if (status.st_dev, status.st_ino) in met:
            folders.clear()
            continue
        met.add((status.st_dev, status.st_ino))
        try:
            found += (path for name in names if (path := Path(here, name)).is_file())
        except OSError as error:  # its names can be read, and no file in it
            tell(error)
    return sorted(found)


def is_folder(path: Path) -> bool:
    """Whether a folder can be seen there: also of a name that is too long for one, or in a folder that is closed."""
    try:
        return path.is_dir()
    except OSError:
        return False


def missing_of(paths: list[Path]) -> list[Path]:
    """Those of `paths` that are not there."""
    return [path for path in paths if not path.is_file()]


def check_there(paths: list[Path]) -> None:
    """Raises InputError with the names of those that are missing; all lie in one folder."""
    missing = missing_of(paths)
    if missing:
        raise InputError(f"{missing[0].parent}: lacks {', '.join(path.name for path in missing)}; fetch it again")


def read_linear(path: Path) -> Array:
    """An EXR file as (H, W, 3) float32, as it is: NaN and infinity stay. Raises InputError."""
    try:
        return read_exr(path.read_bytes(), path).light
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: not a whole EXR picture ({error}); fetch it again") from error


def read_srgb(path: Path) -> Array:
    """A picture file of any kind as (H, W, 3) float32, sRGB-encoded, clipped to [0, 1]. Raises InputError."""
    picture = read_picture(path)
    return np.clip(convert(as_float(picture.pixels), picture.transfer, "srgb"), 0, 1)


def read_normals(path: Path) -> Array:
    """Normals as (H, W, 3) float32 of any length: raw x, y, z of EXR, float TIFF and .npy, n * 0.5 + 0.5 of integer
    pictures, whatever colours a profile says that they are. In these what is far from unit length, as the black or
    white of a background, becomes zero.

    Raises InputError.
    """
    if path.suffix.lower() == ".exr":
        return read_linear(path)
    if path.suffix.lower() == ".npy":
        return read_npy(path)
    pixels = read_picture(path, is_color=False).pixels
    if pixels.dtype == np.float32:
        return pixels
    normals = as_float(pixels) * 2 - 1
    normals[np.linalg.norm(normals, axis=-1) > LONGEST] = 0
    return normals


def read_npy(path: Path) -> Array:
    """A numpy file as (H, W, 3) float32; nothing in it is run. Raises InputError."""
    try:
        with path.open("rb") as file:
            values = np.load(file, allow_pickle=False)
        if not isinstance(values, np.ndarray):
            raise ValueError("it is an archive of arrays")
    except DAMAGED_ARCHIVE as error:  # under the name of an array there may be an archive
        raise InputError(f"{path}: not readable as .npy: {error}") from error
    return check_shape(path, values, (None, None, 3)).astype(np.float32)


def read_hdf5(path: Path, shape: tuple[int | None, ...]) -> Array:
    """The array under the key `dataset` of an HDF5 file, float64 or float32 as stored but halves as float32.

    shape: what it has to be, None for any length. Raises InputError where the file is missing, no HDF5, or has
    another shape or no such key.
    """
    import h5py  # only this data set needs it

    try:
        with h5py.File(path, "r") as file:
            if DATASET not in file:
                held = ", ".join(file) or "nothing"
                raise InputError(f"{path}: has no key {DATASET!r}, only {held}; fetch it again")
            values = np.asarray(file[DATASET])
    except DAMAGED_HDF5 as error:
        reason = "not there" if not path.exists() else f"cannot be read as HDF5 ({error})"
        raise InputError(f"{path}: {reason}; fetch it again") from error
    values = check_shape(path, values, shape)
    return values.astype(np.float32) if values.dtype == np.float16 else values


def check_shape(path: Path, values: Array, shape: tuple[int | None, ...]) -> Array:
    """`values` itself. Raises InputError where they are no numbers, or of another shape."""
    fits = len(values.shape) == len(shape) and all(
        wanted in (None, side) for side, wanted in zip(values.shape, shape, strict=True)
    )
    if not fits or values.dtype.kind not in "fiu":
        said = "x".join("any" if wanted is None else str(wanted) for wanted in shape)
        raise InputError(f"{path}: holds {values.dtype} of {values.shape}; wanted numbers of {said}")
    return values


def unit(normals: Array) -> tuple[Array, Array]:
    """Normals (H, W, 3) at length 1, float32, and (H, W) bool where they point anywhere; elsewhere they are zero."""
    finite = np.isfinite(normals).all(axis=-1, keepdims=True)
    known = np.where(finite, normals, 0)
    length = np.linalg.norm(known, axis=-1, keepdims=True)
    points = length > 0.5  # a gray of an integer file is no direction
    return np.divide(known, length, out=np.zeros(known.shape, np.float32), where=points), points[..., 0]
