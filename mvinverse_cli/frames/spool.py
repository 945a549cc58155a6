"""A video on stdin becomes a file: it is decoded several times, and a pipe can be read once and has no length."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from ..errors import InputError, OutputError

log = logging.getLogger(__name__)

STDIN = "-"
_BLOCK = 2**20  # bytes

# What programs write to a pipe; an MP4 needs a file that can be gone back in.
_CONTAINERS = {b"nut/multimedia container\0": ".nut", b"YUV4MPEG2": ".y4m", b"\x1aE\xdf\xa3": ".mkv"}


@contextmanager
def spooled(stream: BufferedIOBase | None) -> Iterator[Path]:
    """A file with all that comes out of `stream` (NUT, YUV4MPEG2 or Matroska), for the block; None: there is no stdin.

    It lies in the folder for temporary files and goes with the block, however that ends. Raises InputError for what is
    empty or none of these, OutputError where it does not fit the disk.
    """
    if stream is None or stream.isatty():
        raise InputError("-: nothing is piped into stdin; pipe a nut, y4m or mkv stream, or name a file")
    try:
        temporary = tempfile.TemporaryDirectory(prefix="mvinverse-stdin-")
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"-: no place for a copy of stdin ({reason}); set TMPDIR to a folder with room") from error
    with temporary as name:
        folder = Path(name)
        room = shutil.disk_usage(folder).free / 2**30
        log.info("stdin is copied to %s first, where %.1f GiB are free; TMPDIR names another folder", folder, room)
        yield _copied(stream, folder)


def _copied(stream: BufferedIOBase, folder: Path) -> Path:
    head = _taken(stream.read, 32)
    if not head:
        raise InputError("-: nothing came from stdin; does the program before the pipe work?")
    suffix = next((suffix for magic, suffix in _CONTAINERS.items() if head.startswith(magic)), None)
    if suffix is None:
        raise InputError("-: stdin is not nut, y4m or mkv; write one of them to the pipe, as in ffmpeg -f nut -")
    path = folder / f"stdin{suffix}"
    try:
        with path.open("wb") as file:
            while head:
                file.write(head)
                head = _taken(stream.read1, _BLOCK)  # `read` would wait for a whole block and let a signal wait as well
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot hold what comes from stdin ({error.strerror}); set TMPDIR to a folder with more room"
        ) from error
    return path


def _taken(read: Callable[[int], bytes], most: int) -> bytes:
    """Up to `most` bytes of stdin. Raises InputError where it is none to read from, as a folder."""
    try:
        return read(most)
    except OSError as error:
        raise InputError(f"-: stdin cannot be read ({error.strerror or error}); pipe a video into it") from error
