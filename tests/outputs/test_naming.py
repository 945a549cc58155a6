"""File names, as compositors expect them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.maps import MAPS
from mvinverse_cli.options import WriteOptions
from mvinverse_cli.outputs import ShotOutputs


def shot(*formats, stills=False, maps=("albedo", "normal")):
    return ShotOutputs(Path("OUT"), "clip", stills, maps, WriteOptions(format=formats), None)


def test_an_exr_for_each_map_lies_in_its_folder():
    outputs = ShotOutputs(
        Path("OUT"), "clip", False, ("albedo", "normal"), WriteOptions(format=("exr",), exr_layout="files"), None
    )
    assert names(outputs.frame_files(1001, "")) == [
        "OUT/albedo/clip_albedo.1001.exr",
        "OUT/normal/clip_normal.1001.exr",
    ]


def test_a_residual_goes_to_float_files_alone():
    options = WriteOptions(format=("png", "exr", "tiff", "mkv"), bits="float", residual=True)
    outputs = ShotOutputs(Path("OUT"), "clip", False, ("albedo", "shading"), options, None)
    held = {file.path.name: file.maps for file in outputs.frame_files(1001, "")}
    assert held["clip.1001.exr"] == ("albedo", "shading", "residual")
    assert "clip_residual.1001.tif" in held
    assert "clip_residual.1001.png" not in held
    assert [movie.maps for movie in outputs.movie_files()] == [("albedo",), ("shading",)]


def names(files):
    return [file.path.as_posix() for file in files]


def test_frames_lie_in_a_folder_per_map():
    assert names(shot("png").frame_files(1001, "")) == [
        "OUT/albedo/clip_albedo.1001.png",
        "OUT/normal/clip_normal.1001.png",
    ]


def test_tiffs_end_in_tif():
    assert names(shot("tiff", maps=("normal",)).frame_files(7, "")) == ["OUT/normal/clip_normal.0007.tif"]


def test_a_layered_exr_holds_all_maps_of_a_frame():
    (file,) = shot("exr").frame_files(1001, "")
    assert (file.path.as_posix(), file.maps) == ("OUT/clip.1001.exr", ("albedo", "normal"))


def test_stills_keep_their_own_names():
    assert names(shot("png", "exr", stills=True, maps=("albedo",)).frame_files(1, "IMG_07")) == [
        "OUT/albedo/IMG_07_albedo.png",
        "OUT/IMG_07.exr",
    ]


def test_movies_lie_in_the_folder_of_the_shot():
    paths = shot("mp4").movie_files()
    assert {movie.maps[0]: movie.path.as_posix() for movie in paths} == {
        "albedo": "OUT/clip_albedo.mp4",
        "normal": "OUT/clip_normal.mp4",
    }


def test_movies_alone_leave_no_files_of_frames():
    assert shot("mp4").frame_files(1001, "") == ()


def test_frames_alone_leave_no_movies():
    assert shot("png").movie_files() == ()


@pytest.mark.parametrize(("number", "text"), [(0, "0000"), (42, "0042"), (9999, "9999"), (10000, "10000")])
def test_padding_is_four_digits_and_grows(number, text):
    assert shot("exr").frame_files(number, "")[0].path.name == f"clip.{text}.exr"


@given(
    st.sets(st.integers(-(10**6), 10**6), min_size=2, max_size=8),
    st.sets(st.sampled_from(["png", "exr", "tiff"]), min_size=1),
    st.sets(st.sampled_from(MAPS), min_size=1),
)
def test_no_two_files_share_a_name(numbers, formats, maps):
    outputs = shot(*formats, maps=tuple(maps))
    paths = [file.path for number in numbers for file in outputs.frame_files(number, "")]
    assert len(set(paths)) == len(paths)


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=2, unique=True))
def test_names_of_one_length_sort_as_their_frames(numbers):
    first, second = (shot("exr").frame_files(number, "")[0].path.name for number in sorted(numbers))
    assert len(first) < len(second) or first < second
