"""Windows cover every frame once, whatever is missing."""

from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.windows import count_windows, window_of


@given(st.integers(1, 500), st.integers(1, 40))
def test_windows_cover_every_frame_once_and_in_order(frames: int, size: int):
    windows = dict.fromkeys(window_of(index, size) for index in range(frames))
    assert [index for window in windows for index in window][:frames] == list(range(frames))
    assert len(windows) == count_windows(frames, size)


@given(st.integers(0, 10**9), st.integers(1, 10**4))
def test_a_frame_lies_in_its_window_of_the_asked_size(index: int, size: int):
    window = window_of(index, size)
    assert index in window
    assert len(window) == size
