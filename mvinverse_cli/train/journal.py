"""The losses of a run, as they are read: written down, reported, and timed over all the calls that it took."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .loop import Loop
from .run import append_log, read_log, write_log

LOG_EVERY = 10  # steps between two looks at the losses: each waits for the device


@dataclass(frozen=True)
class Progress:
    """How far a training is."""

    step: int
    steps: int
    losses: dict[str, float]  # means since the last report: by name, `total` and `gradient`
    learning_rate: float
    views_per_second: float  # of this call
    seconds: float  # of all calls


class Journal:
    """What one call learns of the losses of a run, behind what earlier calls have written down.

    lines: those of `log.jsonl` up to the step where this call takes up.
    """

    def __init__(
        self, run: Path, loop: Loop[Any, Any], report: Callable[[Progress], None], *, seconds_before: float
    ) -> None:
        self.run = run
        self.loop = loop
        self.report = report
        self.seconds_before = seconds_before
        self.lines = read_log(run, loop.step)
        loop.ranks.lead(lambda: write_log(run, self.lines))
        self.began = time.monotonic()
        self.views = 0  # shown to the network since then

    @property
    def seconds(self) -> float:
        """Spent on this training by all calls."""
        return self.seconds_before + time.monotonic() - self.began

    def look(self) -> None:
        """Reads the losses, writes them down and reports them. Raises TrainingError where one is no number."""
        loop = self.loop
        losses = loop.read_losses()
        pace = self.views / (time.monotonic() - self.began)
        progress = Progress(loop.step, loop.options.steps, losses, loop.learning_rate, pace, self.seconds)
        if loop.ranks.leads:
            self.lines.append(asdict(progress))
            append_log(self.run, self.lines[-1])
            self.report(progress)
