"""What every source of frames has in common once it is open."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from .frame import Fault, Frame


class FrameReader(ABC):
    """Yields the wanted frames of a shot, in order, each decoded when it is asked for. To be iterated once.

    `expected` is how many frames are wanted. Once they are exhausted, `faults` tells what was lost and
    `truncated` whether the source ended before its promised end.
    """

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.faults: list[Fault] = []
        self.truncated = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Raises InputError where not one frame can be read."""

    @abstractmethod
    def close(self) -> None:
        """Gives back what is held open."""
