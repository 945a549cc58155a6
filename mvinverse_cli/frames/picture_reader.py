"""Sequences and stills, one file at a time."""

import logging
from collections.abc import Iterator

from ..errors import InputError
from .frame import Fault, Frame, Shot
from .names import shown
from .pictures import read_picture
from .reader import FrameReader
from .selection import Selection

log = logging.getLogger(__name__)


class PictureReader(FrameReader):
    """Skips what it cannot read, and goes on."""

    def __init__(self, shot: Shot, selection: Selection) -> None:
        wanted = [
            (index, number, path)
            for number, path in zip(shot.numbers, shot.paths, strict=True)
            if (index := selection.index(number)) is not None
        ]
        super().__init__(len(wanted))
        self._shot = shot
        self._wanted = wanted

    def close(self) -> None:
        """Each file is closed as soon as it is read."""

    def __iter__(self) -> Iterator[Frame]:
        said_alpha = False
        for index, number, path in self._wanted:
            try:
                picture = read_picture(path)
            except InputError as error:
                self.faults.append(Fault(number, path, str(error).removeprefix(f"{shown(path)}: ")))
                continue
            if picture.had_alpha and not said_alpha:
                log.info("%s: the alpha channel is dropped", self._shot.name)
                said_alpha = True
            yield Frame(picture.pixels, picture.transfer, index, number, None, path.stem, path)
        if len(self.faults) == len(self._wanted):
            first = self.faults[0]
            raise InputError(f"{shown(first.source)}: {first.reason}")
