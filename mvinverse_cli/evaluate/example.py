"""A picture with its truth, as any data set gives it, and how a set is gone through: what cannot be read is left out.

H W pixels of a picture, C channels.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ..errors import InputError
from ..maps import Array, Maps
from .result import Broken

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Example:
    """One picture and what is true of it.

    picture: (H, W, 3) float32, sRGB in [0, 1]. maps: those that are known, (H, W, C) float32 as in memory: albedo
    scene-linear, normals of unit length in camera axes. mask: (H, W) bool, the pixels where they are true.
    """

    group: str  # its scene
    name: str
    picture: Array
    maps: Maps
    mask: Array


@dataclass(frozen=True)
class Source(Generic[Item]):
    """Something on disk that can be read when its turn comes; `read` raises InputError where it is broken."""

    name: str
    path: Path
    read: Callable[[], Item]


def readable(sources: Iterable[Source[Item]], broken: list[Broken], kind: str) -> Iterator[tuple[Source[Item], Item]]:
    """Each source that can be read; others are named in the log, as a broken `kind`, and added to `broken`."""
    for source in sources:
        try:
            item = source.read()
        except InputError as error:
            logger.warning("%s left out: %s", kind, error)
            broken.append((source.path, str(error)))
            continue
        yield source, item


def check_any(folder: Path, done: int, broken: list[Broken], kind: str) -> None:
    """Raises InputError where nothing of a set could be measured."""
    if not done:
        raise InputError(f"{folder}: no {kind} can be evaluated: {broken[0][1] if broken else 'no pixel counts'}")
