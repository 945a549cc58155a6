"""The farm's template: a shot split by frames into tasks, run by Open Job Description's own session on this machine."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.wholeness import broken_files, contents
from tests.frames.media import write_numbered

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "examples" / "openjd" / "decompose.yaml"
SECONDS = 300

pytestmark = pytest.mark.slow


@pytest.fixture
def submit(tmp_path: Path, tiny_file: Path):
    """`submit(output, name=value, ...)` starts `openjd run` of the template, all its tasks in one session."""
    program = tmp_path / "bin" / "mvinverse"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m mvinverse_cli "$@"\n')
    program.chmod(0o755)
    started: list[subprocess.Popen[str]] = []

    def submit(output: Path, **more: object) -> subprocess.Popen[str]:
        values = {"Output": output, "Model": tiny_file, "Device": "cpu", "Window": 10, "Format": "png", **more}
        parameters = [part for name, value in values.items() for part in ("-p", f"{name}={value}")]
        command = [str(Path(sys.executable).with_name("openjd")), "run", str(TEMPLATE), "--step", "Decompose"]
        path = f"{program.parent}:{os.environ['PATH']}"
        # openjd keeps its lines back where it is not told otherwise
        environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        started.append(
            subprocess.Popen(
                [*command, *parameters],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield submit
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_chunks_of_a_job_are_the_single_run_byte_for_byte_and_tell_their_progress(submit, tmp_path: Path):
    clip = write_numbered(tmp_path / "clip.mp4", 24)
    for output, size in (("whole", 24), ("chunks", 10)):
        process = submit(tmp_path / output, Input=clip, Frames="1-24", FramesPerTask=size)
        said, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, said
        assert said.count("openjd_progress: 100.0") == -(-24 // size), said
    whole, chunks = contents(tmp_path / "whole"), contents(tmp_path / "chunks")
    assert len(whole) == 24 * 5 + 1
    assert whole.keys() == chunks.keys()
    assert [name for name in whole if name != "mvinverse.json" and whole[name] != chunks[name]] == []


def test_a_cancelled_job_ends_with_whole_files_and_goes_on_where_it_was(submit, tmp_path: Path):
    clip = write_numbered(tmp_path / "clip.mp4", 60)
    job = {"Input": clip, "Frames": "1-60", "FramesPerTask": 60}
    process = submit(tmp_path / "out", **job)
    assert any("openjd_progress" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode != 0, said
    assert "interrupted by SIGTERM; every file is whole" in said
    done = contents(tmp_path / "out")
    assert len(done) < 60 * 5 + 1
    assert broken_files(tmp_path / "out") == []
    assert not list((tmp_path / "out").rglob(".*"))
    process = submit(tmp_path / "out", **job)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    finished = contents(tmp_path / "out")
    assert len(finished) == 60 * 5 + 1
    assert all(finished[name] == content for name, content in done.items() if name != "mvinverse.json")
