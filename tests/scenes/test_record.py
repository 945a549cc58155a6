"""The record of a scene: what is written is what is read, whole or not at all."""

import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from mvinverse_cli.errors import InputError, OutputError
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.scenes.record import (
    Camera,
    View,
    read_about,
    read_scene,
    remove_leftovers,
    scene_path,
    view_path,
    write_scene,
)
from tests.scenes.views import SIZE, make_camera, make_view

HALF = 2.0**-11  # relative error of a rounded half


def write(folder, views, seed=12, **changes):
    return write_scene(folder, seed, views, **({"layout": "room", "split": "train", "generator": 3} | changes))


def test_every_array_comes_back(tmp_path):
    views = [make_view(seed) for seed in range(3)]
    path = write(tmp_path, views)
    assert path == tmp_path / "00000012" == scene_path(tmp_path, 12)
    for view, back in zip(views, read_scene(path), strict=True):
        assert list(back.maps) == list(MAPS)
        for name, values in {"color": view.color, **view.maps}.items():
            read = back.color if name == "color" else back.maps[name]
            assert read.dtype == np.float32
            assert np.allclose(read, values, rtol=HALF, atol=HALF if name == "normal" else 1e-7), name
        assert np.array_equal(back.depth, view.depth)
        assert np.array_equal(back.mask, view.mask)


def test_normals_come_back_with_unit_length(tmp_path):
    normal = read_scene(write(tmp_path, [make_view()]))[0].maps["normal"]
    assert np.allclose(np.linalg.norm(normal, axis=-1), 1, atol=1e-6)


def test_the_camera_comes_back_within_single_precision(tmp_path):
    view = make_view()
    back = read_scene(write(tmp_path, [view]))[0].camera
    assert np.allclose(back.to_world, view.camera.to_world, atol=1e-6)
    assert back.fov_x_deg == pytest.approx(view.camera.fov_x_deg, rel=1e-6)


def test_what_a_view_lacks_it_still_lacks_when_it_is_read(tmp_path):
    view = make_view(maps=("albedo", "normal"))
    back = read_scene(write(tmp_path, [replace(view, depth=None, camera=None)]))[0]
    assert (set(back.maps), back.depth, back.camera) == ({"albedo", "normal"}, None, None)


def test_a_view_that_another_program_wrote_in_floats_is_read_as_well(tmp_path):
    path = view_path(write(tmp_path, [make_view()]), 0)
    (before,) = read_scene(path.parent)
    with OpenEXR.File(str(path), separate_channels=True) as file:
        header = dict(file.header())
        floats = {name: channel.pixels.astype(np.float32) for name, channel in file.channels().items()}
    OpenEXR.File(header, floats).write(str(path))
    (after,) = read_scene(path.parent)
    assert np.array_equal(after.color, before.color)
    assert all(np.array_equal(after.maps[name], before.maps[name]) for name in MAPS)
    assert np.array_equal(after.mask, before.mask)


def test_the_file_is_a_layered_exr_of_known_channels(tmp_path):
    view = make_view()
    with OpenEXR.File(str(view_path(write(tmp_path, [view]), 0)), separate_channels=True) as file:
        header, channels = dict(file.header()), {name: channel.pixels for name, channel in file.channels().items()}
    layers = {f"{name}.{suffix}" for name in MAPS for suffix in SPECS[name].exr_channels}
    assert channels.keys() == {"R", "G", "B", "mask.V", "Z"} | layers
    assert {name for name, pixels in channels.items() if pixels.dtype != np.float16} == {"Z"}
    assert np.array_equal(channels["normal.Y"], view.maps["normal"][..., 1].astype(np.float16))
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION


def test_the_matrix_in_the_file_takes_row_vectors_of_the_world_to_the_camera(tmp_path):
    view = make_view()
    with OpenEXR.File(str(view_path(write(tmp_path, [view]), 0)), header_only=True) as file:
        matrix = file.header()["worldToCamera"]
    assert matrix.dtype == np.float32
    point = view.camera.to_world @ [0.1, 0.2, -3, 1]
    assert np.allclose(point @ matrix, [0.1, 0.2, -3, 1], atol=1e-5)


def test_the_json_tells_what_was_rendered(tmp_path):
    path = write(tmp_path, [make_view(), make_view(1)], split="held-out")
    about = {"seed": 12, "generator": 3, "split": "held-out", "layout": "room", "views": 2}
    assert json.loads((path / "scene.json").read_text()) == read_about(path) == about


@pytest.mark.parametrize("killed_by", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_run_that_ends_in_the_middle_leaves_nothing_behind(tmp_path, monkeypatch, killed_by):
    written, write_bytes = [], Path.write_bytes

    def fails_at_the_second(path, content):
        written.append(path)
        if len(written) == 2:
            raise killed_by
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", fails_at_the_second)
    with pytest.raises((KeyboardInterrupt, OutputError)) as caught:
        write(tmp_path, [make_view(), make_view(1)])
    assert len(written) == 2
    assert list(tmp_path.iterdir()) == []
    assert caught.type is KeyboardInterrupt or "No space left" in str(caught.value)


def test_leftovers_of_killed_runs_go_and_scenes_under_way_stay(tmp_path):
    scene = write(tmp_path, [make_view()])
    old, new = tmp_path / ".00000007-0a0b0c0d.part", tmp_path / ".00000008-0a0b0c0d.part"
    other = tmp_path / ".download.part"  # of another program
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "view_0.exr").write_bytes(b"half of it")
    for folder in (old, other):
        os.utime(folder, (time.time() - 3600,) * 2)
    assert remove_leftovers(tmp_path) == 1
    assert sorted(tmp_path.iterdir()) == [new, other, scene]


def test_a_scene_that_another_run_finishes_meanwhile_is_no_leftover(tmp_path, monkeypatch):
    (tmp_path / ".00000007-0a0b0c0d.part").mkdir()
    listed = list(tmp_path.iterdir())
    monkeypatch.setattr(
        Path, "glob", lambda folder, pattern: [part.rename(tmp_path / "00000007") and part for part in listed]
    )
    assert remove_leftovers(tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["00000007"]


def test_a_scene_that_is_there_is_never_written_over(tmp_path):
    path = write(tmp_path, [make_view()])
    before = view_path(path, 0).read_bytes()
    with pytest.raises(OutputError, match="is there already"):
        write(tmp_path, [make_view(1)])
    assert view_path(path, 0).read_bytes() == before


@pytest.mark.parametrize("name", ["color", "shading", "depth"])
def test_nan_never_reaches_a_file(tmp_path, name):
    view = make_view()
    {"color": view.color, "depth": view.depth, **view.maps}[name][3, 4] = np.nan
    with pytest.raises(OutputError, match=f"00000012: view 1: {name} holds NaN"):
        write(tmp_path, [make_view(), view])
    assert list(tmp_path.iterdir()) == []


def test_light_beyond_the_largest_half_is_cut_to_it(tmp_path):
    view = make_view()
    view.color[0, 0] = 1e6
    assert read_scene(write(tmp_path, [view]))[0].color.max() == 65504


def without_a_channel(path, name):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {key: channel.pixels for key, channel in file.channels().items() if key != name}
    buffer = io.BytesIO()
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, channels).write(buffer)
    path.write_bytes(buffer.getvalue())


BREAKAGES = {
    "a missing view": ("view_1.exr", lambda path: path.unlink()),
    "an empty view": ("view_1.exr", lambda path: path.write_bytes(b"")),
    "a view cut in its header": ("view_1.exr", lambda path: path.write_bytes(path.read_bytes()[:200])),
    "a view cut in its pixels": ("view_1.exr", lambda path: path.write_bytes(path.read_bytes()[:-2000])),
    "text under the name": ("view_1.exr", lambda path: path.write_text("no picture\n" * 100)),
    "a view without mask": ("view_1.exr", lambda path: without_a_channel(path, "mask.V")),
    "half a normal": ("view_1.exr", lambda path: without_a_channel(path, "normal.Y")),
    "no json": ("scene.json", lambda path: path.unlink()),
    "json cut short": ("scene.json", lambda path: path.write_text('{"seed": 12, "gene')),
    "json of something else": ("scene.json", lambda path: path.write_text("[1, 2]")),
    "json without views": ("scene.json", lambda path: path.write_text('{"seed": 12, "split": "train"}')),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_scene_names_the_file(tmp_path, capfd, breakage):
    path = write(tmp_path, [make_view(), make_view(1)])
    name, breaks = BREAKAGES[breakage]
    breaks(path / name)
    with pytest.raises(InputError, match=name):
        read_scene(path)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"color": np.zeros((*SIZE, 3), np.float64)},
        {"color": np.zeros((*SIZE, 4), np.float32)},
        {"color": np.zeros((0, 0, 3), np.float32)},
        {"mask": np.zeros(SIZE, bool)},
        {"mask": np.zeros((*SIZE, 1), np.float32)},
        {"depth": np.zeros((8, 8, 1), np.float32)},
        {"maps": {"normal": np.zeros((*SIZE, 1), np.float32)}},
        {"maps": {"specular": np.zeros((*SIZE, 3), np.float32)}},
    ],
)
def test_a_view_of_the_wrong_shape_is_a_defect(wrong):
    with pytest.raises(ValueError, match=r"wanted|no map"):
        replace(make_view(), **wrong)


@pytest.mark.parametrize(
    ("to_world", "fov"),
    [
        (np.eye(3), 60),
        (np.eye(4, dtype=np.float32), 60),
        (np.zeros((4, 4)), 60),
        (np.full((4, 4), np.nan), 60),
        (np.eye(4), 0),
        (np.eye(4), 180),
    ],
)
def test_a_camera_that_sees_nothing_is_a_defect(to_world, fov):
    with pytest.raises(ValueError, match=r"wanted|inverted"):
        Camera(to_world, fov)


def test_rays_span_the_angle_of_view_and_look_down_the_negative_z():
    rays = Camera(np.eye(4), 90.0).rays(20, 40)
    assert rays.shape == (20, 40, 3)
    assert np.all(rays[..., 2] == -1)
    assert rays[0, 0] == pytest.approx([-39 / 40, 19 / 40, -1])  # half a pixel from the corner (-1, 0.5)
    assert np.allclose(rays + rays[::-1, ::-1], [0, 0, -2])


def test_a_point_is_seen_where_its_pixel_is():
    view = make_view(size=(28, 42))
    places, depth = view.camera.project(view.camera.points(view.depth), 28, 42)
    rows, columns = np.mgrid[:28, :42]
    assert np.allclose(places, np.stack([columns, rows], axis=-1), atol=1e-6)
    assert np.allclose(depth, view.depth)


def test_what_is_behind_the_camera_is_seen_nowhere():
    camera = make_camera()
    behind = camera.to_world @ [0, 0, 2.0, 1]
    places, depth = camera.project(behind[:3], 20, 40)
    assert np.isnan(places).all()
    assert depth == pytest.approx(-2)


def test_a_view_knows_its_size():
    assert isinstance(make_view(), View)
    assert make_view().size == SIZE
