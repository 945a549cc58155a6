"""Long shots from the command line: the same bytes whoever computes them, cuts, plans and mistakes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mvinverse_cli.job import planning
from mvinverse_cli.maps import FrameMaps
from mvinverse_cli.outputs import Writers
from mvinverse_cli.shot.layout import Layout
from tests.cli.running import files_in
from tests.frames.media import to_frame, write_video

WINDOWS = ("--window", "8", "--anchors", "2", "--overlap", "2")


def moving(index: int, seed: int) -> np.ndarray:
    """(48, 64, 3) float in [0, 1]: a window that glides over a coarse painting."""
    coarse = np.random.default_rng(seed).random((6, 12, 3))
    return cv2.resize(coarse, (96, 48), interpolation=cv2.INTER_CUBIC)[:, index : index + 64].clip(0, 1)


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames, another place from the 21st on."""
    pictures = (moving(index % 20, index // 20) for index in range(40))
    path = tmp_path_factory.mktemp("long") / "shot.mkv"
    return write_video(path, (to_frame(picture, "yuv444p") for picture in pictures), "ffv1")


def test_frames_of_a_range_are_the_full_runs_byte_for_byte(run, shot: Path):
    assert run(shot, "-o", "whole", *WINDOWS).code == 0
    for frames in ("12-17", "20-22"):
        assert run(shot, "-o", frames, "--frames", frames, *WINDOWS).code == 0
        names = [name for name in files_in(Path(frames)) if name.endswith(".png")]
        assert len(names) == 5 * (int(frames.split("-")[1]) - int(frames.split("-")[0]) + 1)
        for name in names:
            assert Path(frames, name).read_bytes() == Path("whole", name).read_bytes(), name


def test_the_manifest_tells_passes_cuts_and_seams(run, shot: Path):
    assert run(shot, *WINDOWS).code == 0
    (entry,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert entry["passes"] == {
        **{"window": 8, "cuts": [1021], "exposure": 0.0, "pixel_aspect": 1.0, "light": None},
        **{"frames": 40, "numbers": "1001-1040"},
    }
    assert [seam["number"] for seam in entry["seams"]] == [*range(1007, 1021, 4), *range(1027, 1041, 4)]
    for seam in entry["seams"]:
        assert all(0.5 <= gain <= 2 for gain in seam["gain"])
        assert seam["residual"] <= seam["residual_without_gain"] + 1e-6


@pytest.mark.slow
def test_chunks_of_a_farm_fill_one_folder(run, shot: Path):
    for frames in ("1-20", "21-40"):
        assert run(shot, "--frames", frames, "--on-exists", "skip", *WINDOWS).code == 0
    (entry,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert entry["formats"]["png"]["frames"] == "1001-1040"
    assert len(entry["seams"]) == 8


@pytest.mark.parametrize(
    ("cuts", "said"), [("auto", "1 cut, at frame 1021"), ("off", ""), ("11,31", "2 cuts, at frames 1011, 1031")]
)
def test_a_dry_run_tells_frames_cuts_passes_and_memory(run, shot: Path, cuts: str, said: str):
    ran = run(shot, "--dry-run", "--cuts", cuts, *WINDOWS)
    assert ran.code == 0
    assert "40 frames 1001-1040" in ran.out
    assert said in ran.out
    passes = {"auto": 10, "off": 10, "11,31": 9}[cuts]
    assert f"{passes} passes of up to 8 frames at 56x42, expected peak memory " in ran.out
    assert not Path("out").exists()


def test_a_shot_can_be_seen_whole(run, shot: Path):
    ran = run(shot, "--dry-run", "--json", "--window", "all", "--cuts", "off")
    (planned,) = json.loads(ran.out)["shots"]
    assert (planned["passes"], planned["largest_pass"]) == (1, 40)


def test_going_on_with_other_cuts_is_refused(run, shot: Path):
    assert run(shot, "--frames", "1-2").code == 0
    ran = run(shot, "--frames", "3-4", "--on-exists", "skip", "--cuts", "off")
    assert ran.code == 7
    assert "passes: cuts was [1021] and is []" in ran.cause


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--window", "8"), "--window 8: must be at least 9, for 4 anchors, 4 frames of overlap"),
        (("--anchors", "-1"), "--anchors -1"),
        (("--overlap", "-1"), "--overlap -1"),
        (("--kv-stride", "3"), "--kv-stride 3"),
        (("--cuts", "20,99"), "no frame 99, it holds frames 1-40"),
        (("--cuts", "often"), "--cuts 'often'"),
        (("--memory", "1MB"), "--memory 1MB: one pass of 9 frames takes about "),
        (("--memory", "some"), "--memory 'some'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(run, shot: Path, arguments: tuple[str, ...], said: str):
    ran = run(shot, *arguments)
    assert ran.code == 2, ran.err
    assert said in ran.cause
    assert not Path("out").exists()


def test_an_interrupted_run_keeps_the_seams_of_what_it_wrote(run, shot: Path, monkeypatch: pytest.MonkeyPatch):
    write, numbers = Writers.write, []

    def interrupted(self: Writers, frame: FrameMaps) -> None:
        numbers.append(frame.number)
        if frame.number == 1012:
            raise KeyboardInterrupt
        write(self, frame)

    monkeypatch.setattr(Writers, "write", interrupted)
    assert run(shot, *WINDOWS).code == 130
    (entry,) = json.loads(Path("out/mvinverse.json").read_text())["shots"]
    assert 1007 in [seam["number"] for seam in entry["seams"]]


@pytest.mark.parametrize(("cuts", "times"), [("auto", 2), ("off", 1)])
def test_a_shot_is_laid_out_again_only_to_look_at_its_pictures(
    run, clip: Path, monkeypatch: pytest.MonkeyPatch, cuts: str, times: int
):
    lay_out, looked = planning.lay_out, []

    def counted(*arguments: object, find_cuts: bool) -> Layout:
        looked.append(find_cuts)
        return lay_out(*arguments, find_cuts=find_cuts)

    monkeypatch.setattr(planning, "lay_out", counted)
    assert run(clip, "--dry-run", "--cuts", cuts).code == 0
    assert looked == [False, True][:times]


@pytest.mark.parametrize(("flag", "value", "code"), [("--device", "gpu", 2), ("--model", "gone.safetensors", 5)])
def test_a_model_or_device_that_is_not_there_is_said_before_cuts_are_looked_for(run, clip: Path, flag, value, code):
    ran = run(clip, flag, value)
    assert ran.code == code
    assert value in ran.cause
    assert "looking for cuts" not in ran.err
