"""Dense inverse search against motion that is known."""

from pathlib import Path

import numpy as np
import pytest

from mvinverse_cli.flow import KEPT_LEAST, DisFlow, warp_map
from mvinverse_cli.frames import find_shots, open_positions
from tests.flow.motion import covered, slid
from tests.frames.finding import choice_of

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"


@pytest.mark.parametrize("size", [(288, 512), (160, 240), (480, 270), (576, 1024)])
def test_a_sliding_texture_is_followed_in_pixels_of_its_own_size(size):
    first, second = slid(size, 7, -4)
    found = DisFlow().pair("clip", 0, first, second)
    assert found.forward.shape == (*size, 2)
    off = np.linalg.norm(found.forward - [7, -4], axis=-1, keepdims=True)
    assert np.median(off) < 0.25
    assert off[found.valid].mean() < 0.5
    assert found.kept > 0.85


def test_the_second_picture_warped_is_the_first():
    first, second = slid((288, 512), 9, 5)
    found = DisFlow().pair("clip", 0, first, second)
    raw = np.abs(first.astype(float) - second)[found.valid[..., 0]].mean()
    left = np.abs(first - warp_map(second, found.forward))[found.valid[..., 0]].mean()
    assert left < 0.05 * raw


def test_what_the_second_picture_hides_is_not_trusted():
    first, second = covered((288, 512), 24)
    valid = DisFlow().pair("clip", 0, first, second).valid[..., 0]
    hidden, elsewhere = valid[110:210, 284:300], valid[20:80]  # the square moves over columns 280 to 304
    assert hidden.mean() < 0.2
    assert valid[120:200, 180:260].mean() > 0.9
    assert elsewhere.mean() > 0.95


def test_pictures_of_two_places_have_too_little_in_common():
    first, _ = slid((288, 512), 0, 0)
    assert DisFlow().pair("clip", 0, first, np.ascontiguousarray(first[::-1, ::-1])).kept < KEPT_LEAST


def test_a_sliver_of_a_picture_is_no_hindrance():
    assert DisFlow().pair("clip", 0, *slid((4, 900), 0, 0)).valid.shape == (4, 900, 1)


def test_neighbours_of_a_real_clip_are_found_again():
    path = REALDATA / "deepv2d_golf_video" / "golf.mov"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    (shot,) = find_shots([path], allow_gaps=False)
    with open_positions(shot, choice_of(shot, "1-2"), (0, 1)) as reader:
        first, second = (frame.pixels for frame in reader)
    found = DisFlow().pair("golf", 0, first, second)
    assert found.kept > 0.9
    left = np.abs(first - warp_map(second, found.forward))[found.valid[..., 0]].mean()
    assert left < 0.5 * np.abs(first.astype(float) - second)[found.valid[..., 0]].mean()
