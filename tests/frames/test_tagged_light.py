"""Curves and primaries that are not sRGB's, by the values that their standards print."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mvinverse_cli.frames.meter import meter_shot
from mvinverse_cli.frames.tagged_light import TaggedLight, hlg_to_light, pq_to_light
from tests.frames.finding import shot_of
from tests.frames.media import to_frame, write_video

TAGGED = [(8, 1), (9, 1), (10, 2), (16, 9), (18, 9), (1, 11), (13, 12), (14, 9)]


@pytest.mark.parametrize(
    ("curve", "signal", "light"),
    [
        (hlg_to_light, [0, 0.38, 0.5, 0.75, 1], [0, 0.18, 1 / 12 / 0.265, 1, 1 / 0.265]),
        (pq_to_light, [0, 0.38, 0.58, 0.75, 1], [0, 26 / 203, 1, 983 / 203, 10000 / 203]),
    ],
)
def test_grays_and_whites_are_those_of_bt_2100_and_bt_2408(curve, signal, light):
    np.testing.assert_allclose(curve(np.array(signal)), light, rtol=0.03)


@pytest.mark.parametrize(("transfer", "primaries"), TAGGED)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_gray_stays_gray_and_lighter_is_lighter(transfer, primaries, dtype):
    codes = np.linspace(0, np.iinfo(dtype).max, 200).astype(dtype)
    light = TaggedLight.of(transfer, primaries).to_rec709(np.repeat(codes[:, None, None], 3, axis=2))
    assert (light.dtype, light.shape) == (np.float32, (200, 1, 3))
    np.testing.assert_allclose(light, light[..., :1].repeat(3, axis=2), rtol=1e-3, atol=1e-5)
    assert (np.diff(light[..., 0], axis=0) > 0).all()
    assert light[0].max() < 1e-6 if transfer != 9 else light[0].max() < 0.02


def test_a_red_that_rec709_cannot_show_has_negative_parts_and_no_less_light():
    (red,) = TaggedLight.of(13, 12).to_rec709(np.array([[[255, 0, 0]]], np.uint8))[0]
    np.testing.assert_allclose(red, [1.2249, -0.0420, -0.0196], atol=1e-3)  # Display P3 to Rec.709


@pytest.mark.parametrize(("transfer", "primaries"), [(1, 1), (2, 2), (13, 1), (6, 6), (15, 1), (17, 10), (255, 255)])
def test_what_is_read_by_the_curve_of_srgb_is_left_alone(transfer, primaries):
    assert TaggedLight.of(transfer, primaries) is None


def test_a_shot_is_metered_by_its_own_curve(tmp_path: Path):
    gray = to_frame(np.full((48, 64, 3), 0.38), "yuv420p10le", matrix="bt2020")  # a gray card in HLG
    said = {}
    for name, light in (("hlg", (18, 9)), ("srgb", (1, 1))):
        path = write_video(tmp_path / f"{name}.mp4", [gray], rate=Fraction(25), light=light)
        said[name] = meter_shot(shot_of(path))
    assert said["hlg"] == pytest.approx(0, abs=0.1)
    assert said["srgb"] == pytest.approx(np.log2(0.18 / 0.1192), abs=0.1)
