"""`--print-outputs`: stdout holds the paths of the run's files and nothing else."""

import os
from pathlib import Path

import pytest

from mvinverse_cli.cli.listing import print_paths
from tests.cli.running import files_in


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
