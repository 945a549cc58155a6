"""TIFF pictures of every kind that cameras, scanners and renderers write."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from mvinverse_cli.errors import InputError
from mvinverse_cli.frames.pictures import probe_picture, read_picture

RANDOM = np.random.default_rng(0)
RGB8 = RANDOM.integers(0, 256, (6, 8, 3), dtype=np.uint8)
RGB16 = RANDOM.integers(0, 65536, (6, 8, 3), dtype=np.uint16)
FLOATS = RANDOM.random((6, 8, 3)).astype(np.float32) * 3


def write(path: Path, pixels: np.ndarray, **options) -> Path:
    tifffile.imwrite(path, pixels, **options)
    return path


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "zstd"])
@pytest.mark.parametrize("pixels", [RGB8, RGB16, FLOATS], ids=["8", "16", "float"])
def test_every_depth_is_exact_under_every_compression(pixels, compression, tmp_path):
    path = write(tmp_path / "a.tif", pixels, compression=compression, photometric="rgb")
    picture = read_picture(path)
    assert probe_picture(path).size == (8, 6)
    assert picture.pixels.dtype == pixels.dtype
    assert picture.transfer == ("linear" if pixels.dtype == np.float32 else "srgb")
    np.testing.assert_array_equal(picture.pixels, pixels)


def test_half_and_double_become_float(tmp_path):
    for dtype in (np.float16, np.float64):
        pixels = read_picture(write(tmp_path / "a.tif", FLOATS.astype(dtype), photometric="rgb")).pixels
        assert pixels.dtype == np.float32
        np.testing.assert_array_equal(pixels, FLOATS.astype(dtype).astype(np.float32))


def test_numbers_with_a_sign_are_not_called_damage(tmp_path):
    path = write(tmp_path / "a.tif", RGB8.astype(np.int16), photometric="rgb")
    with pytest.raises(InputError, match="its samples are int16, not 8 or 16 bits without sign, or float; convert it"):
        read_picture(path)


def test_gray_one_bit_white_is_zero_and_palette_become_rgb(tmp_path):
    path, gray = tmp_path / "a.tif", RGB8[..., 0]
    np.testing.assert_array_equal(read_picture(write(path, gray)).pixels[..., 2], gray)
    np.testing.assert_array_equal(
        read_picture(write(path, gray > 99, photometric="minisblack")).pixels[..., 0], (gray > 99) * 255
    )
    np.testing.assert_array_equal(read_picture(write(path, gray, photometric="miniswhite")).pixels[..., 1], 255 - gray)
    colors = RANDOM.integers(0, 65536, (3, 256), dtype=np.uint16)
    pixels = read_picture(write(path, gray, photometric="palette", colormap=colors)).pixels
    np.testing.assert_array_equal(pixels, np.moveaxis(colors[:, gray], 0, -1))


def test_separate_planes_tiles_and_jpeg_inside_are_read(tmp_path):
    path = tmp_path / "a.tif"
    planes = np.ascontiguousarray(np.moveaxis(RGB8, -1, 0))
    pixels = read_picture(write(path, planes, planarconfig="separate", photometric="rgb")).pixels
    np.testing.assert_array_equal(pixels, RGB8)
    np.testing.assert_array_equal(read_picture(write(path, RGB8, tile=(16, 16), photometric="rgb")).pixels, RGB8)
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    write(path, flat, compression="jpeg", photometric="rgb")
    assert np.abs(read_picture(path).pixels.astype(int) - flat).max() <= 3


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
def test_associated_alpha_is_divided_out_and_unassociated_alpha_dropped(dtype, most, tmp_path):
    color = np.full((6, 8, 3), 0.25 * most).astype(dtype)
    alpha = np.full((6, 8, 1), 0.5 * most).astype(dtype)
    for kind, factor in (("assocalpha", 2), ("unassalpha", 1)):
        path = write(tmp_path / "a.tif", np.dstack([color, alpha]), photometric="rgb", extrasamples=[kind])
        picture = read_picture(path)
        assert picture.alpha == ("multiplied" if factor == 2 else "apart")
        assert picture.pixels.dtype == dtype
        np.testing.assert_allclose(picture.pixels, color.astype(float) * factor, rtol=0.02)


def test_of_several_pages_the_first_is_the_picture(tmp_path):
    path = write(tmp_path / "a.tif", np.stack([RGB8, RGB8 // 2]), photometric="rgb")
    np.testing.assert_array_equal(read_picture(path).pixels, RGB8)


def test_the_orientation_tag_is_applied(tmp_path):
    path = write(tmp_path / "a.tif", RGB8, photometric="rgb", extratags=[(274, "H", 1, 6)])
    assert probe_picture(path).size == (6, 8)
    np.testing.assert_array_equal(read_picture(path).pixels, np.rot90(RGB8, -1))


@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (np.zeros((6, 8, 4), np.uint8), {"photometric": "separated"}, "SEPARATED, not RGB or gray; convert it to RGB"),
        (RGB8, {"photometric": "ycbcr"}, "YCBCR"),
        (np.zeros((6, 8, 3), np.int16), {"photometric": "rgb"}, "int16"),
        (np.full((6, 8, 3), np.nan, np.float32), {"photometric": "rgb"}, "48 of 48 pixels hold NaN"),
    ],
)
def test_what_is_not_a_picture_in_rgb_or_gray_is_told(pixels, options, reason, tmp_path):
    path = write(tmp_path / "a.tif", pixels, **options)
    with pytest.raises(InputError, match=rf"a\.tif: .*{reason}"):
        read_picture(path)


@pytest.mark.parametrize("share", [0.3, 0.8, 0.99])
@pytest.mark.parametrize("compression", [None, "lzw", "jpeg"])
def test_a_truncated_file_is_told(compression, share, tmp_path):
    noise = RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = write(tmp_path / "a.tif", noise, compression=compression, photometric="rgb")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"a\.tif: "):
        read_picture(path)


def test_a_volume_is_no_picture(tmp_path: Path):
    path = write(tmp_path / "a.tif", np.zeros((16, 32, 48), np.uint8), volumetric=True, tile=(16, 16, 16))
    with pytest.raises(InputError, match="no picture of 48x32"):
        read_picture(path)


@pytest.mark.parametrize("length", [5, 6, 8, 12])
def test_a_file_that_ends_in_its_first_bytes_is_told(length: int, tmp_path: Path):
    path = write(tmp_path / "a.tif", RGB8, photometric="rgb")
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"a\.tif: .*broken"):
        probe_picture(path)


@pytest.mark.parametrize("samples", [1, 2])
def test_a_pixel_of_rgb_with_fewer_than_three_samples_is_told(samples: int, tmp_path: Path):
    path = write(tmp_path / "a.tif", RGB8, photometric="rgb")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["SamplesPerPixel"].overwrite(samples)
    with pytest.raises(InputError, match=rf"a\.tif: .*{samples} of the 3 samples"):
        read_picture(path)
