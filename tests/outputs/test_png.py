"""PNG files, read back by OpenCV, libspng and chunk by chunk."""

import struct
import zlib

import cv2
import imagecodecs
import numpy as np
import pytest

from mvinverse_cli.errors import OutputError
from mvinverse_cli.maps import SPECS
from mvinverse_cli.outputs.png import encode_png

SIZES = [(1, 1), (3, 5), (3, 500), (500, 3), (6, 8)]


def random_codes(height, width, channels, dtype):
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, (height, width, channels), dtype, endpoint=True)


def chunks(png):
    """(kind, content) of every chunk; checks every checksum."""
    at = 8
    found = []
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + content),)
        found.append((kind, content))
        at += 12 + length
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["albedo", "roughness"])
def test_codes_come_back_exactly(name, dtype, size):
    spec = SPECS[name]
    codes = random_codes(*size, spec.channels, dtype)
    png = encode_png(codes, spec, {})
    read = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert read.dtype == dtype
    if spec.channels == 1:
        assert np.array_equal(read, codes[..., 0])
    else:
        assert np.array_equal(read[..., ::-1], codes)
    assert np.array_equal(imagecodecs.png_decode(png).reshape(codes.shape), codes)


def test_colour_maps_are_tagged_srgb_before_their_pixels():
    kinds = [kind for kind, _ in chunks(encode_png(random_codes(2, 2, 3, np.uint8), SPECS["albedo"], {}))]
    assert kinds == [b"IHDR", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND"]


@pytest.mark.parametrize("name", ["metallic", "roughness", "normal"])
def test_data_carries_no_colour_tag(name):
    png = encode_png(random_codes(2, 2, SPECS[name].channels, np.uint8), SPECS[name], {})
    assert [kind for kind, _ in chunks(png)] == [b"IHDR", b"IDAT", b"IEND"]


def test_attributes_are_unicode_texts():
    png = encode_png(
        random_codes(2, 2, 1, np.uint8), SPECS["metallic"], {"software": "x 1", "mvinverse/source": "küche"}
    )
    texts = [content for kind, content in chunks(png) if kind == b"iTXt"]
    assert texts == [b"Software\0\0\0\0\0x 1", "mvinverse/source\0\0\0\0\0küche".encode()]


def test_a_png_made_twice_is_the_same():
    codes = random_codes(40, 50, 3, np.uint16)
    assert encode_png(codes, SPECS["shading"], {"a": "b"}) == encode_png(codes, SPECS["shading"], {"a": "b"})


def test_a_picture_that_png_cannot_hold_is_an_output_error(monkeypatch):
    monkeypatch.setattr(cv2, "imencode", lambda *_: (False, None))
    with pytest.raises(OutputError, match="PNG cannot hold metallic at 2 x 3 pixels"):
        encode_png(random_codes(3, 2, 1, np.uint8), SPECS["metallic"], {})
