"""Decoded views: kept once, told truly, shared with processes forked later."""

import multiprocessing
import sys

import numpy as np
import pytest

from mvinverse_cli.scenes.store import find_scenes
from mvinverse_cli.train import cache
from mvinverse_cli.train.cache import SharedViews
from mvinverse_cli.train.decoded import decode
from tests.scenes.views import make_scenes

SIZE = (56, 84)
VIEW_BYTES = SIZE[0] * SIZE[1] * (4 * 4 + 3) * 2


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return find_scenes(make_scenes(tmp_path_factory.mktemp("scenes"), range(1, 4), size=SIZE)).scenes


def decoded(scenes, index, view):
    return decode(scenes[index].read([view])[0])


def assert_same(kept, wanted):
    assert kept.present == wanted.present
    for name in ("pixels", "points", "to_world"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(wanted, name))


def test_what_is_put_in_comes_out(scenes):
    views = SharedViews(scenes)
    wanted = {(0, 1): decoded(scenes, 0, 1), (2, 0): decoded(scenes, 2, 0)}
    for place, view in wanted.items():
        views.put(*place, view)
    for place, view in wanted.items():
        assert_same(views.get(*place), view)
    assert views.get(1, 1) is None


def test_a_view_without_a_camera_and_some_maps(scenes):
    full = decoded(scenes, 0, 0)
    wanted = type(full)(full.pixels, full.present - {"metallic"}, None, None)
    views = SharedViews(scenes)
    views.put(0, 0, wanted)
    kept = views.get(0, 0)
    assert kept.present == wanted.present
    assert kept.points is None
    assert kept.to_world is None


@pytest.mark.parametrize(("most", "room"), [(0, 0), (1, 0), (VIEW_BYTES, 1), (VIEW_BYTES + 1, 1)])
def test_no_more_than_there_is_room_for(scenes, most, room):
    views = SharedViews(scenes, most=most)
    for view in range(3):
        views.put(0, view, decoded(scenes, 0, view))
    assert [views.get(0, view) is not None for view in range(3)] == [bool(room), False, False]


def test_a_process_that_died_at_it_keeps_nobody_waiting(scenes, monkeypatch):
    views = SharedViews(scenes)
    views.put(0, 0, decoded(scenes, 0, 0))
    monkeypatch.setattr(cache, "LONGEST_WAIT", 0.01)
    views._lock.acquire()
    views.put(0, 1, decoded(scenes, 0, 1))
    assert views.get(0, 0) is None
    views._lock.release()
    assert views.get(0, 0) is not None
    assert views.get(0, 1) is None


def test_room_for_all_of_them_is_made_where_memory_allows(scenes):
    views = SharedViews(scenes)
    for index in range(3):
        for view in range(scenes[index].views):
            views.put(index, view, decoded(scenes, index, view))
            assert views.get(index, view) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")
def test_a_forked_process_reads_and_fills_the_same(scenes):
    views = SharedViews(scenes)
    first, second = decoded(scenes, 0, 0), decoded(scenes, 1, 1)
    views.put(0, 0, first)

    def work():
        assert_same(views.get(0, 0), first)
        views.put(1, 1, second)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert_same(views.get(1, 1), second)
