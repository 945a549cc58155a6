"""Lets the stages of a pipeline work at once: each function runs one stage in a thread of its own.

Both are generators to be closed (`contextlib.closing`) by whoever leaves them early.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """`items` in their order, made in a thread, at most `depth` of them before they are asked for.

    An error of the source is raised at its place. Closing waits for the item under way, so that what the source reads
    from can be closed safely afterwards.
    """
    end: Any = object()
    source = iter(items)
    thread = ThreadPoolExecutor(1, thread_name_prefix="mvinverse-ahead")
    try:
        pending = deque(thread.submit(next, source, end) for _ in range(depth))
        while (item := pending.popleft().result()) is not end:
            pending.append(thread.submit(next, source, end))
            yield item
    finally:
        thread.shutdown(cancel_futures=True)


def overlapped(function: Callable[[Item], Result], items: Iterable[Item]) -> Generator[tuple[Item, Result], None, None]:
    """Each item with `function(item)`, which runs in a thread on the next item while the caller works on the last.

    Closing does not wait for the call under way: an interrupt must not take as long as a network pass. An error of
    `function` does: what the call holds is free before anything is tried again.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="mvinverse-overlapped")

    def finished(call: Future[Result]) -> Result:
        try:
            return call.result()
        except Exception:
            thread.shutdown(cancel_futures=True)
            raise

    try:
        before = None
        for item in items:
            started = (item, thread.submit(function, item))
            if before is not None:
                yield before[0], finished(before[1])
            before = started
        if before is not None:
            yield before[0], finished(before[1])
    finally:
        thread.shutdown(wait=False, cancel_futures=True)
