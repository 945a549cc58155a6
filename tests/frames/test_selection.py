"""Which frames `--frames` and `--every` choose."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.errors import OptionError
from mvinverse_cli.frames import Shot
from mvinverse_cli.frames.selection import select_frames, wanted_frames


def video(frame_count: int | None = 20) -> Shot:
    return Shot("clip", "video", (Path("clip.mp4"),), (), ((64, 48),), Fraction(25), frame_count)


def sequence(*numbers: int) -> Shot:
    paths = tuple(Path(f"plate.{number:04d}.exr") for number in numbers)
    return Shot("plate", "sequence", paths, numbers, ((64, 48),), None, len(numbers))


def chosen(shot: Shot, frames: str | None, every: int = 1) -> list[int]:
    keys = select_frames(shot, frames=frames, every=every, start_frame=1001).keys
    assert keys is not None
    return list(keys)


def test_all_frames_are_chosen_where_none_are_named():
    assert chosen(video(3), None) == [1, 2, 3]
    assert chosen(sequence(7, 8, 9), None) == [7, 8, 9]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [("3-5", [3, 4, 5]), ("1-9x4", [1, 5, 9]), ("9,2,2", [2, 9]), ("5-3", [3, 4, 5]), ("1-6y3", [2, 3, 5, 6])],
)
def test_ranges_are_read_as_fileseq_does_and_come_in_order(frames, expected):
    assert chosen(video(), frames) == expected


def test_a_sequence_is_chosen_by_its_own_numbers():
    assert chosen(sequence(*range(1001, 1011)), "1003-1005") == [1003, 1004, 1005]


def test_every_keeps_each_kth_of_the_chosen():
    assert chosen(video(), "3-10", every=3) == [3, 6, 9]
    assert chosen(video(5), None, every=2) == [1, 3, 5]


def test_a_gap_that_was_allowed_is_passed_over():
    assert chosen(sequence(1, 2, 5, 6), "2-5") == [2, 5]


@pytest.mark.parametrize("frames", ["0-3", "15-25", "21", "1001-1010"])
def test_a_range_outside_the_shot_says_what_it_holds(frames):
    with pytest.raises(OptionError, match=r"clip holds frames 1-20"):
        chosen(video(), frames)


def test_output_numbers_of_a_video_get_a_hint():
    with pytest.raises(OptionError, match="count from 1"):
        chosen(video(), "1001-1010")


def test_a_range_inside_a_gap_chooses_nothing_and_is_an_error():
    with pytest.raises(OptionError, match="holds frames 1-6"):
        chosen(sequence(1, 2, 5, 6), "3-4")


@pytest.mark.parametrize("frames", ["", "abc", "1-", "1.5", "1-2x0.5", "1-99999999999"])
def test_what_is_no_range_is_an_option_error(frames):
    with pytest.raises(OptionError, match="--frames"):
        chosen(video(), frames)


def test_names_and_numbers_are_known_without_decoding():
    assert wanted_frames(video(20), frames="3,4", every=1, start_frame=1001) == ((1003, "clip"), (1004, "clip"))
    assert wanted_frames(sequence(7, 8), frames="8", every=1, start_frame=1) == ((8, "plate.0008"),)
    assert wanted_frames(video(None), frames=None, every=1, start_frame=1001) is None


@given(st.integers(1, 200), st.integers(1, 9), st.integers(1, 200))
def test_an_unknown_length_gives_frames_the_same_places(length, every, position):
    known = select_frames(video(length), frames=None, every=every, start_frame=1)
    unknown = select_frames(video(None), frames=None, every=every, start_frame=1)
    if position <= length:
        assert known.index(position) == unknown.index(position)


@given(st.sets(st.integers(1, 100), min_size=1), st.integers(1, 5))
def test_places_count_up_over_the_chosen_and_are_none_elsewhere(numbers, every):
    frames = ",".join(map(str, numbers))
    selection = select_frames(video(100), frames=frames, every=every, start_frame=1001)
    places = [selection.index(key) for key in range(1, 101)]
    assert [place for place in places if place is not None] == list(range(len(sorted(numbers)[::every])))
    assert selection.is_past(101)
    assert not selection.is_past(min(numbers))
