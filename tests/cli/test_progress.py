"""Progress in every form."""

import json

import pytest

from mvinverse_cli.cli import progress, training_progress
from mvinverse_cli.cli.console import STDERR
from mvinverse_cli.cli.progress import clock, open_progress
from mvinverse_cli.job.run import Progress
from mvinverse_cli.train.journal import Progress as Trained


class Clock:
    """A clock that moves when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock_of_test(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(progress, "time", fake)
    return fake


@pytest.mark.parametrize(("fps", "said"), [(3.1, "3.1 fps  eta 00:19"), (0.0448, "0.045 fps  eta 21:35")])
def test_a_plain_line_reads_as_the_farm_expects(
    clock_of_test: Clock, capfd: pytest.CaptureFixture[str], fps: float, said: str
):
    with open_progress("plain", 100) as report:
        clock_of_test.now += 42 / fps
        report(Progress("clip", 1042, 42, 100))
    assert capfd.readouterr().err == f"Progress: 42%  frame 1042 (42/100)  {said}\n"


def test_what_came_before_the_first_steps_is_no_part_of_the_time_that_is_left(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    fake = Clock()
    monkeypatch.setattr(training_progress, "time", fake)
    with training_progress.open_training_progress("plain", 100) as report:
        fake.now += 60  # reading scenes and weights
        for step in (10, 20):
            report(Trained(step, 100, {"total": 0.5}, 1e-3, 2.0, 0.0))
            fake.now += 10
    assert capfd.readouterr().err.splitlines() == [
        "Progress: 10%  step 10/100  loss 0.5000  2.0 views/s",
        "Progress: 20%  step 20/100  loss 0.5000  2.0 views/s  eta 01:20",
    ]


def test_plain_lines_come_per_percent_or_every_five_seconds(clock_of_test: Clock, capfd: pytest.CaptureFixture[str]):
    with open_progress("plain", 10_000) as report:
        for done in range(1, 301):
            clock_of_test.now += 0.06
            report(Progress("clip", done, done, 10_000))
    lines = capfd.readouterr().err.splitlines()
    assert [line.split("%")[0] for line in lines] == [f"Progress: {p}" for p in (0, 0, 1, 1, 2, 2, 3)]


def test_json_says_all_that_the_bar_shows(clock_of_test: Clock, capfd: pytest.CaptureFixture[str]):
    with open_progress("json", 4) as report:
        clock_of_test.now += 2
        report(Progress("clip", 1001, 1, 4))
    event = json.loads(capfd.readouterr().out)
    assert event == {
        "event": "progress", "shot": "clip", "frame": 1001, "done": 1, "total": 4, "percent": 25.0, "fps": 0.5,
        "eta": 6.0,
    }  # fmt: skip


def test_auto_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    monkeypatch.setattr(STDERR, "_force_terminal", True)
    with open_progress("auto", 4) as report:
        report(Progress("clip", 1001, 1, 4))
        report(Progress("clip", 1004, 4, 4))
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "4/4" in shown.err
    assert "fps" in shown.err


@pytest.mark.parametrize(("seconds", "text"), [(0, "00:00"), (18.4, "00:18"), (3723, "1:02:03")])
def test_times_read_as_clocks(seconds: float, text: str):
    assert clock(seconds) == text
