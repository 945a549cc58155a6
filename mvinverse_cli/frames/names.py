"""Names of files: which are media, how they read in messages, and the grammar of numbered sequences."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from natsort import natsorted

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mxf", ".gif", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts"),
    *(".wmv", ".flv", ".ogv", ".3gp", ".nut", ".y4m", ".ivf", ".h264", ".h265", ".hevc", ".mjpeg"),
)
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".exr", ".dpx", ".hdr", ".heic", ".heif")

SEVERAL = 3  # pictures of one pattern, which are likely meant as a sequence
_LISTED = 8  # missing ranges that a message spells out

_NUMBERED = re.compile(r"(?P<prefix>.+)\.(?P<digits>-?\d+)(?P<suffix>\.[^.]+)", re.DOTALL)
_ENDS_IN_NUMBER = re.compile(r"(?P<prefix>.*?)(?P<digits>\d+)(?P<suffix>\.[^.]+)", re.DOTALL)
_FIELD = re.compile(r"(?P<hashes>#+|@+)|%0?(?P<printf>\d*)d|\$F(?P<houdini>\d*)")


def shown(name: str | Path) -> str:
    """A name fit for one line on any terminal: control characters and undecodable bytes are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(name))


def is_video(path: Path) -> bool:
    """By its extension."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def is_image(path: Path) -> bool:
    """By its extension."""
    return path.suffix.lower() in IMAGE_SUFFIXES


@dataclass(frozen=True)
class Pattern:
    """A name with one frame number in it, such as `plate.####.exr`: `prefix`, at least `width` digits, `suffix`."""

    folder: Path
    prefix: str
    width: int
    suffix: str

    def matches(self) -> list[tuple[int, Path]]:
        """(number, path) of the files on disk, by number.

        A number that outgrew the padding has no leading zero; a dash behind a letter is a part of the name.
        """
        sign = "-?" if self.prefix[-1:] in ("", ".", "_") else ""
        name = re.compile(re.escape(self.prefix) + rf"({sign}\d+)" + re.escape(self.suffix), re.DOTALL)
        found = []
        for path in self.folder.iterdir():
            match = name.fullmatch(path.name)
            if match and (len(match[1]) == self.width or (len(match[1]) > self.width and match[1][0] != "0")):
                found.append((int(match[1]), path))
        return sorted(found)


def parse_pattern(text: str) -> Pattern | None:
    """The pattern that `text` is (`####`, `@@@@`, `%04d` or `$F4` in its last part); None where it is none.

    Of several fields it is the last; one sign alone, as in `####@2x`, is part of the name beside a longer one.
    """
    path = Path(text)
    fields = list(_FIELD.finditer(path.name))
    if not fields:
        return None
    field = [*fields[-1:], *(field for field in fields if len(field[0]) > 1)][-1]
    digits = field["printf"] or field["houdini"]
    width = len(field["hashes"]) if field["hashes"] else int(digits or 1)
    return Pattern(path.parent, path.name[: field.start()], width, path.name[field.end() :])


def name_of(path: Path) -> str:
    """What a shot of one file is called: as that is, without its extension, but never as a folder above."""
    return path.stem if path.stem.strip(".") else "shot"


def folded(name: str) -> str:
    """What names have in common that are one on some file systems: whose case or composed letters do not count."""
    return unicodedata.normalize("NFC", name).casefold()


def common_folder(paths: Sequence[Path]) -> str:
    """The name of the one folder that all `paths` lie in, else "stills"."""
    folders = {path.resolve().parent for path in paths}
    return (folders.pop().name if len(folders) == 1 else "") or "stills"


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """1, 2, 10; plain order first, so that 2 and 02 do not come as the disk lists them."""
    return natsorted(sorted(paths), key=lambda path: path.name)


def sequence_numbers(paths: Sequence[Path]) -> tuple[str, list[int]] | None:
    """(prefix, number of each path) where two or more files are `<prefix>.<digits>.<ext>` of one folder; else None."""
    matches = [_NUMBERED.fullmatch(path.name) for path in paths]
    numbered = [match for match in matches if match is not None]
    kinds = {(path.parent, match["prefix"], match["suffix"]) for path, match in zip(paths, numbered, strict=False)}
    if len(paths) < 2 or len(numbered) < len(paths) or len(kinds) > 1:
        return None
    return numbered[0]["prefix"], [int(match["digits"]) for match in numbered]


def likely_patterns(paths: Sequence[Path]) -> list[str]:
    """The patterns, as `plate_####.png`, that SEVERAL of `paths` fit whose names end in a number, or two whose number
    is behind a dot; those of most first."""
    ends = (match for path in paths if (match := _ENDS_IN_NUMBER.fullmatch(path.name)))
    patterns = Counter(match["prefix"] + "#" * len(match["digits"]) + match["suffix"] for match in ends)
    return [pattern for pattern, count in patterns.most_common() if count >= (2 if ".#" in pattern else SEVERAL)]


def patterns_of(paths: Sequence[Path]) -> list[str]:
    """What two `paths` or more are called but for their numbers, each once, in their order: `plate_#_L.png`."""
    counts = Counter(re.sub(r"\d+", "#", path.name) for path in paths)
    return [pattern for pattern, count in counts.items() if count > 1]


def missing_ranges(numbers: Iterable[int]) -> str:
    """The gaps between ascending `numbers` as `1003-1005,1010`; empty where there are none."""
    ordered = list(numbers)
    gaps = [(a + 1, b - 1) for a, b in pairwise(ordered) if b > a + 1]
    ranges = [str(first) if first == last else f"{first}-{last}" for first, last in gaps]
    more = f" and {len(ranges) - _LISTED} more ranges" if len(ranges) > _LISTED else ""
    return ",".join(ranges[:_LISTED]) + more
