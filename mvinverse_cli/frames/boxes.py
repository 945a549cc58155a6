"""The top-level boxes of an MP4 or QuickTime file (ISO/IEC 14496-12, 4.2) and the chunks of an AVI (RIFF), by their
headers alone."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Box(NamedTuple):
    """kind: four characters, as `moov`. is_whole: whether all of it lies in the file."""

    kind: bytes
    is_whole: bool


def boxes_of(path: Path) -> Iterator[Box]:
    """The boxes in their order, up to what is none."""
    with path.open("rb") as file:
        length, start = file.seek(0, io.SEEK_END), 0
        while start < length:
            file.seek(start)
            head = file.read(16).ljust(16, b"\0")
            size = int.from_bytes(head[:4]) if head[:4] != b"\0\0\0\1" else int.from_bytes(head[8:])
            if size < 8:  # 0 is a box up to the end of the file; anything else is not a box
                return
            start += size
            yield Box(head[4:8], start <= length)


def ends_inside_a_box(path: Path) -> bool:
    """Whether the file breaks off before its last box ends: all that tells of a truncated fragmented file, which has no
    index of its frames."""
    return not all(box.is_whole for box in boxes_of(path))


def is_fragmented(path: Path) -> bool:
    """Whether pictures lie in fragments, of which no index at the beginning tells."""
    return any(box.kind == b"moof" for box in boxes_of(path))


def is_whole_riff(path: Path) -> bool:
    """Whether all chunks that an AVI says it has at its top level lie in it; several where it is OpenDML's."""
    with path.open("rb") as file:
        length, start, size = file.seek(0, io.SEEK_END), 0, 0
        while start < length:
            file.seek(start)
            head = file.read(8)
            size = int.from_bytes(head[4:], "little")
            if head[:4] != b"RIFF" or not size:  # padding behind the last, or a size that was never filled in
                return start > 0
            start += 8 + size + size % 2
        return start - size % 2 <= length
