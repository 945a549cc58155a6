"""Hypersim as it is published: frames, cameras, exposure, and what is missing."""

import numpy as np
import pytest

from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.datasets.hypersim import (
    cameras_of,
    find_trajectories,
    read_view,
    single_pictures,
    tone_mapped,
)
from mvinverse_cli.evaluate.datasets.hypersim_camera import TABLE, pinhole, read_projections
from tests.evaluate.sets import SIZE, UNIT, write_hdf5, write_hypersim, write_table


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_hypersim(tmp_path_factory.mktemp("hs"))


def test_a_folder_of_scenes_and_a_scene_are_both_found(data):
    for folder in (data, data / "ai_001_001"):
        ((trajectory,), _) = find_trajectories(folder)
        assert (trajectory.name, trajectory.frames) == ("ai_001_001/cam_00", (0, 1, 2))


def test_a_pixel_that_hit_nothing_does_not_count_whatever_its_position(tmp_path):
    write_hypersim(tmp_path, frames=1)
    ((trajectory,), _) = find_trajectories(tmp_path)
    entity = np.ones(SIZE, np.int32)
    entity[30, 40] = -1
    write_hdf5(trajectory.file(0, "render_entity_id"), entity)
    camera = cameras_of(trajectory, read_projections(tmp_path))[0]
    mask = read_view(trajectory, 0, camera).example.mask
    assert not mask[30, 40]
    assert mask[30, 41]


def test_a_frame_is_read_with_its_points_normals_and_reflectance(data):
    ((trajectory,), _) = find_trajectories(data)
    camera = cameras_of(trajectory, read_projections(data))[1]
    view = read_view(trajectory, 1, camera)
    assert view.example.maps.keys() == {"albedo", "normal"}
    assert not view.example.mask[:, 0].any()
    assert view.example.mask[:, 1:].all()
    assert (view.example.maps["normal"][..., 2] > 0).all()  # all turned to the camera
    assert np.linalg.norm(view.points[28, 35] - camera.position) == pytest.approx(3 * UNIT, rel=0.2)
    places, _ = camera.project(view.points[:, 1:], *SIZE)
    rows, columns = np.indices(SIZE)
    assert places == pytest.approx(np.stack([columns, rows], -1)[:, 1:], abs=1e-3)


def test_exposure_is_that_of_the_published_script():
    light = np.random.default_rng(0).random((40, 50, 3)).astype(np.float32) * 30
    hit = np.ones((40, 50), bool)
    hit[:10] = False
    shown = srgb_to_linear(tone_mapped(light, hit))
    bright = np.percentile((light @ [0.3, 0.59, 0.11])[hit], 90)
    assert shown == pytest.approx(np.clip(light * 0.8**2.2 / bright, 0, 1), abs=1e-4)


def test_a_black_frame_and_one_that_hit_nothing_have_a_picture():
    assert tone_mapped(np.zeros((4, 5, 3)), np.ones((4, 5), bool)).max() == 0
    assert tone_mapped(np.full((4, 5, 3), np.nan), np.zeros((4, 5), bool)).max() == 0


def test_single_pictures_do_without_the_table(tmp_path):
    write_hypersim(tmp_path, frames=2)
    (tmp_path / TABLE).unlink()
    sources, broken = single_pictures(tmp_path)
    assert [source.name for source in sources] == ["ai_001_001/cam_00/0000", "ai_001_001/cam_00/0001"]
    assert broken == []
    assert (sources[0].read().maps["normal"][..., 2] > 0).all()


def test_a_trajectory_of_which_a_folder_is_none_is_broken(tmp_path, caplog):
    write_hypersim(tmp_path, frames=1)
    write_hypersim(tmp_path, scene="ai_002_001", frames=1)
    place = tmp_path / "ai_001_001" / "images" / "scene_cam_00_final_hdf5"
    place.rename(tmp_path / "elsewhere")
    place.write_text("a file")
    found, broken = find_trajectories(tmp_path)
    assert [trajectory.name for trajectory in found] == ["ai_002_001/cam_00"]
    assert [path for path, _ in broken] == [place]
    assert "left out: " in caplog.text
    sources, broken = single_pictures(tmp_path)
    assert [source.name for source in sources] == ["ai_002_001/cam_00/0000"]
    assert [path for path, _ in broken] == [place]


def test_a_scene_that_may_not_be_looked_into_is_broken_and_counts_for_the_limit(tmp_path, close):
    for scene in ("ai_001_001", "ai_002_001", "ai_003_001"):
        write_hypersim(tmp_path, scene=scene, frames=1)
    (tmp_path / "ai_000_notes").mkdir()
    (tmp_path / "ai_004_001.zip").touch()
    closed = tmp_path / "ai_002_001" / "images"
    close(closed)
    found, broken = find_trajectories(tmp_path)
    assert [trajectory.name for trajectory in found] == ["ai_001_001/cam_00", "ai_003_001/cam_00"]
    assert [path for path, _ in broken] == [closed]
    found, broken = find_trajectories(tmp_path, 1)
    assert ([trajectory.name for trajectory in found], broken) == (["ai_001_001/cam_00"], [])
    assert [path for path, _ in find_trajectories(tmp_path, 2)[1]] == [closed]


@pytest.mark.parametrize("entry", [0.0, np.nan, np.inf])
def test_a_projection_that_shows_nothing_counts_as_none(entry, tmp_path):
    write_table(tmp_path, {"ai_001_001": np.full((4, 4), entry), "ai_002_001": pinhole(*SIZE)})
    assert [*read_projections(tmp_path)] == ["ai_002_001"]


def test_missing_files_poses_and_rows_are_named(tmp_path):
    write_hypersim(tmp_path, frames=2)
    ((trajectory,), _) = find_trajectories(tmp_path)
    camera = cameras_of(trajectory, read_projections(tmp_path))[0]
    trajectory.file(0, "position").unlink()
    with pytest.raises(InputError, match=r"lacks frame\.0000\.position\.hdf5"):
        read_view(trajectory, 0, camera)
    write_hdf5(trajectory.file(0, "position"), np.zeros((3, 4, 3)))
    with pytest.raises(InputError, match=r"holds float64 of \(3, 4, 3\); wanted numbers of 56x70x3"):
        read_view(trajectory, 0, camera)
    with pytest.raises(InputError, match=f"{TABLE} has no projection for ai_001_001"):
        cameras_of(trajectory, {})
    detail = tmp_path / "ai_001_001" / "_detail" / "cam_00"
    write_hdf5(detail / "camera_keyframe_frame_indices.hdf5", np.array([0, 7]))
    with pytest.raises(InputError, match="no pose for frame 1"):
        cameras_of(trajectory, read_projections(tmp_path))
