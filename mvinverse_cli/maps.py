"""The five maps that a frame is split into, and what they leave: the vocabulary of every folder.

In memory a map is a float32 array `(H, W, C)` at its `MapSpec` range. Between `decompose` and the writers colour
maps (albedo, shading) are scene-linear Rec.709: writers of integer files encode them to sRGB, float files keep them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, Literal, TypeAlias

from numpy.typing import NDArray

from .errors import OptionError
from .timecode import Timecode

MapName = Literal["albedo", "metallic", "roughness", "normal", "shading", "residual"]
MapKind = Literal["color", "data", "vector"]
Array: TypeAlias = NDArray[Any]  # the dtype and shape stand in each docstring
Maps: TypeAlias = Mapping[MapName, Array]


@dataclass(frozen=True)
class MapSpec:
    """What one map holds.

    `kind` is `color` (a light quantity: sRGB-encoded in integer files, scene-linear in float files), `data` (numbers,
    never colour-managed) or `vector` (unit vectors). `low` and `high` bound the values in memory, but for shading under
    an exposure.
    """

    name: MapName
    kind: MapKind
    low: float
    high: float
    exr_channels: tuple[str, ...]  # suffixes behind `<map>.`; data never ends in R, G or B
    meaning: str

    @property
    def channels(self) -> int:
        return len(self.exr_channels)


MAPS: tuple[MapName, ...] = ("albedo", "metallic", "roughness", "normal", "shading")

SPECS: Mapping[MapName, MapSpec] = {
    spec.name: spec
    for spec in (
        MapSpec("albedo", "color", 0.0, 1.0, ("R", "G", "B"), "base colour"),
        MapSpec("metallic", "data", 0.0, 1.0, ("V",), "0 dielectric, 1 metal"),
        MapSpec("roughness", "data", 0.0, 1.0, ("V",), "GGX perceptual roughness"),
        MapSpec(
            "normal", "vector", -1.0, 1.0, ("X", "Y", "Z"), "camera space, +X right, +Y up, +Z to the camera (OpenGL)"
        ),
        MapSpec("shading", "color", 0.0, 1.0, ("R", "G", "B"), "diffuse shading: diffuse image = albedo x shading"),
        # made by the writers, where it is asked for: no network gives it
        MapSpec("residual", "color", -inf, inf, ("R", "G", "B"), "plate - albedo x shading, in linear light"),
    )
}


@dataclass(frozen=True)
class FrameMaps:
    """The maps of one frame, with what a writer needs to name and time them.

    maps: float32 (H, W, C) each, at the source's size (the network's with `--size model`). albedo (C 3) in [0, 1] and
    shading (C 3) from 0 to 2**-exposure, scene-linear Rec.709; metallic and roughness (C 1) in [0, 1]; normal (C 3) of
    unit length in camera space, OpenGL axes. plate: the picture they were made of, float32 (H, W, 3) at the size of the
    maps, scene-linear Rec.709 and not clipped; None where it was not asked for, as from `decompose`.
    """

    maps: Maps
    shot: str
    index: int  # position in the whole shot, from 0, on the grid of `every`
    number: int  # frame number in file names
    name: str  # stem of a still's file names
    time: Fraction | None  # presentation time in seconds, for video
    source: str
    plate: Array | None = None
    timecode: Timecode | None = None  # that the source gives the frame
    exposure: float = 0.0  # EV: the network was shown 2**exposure times the light of the plate

    @property
    def needed_plate(self) -> Array:
        """The plate, where files are to hold it. Raises OptionError where nobody asked for it in time."""
        if self.plate is None:
            raise OptionError(f"{self.source}: its plate is not there; decompose it with plates")
        return self.plate


def have_gain(maps: Iterable[MapName]) -> bool:
    """Whether there are maps among these whose gain the training left free."""
    return not {"albedo", "shading"}.isdisjoint(maps)


def check_map_names(names: Iterable[str]) -> tuple[MapName, ...]:
    """The chosen maps in the house's order, each once.

    Raises OptionError for an unknown name or an empty choice.
    """
    chosen = {names} if isinstance(names, str) else set(names)
    unknown = sorted(chosen - set(MAPS))
    if unknown:
        raise OptionError(f"--maps: there is no map {', '.join(map(repr, unknown))}; choose from {', '.join(MAPS)}")
    if not chosen:
        raise OptionError(f"--maps: no map chosen; choose from {', '.join(MAPS)}")
    return tuple(name for name in MAPS if name in chosen)
