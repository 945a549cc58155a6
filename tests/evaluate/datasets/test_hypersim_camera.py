"""Hypersim's cameras: rays and projection undo each other, whatever the lens."""

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.datasets.hypersim_camera import (
    TABLE,
    LensCamera,
    pinhole,
    rays,
    read_poses,
    read_projections,
    toward_camera,
)
from tests.evaluate.planes import make_camera
from tests.evaluate.sets import SIZE, shifted_lens, write_hdf5, write_hypersim, write_table

CAMERA = make_camera(0.5, 20)


@pytest.mark.parametrize("lens", [pinhole(*SIZE), shifted_lens()], ids=["pinhole", "shifted"])
def test_a_ray_through_a_pixel_is_seen_at_that_pixel(lens):
    camera = LensCamera(lens, CAMERA.to_world[:3, :3], CAMERA.to_world[:3, 3])
    along = rays(lens, *SIZE) * 7
    places, distance = camera.project(along @ camera.rotation.T + camera.position, *SIZE)
    rows, columns = np.indices(SIZE)
    assert places == pytest.approx(np.stack([columns, rows], axis=-1), abs=1e-9)
    assert distance == pytest.approx(np.linalg.norm(along, axis=-1, keepdims=True))


def test_without_tilt_and_shift_it_is_the_pinhole_of_rendered_scenes():
    camera = LensCamera(pinhole(*SIZE), CAMERA.to_world[:3, :3], CAMERA.to_world[:3, 3])
    points = np.random.default_rng(0).normal(size=(50, 3)) * 3
    ours, theirs = camera.project(points, *SIZE)[0], CAMERA.project(points, *SIZE)[0]
    assert np.isnan(ours).any()  # behind the camera
    assert ours == pytest.approx(theirs, nan_ok=True)


def test_the_camera_looks_along_minus_z():
    assert (rays(pinhole(*SIZE), *SIZE)[..., 2] < 0).all()


def test_normals_that_face_away_are_turned_round_and_no_other():
    lens = pinhole(*SIZE)
    towards = -rays(lens, *SIZE)
    towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
    mixed = towards.copy()
    mixed[::2] *= -1
    assert toward_camera(mixed, lens) == pytest.approx(towards, abs=1e-6)


def test_a_normal_that_the_pixel_sees_may_point_away_from_the_viewing_axis():
    lens = pinhole(*SIZE, 120.0)
    normals = np.tile(np.array([0.99, 0, -0.14]), (*SIZE, 1))  # of a wall on the left, seen at its far end
    assert toward_camera(normals, lens)[28, 0] == pytest.approx(normals[28, 0], abs=1e-6)


def test_poses_belong_to_the_frames_that_the_file_names(tmp_path):
    write_hypersim(tmp_path, frames=3)
    folder = tmp_path / "ai_001_001"
    write_hdf5(folder / "_detail" / "cam_00" / "camera_keyframe_frame_indices.hdf5", np.array([4, 2, 9]))
    poses = read_poses(folder, "cam_00")
    assert [*poses] == [4, 2, 9]
    assert poses[2][1] == pytest.approx([12, 0, 0])  # 0.3 m in asset units


def test_a_table_that_is_missing_or_something_else_is_one_line(tmp_path):
    with pytest.raises(InputError, match=f"{TABLE}: not there; copy it from"):
        read_projections(tmp_path)
    (tmp_path / TABLE).write_text("scene_name,fov\nai_001_001,1.0\n")
    with pytest.raises(InputError, match="not the table of camera parameters"):
        read_projections(tmp_path)
    write_table(tmp_path, {"ai_001_001": shifted_lens()})
    (tmp_path / "ai_001_001").mkdir()
    assert read_projections(tmp_path / "ai_001_001")["ai_001_001"] == pytest.approx(shifted_lens())
