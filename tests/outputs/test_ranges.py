"""Frame ranges as text."""

import fileseq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.outputs.ranges import numbers_to_ranges, ranges_to_numbers

numbers = st.sets(st.integers(-50, 200))


@given(numbers)
def test_numbers_come_back(given_numbers):
    assert ranges_to_numbers(numbers_to_ranges(given_numbers)) == given_numbers


@given(numbers)
def test_fileseq_reads_the_same_numbers(given_numbers):
    assert set(fileseq.FrameSet(numbers_to_ranges(given_numbers))) == given_numbers


def test_runs_are_short():
    assert numbers_to_ranges({1001, 1002, 1003, 1005, 1007, 1008}) == "1001-1003,1005,1007-1008"


@pytest.mark.parametrize("text", ["1-", "a", "1..2", "1,,2", "1-10x2"])
def test_text_that_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match="no frame range"):
        ranges_to_numbers(text)
