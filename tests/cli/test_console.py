"""Where words go."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import pytest
import typer

from mvinverse_cli.cli.console import STDERR, VOICE, complain, say
from mvinverse_cli.cli.training_progress import open_training_progress
from mvinverse_cli.train.journal import Progress


def gone_reader() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.fixture(params=[gone_reader, full_disk])
def broken(request: pytest.FixtureRequest) -> Iterator[TextIO]:
    """A stream that takes nothing."""
    stream = os.fdopen(request.param(), "w")
    yield stream
    with suppress(OSError):
        stream.close()


def test_words_that_nobody_takes_end_nothing_and_leave_stdout_alone(
    broken, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(STDERR, "quiet", False)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", broken)
        say("a first word")
        say("a second word")
        typer.echo("data")
    assert capfd.readouterr() == ("data\n", "")


def test_a_bar_that_nobody_takes_ends_nothing(broken, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(STDERR, "quiet", False)
    done = []
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", broken)
        patch.setattr(STDERR, "_force_terminal", True)
        with open_training_progress("bar", 2) as report:
            for step in (1, 2):
                report(Progress(step, 2, {"total": 0.5}, 1e-3, 7.0, 60.0))
                done.append(step)
    assert done == [1, 2]
    assert STDERR.quiet


def test_the_cause_is_told_on_stderr_where_stdout_takes_no_event(
    broken, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(VOICE, "json", True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", broken)
        complain("clip.mp4: no such file", 4)
    assert capfd.readouterr() == ("", "mvinverse: error: clip.mp4: no such file\n")
