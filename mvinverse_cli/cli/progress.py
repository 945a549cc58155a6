"""How far a run is: a bar on a terminal, lines elsewhere, events for programs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

import rich.progress
import typer

from .console import STDERR, emit, say, write_errors_of_stdout

if TYPE_CHECKING:  # the job brings the codecs with it, which --help does without
    from ..job.run import Progress

ProgressMode = Literal["auto", "bar", "plain", "json", "openjd", "none"]
Report: TypeAlias = "Callable[[Progress], None]"

PLAIN_SECONDS = 5.0  # a plain line is written at each new percent, and at least this often


class Pace:
    """Frames per second since the run began, and the seconds that are left at that pace."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def fps(self, progress: "Progress") -> float:
        """Frames on disk per second so far."""
        return progress.done / max(time.monotonic() - self.began, 1e-6)

    def shown(self, progress: "Progress") -> str:
        """`3.1 fps`; below one as `0.045 fps`, as a large network on a processor goes."""
        fps = self.fps(progress)
        return f"{fps:.1f} fps" if fps >= 0.95 else f"{fps:.2g} fps"

    def eta(self, progress: "Progress") -> float:
        """Seconds left."""
        return (progress.total - progress.done) / self.fps(progress)


def clock(seconds: float) -> str:
    """`00:18`, `1:02:03`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def percent(progress: "Progress") -> float:
    """Share done, 0 to 100."""
    return 100 * progress.done / max(progress.total, 1)


@contextmanager
def open_progress(mode: ProgressMode, total: int) -> Iterator[Report]:
    """What is to be called for each frame on disk, for the block."""
    if mode == "auto":
        mode = "bar" if STDERR.is_terminal else "plain"
    if mode == "bar":
        with open_bar(total) as report:
            yield report
    else:
        yield {"plain": plain_lines, "json": json_lines, "openjd": openjd_lines, "none": no_lines}[mode]()


def counting_bar() -> rich.progress.Progress:
    """A bar on stderr with a description, what is done of how much, and the time left."""
    return rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeRemainingColumn(),
        console=STDERR,
    )


def no_lines() -> Report:
    """Says nothing."""
    return lambda progress: None


@contextmanager
def open_bar(total: int) -> Iterator[Report]:
    """A bar on stderr with frames done, frames per second and time left."""
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TextColumn("{task.fields[pace]}"),
        rich.progress.TimeRemainingColumn(),
    )
    pace = Pace()
    with rich.progress.Progress(*columns, console=STDERR) as bar:
        task = bar.add_task("frames", total=total, pace="")

        def report(progress: "Progress") -> None:
            bar.update(task, completed=progress.done, description=progress.shot, pace=pace.shown(progress))

        yield report


def plain_lines() -> Report:
    """`Progress: 42%  frame 1042 (42/100)  3.1 fps  eta 00:18`, a line per percent or 5 s."""
    pace = Pace()
    last_percent, last_time = -1, pace.began

    def report(progress: "Progress") -> None:
        nonlocal last_percent, last_time
        whole, now = int(percent(progress)), time.monotonic()
        if whole == last_percent and now - last_time < PLAIN_SECONDS:
            return
        last_percent, last_time = whole, now
        say(
            f"Progress: {whole}%  frame {progress.number} ({progress.done}/{progress.total})  "
            f"{pace.shown(progress)}  eta {clock(pace.eta(progress))}"
        )

    return report


def json_lines() -> Report:
    """One JSON object per frame on stdout."""
    pace = Pace()

    def report(progress: "Progress") -> None:
        emit(
            "progress",
            shot=progress.shot,
            frame=progress.number,
            done=progress.done,
            total=progress.total,
            percent=round(percent(progress), 2),
            fps=round(pace.fps(progress), 3),
            eta=round(pace.eta(progress), 1),
        )

    return report


def openjd_lines() -> Report:
    """What an Open Job Description session reads from stdout: `openjd_progress: 42.0`."""

    def report(progress: "Progress") -> None:
        with write_errors_of_stdout():
            typer.echo(f"openjd_progress: {percent(progress):.1f}")

    return report
