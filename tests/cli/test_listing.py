"""`--print-outputs`: stdout holds the paths of the run's files and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from mvinverse_cli.cli.listing import print_paths
from tests.cli.running import files_in
from tests.frames.media import write_png


def test_every_file_is_listed_once_and_is_there(run, clip: Path):
    ran = run(clip, "--frames", "1-3", "--maps", "albedo,normal", "--format", "png,exr,mp4", "--print-outputs")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert sorted(lines) == sorted(f"out/{name}" for name in files_in(Path("out")) if name != "mvinverse.json")
    assert lines[:3] == ["out/albedo/clip_albedo.1001.png", "out/normal/clip_normal.1001.png", "out/clip.1001.exr"]
    assert lines[-1] == "out/clip_normal.mp4"


def test_what_was_there_is_listed_as_well(run, clip: Path):
    arguments = (clip, "--maps", "albedo", "--on-exists", "skip", "--print-outputs")
    first = run(*arguments, "--frames", "2")
    both = run(*arguments, "--frames", "1-2")
    assert first.out.splitlines() == ["out/albedo/clip_albedo.1002.png"]
    assert both.out.splitlines() == ["out/albedo/clip_albedo.1002.png", "out/albedo/clip_albedo.1001.png"]


def test_a_run_that_is_refused_lists_nothing(run, clip: Path):
    assert run(clip, "--maps", "albedo", "--frames", "1-2").code == 0
    ran = run(clip, "--maps", "albedo", "--frames", "1-2", "--max-size", "28", "--on-exists", "skip", "--print-outputs")
    assert (ran.code, ran.out) == (7, "")


def test_movies_are_listed_when_they_have_their_names_and_those_kept_first(run, clip: Path, tmp_path: Path):
    shutil.copy(clip, "later.mp4")
    arguments = (clip, "later.mp4", "--maps", "albedo", "--format", "png,mp4", "--print-outputs")
    lines = run(*arguments).out.splitlines()
    own, frame_of_the_next = "out/clip/clip_albedo.mp4", "out/later/albedo/later_albedo.1002.png"
    assert lines.index(own) < lines.index(frame_of_the_next)
    assert lines[-1] == "out/later/later_albedo.mp4"
    Path("out/later/albedo/later_albedo.1002.png").unlink()
    Path("out/later/later_albedo.mp4").unlink()
    again = run(*arguments, "--on-exists", "skip").out.splitlines()
    assert sorted(again) == sorted(lines)
    assert again.index(own) < again.index(frame_of_the_next)


def test_a_movie_of_an_earlier_run_is_not_listed_for_a_shot_that_cannot_be_read(run, clip: Path):
    pictures = [write_png(Path(f"later.{number}.png")) for number in (1, 2)]
    arguments = (clip, "later.#.png", "--maps", "albedo", "--format", "mp4", "--print-outputs")
    assert run(*arguments).out.splitlines() == ["out/clip/clip_albedo.mp4", "out/later/later_albedo.mp4"]
    for picture in pictures:
        picture.write_bytes(picture.read_bytes()[:-20])
    ran = run(*arguments, "--on-exists", "overwrite")
    assert "later: this shot is left out" in ran.err
    assert ran.out.splitlines() == ["out/clip/clip_albedo.mp4"]


def test_an_odd_name_comes_out_as_the_disk_has_it(capfdbinary: pytest.CaptureFixture[bytes]):
    name = b"out/k\xc3\xbcche \xff.1001.exr"
    print_paths([Path(os.fsdecode(name))])
    assert capfdbinary.readouterr().out == name + b"\n"


@pytest.mark.parametrize("other", [("--json",), ("--progress", "openjd"), ("-o", "-")])
def test_it_shares_stdout_with_nothing(run, clip: Path, other: tuple[str, ...]):
    ran = run(clip, "--print-outputs", *other)
    assert ran.code == 2
    assert "--print-outputs" in ran.cause
    assert files_in(Path()) == []
