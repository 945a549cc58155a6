"""Places of pictures in a damaged stream."""

from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.frames.timeline import Timeline


@given(st.sets(st.integers(-1000, 1000), min_size=1), st.data())
def test_lost_pictures_keep_their_place(times, data):
    shown = sorted(times)
    survivors = data.draw(st.sets(st.sampled_from(shown)))
    timeline = Timeline()
    for pts in data.draw(st.permutations(shown)):
        timeline.sent(pts)
    places = {pts: timeline.place(pts, keep_gap=True) for pts in sorted(survivors)}
    assert places == {pts: shown.index(pts) for pts in survivors}
    timeline.finish(keep_gap=True)
    assert timeline.next_place == len(shown)


def test_a_sound_gap_takes_no_place():
    timeline = Timeline()
    for pts in (0, 1, 2):
        timeline.sent(pts)
    assert [timeline.place(pts, keep_gap=False) for pts in (0, 2)] == [0, 1]


def test_pictures_without_times_count_up():
    timeline = Timeline()
    assert [timeline.place(None, keep_gap=True) for _ in range(3)] == [0, 1, 2]


def test_a_picture_that_comes_after_its_place_is_gone_has_none():
    timeline = Timeline()
    for pts in (0, 1, 2, 3):
        timeline.sent(pts)
    assert [timeline.place(pts, keep_gap=True) for pts in (0, 2, 1, 3)] == [0, 2, None, 3]
