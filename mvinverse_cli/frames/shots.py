"""From what the user names to shots: the front door of this wing. Reads names and headers only.

Every mistake that can be seen without decoding a whole file is said here, before a model is loaded.
"""

import logging
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from glob import has_magic
from itertools import combinations, pairwise
from pathlib import Path

from natsort import natsorted, ns

from ..errors import InputError
from ..sizes import show_count, show_frames
from .frame import Shot
from .names import (
    IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
    Pattern,
    common_folder,
    folded,
    in_natural_order,
    is_image,
    is_video,
    likely_patterns,
    missing_ranges,
    name_of,
    parse_pattern,
    patterns_of,
    sequence_numbers,
    shown,
)
from .picture_reader import PictureReader
from .pictures import probe_picture
from .reader import FrameReader
from .selection import Choice
from .spool import STDIN
from .video import probe_video
from .video_reader import VideoReader

log = logging.getLogger(__name__)


def find_shots(
    inputs: Sequence[str | Path], *, allow_gaps: bool, stdin: Path | None = None, written: bool = True
) -> tuple[Shot, ...]:
    """The shots that `inputs` are, in the order given. stdin: the video that `-` stands for; written: whether each is
    to be written under its name, so that no two may have one.

    Each video, folder of pictures and pattern (`plate.####.exr`, `plate.%04d.exr`, `plate.$F4.exr`) is a shot; all
    image files (and globs of them) together are one, which stands where the first of them does.
    Raises InputError for what is missing, unreadable or ambiguous.
    """
    found: list[Shot | None] = []
    images: list[Path] = []
    for source in _sources(inputs, stdin):
        if source is stdin:
            found.append(_stdin_shot(source))
        elif isinstance(source, Pattern):
            found.append(_pattern_shot(source, allow_gaps))
        elif source.is_dir():
            found.append(_folder_shot(source, allow_gaps))
        elif is_video(source):
            found.append(_video_shot(source))
        else:
            if not images:
                found.append(None)  # keeps the place of the pictures
            images.append(source)
    shots = tuple(_picture_shot(images, allow_gaps) if shot is None else shot for shot in found)
    _check_distinct(shots, written=written)
    return shots


def open_positions(shot: Shot, choice: Choice, positions: Sequence[int], *, quiet: bool = False) -> FrameReader:
    """The reader of the frames at `positions`, which are their indices; to be used in a `with`.

    quiet: what had to be decided about the source is not logged: another reader of the shot says it.

    Raises ValueError unless the positions ascend and the shot has them, InputError where a video cannot be opened.
    """
    if any(after <= before for before, after in pairwise((-1, *positions, choice.count))):
        raise ValueError(f"positions have to ascend, from 0 to at most {choice.count - 1}")
    if shot.kind == "video":
        return VideoReader(shot, choice, positions, quiet)
    return PictureReader(shot, choice, positions, quiet)


def check_in_time(shot: Shot) -> None:
    """Raises InputError where the frames of a shot do not follow each other: pictures of two sequences."""
    patterns = [shown(pattern) for pattern in patterns_of(shot.paths)] if shot.kind == "stills" else []
    if len(patterns) > 1:
        said = ", ".join(patterns[:3]) + (", ..." if len(patterns) > 3 else "")
        raise InputError(
            f"{shown(shot.paths[0].parent)}: pictures of several sequences ({said}), of which nobody can tell what "
            "follows what; give each a folder of its own"
        )


def _sources(inputs: Sequence[str | Path], stdin: Path | None) -> Iterator[Path | Pattern]:
    """Existing files and folders, and patterns. A name that exists is itself, whatever `#`, `%d` or `*` is in it."""
    if not inputs:
        raise InputError("no input given; name a video, a folder or pictures")
    for text in map(str, inputs):
        if not text:
            raise InputError("an empty name was given; an unset variable, perhaps?")
        path = Path(text)
        pattern = parse_pattern(text)
        if text == STDIN:
            if stdin is None:
                raise InputError("-: stdin was not copied to a file; name the video's file")
            yield stdin
        elif _exists(path):
            yield _checked(path)
        elif pattern is not None:
            yield pattern
        elif has_magic(text):
            yield from map(_checked, _matches(path))
        else:
            raise InputError(f"{shown(text)}: no such file or folder; check the path")


def _matches(pattern: Path) -> list[Path]:
    """Existing paths that a glob names, in natural order; hidden ones only where it says so, as in a shell."""
    try:
        found = [*Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))]
    except ValueError as error:  # a**b, which some versions of Python take for a*b
        raise InputError(f"{shown(pattern)}: no pattern of files ({error}); write * where it has **") from error
    matches = [path for path in found if not path.name.startswith(".") or pattern.name.startswith(".")]
    if not matches:
        raise InputError(f"{shown(pattern)}: no file matches; check the folder and the name")
    return natsorted(sorted(matches), alg=ns.PATH)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a null byte
        return False


def _checked(path: Path) -> Path:
    """The path of a folder, or of a file that has an extension we read and bytes in it."""
    is_media = is_video(path) or is_image(path)
    if path.is_dir():
        if is_media:
            raise InputError(f"{shown(path)}: a folder under a media file's name; rename it, or name the files in it")
        return path
    if not is_media:
        suffix = f"the extension {shown(path.suffix)}" if path.suffix else "a name without an extension"
        known = " ".join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))
        raise InputError(f"{shown(path)}: {suffix} is not one that is read; convert it to one of: {known}")
    _check_bytes(path)
    return path


def _check_bytes(path: Path) -> None:
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{shown(path)}: {error.strerror}; check the path and the rights") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown(path)}: not a file; give a video or a picture")
    if status.st_size == 0:
        raise InputError(f"{shown(path)}: the file is empty (0 bytes); copy or render it again")


def _video_shot(path: Path) -> Shot:
    facts = probe_video(path)
    return Shot(
        *(name_of(path), "video", (path,), (), (facts.size,), facts.rate, facts.frame_count),
        pixel_aspect=facts.pixel_aspect,
        tagged=facts.tagged,
    )


def _stdin_shot(copy: Path) -> Shot:
    """That of a `copy` of stdin, of which nobody but us knows."""
    try:
        return replace(_video_shot(copy), given=Path(STDIN))
    except InputError as error:
        raise InputError(str(error).replace(shown(copy), STDIN)) from error


def _folder_shot(folder: Path, allow_gaps: bool) -> Shot:
    try:
        entries = [path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir()]
    except OSError as error:
        raise InputError(f"{shown(folder)}: {error.strerror}; check the rights") from error
    images = in_natural_order(path for path in entries if is_image(path))
    videos = sum(map(is_video, entries))
    held = show_count(videos, "video file")
    if images and videos:
        are = "is" if videos == 1 else "are"
        log.warning("%s: %s beside its pictures %s left out; name the videos as well", shown(folder), held, are)
    if not images:
        advice = "; name the videos themselves" if videos else "; give a folder that holds pictures itself"
        raise InputError(f"{shown(folder)}: no pictures in this folder, {held}{advice}")
    return _picture_shot(images, allow_gaps)


def _pattern_shot(pattern: Pattern, allow_gaps: bool) -> Shot:
    name = shown(pattern.folder / f"{pattern.prefix}{'#' * pattern.width}{pattern.suffix}")
    if not is_image(Path("_" + pattern.suffix)):
        missing = "no such file, and " if is_video(Path("_" + pattern.suffix)) else ""
        raise InputError(f"{name}: {missing}a numbered sequence has to be of pictures ({' '.join(IMAGE_SUFFIXES)})")
    matches = pattern.matches() if pattern.folder.is_dir() else []
    if not matches:
        raise InputError(f"{name}: no file matches; check the folder, the name and the number of digits")
    called = pattern.prefix.rstrip("._- ") or pattern.folder.resolve().name or "sequence"
    ends = (pattern.prefix, pattern.suffix)
    return _sequence_shot(called, ends, [n for n, _ in matches], [path for _, path in matches], allow_gaps)


def _picture_shot(paths: Sequence[Path], allow_gaps: bool) -> Shot:
    """One shot of picture files: a sequence where their names say so, else stills in the order given."""
    numbered = sequence_numbers(paths)
    if numbered is not None:
        prefix, numbers = numbered
        ends = (f"{prefix}.", paths[0].suffix)
        return _sequence_shot(prefix.rstrip("._- ") or "sequence", ends, numbers, paths, allow_gaps)
    if patterns := [f"'{shown(paths[0].parent / pattern)}'" for pattern in likely_patterns(paths)]:
        meant = "a sequence, name it" if len(patterns) == 1 else "sequences, name each"
        log.info(
            "%d pictures are taken as views of one scene; if they are %s: %s", len(paths), meant, " ".join(patterns)
        )
    by_stem: dict[str, Path] = {}
    for path in paths:
        _check_bytes(path)
        other = by_stem.setdefault(folded(path.stem), path)
        if other is not path:
            what = "is given twice" if other == path else f"and {shown(other)} would share the name of their outputs"
            raise InputError(f"{shown(path)}: {what}; leave one out or rename it")
    headers = [probe_picture(path) for path in paths]
    sizes = tuple(dict.fromkeys(header.size for header in headers))
    aspects = sorted({header.pixel_aspect for header in headers})
    name = name_of(paths[0]) if len(paths) == 1 else common_folder(paths)
    if len(aspects) > 1:
        said = ", ".join(f"{aspect:g}" for aspect in aspects)
        advice = "all taken as square; give each kind a run of its own"
        log.warning("%s: pixels of several proportions (width over height: %s), %s", name, said, advice)
    return Shot(
        *(name, "stills", tuple(paths), tuple(range(1, len(paths) + 1)), sizes, None, len(paths)),
        pixel_aspect=aspects[0] if len(aspects) == 1 else 1.0,
        tagged=headers[0].tagged,
    )


def _sequence_shot(
    name: str, ends: tuple[str, str], numbers: Sequence[int], paths: Sequence[Path], allow_gaps: bool
) -> Shot:
    """ends: what all names of files have before and behind their number."""
    by_number: dict[int, Path] = {}
    for number, path in zip(numbers, paths, strict=True):
        if number < 0:
            continue
        _check_bytes(path)
        other = by_number.setdefault(number, path)
        if other is not path:
            what = "is given twice" if other == path else f"and {shown(other)} have the same frame number"
            raise InputError(f"{shown(path)}: {what}; leave one out or rename it")
    if not by_number:
        raise InputError(f"{shown(paths[0])}: files with a number below zero are not read; number them from 0 up")
    ordered = dict(sorted(by_number.items()))
    missing = missing_ranges(ordered)
    first = next(iter(ordered.values()))
    if missing and not allow_gaps:
        lacking, verb = show_frames(missing)
        advice = f"add {'it' if verb == 'is' else 'them'} or pass --allow-gaps"
        raise InputError(f"{shown(first.parent / name)}: {lacking} {verb} missing; {advice}")
    header = probe_picture(first)
    files = tuple(ordered.values())
    digits = min(len(path.name) for path in files) - len("".join(ends))
    pattern = first.with_name(("#" * digits).join(ends))
    if below := sum(number < 0 for number in numbers):
        log.warning("%s: %s with a number below zero left out", shown(pattern), show_count(below, "file"))
    return Shot(
        *(name, "sequence", files, tuple(ordered), (header.size,), header.rate, len(files)),
        pattern=pattern,
        pixel_aspect=header.pixel_aspect,
        tagged=header.tagged,
    )


def _check_distinct(shots: Sequence[Shot], *, written: bool) -> None:
    """Raises InputError where two shots are one and, if they are to be `written`, would go into the same folder."""
    by_name: defaultdict[str, list[Shot]] = defaultdict(list)
    for shot in shots:
        by_name[folded(shot.name)].append(shot)
    for same in by_name.values():
        for one, other in combinations(same, 2):
            first, second = (shown(shot.called(shot.paths[0])) for shot in (one, other))
            if one.paths[0].resolve() == other.paths[0].resolve():
                raise InputError(f"{first}: is given twice; leave one out")
            if written:
                advice = "rename one, or give each a run and an --output of its own"
                raise InputError(f"{first} and {second}: both would be written as {shown(one.name)!r}; {advice}")
