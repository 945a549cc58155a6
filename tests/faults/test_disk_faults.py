"""Disks that are full or may not be written to, as real file systems."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.frames.media import write_png
from tests.hub import OWNER, serve_hub

from .conftest import Run
from .wholeness import broken_files, contents

Disk = Callable[[str], Path]


@pytest.mark.slow
def test_disk_full_mid_run_keeps_finished_frames_and_can_go_on(apart: Run, disk: Disk, tmp_path: Path):
    noise = np.random.default_rng(0)
    for number in range(1, 9):
        write_png(tmp_path / f"plate.{number}.png", noise.integers(0, 256, (400, 400, 3), np.uint8))
    arguments = ("plate.#.png", "--format", "tiff", "--bits", "float", "--maps", "normal", "--max-size", "112")
    arguments += ("--window", "2", "--anchors", "0", "--overlap", "0", "--writers", "1")
    small = disk("size=4m")
    ran = apart(*arguments, "-o", small)
    assert ran.code == 7, ran.err
    assert "No space left on device; make room" in ran.cause
    kept = contents(small)
    assert 1 <= len(kept) - 1 < 8
    assert broken_files(small) == []
    assert not list(small.rglob("*.part"))
    larger = tmp_path / "larger"
    shutil.copytree(small, larger)
    assert apart(*arguments, "-o", larger, "--on-exists", "skip").code == 0
    assert apart(*arguments, "-o", "whole").code == 0
    whole = contents(tmp_path / "whole")
    for name, content in contents(larger).items():
        assert name == "mvinverse.json" or content == whole[name], name
    (shot,) = json.loads((larger / "mvinverse.json").read_text())["shots"]
    assert shot["formats"]["tiff"]["frames"] == "1-8"


def test_output_read_only_is_said_before_a_model_is_looked_for(run, disk: Disk, tmp_path: Path):
    folder = disk("ro")
    ran = run(write_png(tmp_path / "a.png"), "-o", folder / "out", model="no/such@model")
    assert ran.code == 7, ran.err
    assert str(folder) in ran.cause


@pytest.mark.slow
@pytest.mark.parametrize(("options", "said"), [("size=64k", "No space left"), ("ro", "Read-only file system")])
def test_cache_full_or_read_only_is_named(apart: Run, disk: Disk, tmp_path: Path, options: str, said: str):
    home = disk(options)
    with serve_hub() as hub:
        hub.files[OWNER]["model.safetensors"] += bytes(2**20)
        env = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        ran = apart(write_png(tmp_path / "a.png"), model=OWNER, env=env)
    assert ran.code == 5, ran.err
    assert said in ran.cause or "HF_HOME" in ran.cause
    assert not (tmp_path / "out").exists()
