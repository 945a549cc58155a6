"""Single files: what is in them comes out, and what is wrong with them is one line that names them."""

from contextlib import suppress

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.datasets.files import check_there, read_hdf5, read_linear, read_normals, unit
from tests.evaluate.sets import write_exr, write_hdf5
from tests.frames.media import write_png

NORMALS = np.array([[[0, 0, 1], [1, 0, 0]], [[0, 0.6, 0.8], [0, 0, 0]]], np.float32)


def test_infinity_and_nan_of_an_exr_stay(tmp_path):
    values = np.full((3, 4, 3), 0.25, np.float32)
    values[0, 0], values[1, 1] = np.inf, np.nan
    assert np.array_equal(read_linear(write_exr(tmp_path / "a.exr", values)), values, equal_nan=True)


def test_a_file_that_is_no_exr_is_one_line(tmp_path):
    (tmp_path / "a.exr").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.exr: not a whole EXR picture"):
        read_linear(tmp_path / "a.exr")


def test_halves_of_an_hdf5_become_float32(tmp_path):
    path = write_hdf5(tmp_path / "a.hdf5", np.ones((2, 3, 3), np.float16))
    assert read_hdf5(path, (None, None, 3)).dtype == np.float32


def test_an_hdf5_that_is_not_what_it_should_be_is_one_line(tmp_path):
    other = write_hdf5(tmp_path / "other.hdf5", np.ones((2, 3)), key="images")
    with pytest.raises(InputError, match=r"other\.hdf5: has no key 'dataset', only images"):
        read_hdf5(other, (None, None, 3))
    flat = write_hdf5(tmp_path / "flat.hdf5", np.ones((2, 3)))
    with pytest.raises(InputError, match=r"flat\.hdf5: holds float64 of \(2, 3\); wanted numbers of anyxanyx3"):
        read_hdf5(flat, (None, None, 3))
    (tmp_path / "text.hdf5").write_text("no data")
    with pytest.raises(InputError, match=r"text\.hdf5: cannot be read as HDF5"):
        read_hdf5(tmp_path / "text.hdf5", (None, 3))
    with pytest.raises(InputError, match=r"gone\.hdf5: not there"):
        read_hdf5(tmp_path / "gone.hdf5", (None, 3))


def test_an_hdf5_that_is_damaged_inside_is_one_line(tmp_path):
    path = write_hdf5(tmp_path / "a.hdf5", NORMALS)
    whole = path.read_bytes()
    said = []
    for place in range(0, len(whole), 8):  # its tables are of numbers of eight bytes
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
        with suppress(InputError):
            read_hdf5(path, (None, None, 3))
            continue
        said.append(place)
    assert len(said) > 10


@pytest.mark.parametrize("kind", ["png", "profiled.png", "exr", "float.tif", "npy"])
def test_normals_come_out_of_every_kind_of_file(kind, tmp_path):
    path = tmp_path / f"a.{kind}"
    codes = np.rint((NORMALS * 0.5 + 0.5) * 255).astype(np.uint8)
    if kind == "png":
        write_png(path, codes)
    elif kind == "profiled.png":  # as an editor of photographs exports it
        PIL.Image.fromarray(codes).save(path, icc_profile=imagecodecs.cms_profile("adobergb"))
    elif kind == "float.tif":
        tifffile.imwrite(path, NORMALS, photometric="rgb")
    elif kind == "exr":
        write_exr(path, NORMALS)
    else:
        np.save(path, NORMALS)
    normals, points = unit(read_normals(path))
    assert normals == pytest.approx(NORMALS, abs=0.01)
    assert points.tolist() == [[True, True], [True, False]]


def test_black_and_white_around_a_thing_are_no_normals(tmp_path):
    codes = np.full((2, 4, 3), (128, 128, 255), np.uint8)
    codes[0] = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (128, 255, 128)]
    write_png(tmp_path / "a.png", codes)
    _, points = unit(read_normals(tmp_path / "a.png"))
    assert points.tolist() == [[False, False, False, True], [True] * 4]


def test_missing_files_are_all_named(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match="lacks b, c; fetch it again"):
        check_there([tmp_path / name for name in "abc"])


def test_an_archive_under_the_name_of_an_array_is_one_line(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.savez(file, normals=NORMALS)
    with pytest.raises(InputError, match=r"a\.npy: not readable as \.npy: it is an archive"):
        read_normals(tmp_path / "a.npy")


def test_an_archive_cut_short_under_the_name_of_an_array_is_one_line(tmp_path):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.savez(file, normals=NORMALS)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match=r"a\.npy: not readable as \.npy: "):
        read_normals(path)
