"""Processes that are killed, interrupted twice, or two at once in one folder."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.frames.media import write_numbered

from .conftest import SECONDS, Run, Start
from .wholeness import broken_files, contents

SMALL_WINDOWS = ("--window", "3", "--anchors", "1", "--overlap", "1", "--json")
EVERYTHING = ("--format", "png,exr,mp4", *SMALL_WINDOWS)


def wait_for_frame(process) -> None:
    """Returns when the run has put a frame on disk, or is at its end."""
    process.stdout.readline()


def assert_undisturbed(out: Path, whole: Path) -> None:
    """The files of a run that was killed and gone on with are those of one that was left alone, and no others."""
    ours, undisturbed = contents(out), contents(whole)
    assert ours.keys() == undisturbed.keys()
    assert [name for name in ours if name != "mvinverse.json" and ours[name] != undisturbed[name]] == []
    assert not list(out.rglob(".*"))  # nor what those that were killed had half-written


@pytest.mark.slow
@pytest.mark.parametrize(("rounds", "kills", "frames"), [(1, 2, 9), (10, 5, 40)], ids=["2", "50"])
def test_kill_9_leaves_no_broken_name_and_skip_ends_with_the_same_bytes(
    start: Start, apart: Run, tmp_path: Path, rounds: int, kills: int, frames: int
):
    clip, out, whole = write_numbered(tmp_path / "clip.mp4", frames), tmp_path / "out", tmp_path / "whole"
    began = time.monotonic()
    process = start(clip, "-o", "whole", *EVERYTHING)
    wait_for_frame(process)
    first = time.monotonic()
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    to_first, at_work = first - began, time.monotonic() - first
    moments = random.Random(kills)
    for _ in range(rounds):  # each begins in an empty folder, so that frames are written in every one
        struck = 0
        while struck < kills:
            process = start(clip, "-o", "out", "--on-exists", "skip", *EVERYTHING)
            if moments.random() < 0.8:
                wait_for_frame(process)
                time.sleep(moments.random() * at_work)
            else:
                time.sleep(moments.random() * to_first)
            process.kill()
            process.communicate()
            assert broken_files(out) == []
            if process.returncode == 0:  # it was faster
                assert_undisturbed(out, whole)
                shutil.rmtree(out)
            else:
                assert process.returncode == -signal.SIGKILL
                struck += 1
        assert apart(clip, "-o", "out", "--on-exists", "skip", *EVERYTHING).code == 0
        assert_undisturbed(out, whole)
        shutil.rmtree(out)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_twice_still_leaves_whole_files(start: Start, tmp_path: Path, number: signal.Signals):
    clip = write_numbered(tmp_path / "clip.mp4", 60)
    process = start(clip, *EVERYTHING)
    wait_for_frame(process)
    for _ in range(5):
        process.send_signal(number)
        time.sleep(0.001)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + number, err
    assert err.splitlines()[-1] == f"mvinverse: error: interrupted by {number.name}; every file is whole"
    assert broken_files(tmp_path / "out") == []
    assert not list((tmp_path / "out").rglob(".*"))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_numbered(tmp_path / "clip.mp4", 20)


@pytest.mark.slow
def test_two_processes_with_the_same_work_overwrite_nothing(start: Start, apart: Run, clip: Path, tmp_path: Path):
    both = [start(clip, "-o", "out", *SMALL_WINDOWS) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode in (0, 7), err
    assert broken_files(tmp_path / "out") == []
    assert apart(clip, "-o", "out", "--on-exists", "skip", *SMALL_WINDOWS).code == 0
    assert apart(clip, "-o", "whole", *SMALL_WINDOWS).code == 0
    ours, alone = contents(tmp_path / "out"), contents(tmp_path / "whole")
    assert ours.keys() == alone.keys()
    assert [name for name in ours if name != "mvinverse.json" and ours[name] != alone[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize("on_exists", ["skip", "overwrite"])
def test_two_processes_with_other_settings_never_mix(
    start: Start, apart: Run, clip: Path, tmp_path: Path, on_exists: str
):
    first = start(clip, "-o", "out", *SMALL_WINDOWS)
    wait_for_frame(first)
    first.send_signal(signal.SIGSTOP)  # so that it is at work for as long as the second one tries
    second = apart(clip, "-o", "out", *SMALL_WINDOWS, "--max-size", "42", "--on-exists", on_exists)
    first.send_signal(signal.SIGCONT)
    _, err = first.communicate(timeout=SECONDS)
    assert first.returncode == 0, err
    assert second.code == 7, second.err
    assert "max_size" in second.cause
    assert ("another run is at work here" in second.cause) == (on_exists == "overwrite")
    (shot,) = json.loads((tmp_path / "out" / "mvinverse.json").read_text())["shots"]
    assert shot["formats"]["png"]["frames"] == "1001-1020"
    assert shot["stale"] == ""


def fill_side_by_side(start: Start, clip: Path, on_exists: str) -> None:
    """Two parts of the clip, which begin at one moment, go into one folder."""
    parts = [
        start(clip, "-o", "out", "--frames", frames, "--on-exists", on_exists, *SMALL_WINDOWS)
        for frames in ("1-10", "11-20")
    ]
    for process in parts:
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err


@pytest.mark.slow
def test_chunks_overwrite_maps_of_other_settings_side_by_side(start: Start, apart: Run, clip: Path, tmp_path: Path):
    assert apart(clip, "-o", "out", *SMALL_WINDOWS, "--max-size", "42").code == 0
    fill_side_by_side(start, clip, "overwrite")
    assert apart(clip, "-o", "out", "--on-exists", "skip", *SMALL_WINDOWS).code == 0
    assert apart(clip, "-o", "whole", "--on-exists", "skip", *SMALL_WINDOWS).code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_chunks_of_one_shot_fill_one_folder_side_by_side(start: Start, apart: Run, clip: Path, tmp_path: Path):
    fill_side_by_side(start, clip, "skip")
    assert apart(clip, "-o", "whole", "--on-exists", "skip", *SMALL_WINDOWS).code == 0
    ours, alone = contents(tmp_path / "out"), contents(tmp_path / "whole")
    books = [json.loads(files.pop("mvinverse.json"))["shots"][0] for files in (ours, alone)]
    assert ours == alone
    assert books[0]["formats"] == books[1]["formats"]
    assert books[0]["seams"] == books[1]["seams"]
    assert not list((tmp_path / "out").glob(".*"))
