"""What a shot is written to: the names of its files, and what they need to know of the shot.

sequences, videos   FOLDER/<map>/<stem>_<map>.<####>.<ext>    layered EXR   FOLDER/<stem>.<####>.exr
stills              FOLDER/<map>/<name>_<map>.<ext>           layered EXR   FOLDER/<name>.exr
--exr-layout files  FOLDER/<map>/<stem>_<map>.<####>.exr      of stills     FOLDER/<map>/<name>_<map>.exr
movies              FOLDER/<stem>_<map>.mp4
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..formats import Format
from ..maps import MapName
from ..options import WriteOptions

EXTENSIONS: Mapping[Format, str] = {"png": ".png", "exr": ".exr", "tiff": ".tif", "mp4": ".mp4"}


@dataclass(frozen=True)
class FrameFile:
    """One file of one frame and the maps it holds: all of them in a layered EXR, else one."""

    format: Format
    maps: tuple[MapName, ...]
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
        return tuple(name for name in self.options.format if name != "mp4")

    def frame_files(self, number: int, name: str) -> tuple[FrameFile, ...]:
        """The files of one frame; `name` matters for stills only, `number` for all others. Empty for movies alone."""
        stem = name if self.stills else self.stem
        tail = "" if self.stills else f".{number:04d}"
        files: list[FrameFile] = []
        for kind in self.frame_formats:
            end = tail + EXTENSIONS[kind]
            if kind == "exr" and self.options.exr_layout != "files":
                files.append(FrameFile(kind, self.maps, self.folder / f"{stem}{end}"))
            else:
                files += (
                    FrameFile(kind, (a_map,), self.folder / a_map / f"{stem}_{a_map}{end}") for a_map in self.maps
                )
        return tuple(files)

    def movie_files(self) -> Mapping[MapName, Path]:
        """The movie of each map; empty where none was asked for."""
        if "mp4" not in self.options.format:
            return {}
        return {name: self.folder / f"{self.stem}_{name}{EXTENSIONS['mp4']}" for name in self.maps}
