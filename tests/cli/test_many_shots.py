"""Several shots in one call: one model, and a bad shot is left out while the others go on."""

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from mvinverse_cli.model import checkpoint
from tests.cli.running import files_in
from tests.frames.media import write_numbered, write_png

ALBEDO = ("--maps", "albedo")


def write_nan(name: str) -> None:
    """A picture whose header is sound and whose pixels are not."""
    OpenEXR.File({}, {"RGB": np.full((14, 14, 3), np.nan, np.float32)}).write(name)


def test_one_model_serves_all_shots(run, monkeypatch: pytest.MonkeyPatch):
    loads = []
    load_weights = checkpoint.load_weights
    monkeypatch.setattr(checkpoint, "load_weights", lambda *given: loads.append(given) or load_weights(*given))
    write_numbered(Path("a.mp4"), 2)
    write_png(Path("b.png"))
    assert run("a.mp4", "b.png", *ALBEDO).code == 0
    assert len(loads) == 1


def test_no_shot_overwrites_what_another_is_made_of(run):
    write_numbered(Path("a.mp4"), 1)
    plate = Path("a/albedo/a_albedo.1001.png")
    plate.parent.mkdir(parents=True)
    before = write_png(plate).read_bytes()
    ran = run("a.mp4", "a/albedo", *ALBEDO, "-o", ".", "--on-exists", "overwrite")
    assert ran.code == 7
    assert f"{plate}: is the source {plate} and would be overwritten" in ran.cause
    assert plate.read_bytes() == before


def test_a_shot_that_cannot_be_read_is_told_and_the_others_go_on(run):
    write_nan("bad.exr")
    write_numbered(Path("good.mp4"), 2)
    ran = run("bad.exr", "good.mp4", *ALBEDO, "--format", "png,mp4")
    assert ran.code == 3, ran.err
    assert "1 of the shots cannot be read" in ran.cause
    assert "bad.exr: 196 of 196 pixels hold NaN" in ran.cause
    assert files_in(Path("out")) == [
        "good/albedo/good_albedo.1001.png", "good/albedo/good_albedo.1002.png", "good/good_albedo.mp4",
        "mvinverse.json",
    ]  # fmt: skip
    bad, good = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert (bad["complete"], good["complete"]) == (False, True)
    (fault,) = bad["faults"]
    assert (fault["number"], fault["source"]) == (None, "bad.exr")
    assert bad["formats"]["mp4"]["frames"] == ""


def test_programs_hear_of_the_shots_that_failed(run):
    write_nan("bad.exr")
    write_numbered(Path("good.mp4"), 1)
    ran = run("bad.exr", "good.mp4", *ALBEDO, "--json")
    done = json.loads(ran.out.splitlines()[-1])
    assert (done["exit"], done["written"], done["failed"]) == (3, 1, ["bad.exr"])


def test_when_no_shot_can_be_read_the_input_is_at_fault(run):
    write_nan("bad.exr")
    Path("worse").mkdir()
    write_nan("worse/view.exr")
    ran = run("bad.exr", "worse", *ALBEDO)
    assert ran.code == 4
    assert ran.cause.startswith("mvinverse: error: bad.exr: ")
    assert ran.cause.endswith("(none of the 2 shots can be read)")
    assert files_in(Path("out")) == ["mvinverse.json"]


def test_a_mistake_that_is_seen_beforehand_still_refuses_all(run):
    write_numbered(Path("good.mp4"), 1)
    Path("text.mp4").write_text("this is no video")
    assert run("good.mp4", "text.mp4", *ALBEDO).code == 4
    assert not Path("out").exists()
