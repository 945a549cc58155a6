"""Frame numbers as text, in fileseq's grammar: `1001-1048,1050`. Any number of ranges is read in linear time."""

import re
from collections.abc import Collection

RANGE = re.compile(r"(-?\d+)(?:-(-?\d+))?")


def numbers_to_ranges(numbers: Collection[int]) -> str:
    """Sorted, with runs as `first-last`; empty for no numbers."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def ranges_to_numbers(text: str) -> set[int]:
    """The inverse of `numbers_to_ranges`. Raises ValueError for text that is no list of ranges."""
    numbers: set[int] = set()
    for part in text.split(",") if text else ():
        match = RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no frame range")
        first = int(match[1])
        numbers.update(range(first, int(match[2] or first) + 1))
    return numbers
