"""Pictures beside their maps: each is decoded a second time when its maps are done.

To keep the first one would cost memory for every frame of a pass and of those decoded ahead; decoding is cheap beside
the network. H W pixels of the source, h w of the network.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from ..color import convert
from ..errors import InputError
from ..frames import Fit, Frame, as_float, fit_pixels, open_positions
from ..maps import Array
from .ahead import ahead
from .layout import Layout

PLATES_AHEAD = 2  # frames: one is asked for while the next is decoded


class Plates:
    """The pictures of a shot, to be taken in ascending order: `open_plates` makes and ends it."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self._frames = frames
        self._next: Frame | None = None  # read, and not asked for yet

    def take(self, position: int, size: tuple[int, int] | None = None) -> Frame:
        """The picture at `position`, of `size` (width, height) where that is known.

        Raises InputError where it cannot be read, as it could before, or has another size by now.
        """
        while self._next is None or self._next.index < position:
            self._next = next(self._frames, None)
            if self._next is None:
                break
        if self._next is None or self._next.index > position or size not in (None, self._next.pixels.shape[1::-1]):
            raise InputError("could be read once and not again; is the source changing?")
        return self._next


@contextmanager
def open_plates(layout: Layout, positions: Sequence[int]) -> Generator[Plates, None, None]:
    """The pictures at the ascending `positions` of a shot, for the block."""
    with (
        open_positions(layout.shot, layout.choice, positions, quiet=True) as reader,
        closing(ahead(reader, PLATES_AHEAD)) as frames,
    ):
        yield Plates(frames)


def linear_light(frame: Frame) -> Array:
    """The pixels of `frame` as (H, W, 3) float32, scene-linear Rec.709."""
    if frame.pixels.dtype == np.float32:
        return convert(frame.pixels, frame.transfer, "linear")
    table = as_float(np.arange(np.iinfo(frame.pixels.dtype).max + 1, dtype=frame.pixels.dtype))
    converted: Array = convert(table, frame.transfer, "linear")[frame.pixels]  # far faster than a power for each pixel
    return converted


def fit_plate(plate: Array, fit: Fit) -> Array:
    """(H, W, 3) float32 of the source -> what of it the network saw, (h, w, 3) without the padding."""
    return np.ascontiguousarray(fit_pixels(plate, fit)[: fit.inner[0], : fit.inner[1]])
