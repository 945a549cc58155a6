"""Finding the scenes of a folder, and what is wrong with the others."""

import io
import json
import shutil

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.scenes.record import view_path
from mvinverse_cli.scenes.store import find_scenes
from tests.scenes.views import SIZE, make_scenes


@pytest.fixture
def folder(tmp_path):
    return make_scenes(tmp_path / "scenes", (3, 1, 2), views=2)


def test_scenes_come_in_the_order_of_their_seeds_with_what_is_known_of_them(folder):
    found = find_scenes(folder)
    assert [scene.name for scene in found.scenes] == ["00000001", "00000002", "00000003"]
    assert found.broken == ()
    first = found.scenes[0]
    assert (first.views, first.size, first.split, first.layout, first.generator) == (2, SIZE, "train", "noise", 1)


def test_what_tells_a_scene_from_others_is_one_line_whatever_its_layout_is_called(folder):
    for layout, said in (("my room", "my room"), ("my\nroom", r"my\nroom"), ("a\u2028b", r"a\u2028b")):
        about = json.loads((folder / "00000001" / "scene.json").read_text()) | {"layout": layout}
        (folder / "00000001" / "scene.json").write_text(json.dumps(about))
        told = find_scenes(folder).scenes[0].described
        assert told.splitlines() == [told]
        assert f"train, {said}, generator 1" in told


def test_a_scene_reads_all_of_its_views_or_those_asked_for(folder):
    scene = find_scenes(folder).scenes[0]
    first, second = scene.read()
    (again,) = scene.read([1])
    assert np.array_equal(again.color, second.color)
    assert not np.array_equal(first.color, second.color)


def test_what_is_no_scene_is_passed_over(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / ".00000009-abcd.part").mkdir()
    (folder / "previews").mkdir()
    (folder / "00000004").write_text("a file")
    found = find_scenes(folder)
    assert (len(found.scenes), found.broken) == (3, ())


@pytest.mark.parametrize(
    ("name", "breaks"),
    [
        ("view_1.exr", lambda path: path.unlink()),
        ("view_1.exr", lambda path: path.write_bytes(path.read_bytes()[:100])),
        ("scene.json", lambda path: path.write_text("{")),
        ("scene.json", lambda path: path.unlink()),
    ],
)
def test_a_broken_scene_is_named_beside_the_whole_ones(folder, capfd, name, breaks):
    breaks(folder / "00000002" / name)
    found = find_scenes(folder)
    assert [scene.name for scene in found.scenes] == ["00000001", "00000003"]
    ((path, reason),) = found.broken
    assert path == folder / "00000002"
    assert f"00000002/{name}" in reason.replace("\\", "/")
    assert capfd.readouterr().out == ""


def test_a_link_to_a_scene_that_is_not_there_is_a_broken_one(folder, tmp_path):
    (folder / "00000004").symlink_to(tmp_path / "not mounted")
    ((path, reason),) = find_scenes(folder).broken
    assert path == folder / "00000004"
    assert "00000004/scene.json" in reason.replace("\\", "/")


def test_a_split_is_kept_apart_from_the_other(folder):
    make_scenes(folder, (8,), views=1, split="held-out")
    assert [scene.name for scene in find_scenes(folder, "held-out").scenes] == ["00000008"]
    assert len(find_scenes(folder, "train").scenes) == 3
    assert len(find_scenes(folder).scenes) == 4


def test_a_folder_without_scenes_says_how_to_get_some(tmp_path):
    with pytest.raises(InputError, match="holds no scenes; make some with `mvinverse scenes render"):
        find_scenes(tmp_path)


def test_a_folder_without_scenes_of_the_split_says_so(folder):
    with pytest.raises(InputError, match="holds no held-out scenes, its 3 are train; name another"):
        find_scenes(folder, "held-out")


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        find_scenes(tmp_path / "nowhere")


def test_a_folder_of_nothing_but_broken_scenes_names_the_first(folder):
    for path in folder.iterdir():
        view_path(path, 0).unlink()
    with pytest.raises(InputError, match=r"all 3 scenes are broken: .*00000001.*view_0.exr"):
        find_scenes(folder)


def test_the_digest_changes_with_the_list_and_not_with_its_place(folder, tmp_path):
    digest = find_scenes(folder).digest()
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert find_scenes(tmp_path / "elsewhere").digest() == digest
    shutil.rmtree(folder / "00000001")
    assert find_scenes(folder).digest() != digest


def artists_room(views=2, size=(20, 30)):
    """Arrays of an artist's room: a wall at distance z = 4 in front of cameras that look along +Z of the world."""
    rng = np.random.default_rng(0)
    shape = (views, *size)
    x = (np.arange(size[1]) + 0.5) / size[1] * 2 - 1  # at 90 degrees across
    y = (np.arange(size[0]) + 0.5) / size[1] * 2 - size[0] / size[1]
    along_ray = 4 * np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2)
    return {
        "rgb": rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
        "albedo": rng.integers(0, 65536, (*shape, 3), dtype=np.uint16),
        "shading": (rng.random((*shape, 3)) * 3).astype(np.float16),
        "normal": np.broadcast_to(np.float16([0, 0, 1]), (*shape, 3)),
        "distance": np.broadcast_to(along_ray, shape).astype(np.float32),
        "mask": np.ones(shape, bool),
        "pose": np.broadcast_to(np.eye(4), (views, 4, 4)),
        "fov_x_deg": np.float64(90),
    }


def write_npz(folder, arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    path = folder / "scene_loft.npz"
    path.write_bytes(buffer.getvalue())
    return path


def test_an_artists_room_is_a_scene_without_metallic_and_roughness(tmp_path):
    arrays = artists_room()
    write_npz(tmp_path, arrays)
    (scene,) = find_scenes(tmp_path).scenes
    assert (scene.name, scene.views, scene.size, scene.split) == ("scene_loft", 2, (20, 30), "held-out")
    view = scene.read([1])[0]
    assert set(view.maps) == {"albedo", "normal", "shading"}
    white = arrays["rgb"][1] == 255
    assert np.array_equal(view.color == 1, white)
    assert np.allclose(view.maps["albedo"] * 65535, arrays["albedo"][1], atol=0.01)
    assert np.array_equal(view.maps["shading"], arrays["shading"][1].astype(np.float32))


def test_an_artists_camera_is_turned_to_our_axes(tmp_path):
    write_npz(tmp_path, artists_room())
    view = find_scenes(tmp_path).scenes[0].read()[0]
    assert np.allclose(view.depth, 4, atol=1e-5)  # of a wall across the view
    points = view.camera.points(view.depth)
    assert np.allclose(points[..., 2], 4, atol=1e-4)
    assert points[0, 0, 0] > 0 > points[0, -1, 0]  # Mitsuba's +X is to the left
    assert points[0, 0, 1] > 0 > points[-1, 0, 1]


def test_a_broken_npz_is_named(tmp_path):
    path = write_npz(tmp_path, artists_room())
    make_scenes(tmp_path, (1,), views=1)
    path.write_bytes(path.read_bytes()[:-100])
    assert find_scenes(tmp_path).broken[0][0] == path
    arrays = artists_room()
    del arrays["pose"]
    write_npz(tmp_path, arrays)
    assert "lacks pose" in find_scenes(tmp_path).broken[0][1]
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    assert "cannot be read" in find_scenes(tmp_path).broken[0][1]
    np.savez_compressed(path, **artists_room())
    data = bytearray(path.read_bytes())
    data[30 + int.from_bytes(data[26:28], "little") + int.from_bytes(data[28:30], "little")] = 0xFF  # no deflate block
    path.write_bytes(data)
    assert "cannot be read" in find_scenes(tmp_path).broken[0][1]


@pytest.mark.parametrize("shape", [(20, 30, 3), (2, 20, 30, 4), (0, 20, 30, 3)])
def test_an_npz_whose_pictures_are_none_is_broken_and_the_others_are_found(shape, tmp_path):
    path = write_npz(tmp_path, artists_room() | {"rgb": np.zeros(shape, np.uint8)})
    make_scenes(tmp_path, (1,), views=1)
    found = find_scenes(tmp_path)
    assert [broken for broken, _ in found.broken] == [path]
    assert [scene.name for scene in found.scenes] == ["00000001"]


def test_an_npz_whose_arrays_do_not_fit_is_named_when_it_is_read(tmp_path):
    path = write_npz(tmp_path, artists_room() | {"normal": np.zeros((2, 5, 5, 3), np.float16)})
    with pytest.raises(InputError, match=r"scene_loft\.npz: not a whole scene"):
        find_scenes(tmp_path).scenes[0].read()
    assert path.exists()
