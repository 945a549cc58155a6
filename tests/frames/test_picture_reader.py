"""Sequences and stills through the front door."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import Frame, FrameReader, open_positions
from mvinverse_cli.frames import picture_reader as module
from tests.frames.finding import choice_of, shot_of
from tests.frames.media import write_png


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    """A folder of plate.1001.png to plate.1006.png, whose gray says their number."""
    for number in range(1001, 1007):
        write_png(tmp_path / f"plate.{number}.png", number - 1000)
    return tmp_path


def opened(
    folder: Path, frames: str | None = None, every: int = 1, positions: Sequence[int] | None = None
) -> FrameReader:
    """The reader of `positions`, or of all frames that are asked for."""
    shot = shot_of(folder)
    choice = choice_of(shot, frames, every)
    return open_positions(shot, choice, choice.wanted if positions is None else positions)


def read(folder: Path, frames: str | None = None, every: int = 1) -> tuple[list[Frame], FrameReader]:
    with opened(folder, frames, every) as reader:
        return list(reader), reader


def test_a_sequence_keeps_its_numbers_and_has_no_times(plate):
    frames, reader = read(plate, frames="1002-1006", every=2)
    assert [frame.number for frame in frames] == [1002, 1004, 1006]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [2, 4, 6]
    assert {frame.time for frame in frames} == {None}
    assert frames[0].name == "plate.1002"
    assert frames[0].source == plate / "plate.1002.png"
    assert reader.expected == 3
    assert not reader.truncated


def test_an_unreadable_picture_is_skipped_and_leaves_a_hole(plate):
    broken = plate / "plate.1003.png"
    broken.write_bytes(broken.read_bytes()[:50])
    frames, reader = read(plate)
    assert [frame.index for frame in frames] == [0, 1, 3, 4, 5]
    assert [frame.number for frame in frames] == [1001, 1002, 1004, 1005, 1006]
    (fault,) = reader.faults
    assert (fault.number, fault.source) == (1003, broken)
    assert fault.reason.startswith(("truncated or damaged", "its header is broken"))


def test_a_picture_that_vanishes_while_running_is_a_fault(plate):
    with opened(plate) as reader:
        frames = iter(reader)
        next(frames)
        (plate / "plate.1002.png").unlink()
        assert next(frames).number == 1003
    assert [fault.number for fault in reader.faults] == [1002]


def test_no_readable_picture_at_all_raises_the_first_reason(plate):
    for path in plate.iterdir():
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match=r"plate\.1001\.png: truncated or damaged"):
        read(plate)


def test_pictures_are_read_one_at_a_time(plate, monkeypatch):
    paths = []
    whole = module.read_picture
    monkeypatch.setattr(module, "read_picture", lambda path: paths.append(path) or whole(path))
    with opened(plate) as reader:
        next(iter(reader))
    assert len(paths) == 1


def test_dropped_alpha_is_said_once(tmp_path, caplog):
    for name in "ab":
        write_png(tmp_path / f"{name}.png", np.zeros((6, 8, 4), np.uint8))
    with caplog.at_level(logging.INFO, "mvinverse_cli"):
        read(tmp_path)
    assert caplog.text.count("alpha channel") == 1


def test_stills_are_numbered_from_one_and_keep_their_names(tmp_path):
    for name in ("b", "a"):
        write_png(tmp_path / f"{name}.png")
    frames, _ = read(tmp_path, frames="2")
    assert [(frame.name, frame.number, frame.index) for frame in frames] == [("b", 2, 1)]


def test_positions_are_read_with_their_own_indices_numbers_and_names(plate):
    with opened(plate, every=2, positions=(0, 2)) as reader:
        frames = list(reader)
    assert [(frame.index, frame.number, frame.name) for frame in frames] == [
        (0, 1001, "plate.1001"),
        (2, 1005, "plate.1005"),
    ]
    assert reader.expected == 2


def test_only_positions_that_are_read_are_reported(plate):
    for number in (1002, 1003):
        (plate / f"plate.{number}.png").write_bytes(b"\x89PNG nothing")
    with opened(plate, positions=(0, 2, 3)) as reader:
        assert [frame.index for frame in reader] == [0, 3]
    assert [fault.number for fault in reader.faults] == [1003]


def test_no_positions_are_no_frames(plate):
    with opened(plate, positions=()) as reader:
        assert not list(reader)
