"""TIFF files, read back by tifffile and by OpenCV's libtiff."""

import io
import json

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile

from mvinverse_cli.maps import SPECS
from mvinverse_cli.outputs.tiff import encode_tiff, srgb_profile

SIZES = [(1, 1), (3, 5), (3, 500), (500, 3)]
ATTRIBUTES = {"software": "mvinverse 0.1.0", "mvinverse/source": "küche.mov"}


def pixels(height, width, channels, dtype):
    values = np.random.default_rng(0).random((height, width, channels))
    if dtype == np.float32:
        return (values * 4 - 2).astype(np.float32)
    return (values * np.iinfo(dtype).max).astype(dtype)


def open_tiff(content):
    return tifffile.TiffFile(io.BytesIO(content))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("name", ["normal", "metallic"])
def test_pixels_come_back_exactly(name, dtype, size):
    spec = SPECS[name]
    values = pixels(*size, spec.channels, dtype)
    content = encode_tiff(values, spec, ATTRIBUTES)
    with open_tiff(content) as tiff:
        read = tiff.asarray()
        assert tiff.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert tiff.pages[0].planarconfig == tifffile.PLANARCONFIG.CONTIG
    assert read.dtype == dtype
    assert np.array_equal(read, values if spec.channels == 3 else values[..., 0])
    by_libtiff = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(by_libtiff[..., ::-1] if spec.channels == 3 else by_libtiff, read)


def test_the_description_is_the_attributes():
    with open_tiff(encode_tiff(pixels(2, 2, 1, np.uint8), SPECS["metallic"], ATTRIBUTES)) as tiff:
        assert json.loads(tiff.pages[0].description) == ATTRIBUTES
        assert tiff.pages[0].software == "mvinverse 0.1.0"
        assert "DateTime" not in tiff.pages[0].tags


@pytest.mark.parametrize(
    ("name", "dtype", "tagged"),
    [
        ("albedo", np.uint16, True),
        ("albedo", np.float32, False),
        ("normal", np.uint16, False),
        ("metallic", np.uint8, False),
    ],
)
def test_integer_colour_alone_carries_the_srgb_profile(name, dtype, tagged):
    with open_tiff(encode_tiff(pixels(2, 2, SPECS[name].channels, dtype), SPECS[name], ATTRIBUTES)) as tiff:
        assert (tiff.pages[0].iccprofile == srgb_profile()) is tagged
        assert (tiff.pages[0].iccprofile is not None) is tagged


def test_the_profile_is_the_srgb_curve():
    codes = np.arange(256, dtype=np.uint8).reshape(-1, 1, 1).repeat(3, axis=2)
    back = imagecodecs.cms_transform(
        codes, srgb_profile(), imagecodecs.cms_profile("srgb"), colorspace="rgb", outcolorspace="rgb"
    )
    assert np.array_equal(back, codes)


def test_a_tiff_made_on_another_day_is_the_same(monkeypatch):
    values = pixels(40, 50, 3, np.uint16)
    first = encode_tiff(values, SPECS["albedo"], ATTRIBUTES)
    srgb_profile.cache_clear()
    other_day = bytearray(imagecodecs.cms_profile("srgb"))
    other_day[24:36] = b"\x07\xd0\0\1\0\1\0\0\0\0\0\0"
    monkeypatch.setattr(imagecodecs, "cms_profile", lambda _: bytes(other_day))
    assert encode_tiff(values, SPECS["albedo"], ATTRIBUTES) == first
    srgb_profile.cache_clear()
