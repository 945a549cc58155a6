"""What a shot is written to: the names of its files, and what they need to know of the shot.

sequences, videos   FOLDER/<map>/<stem>_<map>.<####>.<ext>    layered EXR   FOLDER/<stem>.<####>.exr
stills              FOLDER/<map>/<name>_<map>.<ext>           layered EXR   FOLDER/<name>.exr
--exr-layout files  FOLDER/<map>/<stem>_<map>.<####>.exr      of stills     FOLDER/<map>/<name>_<map>.exr
movies              FOLDER/<stem>_<map>.<ext>
contact sheets      FOLDER/<stem>_sheet.mp4                   of stills     FOLDER/sheet/<name>_sheet.png
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..formats import MOVIES, FileKind, Format
from ..maps import FrameMaps, MapName
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
    """One file of one frame and the maps it holds: all of them in a layered EXR or a sheet, else one."""

    format: FileKind
    maps: tuple[MapName, ...]
    path: Path


@dataclass(frozen=True)
class MovieFile:
    """One map of all frames of a shot, or the sheet of all maps."""

    format: FileKind
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
    pixel_aspect: float = 1.0  # width of a pixel of the maps over its height
    every: int = 1  # frames of the source from one that is seen to the next

    @property
    def movie_rate(self) -> Fraction:
        """Frames per second of the shot's movies, where every frame of the source is in them."""
        return self.rate or self.options.fps

    def time_of(self, frame: FrameMaps) -> Fraction:
        """Seconds at which a movie shows `frame`: those of its source, or, for pictures, of its number at the movie's
        rate, so that one that is missing leaves a gap as in a video."""
        return frame.number / self.movie_rate if frame.time is None else frame.time

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder that files of the shot may lie in, whatever the format."""
        return self.folder, *(self.folder / name for name in (*self.maps, "residual", "sheet"))

    @property
    def frame_formats(self) -> tuple[FileKind, ...]:
        """The formats that have files of their own for every frame."""
        formats = tuple(name for name in self.options.format if name not in MOVIES)
        return (*formats, "sheet") if self.options.sheet and self.stills else formats

    def maps_of(self, kind: FileKind) -> tuple[MapName, ...]:
        """What the files of a format hold: float files of frames the residual as well, where it is asked for."""
        is_float = kind == "exr" or self.options.bits_of(kind) == "float"
        return (*self.maps, "residual") if self.options.residual and is_float else self.maps

    def frame_files(self, number: int, name: str) -> tuple[FrameFile, ...]:
        """The files of one frame; `name` matters for stills only, `number` for all others. Empty for movies alone."""
        stem = name if self.stills else self.stem
        tail = "" if self.stills else f".{number:04d}"
        files: list[FrameFile] = []
        for kind in self.frame_formats:
            maps = self.maps_of(kind)
            if kind == "sheet":
                files.append(FrameFile(kind, maps, self.folder / "sheet" / f"{stem}_sheet.png"))
                continue
            end = tail + EXTENSIONS[kind]
            if kind == "exr" and self.options.exr_layout != "files":
                files.append(FrameFile(kind, maps, self.folder / f"{stem}{end}"))
            else:
                files += (FrameFile(kind, (a_map,), self.folder / a_map / f"{stem}_{a_map}{end}") for a_map in maps)
        return tuple(files)

    @property
    def movie_formats(self) -> tuple[FileKind, ...]:
        """The formats that have one file for all frames."""
        formats = tuple(name for name in self.options.format if name in MOVIES)
        return (*formats, "sheet") if self.options.sheet and not self.stills else formats

    def movie_files(self) -> tuple[MovieFile, ...]:
        """The movies of every map; empty where none was asked for."""
        files: list[MovieFile] = []
        for kind in self.movie_formats:
            if kind == "sheet":
                files.append(MovieFile(kind, self.maps, self.folder / f"{self.stem}_sheet.mp4"))
            else:
                end = EXTENSIONS[kind]
                files += (MovieFile(kind, (name,), self.folder / f"{self.stem}_{name}{end}") for name in self.maps)
        return tuple(files)
