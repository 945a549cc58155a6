"""The command: files, words and exit codes, as a shell or a farm sees them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import OpenEXR
import pytest
import torch
from safetensors.torch import load_file, save_file

from mvinverse_cli.cli.main import main
from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.header import read_header
from tests.cli.running import Ran, files_in
from tests.frames.media import cut, damage, packet_spans, write_numbered, write_png


def windows(frames: int) -> tuple[str, ...]:
    """Windows that share no frame, however small."""
    return ("--window", str(frames), "--anchors", "0", "--overlap", "0")


def test_a_video_becomes_numbered_files_of_five_maps_at_its_size(run, clip: Path):
    ran = run(clip, "-o", "out", "--frames", "1-2")
    assert ran.code == 0, ran.err
    expected = [f"{name}/clip_{name}.{number}.png" for name in MAPS for number in (1001, 1002)]
    assert files_in(Path("out")) == sorted([*expected, "mvinverse.json"])
    for name in MAPS:
        pixels = cv2.imread(f"out/{name}/clip_{name}.1001.png", cv2.IMREAD_UNCHANGED)
        assert pixels.dtype == np.uint8
        assert pixels.shape == ((48, 64) if name in ("metallic", "roughness") else (48, 64, 3))


def test_stills_keep_their_names_and_sizes(run, stills: list[Path]):
    ran = run(*stills, "-o", "out", "--format", "exr", "--maps", "albedo,normal")
    assert ran.code == 0, ran.err
    assert files_in(Path("out")) == ["left.exr", "middle.exr", "mvinverse.json", "right.exr"]
    with OpenEXR.File("out/middle.exr", separate_channels=True) as file:
        assert sorted(file.channels()) == ["albedo.B", "albedo.G", "albedo.R", "normal.X", "normal.Y", "normal.Z"]
        assert file.channels()["normal.X"].pixels.shape == (60, 40)


def test_a_movie_keeps_the_times_of_its_source(run, tmp_path: Path):
    times = [0, 40, 100, 140, 300]
    path = write_numbered(tmp_path / "uneven.mp4", 5, times=times)
    ran = run(path, "--format", "mp4", "--maps", "roughness")
    assert ran.code == 0, ran.err
    with av.open("out/uneven_roughness.mp4") as movie:
        assert [round(float(frame.time) * 1000) for frame in movie.decode(video=0)] == times


def test_every_format_of_a_call_is_written(run, clip: Path):
    ran = run(clip, "--frames", "3", "--maps", "metallic", "--format", "png,tiff", "--format", "exr", "--bits", "16")
    assert ran.code == 0, ran.err
    assert files_in(Path("out")) == [
        "clip.1003.exr", "metallic/clip_metallic.1003.png", "metallic/clip_metallic.1003.tif", "mvinverse.json",
    ]  # fmt: skip
    assert cv2.imread("out/metallic/clip_metallic.1003.png", cv2.IMREAD_UNCHANGED).dtype == np.uint16


def test_several_shots_have_a_folder_each(run, clip: Path, stills: list[Path]):
    ran = run(clip, stills[0].parent, "--frames", "1", "--maps", "albedo", "-o", "out")
    assert ran.code == 0, ran.err
    assert files_in(Path("out")) == [
        "clip/albedo/clip_albedo.1001.png", "mvinverse.json", "views/albedo/left_albedo.png",
    ]  # fmt: skip


def test_the_manifest_tells_what_was_done(run, clip: Path, tiny_file: Path):
    assert run(clip, "--every", "4").code == 0
    (shot,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert shot["formats"]["png"]["frames"] in ("1001,1005,1009", "1001-1009x4")
    assert shot["complete"] is True
    assert shot["decompose"]["every"] == 4
    assert shot["about"]["model"] == str(tiny_file)


def test_two_runs_write_the_same_bytes(run, clip: Path):
    arguments = (clip, "--frames", "1-3", "--format", "png,exr,tiff,mp4", *windows(2))
    assert run(*arguments, "-o", "first").code == 0
    assert run(*arguments, "-o", "second").code == 0
    assert files_in(Path("first")) == files_in(Path("second"))
    for name in files_in(Path("first")):
        assert Path("first", name).read_bytes() == Path("second", name).read_bytes(), name


def test_skip_computes_only_what_is_missing_and_ends_with_the_same_bytes(run, clip: Path):
    assert run(clip, *windows(4)).code == 0
    shutil.copytree("out", "whole")
    gone = Path("out/albedo/clip_albedo.1006.png")
    gone.unlink()
    kept = Path("out/albedo/clip_albedo.1005.png").stat().st_mtime_ns
    ran = run(clip, *windows(4), "--on-exists", "skip")
    assert ran.code == 0
    assert "1 frame written" in ran.err
    assert Path("out/albedo/clip_albedo.1005.png").stat().st_mtime_ns == kept
    assert gone.read_bytes() == Path("whole/albedo/clip_albedo.1006.png").read_bytes()


def test_every_on_another_grid_is_refused_for_its_frames_are_seen_beside_others(run, clip: Path):
    arguments = (clip, "--maps", "albedo", "--every", "3", "--on-exists", "skip")
    assert run(*arguments, "--frames", "1-4").code == 0
    for frames, first, every in (("2-9", 1002, 3), ("1-4,6-9", 1001, 1)):
        ran = run(*arguments, "--frames", frames)
        assert ran.code == 7
        assert f"was {{'every': 3, 'first': 1001}} and is {{'every': {every}, 'first': {first}}}" in ran.cause
    assert run(*arguments, "--frames", "7-10").code == 0
    assert len(files_in(Path("out/albedo"))) == 4


def test_skip_with_everything_there_loads_no_model(run, clip: Path, monkeypatch: pytest.MonkeyPatch):
    assert run(clip, "--frames", "1-2").code == 0
    monkeypatch.setattr("mvinverse_cli.model.checkpoint.load_weights", None)
    ran = run(clip, "--frames", "1-2", "--on-exists", "skip")
    assert ran.code == 0, ran.err


def test_skip_with_other_settings_is_refused(run, clip: Path):
    assert run(clip, "--frames", "1-2").code == 0
    ran = run(clip, "--frames", "1-4", "--on-exists", "skip", *windows(3))
    assert ran.code == 7
    assert "window" in ran.cause


def test_skip_keeps_a_movie_that_holds_all_frames_and_refuses_one_that_does_not(run, clip: Path):
    arguments = (clip, "--format", "mp4", "--maps", "albedo", "--on-exists", "skip")
    assert run(*arguments, "--frames", "1-4").code == 0
    before = Path("out/clip_albedo.mp4").read_bytes()
    assert run(*arguments, "--frames", "1-4").code == 0
    ran = run(*arguments, "--frames", "1-6")
    assert ran.code == 7
    assert "1005-1006" in ran.cause
    assert Path("out/clip_albedo.mp4").read_bytes() == before


def test_a_shot_whose_movies_are_done_stays_done_when_a_later_shot_fails(run, clip: Path):
    pixels = np.full((14, 14, 3), np.inf, np.float32)
    OpenEXR.File({}, {"RGB": pixels}).write("sun.exr")
    arguments = (clip, "sun.exr", "--format", "mp4", "--maps", "albedo", "--on-exists", "skip")
    assert run(*arguments).code == 3
    OpenEXR.File({}, {"RGB": np.full_like(pixels, 0.5)}).write("sun.exr")
    ran = run(*arguments)
    assert ran.code == 0, ran.err
    assert "10 were there" in ran.err
    shots = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert [shot["complete"] for shot in shots] == [True, True]


def test_frames_of_other_settings_are_never_taken_for_done(run, clip: Path):
    arguments = (clip, "--maps", "albedo")
    assert run(*arguments, "--frames", "1-4").code == 0
    assert run(*arguments, "--frames", "1-2", "--max-size", "42", "--on-exists", "overwrite").code == 0
    ran = run(*arguments, "--frames", "1-4", "--max-size", "42", "--on-exists", "skip")
    assert ran.code == 7
    assert "frames 1003-1004" in ran.cause
    assert run(*arguments, "--frames", "3-4", "--max-size", "42", "--on-exists", "overwrite").code == 0
    assert run(*arguments, "--frames", "1-4", "--max-size", "42", "--on-exists", "skip").code == 0


def test_a_run_that_wrote_nothing_is_not_in_the_way_of_the_next(run, clip: Path, tmp_path: Path):
    misfit = tmp_path / "misfit.safetensors"
    save_file({"x": torch.zeros(1)}, misfit)
    assert run(clip, "--frames", "1", model=misfit).code == 5
    assert run(clip, "--frames", "1").code == 0


def test_a_source_is_known_by_name_and_size_and_not_by_its_path(run, tmp_path: Path):
    path = write_numbered(tmp_path / "a.mp4", 3)
    assert run("a.mp4", "--maps", "albedo", "--frames", "1").code == 0
    assert run(path, "--maps", "albedo", "--on-exists", "skip").code == 0
    write_numbered(path, 4)
    ran = run(path, "--maps", "albedo", "--on-exists", "skip")
    assert ran.code == 7
    assert "size of the sources" in ran.cause


def test_dry_run_of_weights_that_are_broken_says_so(run, clip: Path, tmp_path: Path):
    broken = tmp_path / "broken.safetensors"
    broken.write_text("<!DOCTYPE html>")
    assert run(clip, "--dry-run", model=broken).code == 5
    assert run(clip, "--dry-run", model=tmp_path / "nowhere.safetensors").code == 5


def test_a_sequence_that_has_grown_goes_on(run, tmp_path: Path):
    for number in range(1, 4):
        write_png(tmp_path / f"plate.{number:04d}.png")
    assert run("plate.####.png", "--maps", "albedo", *windows(1)).code == 0
    write_png(tmp_path / "plate.0004.png")
    ran = run("plate.####.png", "--maps", "albedo", *windows(1), "--on-exists", "skip")
    assert ran.code == 0, ran.err
    assert "had 3 frames" not in ran.err  # each is seen alone
    (shot,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert shot["sources"] == ["plate.####.png"]
    assert shot["formats"]["png"]["frames"] == "1-4"


def test_a_sequence_of_that_name_in_another_folder_is_another_shot(run):
    noise = np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8)  # takes more bytes than flat gray
    for folder, pixels in (("sh010", noise), ("sh020", noise // 128)):
        Path(folder).mkdir()
        for number in (1, 2):
            write_png(Path(folder) / f"plate.{number:04d}.png", pixels)
    skip = ("--maps", "albedo", *windows(1), "--on-exists", "skip")
    assert run("sh010/plate.####.png", *skip).code == 0
    ran = run("sh020/plate.####.png", *skip)
    assert ran.code == 7
    assert "(sources was ['sh010/plate.####.png']" in ran.cause
    assert "['sh020/plate.####.png'])" in ran.cause
    write_png(Path("sh010/plate.0001.png"), noise // 2)  # mended, where it was
    for _ in range(2):  # the maps are still those of the picture before
        ran = run("sh010/plate.####.png", *skip)
        assert ran.code == 0
        assert "plate: its first picture is another than when the maps that are there were made" in ran.err
    assert run("sh010/plate.####.png", *skip[:-1], "overwrite").code == 0
    assert "another than when" not in run("sh010/plate.####.png", *skip).err
    Path("sh020").rename("mount")
    Path("sh010").rename("sh020")  # the same, seen from another machine
    assert run("sh020/plate.####.png", *skip).code == 0


def test_pictures_that_are_newer_than_the_maps_that_are_kept_are_told(run):
    pictures = [Path(f"plates/p.{number}.png") for number in range(1001, 1006)]
    pictures[0].parent.mkdir()
    for index, picture in enumerate(pictures):
        write_png(picture, np.full((28, 28, 3), 40 * index, np.uint8))
    skip = ("plates", "--maps", "albedo", *windows(1), "--on-exists", "skip")
    assert run(*skip).code == 0
    assert "newer" not in run(*skip).err
    made = pictures[0].stat().st_mtime
    for path in Path("out").rglob("*.png"):
        os.utime(path, (made - 100, made - 100))
    for index, picture in enumerate(pictures):
        age = 50 if index in (1, 2, 4) else 200
        os.utime(picture, (made - age, made - age))
    told = "p: pictures that are newer than the maps that are kept of them: frames"
    for more in ([], ["--dry-run"]):
        ran = run(*skip, *more)
        assert ran.code == 0
        assert f"{told} 1002-1003,1005; where they show something else, --on-exists overwrite" in ran.err
    assert "--frames 1002-1003 makes" in run(*skip, "--frames", "1001-1004").err  # of those asked for
    Path("out/albedo/p_albedo.1003.png").unlink()
    assert f"{told} 1002,1005;" in run(*skip).err  # the third is made anew
    assert "newer" not in run(*skip[:-1], "overwrite").err
    assert "newer" not in run(*skip).err


def test_frames_that_two_shots_lost_are_told_by_shot(run):
    for name in ("p", "q"):
        Path(name).mkdir()
        for number in (1, 2, 3):
            write_png(Path(name) / f"{name}.{number}.png", np.full((28, 28, 3), 80 * number, np.uint8))
        Path(name, f"{name}.2.png").write_bytes(b"no picture")
    ran = run("p", "q", "--maps", "albedo", "--json")
    assert ran.code == 3
    events = [json.loads(line) for line in ran.out.splitlines()]
    error, done = events[-2:]
    assert "2 lost (p 2; q 2)" in error["message"]
    assert done["lost"] == [2, 2]
    told = [(fault["shot"], fault["frame"], Path(fault["source"]).name) for fault in done["faults"]]
    assert told == [("p", 2, "p.2.png"), ("q", 2, "q.2.png")]
    assert all(fault["reason"] for fault in done["faults"])


@pytest.mark.parametrize("format", ["png", "mp4"])
def test_a_file_without_a_byte_is_made_anew(run, clip: Path, format: str):
    skip = (clip, "--maps", "albedo", "--frames", "1-2", "--format", format, "--on-exists", "skip")
    assert run(*skip).code == 0
    first = min(Path("out").rglob(f"*albedo*.{format}"))
    before = first.read_bytes()
    first.write_bytes(b"")  # as a crash leaves it
    ran = run(*skip)
    assert ran.code == 0
    assert f"{first}: 1 file without a byte, as a crash leaves, made anew" in ran.err
    assert first.read_bytes() == before


def test_a_plan_says_what_the_run_would_refuse(run, clip: Path):
    assert run(clip, "--maps", "albedo", "--frames", "1-2").code == 0
    before = Path("out/mvinverse.json").read_bytes()
    other = (clip, "--maps", "albedo", "--frames", "1-4", "--on-exists", "skip", "--max-size", "28")
    said = [run(*other, *more) for more in ([], ["--dry-run"])]
    assert [ran.code for ran in said] == [7, 7]
    assert said[0].cause == said[1].cause
    assert Path("out/mvinverse.json").read_bytes() == before
    assert run(*other[:-2], "--dry-run").code == 0


def test_a_link_to_nothing_is_no_frame(run, clip: Path):
    assert run(clip, "--maps", "albedo", "--frames", "1-2").code == 0
    path = Path("out/albedo/clip_albedo.1002.png")
    path.unlink()
    path.symlink_to("nowhere.png")
    ran = run(clip, "--maps", "albedo", "--frames", "1-2", "--on-exists", "skip")
    assert ran.code == 7
    assert "clip_albedo.1002.png: is a link to nothing; mend or remove it" in ran.cause


def test_a_first_picture_that_was_lost_and_is_mended_is_the_sequences_own(run):
    noise = np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8)
    for number in (1, 2):
        write_png(Path(f"plate.{number:04d}.png"), noise)
    whole = Path("plate.0001.png").read_bytes()
    Path("plate.0001.png").write_bytes(whole[: len(whole) // 2])
    skip = ("--maps", "albedo", *windows(1), "--on-exists", "skip")
    assert run("plate.####.png", *skip).code == 3
    Path("plate.0001.png").write_bytes(whole)
    assert "another than when" in run("plate.####.png", *skip).err
    assert "another than when" not in run("plate.####.png", *skip).err


def test_frames_of_which_no_manifest_tells_are_not_taken_for_this_runs(run, clip: Path):
    albedo = ("--maps", "albedo", "--frames", "1-2")
    assert run(clip, *albedo).code == 0
    for more in (["--on-exists", "skip"], ["--on-exists", "skip", "--max-size", "28"]):
        Path("out/mvinverse.json").unlink(missing_ok=True)
        ran = run(clip, *albedo, *more)
        assert ran.code == 7
        assert "frames 1001-1002 of 'clip' are there, and no mvinverse.json tells with which settings" in ran.cause
    assert run(clip, *albedo, "--on-exists", "overwrite").code == 0
    assert run(clip, *albedo, "--on-exists", "skip").code == 0


def test_a_movie_with_a_lost_frame_is_gone_on_with_as_a_run_that_lost_it(run):
    noise = np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8)
    for number in (1, 2, 3):
        write_png(Path(f"plate.{number:04d}.png"), noise)
    Path("plate.0002.png").write_bytes(Path("plate.0002.png").read_bytes()[:-60])
    for formats in ("mp4", "mp4", "png,mp4", "png,mp4"):
        ran = run("plate.####.png", "--maps", "albedo", "--format", formats, "--on-exists", "skip")
        assert ran.code == 3
        assert "1 lost (2)" in ran.err + ran.cause


@pytest.mark.parametrize(
    "more",
    [
        ["--exr-layout", "parts"],
        pytest.param(["--residual"], marks=pytest.mark.slow),
        pytest.param(["--colorspace", "acescg"], marks=pytest.mark.slow),
    ],
)
def test_what_concerns_exr_alone_leaves_pngs_and_what_is_said_of_exrs_alone(more, run, clip: Path):
    two, png = ("--frames", "1-2"), Path("out/albedo/clip_albedo.1001.png")
    assert run(clip, *two).code == 0
    made = png.stat().st_mtime_ns
    assert run(clip, *two, "--format", "exr", *more).code == 0
    assert run(clip, *two, "--on-exists", "skip").code == 0  # PNGs, as before
    (shot,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert {name: entry["frames"] for name, entry in shot["formats"].items()} == {
        "png": "1001-1002", "exr": "1001-1002",
    }  # fmt: skip
    key = more[0].removeprefix("--").replace("-", "_")
    assert shot["write"][key] == (more[1] if len(more) > 1 else True)
    assert shot["stale"] == ""
    assert png.stat().st_mtime_ns == made
    assert run(clip, "--frames", "3", "--format", "exr", "--on-exists", "skip").code == 7


def test_a_sequence_of_that_name_and_size_is_another_shot_by_its_content(run):
    noise = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)  # cannot be compressed
    for folder, pixels in (("sh010", noise), ("sh020", np.ascontiguousarray(noise[::-1]))):
        Path(folder).mkdir()
        for number in (1, 2):
            write_png(Path(folder) / f"plate.{number:04d}.png", pixels)
    assert Path("sh010/plate.0001.png").stat().st_size == Path("sh020/plate.0001.png").stat().st_size
    skip = ("--maps", "albedo", *windows(1), "--on-exists", "skip")
    assert run("sh010/plate.####.png", *skip).code == 0
    ran = run("sh020/plate.####.png", *skip)
    assert ran.code == 7
    assert "(sources was ['sh010/plate.####.png']" in ran.cause


def test_a_folder_of_weights_with_another_config_is_another_model(run, clip: Path, tiny_file: Path, tmp_path: Path):
    folder = tmp_path / "weights"
    folder.mkdir()
    state, config = load_file(tiny_file), json.loads(read_header(tiny_file).metadata["config"])
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    once = ("--maps", "albedo", *windows(1), "--on-exists", "skip")
    assert run(clip, "--frames", "1", *once, model=folder).code == 0
    (folder / "config.json").write_text(json.dumps(config | {"max_size": 42}))
    ran = run(clip, "--frames", "2", *once, model=folder)
    assert ran.code == 7
    assert "(config was '" in ran.cause


def test_files_that_are_there_are_said_before_a_model_is_looked_for(run, clip: Path):
    assert run(clip, "--frames", "1").code == 0
    before = Path("out/albedo/clip_albedo.1001.png").stat().st_mtime_ns
    ran = run(clip, "--frames", "1", model="no/such@model")
    assert ran.code == 7
    assert "--on-exists skip or overwrite" in ran.cause
    ran = run(clip, "--frames", "1", "--on-exists", "overwrite")
    assert ran.code == 0
    assert Path("out/albedo/clip_albedo.1001.png").stat().st_mtime_ns != before


def test_dry_run_prints_the_plan_and_touches_nothing(run, clip: Path):
    ran = run(clip, "--dry-run", "--frames", "1-10", *windows(4), "--format", "exr")
    assert ran.code == 0
    assert "10 frames 1001-1010, 64x48 at 25 fps" in ran.out
    assert "3 passes of up to 4 frames at 56x42" in ran.out
    assert "out/clip.1001.exr" in ran.out
    assert not Path("out").exists()


def test_squeezed_plates_give_squeezed_maps_unless_they_are_wanted_as_the_network_sees_them(run, tmp_path: Path):
    header = {"pixelAspectRatio": 2.0, "compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    plate = tmp_path / "plate.exr"
    OpenEXR.File(header, {name: np.full((48, 32), 0.2, np.float32) for name in "RGB"}).write(str(plate))
    ran = run(plate, "--dry-run")
    assert "32x48, pixels 2 times as wide as high" in ran.out
    assert "at 56x42" in ran.out
    for size, shape, aspect in (("source", [32, 48], 2), ("model", [56, 42], 1)):
        assert run(plate, "-o", size, "--size", size, "--format", "exr").code == 0
        with OpenEXR.File(f"{size}/plate.exr", separate_channels=True) as file:
            assert [*file.channels()["albedo.R"].pixels.shape][::-1] == shape
            assert file.header()["pixelAspectRatio"] == aspect


def test_what_there_is_one_of_is_told_so(run, clip: Path):
    assert run(clip, "--frames", "3", "--maps", "albedo").code == 0
    ran = run(clip, "--frames", "3-4", "--maps", "albedo", "--on-exists", "skip")
    assert "1 frame written to out, 1 was there" in ran.err
    ran = run(clip, "--dry-run", "--frames", "4", "--maps", "albedo", "--on-exists", "skip")
    assert "video, 1 frame 1004, 64x48" in ran.out
    assert "1 pass of up to 10 frames at " in ran.out
    assert "1 frame is there already and stays" in ran.out


def test_dry_run_speaks_json_and_says_what_weights_are_missing(run, clip: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    ran = run(clip, "--dry-run", "--json", model="nobody/nothing")
    plan = json.loads(ran.out)
    assert ran.code == 0
    assert plan["event"] == "plan"
    assert plan["model"]["here"] is False
    assert plan["shots"][0]["frames"] == 10


def test_json_lines_tell_each_frame_and_the_end(run, clip: Path):
    ran = run(clip, "--json", "--frames", "1-3")
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert [event["event"] for event in events] == ["progress"] * 3 + ["done"]
    assert [event["frame"] for event in events[:3]] == [1001, 1002, 1003]
    assert events[2]["percent"] == 100
    assert events[3] == {"event": "done", "exit": 0, "written": 3, "lost": [], "failed": [], "faults": []}


def test_plain_progress_goes_to_stderr_and_nothing_to_stdout(run, clip: Path):
    ran = run(clip, "--frames", "1-2")
    assert ran.out == ""
    assert "Progress: 50%  frame 1001 (1/2)  " in ran.err
    assert "  eta 00:00" in ran.err


def test_quiet_says_nothing(run, clip: Path):
    assert run(clip, "--frames", "1", "--quiet") == Ran(0, "", "")


def test_openjd_progress_is_what_a_farm_reads(run, clip: Path):
    assert run(clip, "--frames", "1-2", "--progress", "openjd").out == "openjd_progress: 50.0\nopenjd_progress: 100.0\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.mp4"], 4, "nowhere.mp4: no such file"),
        (["empty"], 4, "empty: no pictures"),
        (["text.mp4"], 4, "text.mp4"),
        (["a.png", "zero.png", "b.png"], 4, "zero.png: the file is empty"),
        (["nan.exr"], 4, "nan.exr"),
        (["audio.mp4"], 4, "audio.mp4"),
        (["note.txt"], 4, "note.txt"),
        (["a.png", "-o", "note.txt"], 7, "note.txt"),
        (["a.png", "-o", "note.txt/out"], 7, "note.txt"),
        (["a.png", "-o", "/proc/out"], 7, "/proc"),
        (["a.png", "--device", "cuda:7"], 2, "--device cuda:7"),
        (["a.png", "--device", "tpu"], 2, "--device tpu"),
        (["a.png", "--maps", "albedo,depth"], 2, "'depth'"),
        (["a.png", "--format", "jpg"], 2, "'jpg'"),
        (["a.png", "--bits", "half"], 2, "--bits half"),
        (["a.png", "--window", "0"], 2, "--window 0"),
        (["a.png", "--frames", "5-9"], 2, "--frames 5-9"),
        (["a.png", "--frames", "x"], 2, "--frames 'x'"),
        (["a.png", "--fps", "fast"], 2, "--fps 'fast'"),
        (["a.png", "--fps", "30", "--sheet"], 2, "--fps 30: no movie is made"),
        (["a.png", "--start-frame", "5"], 2, "--start-frame 5: numbers the frames of a video"),
        (["a.png", "wide.png", "--format", "mp4"], 2, "8x6, 9x6"),
        (["a.png", "--no-such-flag"], 2, "--no-such-flag"),
        (["a.png", "--window", "many"], 2, "--window"),
        ([], 2, "'inputs'"),
        ([""], 4, "an empty name"),
        (["a.png", "-o", "-", "--format", "mp4"], 2, "--output -"),
        (["a.png", "-o", "-", "--on-exists", "skip"], 2, "--output -: no file is written; leave --on-exists skip away"),
        (["a.png", "-o", "-", "--writers", "2"], 2, "--output -: no file is written; leave --writers 2 away"),
        (["a.png", "--print-outputs", "--dry-run"], 2, "--print-outputs: --dry-run writes no file"),
        (["a.png", "--maps", "albedo", "--normals", "directx"], 2, "--normals directx: needs the normal map"),
        (["a.png", "--fps", "1e400"], 2, "--fps"),
        (["a.png", "--model", "nowhere.safetensors"], 5, "nowhere.safetensors"),
        (["a.png", "--model", "note.safetensors"], 5, "note.safetensors"),
    ],
)
def test_a_mistake_is_one_line_with_its_exit_code_and_nothing_is_written(
    run, clip: Path, arguments: list[str], code: int, said: str
):
    Path("empty").mkdir()
    Path("text.mp4").write_text("this is no video\n")
    Path("note.txt").write_text("a note\n")
    Path("note.safetensors").write_text("<!DOCTYPE html>\n")
    Path("zero.png").touch()
    for name in ("a.png", "b.png"):
        write_png(Path(name))
    write_png(Path("wide.png"), size=(9, 6))
    with av.open("audio.mp4", "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    pixels = np.full((6, 8, 3), 0.5, np.float32)
    pixels[2, 3, 0] = np.nan
    OpenEXR.File({}, {"RGB": pixels}).write("nan.exr")
    before = files_in(Path())
    ran = run(*arguments)
    assert ran.code == code, ran.err
    assert said in ran.cause
    assert ran.cause.startswith("mvinverse: error: ")
    assert "Traceback" not in ran.err
    # what only decoding shows has its manifest, which tells of it
    assert set(files_in(Path())) - set(before) <= ({"out/mvinverse.json"} if "nan.exr" in arguments else set())


def test_a_rate_is_for_movies_of_pictures_that_name_none(run, clip: Path):
    ran = run(clip, "--fps", "30", "--format", "mp4", "--dry-run")
    assert ran.code == 2
    assert "--fps 30: clip has times of its own" in ran.cause
    for name in ("plate.1.png", "plate.2.png"):
        write_png(Path(name))
    for wish in (["--format", "mp4"], ["--sheet"], ["-o", "-"]):
        assert run("plate.#.png", "--fps", "30", "--dry-run", *wish).code == 0


def test_movies_of_another_rate_are_not_kept_beside_new_ones(run):
    for name in ("plate.1.png", "plate.2.png"):
        write_png(Path(name))
    movies = ("plate.#.png", "--maps", "albedo,normal", "--format", "mp4", *windows(1))
    assert run(*movies).code == 0
    for gone in (None, Path("out/plate_normal.mp4")):
        if gone:
            gone.unlink()
        ran = run(*movies, "--fps", "30", "--on-exists", "skip")
        assert ran.code == 7
        assert "plate_albedo.mp4: is there at 24 frames per second, and --fps is 30; choose the same" in ran.cause
    assert run(*movies, "--on-exists", "skip").code == 0
    assert run(*movies, "--fps", "30", "--on-exists", "overwrite").code == 0
    assert json.loads(Path("out/mvinverse.json").read_text())["shots"][0]["write"]["fps"] == "30"


def test_a_mistake_in_the_arguments_names_the_help_that_lists_them(capfd: pytest.CaptureFixture[str]):
    for arguments, said in (
        (["decompose", "a.mp4", "--map", "albedo"], "(see mvinverse decompose --help)"),
        (["decompose", "a.mp4", "--dtype", "fp16"], "'--dtype': 'fp16' is not one of 'auto', "),
        (["scenes", "render"], "(see mvinverse scenes render --help)"),
        (["decompos"], "(see mvinverse --help)"),
    ):
        assert main(arguments) == 2
        assert said in capfd.readouterr().err.splitlines()[-1]


def test_a_mistake_in_json_is_an_event_as_well(run):
    ran = run("nowhere.mp4", "--json")
    event = json.loads(ran.out)
    assert (event["event"], event["exit"]) == ("error", 4)
    assert "nowhere.mp4" in event["message"]


def test_a_truncated_video_gives_the_frames_that_decode_and_exit_1(run, tmp_path: Path):
    path = cut(write_numbered(tmp_path / "cut.mp4", 10, container_options={"movflags": "faststart"}), 6)
    ran = run(path, "--maps", "albedo")
    assert ran.code == 1, ran.err
    assert "cut.mp4" in ran.cause
    assert "frames written, " in ran.cause
    assert "1010)" in ran.cause  # the numbers that are lost
    written = len(list(Path("out/albedo").iterdir()))
    assert 3 <= written < 10
    (shot,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert shot["complete"] is False
    assert shot["faults"]


def test_a_truncated_video_is_told_of_also_where_all_that_decodes_is_there(run, tmp_path: Path):
    path = cut(write_numbered(tmp_path / "cut.mkv", 10, "ffv1", pix_fmt="yuv444p"), 6)
    run(path, "--maps", "albedo")
    for more in ([], ["--cuts", "off"]):
        ran = run(path, "--maps", "albedo", "--on-exists", "skip", *more)
        assert ran.code == 1
        assert "0 frames written, others lost" in ran.cause
        assert "before its promised end" in ran.cause
    assert '"complete": false' in (tmp_path / "out/mvinverse.json").read_text()
    (tmp_path / "out/albedo/cut_albedo.1001.png").unlink()
    assert run(path, "--maps", "albedo", "--on-exists", "skip").code == 1
    assert run(path, "--maps", "albedo", "--on-exists", "skip", "--frames", "1-3").code == 0


def test_damage_inside_a_video_keeps_the_timeline_and_exits_3(run, tmp_path: Path):
    path = write_numbered(tmp_path / "hurt.mp4", 8, options={"g": "1"})
    damage(path, packet_spans(path)[3:4])
    ran = run(path, "--maps", "albedo")
    assert ran.code == 3, ran.err
    numbers = [int(path.name.split(".")[1]) for path in Path("out/albedo").iterdir()]
    assert sorted(numbers) == [1001, 1002, 1003, 1005, 1006, 1007, 1008]


def test_a_broken_picture_of_a_sequence_is_left_out_and_exits_3(run, tmp_path: Path):
    for number in range(1, 5):
        write_png(tmp_path / f"plate.{number}.png")
    broken = tmp_path / "plate.3.png"
    broken.write_bytes(broken.read_bytes()[:-20])
    ran = run("plate.#.png", "--maps", "albedo")
    assert ran.code == 3, ran.err
    assert "plate.3.png" in ran.cause
    assert [Path(name).name for name in files_in(Path("out/albedo"))] == [
        f"plate_albedo.{number:04d}.png" for number in (1, 2, 4)
    ]


def test_an_output_that_is_the_input_is_refused(run, tmp_path: Path):
    source = tmp_path / "view.exr"
    OpenEXR.File({}, {"RGB": np.full((14, 14, 3), 0.5, np.float32)}).write(str(source))
    before = source.read_bytes()
    ran = run(source, "-o", ".", "--format", "exr", "--on-exists", "overwrite")
    assert ran.code == 7
    assert source.read_bytes() == before


def start(*arguments: object, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mvinverse_cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_the_run_at_once_and_leaves_whole_files(
    tiny_file: Path, tmp_path: Path, number: signal.Signals, code: int
):
    path = write_numbered(tmp_path / "long.mp4", 60)
    arguments = ("decompose", path, "-o", tmp_path / "out", "--model", tiny_file, *windows(2), "--json")
    # Of its own accord the tool goes on ignoring a signal that it was started to ignore, as pytest under nohup is.
    process = start(*arguments, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["event"] == "progress"
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "interrupted" in err.splitlines()[-1]
    files = [Path(tmp_path, "out", name) for name in files_in(tmp_path / "out")]
    assert files
    assert not [path for path in files if path.suffix == ".part"]
    for path in files:
        assert path.suffix == ".json" or cv2.imread(str(path)) is not None
    json.loads((tmp_path / "out" / "mvinverse.json").read_text())


def test_python_m_is_the_same_program_and_survives_a_closed_stdout(clip: Path):
    process = start("decompose", clip, "--dry-run", "--model", "small")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr as errors:
        assert "Traceback" not in errors.read()
    process.wait(timeout=60)
    assert start("--version").communicate()[0].startswith("mvinverse ")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--dry-run"], ["--json", "--frames", "1"]])
def test_a_full_disk_behind_stdout_is_one_line(clip: Path, tiny_file: Path, tmp_path: Path, arguments: list[str]):
    command = [sys.executable, "-m", "mvinverse_cli", "decompose", str(clip), "--model", str(tiny_file), *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command, "-o", str(tmp_path / "out")], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 7
    assert "stdout cannot be written" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_run_without_stdout_and_stderr_does_its_work(clip: Path, tiny_file: Path, tmp_path: Path):
    command = f'exec "{sys.executable}" -m mvinverse_cli decompose "$0" -o "$1" --model "$2" --frames 1 >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, str(clip), str(tmp_path / "out"), str(tiny_file)], check=False)
    assert done.returncode == 0
    assert len(files_in(tmp_path / "out")) == 6


@pytest.mark.slow
def test_odd_names_survive_an_ascii_locale(tiny_file: Path, tmp_path: Path):
    path = tmp_path / "kü che%d:#\n.png"
    write_png(path)
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "NO_COLOR": "1"}
    process = start("decompose", path, "-o", tmp_path / "out", "--model", tiny_file, env=bare, cwd=tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(files_in(tmp_path / "out")) == 6


def test_a_defect_is_one_line_and_debug_shows_where(run, clip: Path, monkeypatch: pytest.MonkeyPatch):
    def break_down(*arguments: object, **named: object) -> None:
        raise RuntimeError("gears are jammed")

    monkeypatch.setattr("mvinverse_cli.job.planning.find_shots", break_down)
    ran = run(clip)
    assert ran.code == 1
    assert "defect: RuntimeError: gears are jammed" in ran.cause
    with pytest.raises(RuntimeError):
        run(clip, "--debug")


@pytest.mark.slow
def test_nohup_outlives_its_terminal(tiny_file: Path, clip: Path, tmp_path: Path):
    command = [sys.executable, "-m", "mvinverse_cli", "decompose", str(clip), "-o", str(tmp_path / "out")]
    command += ["--model", str(tiny_file), *map(str, windows(2)), "--json"]
    process = subprocess.Popen(["nohup", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def test_frames_that_stay_lost_are_told_again_where_the_others_are_there(run):
    for number in (1, 2, 3, 4):
        write_png(Path(f"p.{number}.png"))
    Path("p.3.png").write_bytes(Path("p.3.png").read_bytes()[:-20])
    arguments = ("p.#.png", "--maps", "albedo", "--window", "1", "--anchors", "0", "--overlap", "0")
    for more in ([], ["--on-exists", "skip"]):
        ran = run(*arguments, *more)
        assert ran.code == 3, ran.err
        assert "left out" not in ran.err
        (shot,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
        assert [fault["number"] for fault in shot["faults"]] == [3]


def test_pictures_are_not_written_right_into_a_folder_of_pictures_that_is_read(run):
    Path("ph").mkdir()
    for name in ("a", "b"):
        write_png(Path(f"ph/{name}.png"))
    ran = run("ph", "-o", "ph", "--format", "exr")
    assert ran.code == 7
    assert "ph: holds the input, and a.exr would be one more of its pictures; choose another" in ran.cause
    assert files_in(Path("ph")) == ["a.png", "b.png"]
    assert run("ph", "-o", "ph/out", "--format", "exr", "--maps", "albedo").code == 0
    assert run("ph", "-o", "ph", "--maps", "albedo").code == 0  # these lie in a folder of their own
    assert run("ph", "-o", "ph", "--maps", "albedo", "--on-exists", "skip").code == 0
