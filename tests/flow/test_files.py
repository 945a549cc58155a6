"""Flows of other programs: both formats give what was written, and every mistake is said with its file."""

import errno
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.flow import DisFlow, FlowFolder, flow_source

SIZE = (24, 32)
FRAME = np.zeros((*SIZE, 3), np.uint8)
THERE = np.broadcast_to(np.float32([3, -1]), (*SIZE, 2))


def write_flo(path: Path, flow) -> None:
    height, width = flow.shape[:2]
    path.write_bytes(b"PIEH" + struct.pack("<ii", width, height) + flow.astype("<f4").tobytes())


def write_flos(folder: Path, position: str, forward, backward) -> None:
    write_flo(folder / f"forward.{position}.flo", forward)
    write_flo(folder / f"backward.{position}.flo", backward)


def pair_of(folder: Path, position: int = 0, frame=FRAME):
    return FlowFolder.at(str(folder)).pair("shot", position, frame, frame)


def test_a_folder_that_may_not_be_looked_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def denied(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        pair_of(tmp_path)


@pytest.mark.parametrize("kind", ["flo", "npz"])
@pytest.mark.parametrize("inside", [True, False])
def test_flows_are_read_for_the_pair_that_their_name_says(tmp_path: Path, kind, inside):
    place = tmp_path / "shot" if inside else tmp_path
    place.mkdir(exist_ok=True)
    if kind == "flo":
        write_flos(place, "00007", THERE, -THERE)
    else:
        np.savez(place / "7.npz", forward=THERE.astype(np.float64), backward=-THERE)
    found = pair_of(tmp_path, 7)
    assert np.array_equal(found.forward, THERE)
    assert found.valid[1:, :-3].all()
    assert not found.valid[:, -3:].any()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_flow_may_be_of_any_float_type(tmp_path: Path, kind):
    forward = THERE.astype(kind)
    forward[3, 5] = np.inf
    np.savez(tmp_path / "7.npz", forward=forward, backward=-THERE)
    found = pair_of(tmp_path, 7)
    assert not found.valid[3, 5]
    assert np.array_equal(found.forward[4:], THERE[4:])


def test_flows_outside_a_folder_of_a_clips_name_serve_one_clip_alone(tmp_path: Path):
    np.savez(tmp_path / "0.npz", forward=THERE, backward=-THERE)
    (tmp_path / "named").mkdir()
    np.savez(tmp_path / "named" / "0.npz", forward=-THERE, backward=THERE)
    flows = FlowFolder.at(str(tmp_path))
    assert np.array_equal(flows.pair("shot", 0, FRAME, FRAME).forward, THERE)
    assert np.array_equal(flows.pair("named", 0, FRAME, FRAME).forward, -THERE)
    assert np.array_equal(flows.pair("shot", 0, FRAME, FRAME).forward, THERE)
    with pytest.raises(InputError, match="no folder other in it, and its own flows are those of shot"):
        flows.pair("other", 0, FRAME, FRAME)


def test_a_flow_of_another_size_is_brought_to_the_frames(tmp_path: Path):
    np.savez(tmp_path / "0.npz", forward=THERE, backward=-THERE)
    found = pair_of(tmp_path, frame=np.zeros((48, 64, 3), np.uint8))
    assert np.allclose(found.forward, [6, -2])


def test_unknown_flow_is_not_trusted(tmp_path: Path):
    unknown = THERE.copy()
    unknown[5, 5], unknown[9, 9] = 1e10, np.nan
    write_flos(tmp_path, "0", unknown, -THERE)
    found = pair_of(tmp_path)
    assert np.isfinite(found.forward).all()
    assert not found.valid[[5, 9], [5, 9]].any()
    assert found.valid[6, 6]


def test_without_a_folder_opencv_finds_the_flow(tmp_path: Path):
    assert isinstance(flow_source(None), DisFlow)
    assert isinstance(flow_source(str(tmp_path)), FlowFolder)
    with pytest.raises(InputError, match="--flow nowhere: no such folder"):
        flow_source("nowhere")


def cut_short(folder: Path) -> None:
    write_flos(folder, "0", THERE, -THERE)
    path = folder / "forward.0.flo"
    path.write_bytes(path.read_bytes()[:-1])


def other_bytes(folder: Path) -> None:
    write_flos(folder, "0", THERE, -THERE)
    (folder / "backward.0.flo").write_bytes(b"<html>")


def flow_damaged_inside(folder: Path) -> None:
    path = folder / "0.npz"
    np.savez_compressed(path, forward=THERE, backward=-THERE)
    data = bytearray(path.read_bytes())
    data[30 + int.from_bytes(data[26:28], "little") + int.from_bytes(data[28:30], "little")] = 0xFF  # no deflate block
    path.write_bytes(data)


def one_array_alone(folder: Path) -> None:
    with (folder / "0.npz").open("wb") as file:
        np.save(file, THERE)


MISTAKES = {
    "nothing": (lambda folder: None, "no flow for frames 0 and 1 of shot; wanted 0000.npz, or forward.0000.flo and"),
    "one way": (lambda folder: write_flo(folder / "forward.0.flo", THERE), "no flow for frames 0 and 1"),
    "cut short": (cut_short, "forward.0.flo: 6155 bytes, where 32x24 flows take 6156"),
    "other bytes": (other_bytes, "backward.0.flo: no .flo file"),
    "two sizes": (lambda folder: write_flos(folder, "0", THERE, -THERE[:-2]), "32x24 forward and 32x22 backward"),
    "another shape": (lambda folder: write_flos(folder, "0", THERE[:12], -THERE[:12]), "is 32x12, which is not the"),
    "one array": (lambda folder: np.savez(folder / "0.npz", forward=THERE), "backward is not a file in the archive"),
    "three channels": (
        lambda folder: np.savez(folder / "0.npz", forward=FRAME, backward=FRAME),
        "holds uint8 of (24, 32, 3)",
    ),
    "objects": (
        lambda folder: np.savez(folder / "0.npz", forward=np.array([{}]), backward=THERE),
        "not readable as .npz",
    ),
    "text": (lambda folder: (folder / "0.npz").write_text("flow"), "not readable as .npz"),
    "damaged inside": (flow_damaged_inside, "0.npz: not readable as .npz"),
    "one array alone": (one_array_alone, "0.npz: not readable as .npz"),
    "empty": (lambda folder: (folder / "0.npz").touch(), "not readable as .npz"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_with_its_file(tmp_path: Path, mistake):
    make, said = MISTAKES[mistake]
    make(tmp_path)
    with pytest.raises(InputError, match=re.escape(said)):
        pair_of(tmp_path)


def test_flows_of_the_source_fit_pictures_that_were_brought_to_a_grid(tmp_path: Path):
    """1920x1080 becomes 518x280 for a network, 4% wider."""
    half = np.broadcast_to(np.float32([6, -3]), (270, 480, 2))
    np.savez(tmp_path / "0000.npz", forward=half, backward=-half)
    grid = np.zeros((140, 259, 3), np.uint8)
    found = FlowFolder.at(str(tmp_path)).pair("shot", 0, grid, grid, (1920, 1080))
    np.testing.assert_allclose(found.forward[70, 130], [6 * 259 / 480, -3 * 140 / 270], rtol=1e-4)
    with pytest.raises(InputError, match="480x270, which is not the shape of frames of 259x140"):
        FlowFolder.at(str(tmp_path)).pair("shot", 0, grid, grid)
