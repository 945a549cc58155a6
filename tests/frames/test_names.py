"""The grammar of numbered names, and names in messages: laws that hold for any name."""

import re
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.frames.names import (
    Pattern,
    likely_patterns,
    missing_ranges,
    name_of,
    parse_pattern,
    sequence_numbers,
    shown,
)

STEMS = st.text(string.ascii_letters + "._- ü[(", min_size=1, max_size=12).filter(lambda text: text.strip(". "))
SUFFIXES = st.sampled_from([".png", ".exr", ".tif", "_v2.jpg", ".JPG"])
NUMBERS = st.sets(st.integers(0, 20000), min_size=1, max_size=12)


@given(STEMS, st.integers(1, 6), SUFFIXES)
def test_every_notation_of_a_pattern_means_the_same(prefix: str, width: int, suffix: str):
    for field in ("#" * width, "@" * width, f"%0{width}d", f"$F{width}"):
        assert parse_pattern(f"plates/{prefix}{field}{suffix}") == Pattern(Path("plates"), prefix, width, suffix)


@pytest.mark.parametrize(
    ("name", "prefix", "width", "suffix"),
    [
        ("s.####@2x.png", "s.", 4, "@2x.png"),
        ("s.%04d@2x.png", "s.", 4, "@2x.png"),
        ("s.$F4#2.png", "s.", 4, "#2.png"),
        ("s@2x.#.png", "s@2x.", 1, ".png"),
        ("s.@@@@_####.png", "s.@@@@_", 4, ".png"),
    ],
)
def test_of_several_fields_the_last_long_one_counts(name: str, prefix: str, width: int, suffix: str):
    assert parse_pattern(name) == Pattern(Path(), prefix, width, suffix)


@pytest.mark.parametrize(
    ("file", "name"), [("a.mp4", "a"), ("...mp4", "shot"), ("..mp4", "shot"), (".a.mp4", ".a"), ("a..png", "a.")]
)
def test_a_shot_is_never_called_like_a_folder_above(file: str, name: str):
    assert name_of(Path(file)) == name


@given(STEMS, SUFFIXES)
def test_a_name_without_a_field_is_no_pattern(prefix: str, suffix: str):
    assert parse_pattern(prefix + suffix) is None


@given(STEMS, st.integers(1, 6), SUFFIXES, NUMBERS)
def test_a_pattern_finds_the_numbers_that_were_written_with_it(prefix: str, width: int, suffix: str, numbers: set[int]):
    with tempfile.TemporaryDirectory() as name:
        for number in numbers:
            Path(name, f"{prefix}{number:0{width}d}{suffix}").touch()
        Path(name, f"{prefix}x{suffix}").touch()
        found = Pattern(Path(name), prefix, width, suffix).matches()
    assert [number for number, _ in found] == sorted(numbers)


@given(STEMS, st.integers(1, 6), NUMBERS)
def test_numbered_names_give_their_prefix_and_numbers(prefix: str, width: int, numbers: set[int]):
    paths = [Path("a", f"{prefix}.{number:0{width}d}.exr") for number in sorted(numbers)]
    expected = (prefix, sorted(numbers)) if len(numbers) > 1 else None
    assert sequence_numbers(paths) == expected


@pytest.mark.parametrize(
    ("names", "patterns"),
    [
        (["plate_1001.png", "plate_1002.png", "plate_1004.png"], ["plate_####.png"]),
        (["plate_1001.png", "plate_1002.png"], []),
        (["a.1.exr", "a.2.exr", "a.3.exr", "thumb.exr"], ["a.#.exr"]),
        (["a.1.exr", "a.2.exr", "b.1.exr", "b.2.exr", "b.3.exr"], ["b.#.exr", "a.#.exr"]),
        (["F.0001.png", "F.0002.png", "f.0001.PNG"], ["F.####.png"]),
        (["hall.png", "stairs.png", "roof.png"], []),
        ([], []),
    ],
)
def test_pictures_that_may_be_sequences_have_their_patterns(names: list[str], patterns: list[str]):
    assert likely_patterns([Path(name) for name in names]) == patterns


@given(NUMBERS)
def test_gaps_and_numbers_make_up_the_whole_range(numbers: set[int]):
    ordered = sorted(numbers)
    text = missing_ranges(ordered)
    listed, _, more = text.partition(" and ")
    missing: set[int] = set()
    for part in filter(None, listed.split(",")):
        first, _, last = part.partition("-")
        missing |= set(range(int(first), int(last or first) + 1))
    assert not missing & numbers
    if more:
        assert re.fullmatch(r"\d+ more ranges", more)
    else:
        assert missing | numbers == set(range(ordered[0], ordered[-1] + 1))


@given(st.text(st.characters(), max_size=40))
def test_any_name_is_shown_on_one_line_of_printable_text(name: str):
    text = shown(name)
    assert len(text.splitlines()) <= 1
    assert text.isprintable()
    text.encode()


@pytest.mark.parametrize("name", ["", ".", "..", "####", "%d", "$F", "%04d.####.exr", "a.####"])
def test_odd_patterns_raise_nothing(name: str):
    parse_pattern(name)
