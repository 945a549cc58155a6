"""Pairs of picture and normals by their names, made here and from the world."""

from pathlib import Path

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.datasets.pairs import find_pairs
from tests.frames.media import write_png

REALDATA = Path(__file__).parents[4] / "shared" / "realdata"
FACING = np.full((6, 8, 3), (128, 128, 255), np.uint8)


def test_a_pair_is_found_by_its_names_at_any_depth(tmp_path):
    (tmp_path / "deep").mkdir()
    write_png(tmp_path / "room.png")
    write_png(tmp_path / "room_normal.png", FACING)
    write_png(tmp_path / "deep" / "hall-rgb.png")
    write_png(tmp_path / "deep" / "hall-normals.png", FACING)
    write_png(tmp_path / "deep" / "hall-albedo.png")
    write_png(tmp_path / "alone.normal.png", FACING)
    pairs, alone = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["deep/hall", "room"]
    assert [path.name for path, _ in alone] == ["alone.normal.png"]
    example = pairs[0].read()
    assert example.maps["normal"][0, 0] == pytest.approx([0, 0, 1], abs=0.01)
    assert example.mask.all()


def test_of_normals_in_several_files_the_most_exact_count_and_the_others_are_said(tmp_path, caplog):
    write_png(tmp_path / "room.png", size=(8, 6))
    write_png(tmp_path / "room_normal.png", FACING)
    np.save(tmp_path / "room_normal.npy", np.broadcast_to(np.float32([0, 1, 0]), (6, 8, 3)))
    (pair,), alone = find_pairs(tmp_path)
    assert not alone
    assert pair.read().maps["normal"][0, 0] == pytest.approx([0, 1, 0])
    (said,) = caplog.messages
    assert said.endswith("room_normal.png: left out: the picture's normals are those of room_normal.npy")


def test_a_picture_is_found_whose_suffix_is_in_capitals(tmp_path):
    write_png(tmp_path / "room.PNG", size=(8, 6))
    write_png(tmp_path / "room_Normal.png", FACING)
    pairs, alone = find_pairs(tmp_path)
    assert ([pair.name for pair in pairs], alone) == (["room"], [])
    assert pairs[0].read().mask.all()


def test_a_pair_of_two_sizes_is_refused(tmp_path):
    write_png(tmp_path / "room.png", 128, (9, 6))
    write_png(tmp_path / "room_normal.png", FACING)
    with pytest.raises(InputError, match=r"room_normal\.png: 8x6, and its picture room\.png is 9x6"):
        find_pairs(tmp_path)[0][0].read()


@pytest.mark.parametrize(("name", "valid"), [("gt_hypersim_ai_001_001", 0.999), ("gt_rgbx_kitchen", 0.95)])
def test_pairs_from_the_world_are_read(name, valid):
    if not (REALDATA / name).is_dir():
        pytest.skip(f"{REALDATA / name} is not here")
    (pair,), alone = find_pairs(REALDATA / name)
    assert not [path for path, _ in alone if "bump" not in path.name]
    example = pair.read()
    normals = example.maps["normal"]
    assert example.mask.mean() > valid
    assert np.linalg.norm(normals[example.mask], axis=-1) == pytest.approx(1, abs=1e-5)
    # OpenGL: floors, below, point up, and all but a few surfaces to the camera
    assert normals[-40:, :, 1][example.mask[-40:]].mean() > 0.2
    assert (normals[..., 2][example.mask] > -0.2).mean() > 0.9
