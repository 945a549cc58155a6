"""The exposure of a shot: what it aims at, and that it belongs to the whole shot."""

import tracemalloc
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvinverse_cli.frames import meter_shot
from mvinverse_cli.frames.meter import KEY, MOST_EV, STEP_EV, exposure_of
from tests.frames.finding import shot_of
from tests.frames.media import write_numbered, write_png


def write_light(path: Path, light: float) -> None:
    OpenEXR.File({}, {"RGB": np.full((14, 28, 3), light, np.float32)}).write(str(path))


@given(hnp.arrays(np.float32, (50,), elements=st.floats(1 / 64, 8, width=32)))
def test_what_is_shown_has_the_mean_of_a_gray_card(light: np.ndarray):
    exposure = exposure_of(light)
    shown = np.minimum(light * 2**exposure, 1).mean()
    assert shown == pytest.approx(KEY, rel=2 * STEP_EV)
    assert (exposure / STEP_EV).is_integer()


def test_a_sun_does_not_make_the_rest_black():
    plate = np.full(1000, 0.05, np.float32)
    with_sun = plate.copy()
    with_sun[:10] = 50_000
    assert exposure_of(with_sun) == pytest.approx(exposure_of(plate), abs=0.2)


def test_a_black_shot_is_left_alone_and_a_dim_one_only_so_far():
    assert exposure_of(np.empty(0, np.float32)) == 0
    assert exposure_of(np.full(9, 1e-9, np.float32)) == MOST_EV


def test_a_sequence_is_metered_across_its_length_and_past_what_is_broken(tmp_path: Path):
    for number in range(1, 11):
        write_light(tmp_path / f"plate.{number:04d}.exr", 4 * KEY)
    assert meter_shot(shot_of(tmp_path)) == -2
    (tmp_path / "plate.0006.exr").write_bytes((tmp_path / "plate.0006.exr").read_bytes()[:-9])
    assert meter_shot(shot_of(tmp_path)) == -2
    write_light(tmp_path / "plate.0001.exr", 1e-5)  # fades in
    assert meter_shot(shot_of(tmp_path)) == -2


def test_single_hot_pixels_of_a_plate_are_single_pixels(tmp_path: Path):
    rng = np.random.default_rng(0)
    light = np.full((1152, 2048, 3), 0.05, np.float32)
    OpenEXR.File({}, {"RGB": light.copy()}).write(str(tmp_path / "plate.0001.exr"))
    without = meter_shot(shot_of(tmp_path))
    light[rng.random(light.shape[:2]) < 0.005] = 500
    OpenEXR.File({}, {"RGB": light}).write(str(tmp_path / "plate.0001.exr"))
    exposure = meter_shot(shot_of(tmp_path))
    assert np.minimum(light * 2**exposure, 1).mean() == pytest.approx(KEY, rel=0.05)
    assert exposure == pytest.approx(without, abs=0.1)


def test_a_shot_of_which_nothing_can_be_read_has_no_exposure(tmp_path: Path):
    path = write_png(tmp_path / "view.png")
    path.write_bytes(path.read_bytes()[:-20])
    shot = shot_of(tmp_path)
    assert meter_shot(shot) == 0


def test_memory_does_not_grow_with_a_video(clip: Path, monkeypatch: pytest.MonkeyPatch):
    shot, picture = shot_of(clip), np.full((48, 64, 3), 118, np.uint8)
    seen = ((place, picture) for place in range(2000))
    monkeypatch.setattr("mvinverse_cli.frames.meter.small_frames", lambda decoder: seen)
    tracemalloc.start()
    exposure = meter_shot(shot)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(exposure) <= STEP_EV
    assert next(seen, None) is None
    assert peak < 2**21


def test_every_frame_of_a_video_counts(tmp_path: Path):
    dark = meter_shot(shot_of(write_numbered(tmp_path / "dark.mkv", 4, "ffv1", pix_fmt="yuv444p")))
    light = meter_shot(shot_of(write_numbered(tmp_path / "light.mkv", 40, "ffv1", pix_fmt="yuv444p")))
    assert dark > light + 1
