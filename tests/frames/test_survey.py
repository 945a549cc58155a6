"""How many positions a shot has, and where its scenes begin."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import Survey, survey_shot
from tests.frames.finding import shot_of
from tests.frames.media import cut, damage, packet_spans, to_frame, write_numbered, write_png, write_video

SIZE = (96, 64)  # width, height


def survey(path: Path, *, every: int = 1, phase: int = 0, cuts: bool = True) -> Survey:
    return survey_shot(shot_of(path), every=every, phase=phase, cuts=cuts)


def scene(seed: int, count: int, speed: int = 2) -> list[np.ndarray]:
    """A coarse painting, (H, W, 3) float64 each, along which the camera pans by `speed` pixels a frame."""
    width, height = SIZE
    coarse = np.random.default_rng(seed).random((5, (width + speed * count) // 12 + 2, 3))
    wide = cv2.resize(coarse, (coarse.shape[1] * 12, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    return [wide[:, speed * i : speed * i + width] for i in range(count)]


def film(path: Path, frames: Iterable[np.ndarray], **more) -> Path:
    return write_video(path, [to_frame(frame, "yuv420p") for frame in frames], **more)


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """Scenes of 20, 9, 30 and 15 frames."""
    return film(tmp_path / "edited.mp4", scene(1, 20) + scene(2, 9) + scene(3, 30) + scene(4, 15))


def test_every_cut_is_found_and_no_other(edited):
    assert survey(edited) == Survey(74, (20, 29, 59))


def test_cuts_are_looked_for_only_where_they_are_wanted(edited):
    assert survey(edited, cuts=False) == Survey(74, ())


@pytest.mark.parametrize(
    ("every", "phase", "expected"),
    [(2, 0, Survey(37, (10, 15, 30))), (2, 1, Survey(37, (10, 14, 29))), (30, 0, Survey(3, (1, 2)))],
)
def test_cuts_are_those_of_all_frames_at_the_next_position(edited, every, phase, expected):
    assert survey(edited, every=every, phase=phase) == expected


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("length", [1, 2])
def test_a_short_flash_is_no_cut(level, length, tmp_path):
    frames = scene(1, 40)
    frames[20 : 20 + length] = [np.full_like(frames[0], level)] * length
    assert survey(film(tmp_path / "flash.mp4", frames)).cuts == ()


def test_a_cut_just_behind_a_flash_does_not_upset_the_later_ones(tmp_path):
    frames = scene(1, 30) + scene(2, 30)
    frames[10] = np.ones_like(frames[0])
    assert survey(film(tmp_path / "flash.mp4", frames)).cuts == (30,)


@pytest.mark.parametrize("speed", [8, 24])
def test_a_fast_pan_is_no_cut(speed, tmp_path):
    frames = scene(1, 15, speed=0) + scene(1, 15, speed) + scene(1, 15, speed=1)
    assert not set(survey(film(tmp_path / "pan.mp4", frames)).cuts) & set(range(17, 28))


@pytest.mark.parametrize("length", [6, 12])
def test_a_cross_fade_is_no_cut(length, tmp_path):
    share = np.clip((np.arange(40) - 14) / length, 0, 1)
    frames = [(1 - s) * a + s * b for a, b, s in zip(scene(1, 40), scene(2, 40), share, strict=True)]
    assert survey(film(tmp_path / "fade.mp4", frames)).cuts == ()


def test_the_same_video_is_counted_where_its_container_does_not_tell(tmp_path):
    path = film(tmp_path / "clip.mkv", scene(1, 20) + scene(2, 11))
    assert survey(path) == Survey(31, (20,))
    assert survey(path, cuts=False) == Survey(31, ())
    assert survey(path, every=4, phase=3, cuts=False) == Survey(7, ())
    assert survey(path, every=40, phase=35, cuts=False) == Survey(0, ())


def test_a_container_that_tells_its_length_is_not_decoded(edited):
    shot = shot_of(edited)
    edited.unlink()
    assert survey_shot(shot, every=4, phase=2, cuts=False) == Survey(18, ())


def test_frames_that_cannot_be_decoded_are_counted_and_passed_over(tmp_path):
    path = film(tmp_path / "clip.mp4", scene(1, 20) + scene(2, 20), options={"g": "1"})
    spans = packet_spans(path)
    assert survey(damage(path, [spans[5], spans[6], spans[30]])) == Survey(40, (20,))


@pytest.mark.parametrize("cuts", [True, False])
def test_promised_frames_that_are_not_in_the_file_are_counted(cuts, tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 40, container_options={"movflags": "faststart"})
    assert survey(cut(path, 25), cuts=cuts).count == 40


def test_a_video_that_breaks_off_is_counted_up_to_there(tmp_path):
    assert survey(cut(write_numbered(tmp_path / "clip.mkv", 40, options={"bf": "0"}), 27)).count == 27


def test_a_video_without_a_frame_is_an_input_error(tmp_path):
    path = write_numbered(tmp_path / "clip.mkv", 3)
    shot = shot_of(path)
    path.write_bytes(path.read_bytes()[: packet_spans(path)[0][0] + 8])
    with pytest.raises(InputError, match=r"clip\.mkv: not one frame in it"):
        survey_shot(shot, every=1, phase=0, cuts=True)


def test_pictures_of_any_size_are_surveyed_and_unreadable_ones_counted(tmp_path):
    for number, frame in enumerate(scene(1, 12) + scene(2, 12)):
        pixels = np.rint(frame * 255).astype(np.uint8)
        write_png(tmp_path / f"{number:02}.png", pixels if number % 3 else np.repeat(pixels, 5, axis=0))
    broken = tmp_path / "05.png"
    broken.write_bytes(broken.read_bytes()[:100])
    assert survey(tmp_path) == Survey(24, (12,))
    assert survey(tmp_path, every=5, phase=1) == Survey(5, (3,))
    assert survey(tmp_path, cuts=False) == Survey(24, ())


def test_one_frame_is_one_position(tmp_path):
    write_png(tmp_path / "a.png", size=(1, 1))
    assert survey(tmp_path) == Survey(1, ())
    assert survey(write_numbered(tmp_path / "clip.mkv", 1)) == Survey(1, ())


def test_nothing_is_said_and_the_detector_is_only_imported_where_it_is_needed(edited):
    script = (
        "import sys, logging; logging.basicConfig(level=logging.DEBUG)\n"
        "from mvinverse_cli.frames import find_shots, survey_shot\n"
        "(shot,) = find_shots([sys.argv[1]], allow_gaps=False)\n"
        "for cuts in (False, True):\n"
        "    survey_shot(shot, every=1, phase=0, cuts=cuts)\n"
        "    assert ('scenedetect' in sys.modules) == cuts\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(edited)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
