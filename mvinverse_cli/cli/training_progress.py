"""How far a training is, as a bar, lines or events; and signals that wait for the end of a step."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Literal

from ..errors import OutputError
from .console import STDERR, VOICE, emit, say, set_voice
from .ending import ENDING
from .progress import PLAIN_SECONDS, clock, counting_bar

if TYPE_CHECKING:
    from ..train.journal import Progress

TrainProgressMode = Literal["auto", "bar", "plain", "json", "none"]


def set_training_voice(progress: TrainProgressMode, *, json: bool, quiet: bool, debug: bool) -> TrainProgressMode:
    """Sets how loud this process is and returns how it shows progress; under torchrun one process speaks for all."""
    is_silent = os.environ.get("RANK", "0") != "0"
    json, quiet = (json or progress == "json") and not is_silent, quiet or is_silent
    set_voice(quiet=quiet, json=json, debug=debug)
    return "json" if json else "none" if quiet else progress


@contextmanager
def signals_noted() -> Iterator[list[int]]:
    """Notes the signals that end the program instead of unwinding in the middle of a step; the second of a kind unwinds
    all the same."""
    noted: list[int] = []
    before = {int(number): signal.getsignal(number) for number in ENDING}

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def described(progress: "Progress") -> str:
    """`loss 0.1234  12.3 views/s`."""
    return f"loss {progress.losses['total']:.4f}  {progress.views_per_second:.1f} views/s"


@contextmanager
def open_training_progress(mode: TrainProgressMode, steps: int) -> Iterator[Callable[["Progress"], None]]:
    """What is to be called with each look at the losses, for the block."""
    if mode == "auto":
        mode = "bar" if STDERR.is_terminal else "plain"
    if mode == "bar":
        with counting_bar() as bar:
            task = bar.add_task("training", total=steps)
            yield lambda progress: bar.update(task, completed=progress.step, description=described(progress))
    elif mode == "plain":
        yield plain_lines()
    elif mode == "json":
        yield emit_progress
    else:
        yield lambda progress: None


def emit_progress(progress: "Progress") -> None:
    """An event on stdout, for as long as somebody takes them: hours of steps are worth more than word of them."""
    if not VOICE.json:
        return
    try:
        emit("progress", **vars(progress))
    except OutputError as error:
        say(f"mvinverse: warning: {error}; going on without events")


def plain_lines() -> Callable[["Progress"], None]:
    """`Progress: 42%  step 4200/10000  loss 0.1234  12.3 views/s  eta 1:02:03`, at most every PLAIN_SECONDS."""
    began, first_step, last_time = 0.0, -1, 0.0

    def report(progress: "Progress") -> None:
        nonlocal began, first_step, last_time
        now = time.monotonic()
        if first_step < 0:  # what came before it, such as reading scenes and weights, tells nothing of the pace
            began, first_step = now, progress.step
        if now - last_time < PLAIN_SECONDS and progress.step < progress.steps:
            return
        last_time = now
        done = progress.step - first_step
        eta = f"  eta {clock((progress.steps - progress.step) * (now - began) / done)}" if done else ""
        share = int(100 * progress.step / progress.steps)
        say(f"Progress: {share}%  step {progress.step}/{progress.steps}  {described(progress)}{eta}")

    return report
