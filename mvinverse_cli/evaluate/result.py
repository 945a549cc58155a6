"""What comes of a protocol, whichever it is: rows of figures, what was left out, and pictures to show.

Tables, JSON, Markdown and contact sheets are made of this record alone. H W pixels of a picture, C channels.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..maps import Array, Maps
from .metrics import Metric

JOINT, SINGLE, TRUTH = "model, views together", "model, one view at a time", "true maps"

Broken = tuple[Path, str]  # what could not be used, and why
Report = Callable[[str, int, int], None]  # what is going on, how many are done, of how many


def say_nothing(stage: str, done: int, total: int) -> None:
    """A `Report` for those who do not want to know."""


@dataclass(frozen=True)
class Check:
    """One figure against what is asked: `value` must be `relation` (>= or <=) `asked`."""

    name: str
    value: float
    relation: Literal[">=", "<="]
    asked: float
    against: str | None = None  # the row that the value is a margin over

    @property
    def passed(self) -> bool:
        """Whether it is met."""
        return self.value >= self.asked if self.relation == ">=" else self.value <= self.asked

    def told(self) -> dict[str, Any]:
        """For a JSON line."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True)
class Pick:
    """One picture for the contact sheet, (H, W, 3) sRGB in [0, 1], and its maps beside others, (H, W, C).

    group: its scene or clip, which stands once at each end of a sheet. figure: what it is picked by, in words;
    goodness: the same as a number, larger is better. beside: the true maps, or what else the predicted are held to.
    """

    group: str
    name: str
    figure: str
    goodness: float
    picture: Array
    predicted: Maps
    beside: Maps


def keep_picks(picks: Sequence[Pick], new: Iterable[Pick], each: int) -> list[Pick]:
    """The worst picture of each of the `each` worst groups so far, then the best of the best, from worst to best."""
    ordered = sorted([*picks, *new], key=_place)
    worst = {pick.group: pick for pick in reversed(ordered)}  # of a group, the last to be put in stays
    best = {pick.group: pick for pick in ordered}
    ends = [*sorted(worst.values(), key=_place)[:each], *sorted(best.values(), key=_place)[-each:]] if each else []
    return [pick for pick in ordered if any(pick is other for other in ends)]


def _place(pick: Pick) -> tuple[float, str, str]:
    """From worst to best, ties in the order of names."""
    return pick.goodness, pick.group, pick.name


@dataclass(frozen=True)
class Result:
    """A run of one protocol.

    rows: for each method its figures by the keys of `metrics`. counts: what was measured, `unit` among it.
    outside: rows that are no rivals, such as the truth. unmarked: sections in which the best figure is no merit.
    notes: how the figures came about, in sentences. more: what else goes into JSON.
    broken: what could not be measured at all; lost: frames that were left out of what was.
    is_incomplete: whether so much was left out that the figures are not what was asked for.
    beside: what the contact sheet shows beside each predicted map.
    """

    protocol: str
    rows: Mapping[str, Mapping[str, float]]
    metrics: Sequence[Metric]
    counts: Mapping[str, int]
    unit: str
    notes: Sequence[str] = ()
    broken: Sequence[Broken] = ()
    lost: Sequence[Broken] = ()
    is_incomplete: bool = False
    outside: frozenset[str] = frozenset()
    unmarked: frozenset[str] = frozenset()
    checks: Sequence[Check] = ()
    picks: Sequence[Pick] = ()
    beside: str = "true"
    more: Mapping[str, Any] = field(default_factory=dict)
