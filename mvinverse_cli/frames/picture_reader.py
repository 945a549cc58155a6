"""Sequences and stills, one file at a time."""

import logging
from collections.abc import Iterator, Sequence

from ..errors import InputError
from .frame import Fault, Frame, Shot
from .names import shown
from .pictures import read_picture
from .reader import FrameReader
from .selection import Choice

log = logging.getLogger(__name__)


class PictureReader(FrameReader):
    """Skips what it cannot read, and goes on."""

    def __init__(self, shot: Shot, choice: Choice, positions: Sequence[int], quiet: bool) -> None:
        super().__init__(len(positions))
        self._shot, self._choice, self._positions, self._quiet = shot, choice, positions, quiet

    def close(self) -> None:
        """Each file is closed as soon as it is read."""

    def __iter__(self) -> Iterator[Frame]:
        said: set[str] = set()
        for position in self._positions:
            number, path = self._choice.number(position), self._shot.paths[self._choice.grid.place(position)]
            try:
                picture = read_picture(path)
            except InputError as error:
                self.faults.append(Fault(number, path, str(error).removeprefix(f"{shown(path)}: ")))
                continue
            for note in picture.notes:
                if note not in said and not self._quiet:
                    log.info("%s: %s", self._shot.name, note)
                    said.add(note)
            yield Frame(picture.pixels, picture.transfer, position, number, None, path.stem, path, picture.timecode)
        if self.faults and len(self.faults) == self.expected:
            first = self.faults[0]
            raise InputError(f"{shown(first.source)}: {first.reason}")
