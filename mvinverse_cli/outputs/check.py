"""What lies in the output folder before a model is loaded: files in the way, frames already done, room to write.

`check_shot` and `check_folder` only look (`--dry-run` ends there); `make_folder` is the first to touch the disk.
"""

import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ..errors import OutputError
from ..formats import MOVIES, FileKind
from ..sizes import show_count
from .naming import EXTENSIONS, ShotOutputs
from .whole import WholeFile, write_errors

logger = logging.getLogger(__name__)

Identity: TypeAlias = tuple[int, int]  # device and inode


@dataclass(frozen=True)
class Standing:
    """What of a shot is there and stays: nothing but under `--on-exists skip`."""

    frames_done: (
        frozenset[int] | None
    )  # numbers of frames with all their files; None: frames have no files of their own
    movies_done: frozenset[FileKind] = frozenset()  # formats of which every movie is there
    movies_left: frozenset[FileKind] = frozenset()  # formats of which movies are wanted that are not there
    written: Mapping[int, int] = field(default_factory=dict)  # ns: when the oldest file of each frame done was written

    def needs(self, number: int) -> bool:
        """Whether frame `number` has to be computed: for its files or for a movie."""
        return bool(self.movies_left) or (self.frames_done is not None and number not in self.frames_done)


def check_shot(shot: ShotOutputs, frames: Sequence[tuple[int, str]], sources: Mapping[Identity, Path]) -> Standing:
    """What is there of the (number, name) `frames`.

    sources: of all shots of the job. Raises OutputError where two stills share a name, where a name is longer than the
    file system takes, where a folder is not to be written to, where an output is a source, under `--on-exists error`
    where an output is there, and under `skip` where it is a link to nothing.
    """
    if shot.stills:
        check_names_differ(shot, frames)
    check_names_fit(shot, frames)
    for folder in shot.folders:
        if folder.is_dir():
            check_folder(folder)
    listing = list_folders(shot)
    kept: dict[Path, int] = {}
    empty: list[Path] = []

    def is_there(path: Path) -> bool:
        if path not in listing or shot.options.on_exists != "skip":
            return path in listing
        try:
            status = path.stat()  # once: there are thousands of them, perhaps on a network disk
        except FileNotFoundError as error:
            raise OutputError(f"{path}: is a link to nothing; mend or remove it") from error
        kept[path] = status.st_mtime_ns
        if status.st_size == 0:
            empty.append(path)
        return status.st_size > 0

    movies = shot.movie_files()
    present = [movie.path for movie in movies if is_there(movie.path)]
    movies_done = frozenset(shot.movie_formats) - {movie.format for movie in movies if movie.path not in present}
    done: set[int] = set()
    written: dict[int, int] = {}
    for number, name in frames:
        paths = [file.path for file in shot.frame_files(number, name)]
        there = [path for path in paths if is_there(path)]
        present += there
        if len(there) == len(paths):
            done.add(number)
            if paths and kept:
                written[number] = min(kept[path] for path in paths)
    if empty:
        logger.warning("%s: %s without a byte, as a crash leaves, made anew", empty[0], show_count(len(empty), "file"))
    check_no_source((*present, *empty), sources)
    if present and shot.options.on_exists == "error":
        others = len(present) - 1
        more = f", as {'is' if others == 1 else 'are'} {show_count(others, 'more file')} of this shot" if others else ""
        raise OutputError(
            f"{min(present)}: is there already{more}; choose --on-exists skip or overwrite, or another output folder"
        )
    if shot.options.on_exists == "overwrite":
        done, movies_done = set(), frozenset()
    left = frozenset(shot.movie_formats) - movies_done
    return Standing(frozenset(done) if shot.frame_formats else None, movies_done, left, written)


def check_names_differ(shot: ShotOutputs, frames: Iterable[tuple[int, str]]) -> None:
    """Raises OutputError where two stills would be written to one file."""
    first: dict[str, int] = {}
    for number, name in frames:
        if first.setdefault(name, number) != number:
            raise OutputError(
                f"{shot.folder}: stills {first[name]} and {number} are both named {name!r} and would be written to one "
                "file; rename one, or run them apart"
            )


def check_names_fit(shot: ShotOutputs, frames: Iterable[tuple[int, str]]) -> None:
    """Raises OutputError where a file would have a longer name than the file system takes."""
    number, name = max(frames, key=lambda frame: (len(os.fsencode(frame[1])), frame[0]), default=(0, ""))
    paths = [movie.path for movie in shot.movie_files()]
    paths += [file.path for file in shot.frame_files(number, name)]
    longest = max(paths, key=lambda path: len(os.fsencode(path.name)), default=shot.folder)
    count, most = len(os.fsencode(longest.name)), longest_name(shot.folder)
    if count > most:
        raise OutputError(
            f"{longest}: a name of {count} bytes, where {most} is the most here; give the source a shorter name"
        )


def longest_name(folder: Path) -> int:
    """Bytes of a name in `folder`, which need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # not told here: what every file system in use takes
        return 255


def check_no_source(outputs: Iterable[Path], sources: Mapping[Identity, Path]) -> None:
    """Raises OutputError where one of the `outputs`, which exist, is one of the `sources` under any name."""
    for path in outputs:
        source = sources.get(identity(path))
        if source is not None:
            raise OutputError(f"{path}: is the source {source} and would be overwritten; choose another output folder")


def identities(paths: Iterable[Path]) -> dict[Identity, Path]:
    """Those of `paths` that are there, to be found under any name."""
    return {identity(path): path for path in paths if path.exists()}


def identity(path: Path) -> Identity:
    """What stays the same of a file under all its names."""
    try:
        facts = path.stat()
    except OSError:
        facts = path.lstat()  # a dangling link
    return facts.st_dev, facts.st_ino


def list_folders(shot: ShotOutputs) -> frozenset[Path]:
    """Every path in the folders that the shot is written to: one listing costs less than a look per file."""
    found: list[Path] = []
    for folder in shot.folders:
        with write_errors(folder):
            if folder.is_dir():
                found += folder.iterdir()
            elif os.path.lexists(folder):
                raise OutputError(f"{folder}: is not a folder, and has to be one; choose another output folder")
    return frozenset(found)


def find_frames(shot: ShotOutputs, kinds: Iterable[FileKind], names: Sequence[str]) -> dict[FileKind, set[int]]:
    """The numbers of all frames of which a file is there, by format: asked for or not, and whoever wrote it.

    names: those of stills, in their order.
    """
    listing = list_folders(shot)
    return {kind: frames_among(listing, shot, kind, names) for kind in kinds if kind not in MOVIES}


def frames_among(paths: Iterable[Path], shot: ShotOutputs, kind: FileKind, names: Sequence[str]) -> set[int]:
    """The numbers of frames of which a file of the format `kind` is among `paths`, whatever its map."""
    is_layered = kind == "exr" and shot.options.exr_layout != "files"
    extension = ".png" if kind == "sheet" else EXTENSIONS[kind]
    stills = {name: number for number, name in enumerate(names, 1)}
    numbers = set()
    for path in paths:
        is_sheet = path.parent == shot.folder / "sheet"
        if path.suffix != extension or is_sheet != (kind == "sheet") or is_layered != (path.parent == shot.folder):
            continue
        of_map = "" if is_layered else f"_{path.parent.name}"
        found = re.fullmatch(re.escape(shot.stem + of_map) + r"\.(\d{4,})", path.stem)
        if found and not shot.stills:
            numbers.add(int(found[1]))
        elif shot.stills and path.stem.removesuffix(of_map) in stills and path.stem.endswith(of_map):
            numbers.add(stills[path.stem.removesuffix(of_map)])
    return numbers


def check_folder(folder: Path) -> None:
    """Raises OutputError where `folder` is a file, or cannot be created or written to; creates nothing."""
    nearest = folder
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise OutputError(f"{folder}: {nearest} is not a folder; choose another output folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: no permission to write in {nearest}; choose another output folder")


def make_folder(folder: Path) -> None:
    """Creates `folder` and writes a file there and removes it; raises OutputError where that fails."""
    check_folder(folder)
    with write_errors(folder):
        probe = WholeFile(folder / "probe", "overwrite")
        try:
            probe.file.write(bytes(4096))
            probe.file.flush()
        finally:
            probe.discard()
