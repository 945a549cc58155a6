"""Files appear whole: written beside their name, renamed when complete, removed when anything goes wrong."""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OutputError
from ..formats import OnExists

PART_NAME = re.compile(r"\.mvinverse-[0-9a-f]{12}\.part")  # of a file that has no name of its own yet


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turns an OSError of the block into the OutputError that says why `path` cannot be written."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot write: {reason}; make room, or choose another output folder") from error


class WholeFile:
    """A new binary file, open for writing as `file`: named `path` at `commit`, gone at `discard`.

    It lies in the folder of `path`, which is created, under a hidden name that no other process uses; the name is
    short, so that long stems still fit. Its methods raise OSError.
    """

    def __init__(self, path: Path, on_exists: OnExists) -> None:
        self.path = path
        self.on_exists = on_exists
        path.parent.mkdir(parents=True, exist_ok=True)
        self._part = path.with_name(f".mvinverse-{secrets.token_hex(6)}.part")
        self.file = self._part.open("xb")

    def commit(self) -> None:
        """Closes the file and gives it its name.

        Another file that has meanwhile appeared there is replaced (`overwrite`), kept (`skip`) or an OutputError.
        """
        self.file.close()
        if self.on_exists == "overwrite":
            self._part.replace(self.path)
        elif not self._take_free_name() and self.on_exists == "error":
            raise OutputError(f"{self.path}: appeared while this run was going; does another one write the same shot?")

    def _take_free_name(self) -> bool:
        """Names the file unless the name is taken, where the file system can in one step: two runs never both do."""
        try:
            self.path.hardlink_to(self._part)
        except FileExistsError:
            return False
        except OSError:  # no hard links here
            if self.path.exists():
                return False
            self._part.replace(self.path)
        else:
            self._part.unlink()
        return True

    def discard(self) -> None:
        """Removes what is not committed."""
        try:
            self.file.close()
        finally:
            self._part.unlink(missing_ok=True)


def remove_parts(folders: Iterable[Path]) -> int:
    """Removes the unfinished files that lie in `folders`, and returns how many: only for who knows that nobody writes
    them any more. Raises OSError where a folder cannot be read or written to; one that is not there is none."""
    count = 0
    for folder in folders:
        for part in folder.iterdir() if folder.is_dir() else ():
            if PART_NAME.fullmatch(part.name) and part.is_file() and not part.is_symlink():
                part.unlink(missing_ok=True)
                count += 1
    return count


def write_whole(path: Path, content: bytes, on_exists: OnExists) -> None:
    """Writes `content` to `path`, whole or not at all; raises OutputError where it cannot."""
    with write_errors(path):
        whole = WholeFile(path, on_exists)
        try:
            whole.file.write(content)
            whole.commit()
        finally:
            whole.discard()
