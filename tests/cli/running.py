"""What a run of the command leaves behind."""

from pathlib import Path
from typing import NamedTuple


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def cause(self) -> str:
        """The last line on stderr."""
        return self.err.splitlines()[-1]


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
