"""Which frames `--frames` and `--every` choose."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.errors import OptionError
from mvinverse_cli.frames import Choice, Grid, Shot, choose, choose_grid, open_positions, parse_cuts


def video(frame_count: int | None = 20) -> Shot:
    return Shot("clip", "video", (Path("clip.mp4"),), (), ((64, 48),), Fraction(25), frame_count)


def sequence(*numbers: int) -> Shot:
    paths = tuple(Path(f"plate.{number:04d}.exr") for number in numbers)
    return Shot("plate", "sequence", paths, numbers, ((64, 48),), None, len(numbers))


def choice_of(shot: Shot, frames: str | None = None, every: int = 1, count: int | None = None) -> Choice:
    """count: of positions, where the shot does not know its frames."""
    grid = choose_grid(shot, frames=frames, every=every, start_frame=1001)
    count = grid.count(shot.frame_count) if shot.frame_count is not None else count
    return choose(shot, frames=frames, every=every, start_frame=1001, count=count)


def chosen(shot: Shot, frames: str | None, every: int = 1) -> list[int]:
    """The frames that are chosen, as the user counts them."""
    choice = choice_of(shot, frames, every)
    numbers = [choice.number(position) for position in choice.wanted]
    return [number - 1000 for number in numbers] if shot.kind == "video" else numbers


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


def test_a_range_before_a_video_of_unknown_length_is_an_option_error():
    with pytest.raises(OptionError, match=r"--frames 0-3: the frames of clip\.mp4 count from 1"):
        choose_grid(video(None), frames="0-3", every=1, start_frame=1001)


def test_a_range_inside_a_gap_chooses_nothing_and_is_an_error():
    with pytest.raises(OptionError, match="holds frames 1-6 but 3-4"):
        chosen(sequence(1, 2, 5, 6), "3-4")


@pytest.mark.parametrize("frames", ["", "abc", "1-", "1.5", "1-2x0.5"])
def test_what_is_no_range_is_an_option_error(frames):
    with pytest.raises(OptionError, match="--frames"):
        chosen(video(), frames)


def test_a_range_of_a_thousand_million_frames_is_told_to_be_too_long():
    with pytest.raises(OptionError, match="--frames 1-999999999: far more frames than a shot has"):
        chosen(video(), "1-999999999")


def test_names_and_numbers_are_known_without_decoding():
    def named(choice: Choice) -> list[tuple[int, str]]:
        return [(choice.number(position), choice.name(position)) for position in choice.wanted]

    assert named(choice_of(video(20), "3,4")) == [(1003, "clip"), (1004, "clip")]
    assert named(choice_of(sequence(7, 8), "8")) == [(8, "plate.0008")]


@given(st.integers(1, 200), st.integers(1, 9))
def test_an_unknown_length_gives_frames_the_same_places(length, every):
    count = len(range(0, length, every))
    assert choice_of(video(length), every=every) == choice_of(video(None), every=every, count=count)


@given(st.integers(1, 9), st.integers(0, 8), st.integers(0, 200))
def test_positions_count_up_over_the_places_of_a_grid(every, phase, length):
    grid = Grid(every, phase % every)
    places = [place for place in range(length) if place in grid]
    assert [grid.position(place) for place in places] == list(range(grid.count(length)))
    assert [grid.place(position) for position in range(grid.count(length))] == places


@pytest.mark.parametrize(
    ("frames", "every", "expected"),
    [
        (None, 1, Grid(1, 0)),
        (None, 4, Grid(4, 0)),
        ("7-20", 1, Grid(1, 0)),
        ("7-20", 4, Grid(4, 2)),
        ("7-19x4", 1, Grid(1, 0)),
        ("7-19x4", 2, Grid(2, 0)),  # 7 and 15
        ("1-4,6-9", 2, Grid(1, 0)),  # 1, 3, 6 and 8
    ],
)
def test_positions_lie_so_that_the_frames_asked_for_are_among_them(frames, every, expected):
    for shot in (video(), video(None), sequence(*range(1, 21))):
        assert choose_grid(shot, frames=frames, every=every, start_frame=1001) == expected


@given(st.sets(st.integers(1, 100), min_size=1), st.integers(1, 9))
def test_the_frames_asked_for_are_the_wanted_positions(numbers, every):
    frames = ",".join(map(str, numbers))
    choice = choice_of(video(100), frames, every)
    assert [choice.number(position) - 1000 for position in choice.wanted] == sorted(numbers)[::every]
    places = range(choice.grid.phase, 100, choice.grid.every)
    assert choice.count == len(choice.numbers) == len(choice.names) == len(places)


@given(st.integers(1, 40), st.integers(1, 9), st.data())
def test_a_range_shares_the_positions_of_the_whole_shot(first, every, data):
    last = data.draw(st.integers(first, 40))
    whole, part = (
        choice_of(video(40), f"{(first - 1) % every + 1}-40", every),
        choice_of(video(40), f"{first}-{last}", every),
    )
    assert (part.grid, part.count, part.numbers) == (whole.grid, whole.count, whole.numbers)
    assert set(part.wanted) <= set(whole.wanted)


def test_positions_of_a_sequence_keep_its_numbers_and_names():
    choice = choice_of(sequence(7, 8, 9, 12, 13, 14), "8-13", 2)
    assert choice.wanted == (0, 1)
    assert [(choice.number(position), choice.name(position)) for position in range(choice.count)] == [
        (8, "plate.0008"),
        (12, "plate.0012"),
        (14, "plate.0014"),
    ]


def test_a_video_that_was_counted_is_chosen_whole():
    choice = choice_of(video(None), every=3, count=4)
    assert (choice.count, choice.wanted) == (4, (0, 1, 2, 3))
    assert [(choice.number(position), choice.name(position)) for position in choice.wanted[1:3]] == [
        (1004, "clip"),
        (1007, "clip"),
    ]


@pytest.mark.parametrize(("frames", "first"), [("3-12", 11), ("15", 15)])
def test_a_range_behind_the_counted_frames_names_the_first_that_is_missing(frames, first):
    with pytest.raises(OptionError, match=rf"--frames {frames}: clip ends before frame {first}$"):
        choice_of(video(None), frames, count=10)


@pytest.mark.parametrize("positions", [(2, 1), (1, 1), (-1, 0), (4,)])
def test_positions_that_do_not_ascend_or_are_none_are_a_defect(positions):
    with pytest.raises(ValueError, match="from 0 to at most 3"):
        open_positions(video(10), choice_of(video(10), every=3), positions)


@pytest.mark.parametrize(
    ("shot", "text", "every", "expected"),
    [
        (video(), "1,6,11", 1, (5, 10)),
        (video(), "11,6,6", 1, (5, 10)),
        (video(), "6-20x5", 5, (1, 2, 3)),
        (video(), "2,7", 5, (1, 2)),  # 2 stands for 6, 7 for 11
        (video(), "17-20", 5, ()),  # behind the last position
        (sequence(1001, 1002, 1005, 1006), "1001,1004,1006", 1, (2, 3)),  # 1004 is in a gap
        (video(None), "6", 1, (5,)),
    ],
)
def test_cuts_are_named_like_frames_and_rounded_up_to_positions(shot, text, every, expected):
    assert parse_cuts(text, shot, choice_of(shot, every=every, count=20)) == expected


def test_cuts_count_the_shot_and_not_the_frames_asked_for():
    assert parse_cuts("4,12", video(), choice_of(video(), "9-14", every=4)) == (1, 3)


@pytest.mark.parametrize(("text", "first"), [("0,5", 0), ("5,21,30", 21), ("1004", 1004)])
def test_a_cut_outside_the_shot_is_named(text, first):
    for shot in (video(), video(None), sequence(*range(1, 21))):
        choice = choice_of(shot, count=20)
        with pytest.raises(OptionError, match=rf"--cuts {text}: \w+ has no frame {first}, it holds frames 1-20"):
            parse_cuts(text, shot, choice)


@pytest.mark.parametrize("text", ["", "auto", "1.5"])
def test_a_cut_list_that_is_none_is_an_option_error(text):
    with pytest.raises(OptionError, match="--cuts"):
        parse_cuts(text, video(), choice_of(video()))


RANGES = st.tuples(
    st.integers(-20, 300), st.integers(-20, 300), st.sampled_from(["", "x2", "x7", "y3", ":4", "x-2", "x0"])
)
WORDS = st.lists(RANGES.map(lambda part: f"{part[0]}-{part[1]}{part[2]}"), min_size=1, max_size=4).map(",".join)
NONSENSE = st.text("0123-,xy: #%a", max_size=9).filter(lambda text: not re.search(r"\d{5}", text))


@given(WORDS | NONSENSE, st.integers(1, 5), st.sampled_from(["video", "sequence", "unknown"]))
def test_any_text_chooses_frames_of_the_shot_or_is_an_option_error(text: str, every: int, kind: str):
    shot = sequence(*range(5, 200, 3)) if kind == "sequence" else video(None if kind == "unknown" else 200)
    try:
        choice = choice_of(shot, text, every, count=200)
    except OptionError:
        return  # any other error is a defect
    assert list(choice.wanted) == sorted(set(choice.wanted))
    assert choice.wanted
    assert 0 <= choice.wanted[0] <= choice.wanted[-1] < choice.count
