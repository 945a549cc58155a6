"""The header of a .safetensors file, read and checked against the file's length before anything is mapped.

A file cut short behind a mapping kills the process at the first access; here it is an error with a message.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from ..errors import WeightsError

START_BYTES = 64  # enough to tell what a file is
ZIP = b"PK\x03\x04"
LENGTH_BYTES = 8  # little-endian length of the JSON that follows
MOST_BYTES = 100_000_000  # the format's own bound on its header
BYTES_OF = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
IMPOSTORS = {  # what a file may begin with instead
    b"version https://git-lfs": "is a git-LFS pointer, not the file itself: run `git lfs pull`, or download it again",
    b"<": "is a web page, not weights: a login or error page was saved under this name",
}


@dataclass(frozen=True)
class Entry:
    """What the header says of one tensor; `dtype` in the format's words: F32, BF16, I64."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """Tensors by name, and the file's own text metadata."""

    tensors: Mapping[str, Entry]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """The header of the .safetensors file at `path`.

    Raises WeightsError where there is no such file, where it is something else under that name, or where it is shorter
    or longer than its header says.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(START_BYTES)
            check_start(path, start)
            if start.startswith(ZIP):
                raise WeightsError(f"{path}: is a PyTorch file under this name: rename it to end in .pt")
            length = int.from_bytes(start[:LENGTH_BYTES], "little")
            if size < LENGTH_BYTES + length or length > MOST_BYTES:
                raise WeightsError(f"{path}: no safetensors file, or cut short inside its header ({size} bytes)")
            file.seek(LENGTH_BYTES)
            text = file.read(length)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        header, end = parse_header(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path}: no safetensors file, or its header is damaged; download it again") from error
    expected = LENGTH_BYTES + length + end
    if size != expected:
        fault = "cut short" if size < expected else "longer than it says"
        raise WeightsError(f"{path}: {fault}: {size} bytes where its header says {expected}; download it again")
    return header


def check_start(path: Path, start: bytes) -> None:
    """Raises WeightsError where the first bytes of the file at `path` are of nothing that holds weights."""
    if not start:
        raise WeightsError(f"{path}: is empty (0 bytes); download it again")
    for beginning, meaning in IMPOSTORS.items():
        if start.lstrip().startswith(beginning) and start[LENGTH_BYTES : LENGTH_BYTES + 1] != b"{":
            raise WeightsError(f"{path}: {meaning}")


def parse_header(values: dict[str, Any]) -> tuple[Header, int]:
    """The header's JSON as a record, and the bytes of tensors that follow it.

    Raises ValueError, TypeError, KeyError or AttributeError where it is not in the format.
    """
    metadata = values.pop("__metadata__", {})
    if not all(isinstance(text, str) for text in metadata.values()):
        raise TypeError("__metadata__")
    end = 0
    tensors = {}
    for name, value in values.items():
        entry = Entry(value["dtype"], tuple(value["shape"]))
        first, last = value["data_offsets"]
        if entry.dtype in BYTES_OF and last - first != BYTES_OF[entry.dtype] * prod(entry.shape):
            raise ValueError(name)
        tensors[name] = entry
        end = max(end, last)
    return Header(tensors, metadata), end
