"""What a shot is written to: the names of its files, and what they need to know of the shot.

sequences, videos   FOLDER/<map>/<stem>_<map>.<####>.<ext>    layered EXR   FOLDER/<stem>.<####>.exr
stills              FOLDER/<map>/<name>_<map>.<ext>           layered EXR   FOLDER/<name>.exr
--exr-layout files  FOLDER/<map>/<stem>_<map>.<####>.exr      of stills     FOLDER/<map>/<name>_<map>.exr
movies              FOLDER/<stem>_<map>.<ext>
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..formats import MOVIES, Format
from ..maps import MapName
from ..options import WriteOptions

EXTENSIONS: Mapping[Format, str] = {
    "png": ".png",
    "exr": ".exr",
    "tiff": ".tif",
    "mp4": ".mp4",
    "mov": ".mov",
    "mkv": ".mkv",
}


@dataclass(frozen=True)
class FrameFile:
    """One file of one frame and the maps it holds: all of them in a layered EXR, else one."""

    format: Format
    maps: tuple[MapName, ...]
    path: Path


@dataclass(frozen=True)
class MovieFile:
    """One map of all frames of a shot."""

    format: Format
    map: MapName
    path: Path


@dataclass(frozen=True)
class ShotOutputs:
    """Where and how the maps of one shot are written."""

    folder: Path  # OUT, or the shot's own folder under it where there are several shots
    stem: str
    stills: bool  # views that keep their own names, in place of numbered frames
    maps: tuple[MapName, ...]
    options: WriteOptions
    rate: Fraction | None  # frames per second of a video

    @property
    def frame_formats(self) -> tuple[Format, ...]:
        """The formats that have files of their own for every frame."""
        return tuple(name for name in self.options.format if name not in MOVIES)

    def maps_of(self, kind: Format) -> tuple[MapName, ...]:
        """What the files of a format hold: float files of frames the residual as well, where it is asked for."""
        is_float = kind == "exr" or self.options.bits_of(kind) == "float"
        return (*self.maps, "residual") if self.options.residual and is_float else self.maps

    def frame_files(self, number: int, name: str) -> tuple[FrameFile, ...]:
        """The files of one frame; `name` matters for stills only, `number` for all others. Empty for movies alone."""
        stem = name if self.stills else self.stem
        tail = "" if self.stills else f".{number:04d}"
        files: list[FrameFile] = []
        for kind in self.frame_formats:
            end = tail + EXTENSIONS[kind]
            maps = self.maps_of(kind)
            if kind == "exr" and self.options.exr_layout != "files":
                files.append(FrameFile(kind, maps, self.folder / f"{stem}{end}"))
            else:
                files += (FrameFile(kind, (a_map,), self.folder / a_map / f"{stem}_{a_map}{end}") for a_map in maps)
        return tuple(files)

    @property
    def movie_formats(self) -> tuple[Format, ...]:
        """The formats that have one file for all frames."""
        return tuple(name for name in self.options.format if name in MOVIES)

    def movie_files(self) -> tuple[MovieFile, ...]:
        """The movies of every map; empty where none was asked for."""
        return tuple(
            MovieFile(kind, name, self.folder / f"{self.stem}_{name}{EXTENSIONS[kind]}")
            for kind in self.movie_formats
            for name in self.maps
        )
