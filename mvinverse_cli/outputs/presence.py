"""Who is at work in an output folder, told by locks that the kernel takes back when a process dies.

Two hidden files: `.mvinverse.lock` is held for the moment in which the books are read and written; `.mvinverse.runs` is
shared by every run for as long as it lasts, and names the shots that were begun since somebody had it for himself. The
last to leave removes both. The locks are `flock`'s: they hold between
the processes of a machine, and between machines on a file system that shares them, as NFS does.

A run that can have `.mvinverse.runs` for itself removes the unfinished files that nobody writes any more: a run over
a folder above this one, or below it, has locked its own (`whole.py`).
"""

import json
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import OutputError
from ..sizes import show_count
from .locks import lock
from .whole import remove_parts, write_errors

logger = logging.getLogger(__name__)

LOCK_NAME = ".mvinverse.lock"
RUNS_NAME = ".mvinverse.runs"


class Presence:
    """This run in `folder`, which exists: `open_presence` makes and ends it."""

    def __init__(self, folder: Path, written: Iterable[Path] = ()) -> None:
        """written: the folders that this run writes to."""
        self.folder = folder
        self.written = (folder, *written)
        with self.alone_with_books(), write_errors(folder / RUNS_NAME):
            self._runs = open_shared(folder / RUNS_NAME)
            self._takes_notes = is_writable(self._runs)
            self._remove_traces_of_the_dead()
            if lock(self._runs, shared=True, wait=False) == "unknown":
                logger.warning("%s: no locks on this file system; give each run a folder of its own", folder)

    def _remove_traces_of_the_dead(self) -> None:
        """Within `alone_with_books`, while this run itself writes nothing: no new one can begin meanwhile."""
        if lock(self._runs, shared=False, wait=False) == "held":
            if self._takes_notes:
                os.ftruncate(self._runs, 0)
            count = remove_parts(self.written)
            if count:
                logger.info(
                    "%s: removed %s of a run that was killed", self.folder, show_count(count, "unfinished file")
                )

    @contextmanager
    def alone_with_books(self) -> Iterator[None]:
        """No other run reads or writes the books during the block; not to be nested. Raises OutputError."""
        path = self.folder / LOCK_NAME
        with write_errors(path):
            held = hold(path)
        try:
            yield
        finally:
            os.close(held)

    def is_alone(self) -> bool:
        """Whether no other run is at work in the folder; to be asked within `alone_with_books`."""
        answer = lock(self._runs, shared=False, wait=False)
        lock(self._runs, shared=True, wait=False)  # asking has let go of the share
        return answer != "busy"

    def begin(self, shot: tuple[str, str]) -> None:
        """Notes that the shot of that key is being written; within `alone_with_books`. Raises OutputError."""
        if self._takes_notes and shot not in self._begun():
            with write_errors(self.folder / RUNS_NAME):
                os.write(self._runs, f"\n{json.dumps(shot)}\n".encode())  # apart from one that a full disk cut short
                os.fsync(self._runs)  # for other machines, too

    def may_be_written(self, shot: tuple[str, str]) -> bool:
        """Whether a run beside this one may be writing the shot of that key; to be asked within `alone_with_books`."""
        return not self.is_alone() and (not self._takes_notes or shot in self._begun())

    def _begun(self) -> set[tuple[str, str]]:
        """The shots that were begun here by those at work, and by others beside them."""
        with write_errors(self.folder / RUNS_NAME):
            os.lseek(self._runs, 0, os.SEEK_SET)
            lines = os.read(self._runs, os.fstat(self._runs).st_size).splitlines()
        shots: set[tuple[str, str]] = set()
        for line in lines:
            with suppress(ValueError):  # an empty line, or half of one
                folder, name = json.loads(line)
                shots.add((folder, name))
        return shots

    def leave(self) -> None:
        """Gives the share back. Raises OutputError where the two files cannot be removed; those of another user, in a
        folder where only he may, are left."""
        try:
            with self.alone_with_books(), write_errors(self.folder / RUNS_NAME):
                if lock(self._runs, shared=False, wait=False) == "held":
                    self._remove_traces_of_the_dead()  # of one that was killed beside this one
                    for name in (RUNS_NAME, LOCK_NAME):
                        with suppress(PermissionError):
                            (self.folder / name).unlink(missing_ok=True)
        finally:
            os.close(self._runs)


@contextmanager
def open_presence(folder: Path, written: Iterable[Path] = ()) -> Iterator[Presence]:
    """This run's share of `folder`, for the block; `written` are the folders under it that it writes to.

    Raises OutputError where the folder cannot be written to.
    """
    presence = Presence(folder, written)
    try:
        yield presence
    finally:
        presence.leave()


@contextmanager
def open_alone(folder: Path) -> Iterator[None]:
    """`folder` for one process alone, for the block: made where it is missing, and locked itself.

    Raises OutputError where another process has it, or where it cannot be made. Where it cannot be locked, as on some
    network file systems, nobody is kept out.
    """
    with write_errors(folder):
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    with write_errors(folder):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            answer = lock(held, shared=False, wait=False)
        except OSError:  # a folder, open for reading, is more than such a file system locks
            answer = "unknown"
        if answer == "busy":
            raise OutputError(f"{folder}: another process is at work in it; wait for its end, or choose another")
        yield
    finally:
        os.close(held)


def open_shared(path: Path) -> int:
    """The descriptor of a file that every user who can write in its folder may lock.

    Raises OSError, and OutputError where something else has the name: what a link leads to would be emptied.
    """
    no_links = getattr(os, "O_NOFOLLOW", 0)
    flags = os.O_RDWR | os.O_APPEND | no_links
    held = None
    while held is None:
        try:
            held = os.open(path, flags)  # one of another user, in a folder of all, may be opened but not be made
        except FileNotFoundError:
            with suppress(FileExistsError):  # another run has just made it
                held = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
                with suppress(OSError):  # a file system without rights
                    os.fchmod(held, 0o666)  # whatever the umask
        except PermissionError:  # another user's of an earlier version; to read is enough for a lock, but not on NFS
            held = os.open(path, os.O_RDONLY | no_links)
    status = os.fstat(held)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(held)
        raise OutputError(f"{path}: is another file's name as well; remove it")
    return held


def is_writable(file: int) -> bool:
    """Whether an open file was opened for writing too."""
    try:
        os.write(file, b"")
    except OSError:
        return False
    return True


def hold(path: Path) -> int:
    """The descriptor of the file at `path`, locked; waits for who has it. Raises OSError."""
    while True:
        held = open_shared(path)
        lock(held, shared=False, wait=True)
        with suppress(FileNotFoundError):  # the last run removed it while this one waited for it
            if path.stat().st_ino == os.fstat(held).st_ino:
                return held
        os.close(held)
