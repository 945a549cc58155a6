"""Which frames share a pass. Integers only: no frame, tensor or file is known here."""


def window_of(index: int, size: int) -> range:
    """The frames that are attended to together with frame `index`: consecutive windows of `size` from 0.

    A frame that could not be read leaves its place empty, so that a window depends on nothing but the numbers.
    """
    start = index // size * size
    return range(start, start + size)


def count_windows(frames: int, size: int) -> int:
    """How many windows of `size` it takes for `frames` frames."""
    return -(-frames // size)
