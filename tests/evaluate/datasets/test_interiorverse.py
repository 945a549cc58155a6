"""InteriorVerse as it is published: lists of scenes, channels, and the pixels that count."""

import numpy as np
import pytest

from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.datasets.interiorverse import list_scenes, pictures_of
from tests.evaluate.sets import SIZE, write_exr, write_interiorverse
from tests.scenes.views import make_view

MAPS = ("albedo", "metallic", "roughness", "normal")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_interiorverse(tmp_path_factory.mktemp("iv"), {"L3A": 2, "L3B": 1})


def test_every_channel_becomes_the_map_that_it_is(data):
    example = pictures_of([data / "test" / "L3A"], MAPS)[0][0].read()
    view = make_view(1, SIZE)
    for name in MAPS:
        assert example.maps[name] == pytest.approx(view.maps[name], abs=1e-6), name
    assert srgb_to_linear(example.picture) == pytest.approx(view.color, abs=1e-5)
    assert np.array_equal(example.mask, view.mask[..., 0])
    assert (example.group, example.name) == ("L3A", "L3A/000")


def test_scenes_are_those_of_the_list_or_all(data, tmp_path):
    assert [path.name for path in list_scenes(data, "test", None)[0]] == ["L3A", "L3B"]
    listed = tmp_path / "some.txt"
    names = "L3C", "x" * 300  # the second is none that a folder has
    listed.write_text("L3B\n\ntest/L3A\n{}\n{}\n".format(*names))
    found, gone = list_scenes(data, "test", listed)
    assert [path.name for path in found] == ["L3B", "L3A"]
    assert [reason for _, reason in gone] == [
        f"{data / 'test' / name}: listed in some.txt and not there" for name in names
    ]
    assert list_scenes(data, "test", listed, 2) == (found, [])
    assert list_scenes(data, "test", None, 1) == ([data / "test" / "L3A"], [])


def test_a_scene_that_may_not_be_looked_into_is_broken(data, close, caplog):
    closed = data / "test" / "L3A"
    close(closed)
    pictures, broken = pictures_of([closed, data / "test" / "L3B"], MAPS)
    assert [picture.name for picture in pictures] == ["L3B/000"]
    assert [path for path, _ in broken] == [closed]
    assert f"scene left out: {closed}: cannot be read: Permission denied" in caplog.text


def test_the_list_of_the_split_is_found_beside_it(tmp_path):
    write_interiorverse(tmp_path, {"L3A": 1, "L3B": 1}, "val")
    (tmp_path / "val.txt").write_text("L3B\n")
    assert [path.name for path in list_scenes(tmp_path, "val", None)[0]] == ["L3B"]


def test_a_split_that_is_not_there_is_named(data):
    with pytest.raises(InputError, match="val: no such folder; name another --split"):
        list_scenes(data, "val", None)


def test_what_is_no_number_and_what_nothing_was_hit_at_does_not_count(tmp_path):
    write_interiorverse(tmp_path, {"L3A": 1})
    scene = tmp_path / "test" / "L3A"
    ((source,), _) = pictures_of([scene], MAPS)
    counted = source.read().mask
    albedo = make_view(1, SIZE).maps["albedo"].copy()
    albedo[30, 30] = np.nan
    write_exr(scene / "000_albedo.exr", albedo)
    assert np.argwhere(counted & ~source.read().mask).tolist() == [[30, 30]]
    write_exr(scene / "000_mask.exr", np.ones((*SIZE, 3)))  # the depth alone tells now
    assert not source.read().mask[:4].any()
    (scene / "000_depth.exr").unlink()
    assert source.read().mask[:4].all()


def test_a_picture_that_lacks_files_names_them(tmp_path):
    write_interiorverse(tmp_path, {"L3A": 1})
    scene = tmp_path / "test" / "L3A"
    for kind in ("albedo", "mask"):
        (scene / f"000_{kind}.exr").unlink()
    ((source,), _) = pictures_of([scene], MAPS)
    with pytest.raises(InputError, match=r"L3A: lacks 000_mask\.exr, 000_albedo\.exr"):
        source.read()


def test_files_of_several_sizes_are_refused(tmp_path):
    write_interiorverse(tmp_path, {"L3A": 1})
    write_exr(tmp_path / "test" / "L3A" / "000_albedo.exr", np.ones((8, 9, 3)))
    with pytest.raises(InputError, match=r"files of several sizes .*albedo 9x8"):
        pictures_of([tmp_path / "test" / "L3A"], MAPS)[0][0].read()
