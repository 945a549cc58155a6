"""The place of every picture in a video file, also when pictures before it are lost."""

import heapq
from fractions import Fraction
from itertools import pairwise

_REORDERED = 16  # the most pictures that H.264 and HEVC hold back; a wider gap is no matter of order


class Timeline:
    """Counts places from 0 by what was handed to the decoder, not by what came out of it.

    Decoders hand pictures out by presentation time, so a packet whose time has passed gives no picture any more: its
    picture is lost and keeps its place.
    """

    def __init__(self) -> None:
        self.next_place = 0
        self._waiting: list[int | Fraction] = []  # heap of presentation times
        self._given_up: set[int | Fraction] = set()  # presentation times in the last gap
        self._last: int | None = None  # presentation time of the last picture

    def sent(self, pts: int | None) -> None:
        """A packet with presentation time `pts` goes to the decoder."""
        if pts is not None:
            heapq.heappush(self._waiting, pts)

    def place(self, pts: int | None, *, keep_gap: bool) -> int | None:
        """The place of a picture that came out; with `keep_gap` those lost since the one before keep theirs.

        None for a picture that comes when its place is gone, as a decoder upset by damage may do.
        """
        if pts in self._given_up:
            return None
        gap = []
        while pts is not None and self._waiting and self._waiting[0] < pts:
            gap.append(heapq.heappop(self._waiting))
        if self._waiting and self._waiting[0] == pts:
            heapq.heappop(self._waiting)
        if not keep_gap:
            gap.clear()
        if gap:
            self._given_up = set(gap)
        self._last = pts
        place = self.next_place + len(gap)
        self.next_place = place + 1
        return place

    def skip(self) -> None:
        """One picture is lost here."""
        self.next_place += 1

    def assume_even(self, step: Fraction) -> None:
        """The file broke off: pictures that belong between those still to come, every `step`, never came."""
        known = sorted(self._waiting if self._last is None else [self._last, *self._waiting])
        for before, after in pairwise(known):
            steps = round((after - before) / step)
            for skipped in range(1, steps if steps <= _REORDERED + 1 else 1):
                heapq.heappush(self._waiting, before + skipped * step)

    def finish(self, *, keep_gap: bool) -> None:
        """The decoder is empty: what still waits is lost, and with `keep_gap` has its place."""
        self.next_place += len(self._waiting) if keep_gap else 0
        self._waiting.clear()
