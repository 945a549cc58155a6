"""The stages of the pipeline overlap, keep order, pass errors on and stop when asked."""

import threading
import time
from contextlib import closing

import pytest

from mvinverse_cli.shot.ahead import ahead, overlapped


def test_items_come_in_their_order():
    assert list(ahead(range(100), 7)) == list(range(100))
    assert list(ahead(iter(()), 3)) == []


def test_items_are_made_before_they_are_asked_for_but_no_more_than_the_depth():
    made = []
    third = threading.Event()

    def source():
        for item in range(10):
            made.append(item)
            if item == 3:
                third.set()
            yield item

    with closing(ahead(source(), 3)) as items:
        assert next(items) == 0
        assert third.wait(10)
        assert made == [0, 1, 2, 3]


def test_an_error_of_the_source_is_raised_at_its_place():
    def source():
        yield 1
        raise ValueError("broken")

    items = ahead(source(), 4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)


def test_closing_waits_for_the_item_under_way_and_makes_no_more():
    begun, release, made = threading.Event(), threading.Event(), []

    def source():
        yield 0
        begun.set()
        release.wait(10)
        made.append(1)
        yield 1
        made.append(2)
        yield 2

    items = ahead(source(), 2)
    assert next(items) == 0
    assert begun.wait(10)
    threading.Timer(0.05, release.set).start()
    items.close()
    assert made == [1]


def test_the_function_works_on_the_next_item_while_the_last_is_used():
    second_begun = threading.Event()

    def double(item: int) -> int:
        if item == 2:
            second_begun.set()
        return 2 * item

    results = overlapped(double, iter([1, 2, 3]))
    assert next(results) == (1, 2)
    assert second_begun.wait(10)
    assert list(results) == [(2, 4), (3, 6)]


def test_closing_does_not_wait_for_the_call_under_way():
    release = threading.Event()
    results = overlapped(lambda item: item or release.wait(60), iter([1, 0, 2]))
    assert next(results) == (1, 1)
    results.close()
    assert not release.is_set()
    release.set()


def test_an_error_of_the_function_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(overlapped(lambda item: 1 / item, iter([0])))


def test_an_error_is_raised_when_no_other_call_is_under_way():
    """What ran out of memory is tried again with the device to itself."""
    under_way = 0

    def fails(item: int) -> None:
        nonlocal under_way
        under_way += 1
        time.sleep(0.02)
        under_way -= 1
        raise MemoryError

    results = overlapped(fails, iter(range(9)))
    with pytest.raises(MemoryError):
        next(results)
    assert under_way == 0
    time.sleep(0.05)
    assert under_way == 0
