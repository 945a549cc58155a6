"""Going through a set: what cannot be read is named and left out."""

from pathlib import Path

import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.example import Source, check_any, readable


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(caplog):
    def refuse() -> int:
        raise InputError("b: broken")

    broken: list[tuple[Path, str]] = []
    sources = [Source("a", Path("a"), lambda: 1), Source("b", Path("b"), refuse), Source("c", Path("c"), lambda: 3)]
    assert [(source.name, item) for source, item in readable(sources, broken, "frame")] == [("a", 1), ("c", 3)]
    assert broken == [(Path("b"), "b: broken")]
    assert [record.getMessage() for record in caplog.records] == ["frame left out: b: broken"]


def test_a_set_of_which_nothing_is_left_is_an_error():
    with pytest.raises(InputError, match="set: no frame can be evaluated: b: broken"):
        check_any(Path("set"), 0, [(Path("b"), "b: broken")], "frame")
    with pytest.raises(InputError, match="no pixel counts"):
        check_any(Path("set"), 0, [], "frame")
    check_any(Path("set"), 1, [], "frame")
