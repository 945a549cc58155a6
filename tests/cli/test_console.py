"""Where words go."""

import os
import sys
from contextlib import suppress

import pytest
import typer

from mvinverse_cli.cli.console import STDERR, VOICE, complain, say


def gone_reader() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize("broken", [gone_reader, full_disk])
def test_words_that_nobody_takes_end_nothing_and_leave_stdout_alone(
    broken, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(STDERR, "quiet", False)
    stderr = os.fdopen(broken(), "w")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        say("a first word")
        say("a second word")
        typer.echo("data")
    with suppress(OSError):
        stderr.close()
    assert capfd.readouterr() == ("data\n", "")


@pytest.mark.parametrize("broken", [gone_reader, full_disk])
def test_the_cause_is_told_on_stderr_where_stdout_takes_no_event(
    broken, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(VOICE, "json", True)
    stdout = os.fdopen(broken(), "w")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stdout)
        complain("clip.mp4: no such file", 4)
    with suppress(OSError):
        stdout.close()
    assert capfd.readouterr() == ("", "mvinverse: error: clip.mp4: no such file\n")
