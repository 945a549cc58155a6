"""Windows cover every frame, in order, within their scene, and are the same whatever is asked for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.windows import Windows, least_window, spread_anchors


@st.composite
def windows(draw: st.DrawFn) -> Windows:
    anchors, overlap = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    window = draw(st.integers(least_window(anchors, overlap), 40))
    return Windows(draw(st.none() | st.just(window)), anchors, overlap)


COUNTS = st.integers(1, 400)
CUTS = st.lists(st.integers(-5, 450), max_size=5, unique=True).map(sorted)


@given(windows(), COUNTS, CUTS)
def test_new_frames_of_all_passes_are_every_frame_once_and_in_order(windows: Windows, count: int, cuts: list[int]):
    scenes = windows.plan(count, cuts)
    new = [at for scene in scenes for this in scene.passes for at in this.frames[this.overlap :]]
    assert new == list(range(count))


@given(windows(), COUNTS, CUTS)
def test_no_pass_leaves_its_scene_and_every_cut_begins_one(windows: Windows, count: int, cuts: list[int]):
    scenes = windows.plan(count, cuts)
    assert [scene.frames.start for scene in scenes] == sorted({0, *(cut for cut in cuts if 0 < cut < count)})
    for scene in scenes:
        inside = set(scene.frames)
        assert inside.issuperset(scene.anchors)
        assert all(inside.issuperset(this.frames) for this in scene.passes)


@given(windows(), COUNTS)
def test_a_pass_shares_its_overlap_with_the_one_before_and_is_no_larger_than_a_window(windows: Windows, count: int):
    (scene,) = windows.plan(count, ())
    if windows.window is None:
        assert len(scene.passes) == 1
    elif len(scene.passes) > 1:
        assert scene.largest <= windows.window
        assert len(scene.anchors) == windows.anchors == len(set(scene.anchors))
    assert scene.passes[0].overlap == 0
    for before, after in pairwise(scene.passes):
        assert after.overlap == windows.overlap
        assert after.frames.start + after.overlap == before.frames.stop
        assert len(after.frames) > after.overlap


@given(windows(), COUNTS, CUTS, st.data())
def test_the_passes_of_a_range_are_all_that_give_its_frames_and_the_first(
    windows: Windows, count: int, cuts: list[int], data: st.DataObject
):
    wanted = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    for scene in windows.plan(count, cuts):
        giving = [index for index, this in enumerate(scene.passes) if wanted & set(this.frames)]
        with_gain = [0, *giving] if giving and giving[0] and scene.anchors else giving
        assert list(scene.needed(wanted, has_gain=True)) == with_gain
        assert list(scene.needed(wanted, has_gain=False)) == giving


@given(windows(), st.integers(1, 50), COUNTS, CUTS)
def test_smaller_windows_have_no_larger_passes_than_asked_for(
    windows: Windows, frames: int, count: int, cuts: list[int]
):
    smaller = windows.at_most(frames)
    assert max(scene.largest for scene in smaller.plan(count, cuts)) <= max(
        frames, least_window(windows.anchors, windows.overlap)
    )


def test_a_scene_of_any_length_is_one_pass_where_all_frames_are_to_see_each_other():
    (scene,) = Windows(None, 4, 4).plan(10_000, ())
    assert (scene.anchors, len(scene.passes)) == ((), 1)


def test_a_scene_that_a_window_holds_is_one_pass():
    windows = Windows(24, 4, 4)
    assert [len(scene.passes) for scene in windows.plan(24 + 25 + 36, (24, 49))] == [1, 2, 2]


def test_a_window_without_room_for_a_new_frame_cannot_be():
    with pytest.raises(ValueError, match="no room"):
        Windows(8, 4, 4)


@given(st.integers(1, 200), st.integers(1, 20))
def test_anchors_lie_in_the_middles_of_equal_parts(frames: int, count: int):
    anchors = spread_anchors(range(100, 100 + frames), min(count, frames))
    assert list(anchors) == sorted(set(anchors))
    assert abs((anchors[0] - 100) - (100 + frames - 1 - anchors[-1])) <= frames / len(anchors)
