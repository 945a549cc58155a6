"""Decoded views in memory that a process shares with those forked from it: each is decoded once for all of them."""

import mmap
import multiprocessing
from collections.abc import Sequence

import numpy as np
import torch

from ..maps import MAPS
from ..model.device import free_bytes
from ..scenes.store import ScenePath
from .decoded import Decoded

MOST_OF_MEMORY = 1 / 3  # of what is free
LONGEST_WAIT = 10  # seconds for another process; one that was killed while it wrote never lets go
CHANNELS = (16, 3)  # of a view's pixels and of its points, in halves
OFFSET, HEIGHT, WIDTH, PRESENT, HAS_POINTS = range(5)  # of what is told of a view


class SharedViews:
    """Views by (place of their scene, number), kept as far as there is room.

    Memory is taken up as views are put in; nothing is ever taken out.
    """

    def __init__(self, scenes: Sequence[ScenePath], most: int | None = None, *, sharers: int = 1) -> None:
        """most: bytes; where not given, twice what the scenes need if all their views are as small as the smallest, up
        to MOST_OF_MEMORY of what is free, of which each of `sharers` that keep views of their own takes its part."""
        if most is None:
            needed = sum(scene.views * scene.size[0] * scene.size[1] * sum(CHANNELS) * 2 for scene in scenes)
            most = min(2 * needed, int(free_bytes(torch.device("cpu")) * MOST_OF_MEMORY) // sharers)
        halves = most // 2
        views = max(scene.views for scene in scenes)
        self._lock = multiprocessing.Lock()
        self._halves = np.frombuffer(mmap.mmap(-1, 2 * max(halves, 1)), np.float16)[:halves]
        self._taken = np.frombuffer(mmap.mmap(-1, 8), np.int64)  # halves
        told = np.frombuffer(mmap.mmap(-1, len(scenes) * views * 5 * 8), np.int64)
        self._told = told.reshape(len(scenes), views, 5)  # of those that are in it
        self._to_world = np.frombuffer(mmap.mmap(-1, len(scenes) * views * 12 * 4), np.float32)
        self._to_world = self._to_world.reshape(len(scenes), views, 3, 4)

    def get(self, index: int, view: int) -> Decoded | None:
        """A view of the scene at `index`, not to be written to; None where it is not kept."""
        if not self._lock.acquire(timeout=LONGEST_WAIT):
            return None
        offset, height, width, present, has_points = self._told[index, view].tolist()
        self._lock.release()
        if not present:
            return None
        pixels, points = (height * width * channels for channels in CHANNELS)
        halves = self._halves[offset : offset + pixels + points * has_points]
        return Decoded(
            halves[:pixels].reshape(4, height, width, 4),
            frozenset(name for bit, name in enumerate(MAPS) if present >> bit & 1),
            halves[pixels:].reshape(height, width, 3) if has_points else None,
            self._to_world[index, view] if has_points else None,
        )

    def put(self, index: int, view: int, decoded: Decoded) -> None:
        """Keeps a view, where there is room for it and no other process has been first."""
        parts = [decoded.pixels] if decoded.points is None else [decoded.pixels, decoded.points]
        size = sum(part.size for part in parts)
        told = self._told[index, view]
        if not self._lock.acquire(timeout=LONGEST_WAIT):
            return
        try:
            offset = int(self._taken[0])
            if told[PRESENT] or not decoded.present or offset + size > len(self._halves):
                return
            self._taken[0] = offset + size
            self._halves[offset : offset + size] = np.concatenate([part.ravel() for part in parts])
            if decoded.points is not None and decoded.to_world is not None:
                self._to_world[index, view] = decoded.to_world
            present = sum(1 << bit for bit, name in enumerate(MAPS) if name in decoded.present)
            told[:] = offset, *decoded.pixels.shape[1:3], present, decoded.points is not None
        finally:
            self._lock.release()
