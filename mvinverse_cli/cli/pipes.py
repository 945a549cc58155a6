"""`-` for the bytes of stdin, and `-o -` for stdout as the place for maps, and for nothing else meanwhile."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, TextIOWrapper
from typing import Any

from ..errors import OptionError
from .console import write_errors_of_stdout


def binary_stdin() -> BufferedIOBase | None:
    """The bytes of stdin; None where the program was started without one."""
    stdin: Any = sys.stdin
    return stdin.buffer if isinstance(stdin, TextIOWrapper) else None


class Pipe:
    """Writes to a file descriptor, all or an OSError."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> int:
        """All of `data`."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return len(data)


@contextmanager
def stdout_for_maps() -> Iterator[Pipe]:
    """The stdout that the program was started with, for the block; whatever else is written there meanwhile, by a
    library perhaps, goes to stderr.

    Raises OptionError where it is a terminal, OutputError where there is none.
    """
    with write_errors_of_stdout():
        sys.stdout.flush()
        descriptor = os.dup(1)
    try:
        if os.isatty(descriptor):
            raise OptionError("--output -: stdout is a terminal; pipe it into a program or a file, or name a folder")
        with write_errors_of_stdout():
            os.dup2(2, 1)
        try:
            yield Pipe(descriptor)
        finally:
            sys.stdout.flush()
            os.dup2(descriptor, 1)
    finally:
        os.close(descriptor)
