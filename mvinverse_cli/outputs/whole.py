"""Files appear whole: written beside their name, renamed when complete, removed when anything goes wrong."""

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError
from ..formats import OnExists
from .locks import lock

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PART_NAME = re.compile(r"\.mvinverse-[0-9a-f]{12}\.part")  # of a file that has no name of its own yet


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns an OSError of the block into the OutputError that says why `path` cannot be written."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "make room, or choose" if error.errno in NO_ROOM else "choose"
        raise OutputError(f"{path}: cannot write: {reason}; {remedy} another output folder") from error


class WholeFile:
    """A new binary file, open for writing as `file`: named `path` at `commit`, gone at `discard`.

    It lies in the folder of `path`, which is created, under a hidden name that no other process uses; the name is
    short, so that long stems still fit. Its methods raise OSError.
    """

    def __init__(self, path: Path, on_exists: OnExists) -> None:
        self.path = path
        self.on_exists = on_exists
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open_part(path.parent)
        self._part = Path(self.file.name)
        self._held: int | None = os.dup(self.file.fileno())  # shares the lock, until the file has its name

    def commit(self) -> None:
        """Closes the file, once it is on the disk whatever becomes of the power, and gives it its name.

        Another file that has meanwhile appeared there is replaced (`overwrite`), kept (`skip`) or an OutputError.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        if self.on_exists == "overwrite":
            self._part.replace(self.path)
        elif not self._take_free_name() and self.on_exists == "error":
            raise OutputError(f"{self.path}: appeared while this run was going; does another one write the same shot?")
        self._let_go()

    def _take_free_name(self) -> bool:
        """Names the file unless the name is taken, where the file system can in one step: two runs never both do. What
        is empty takes no name."""
        try:
            self.path.hardlink_to(self._part)
        except FileExistsError:
            if not is_empty(self.path):
                return False
            self._part.replace(self.path)
        except OSError:  # no hard links here
            if self.path.exists() and not is_empty(self.path):
                return False
            self._part.replace(self.path)
        else:
            self._part.unlink()
        return True

    def discard(self) -> None:
        """Removes what is not committed."""
        try:
            with suppress(OSError):  # of what was waiting to be written, and goes anyway
                self.file.close()
            self._part.unlink(missing_ok=True)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
        self._held = None


def is_empty(path: Path) -> bool:
    """Whether a file without a byte is there: of a crash or another program, for none that is written here is."""
    try:
        status = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == 0


def open_part(folder: Path) -> BinaryIO:
    """A new unfinished file in `folder`, locked as long as it is open, so that others know that it is being written.
    Raises OSError."""
    while True:
        file = (folder / f".mvinverse-{secrets.token_hex(6)}.part").open("xb")
        lock(file.fileno(), shared=False, wait=False)
        if Path(file.name).exists():  # else another run has taken it for a dead one's before it was locked
            return file
        file.close()


def remove_parts(folders: Iterable[Path]) -> int:
    """Removes the unfinished files in `folders` that no process writes, and returns how many: where there are no locks,
    all, which is for who knows that. Raises OSError where a folder cannot be read or written to; one that is not there
    is none."""
    return sum(
        _remove_dead(part)
        for folder in folders
        for part in (folder.iterdir() if folder.is_dir() else ())
        if PART_NAME.fullmatch(part.name) and part.is_file() and not part.is_symlink()
    )


def _remove_dead(part: Path) -> bool:
    """Removes an unfinished file unless somebody has it locked; says whether it did."""
    try:
        with part.open("rb") as file:
            if lock(file.fileno(), shared=False, wait=False) == "busy":
                return False
            part.unlink(missing_ok=True)
    except FileNotFoundError:  # it has its name by now
        return False
    return True


def write_whole(path: Path, content: bytes, on_exists: OnExists) -> None:
    """Writes `content` to `path`, whole or not at all; raises OutputError where it cannot."""
    with write_errors(path):
        whole = WholeFile(path, on_exists)
        try:
            whole.file.write(content)
            whole.commit()
        finally:
            whole.discard()
