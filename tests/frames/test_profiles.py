"""Pictures with ICC profiles: other colours are brought to sRGB, and what cannot be is said."""

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile
from PIL import ImageCms
from PIL.PngImagePlugin import PngInfo

from mvinverse_cli.color import INTEROP_PRIMARIES, linear_to_srgb, srgb_to_linear, to_rec709
from mvinverse_cli.frames.pictures import Picture, read_picture
from tests.frames.media import png_chunk

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CURVE = srgb_to_linear(np.linspace(0, 1, 1024, dtype=np.float32))
# inside sRGB, so that nothing is clipped
CODES = np.random.default_rng(0).integers(90, 160, (12, 16, 3), dtype=np.uint8)


def profile(kind: str, white: tuple[float, float] = (0.3127, 0.3290)) -> bytes:
    x, y = INTEROP_PRIMARIES["lin_p3d65_scene"][:6:2], INTEROP_PRIMARIES["lin_p3d65_scene"][1:6:2]
    primaries = [value for pair in zip(x, y, strict=True) for value in (*pair, 1.0)]
    if kind == "rgb":
        return imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=primaries, transferfunction=CURVE)
    return imagecodecs.cms_profile("gray", whitepoint=[*white, 1.0], gamma=2.2)


def write(path: Path, codes: np.ndarray, icc: bytes) -> Path:
    if path.suffix == ".tif":
        tifffile.imwrite(path, codes, photometric="rgb", iccprofile=icc)
    else:
        PIL.Image.fromarray(codes).save(path, icc_profile=icc, quality=100, subsampling=0, lossless=True)
    return path


def wanted(codes: np.ndarray) -> np.ndarray:
    """The sRGB codes of P3 codes, by the house's own matrices."""
    most = np.iinfo(codes.dtype).max
    light = to_rec709(srgb_to_linear(codes.astype(np.float32) / most), INTEROP_PRIMARIES["lin_p3d65_scene"])
    return linear_to_srgb(light).clip(0, 1) * most


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_a_picture_in_display_p3_comes_in_srgb_and_says_so(name, tmp_path):
    picture = read_picture(write(tmp_path / name, CODES, profile("rgb")))
    assert np.abs(picture.pixels - wanted(CODES)).max() < (6 if name == "a.jpg" else 2)
    assert np.abs(picture.pixels.astype(int) - CODES).max() > 10
    assert picture.pixels.dtype == np.uint8
    (note,) = picture.notes
    assert note.startswith("its colours are brought from ")
    assert note.endswith(" to sRGB")


def test_sixteen_bits_stay_sixteen_bits(tmp_path):
    codes = CODES.astype(np.uint16) * 257
    picture = read_picture(write(tmp_path / "a.tif", codes, profile("rgb")))
    assert picture.pixels.dtype == np.uint16
    assert np.abs(picture.pixels - wanted(codes)).max() < 2 * 257
    assert len(np.unique(picture.pixels % 257)) > 50


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_a_picture_that_says_srgb_is_not_touched(name, tmp_path):
    picture = read_picture(write(tmp_path / name, CODES, SRGB))
    assert np.array_equal(picture.pixels, CODES)
    assert picture.notes == []


def test_a_profile_of_gray_or_of_none_is_ignored_and_said(tmp_path):
    def read(icc: bytes) -> Picture:
        return read_picture(write(tmp_path / "a.png", CODES, icc))

    for icc in (profile("gray"), b"no profile at all", SRGB[:200]):
        picture = read(icc)
        assert np.array_equal(picture.pixels, CODES)
        assert picture.notes[0].startswith("its ICC profile, ")
        assert picture.notes[0].endswith(" is ignored")


def test_the_alpha_of_a_picture_with_a_profile_is_dropped_and_its_colours_are_brought_over(tmp_path):
    buffer = io.BytesIO()
    alpha = np.full((*CODES.shape[:2], 1), 77, np.uint8)
    PIL.Image.fromarray(np.dstack([CODES, alpha])).save(buffer, "PNG", icc_profile=profile("rgb"))
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    picture = read_picture(tmp_path / "a.png")
    assert np.abs(picture.pixels - wanted(CODES)).max() < 2
    assert picture.notes[0] == "the alpha channel is dropped"
    assert len(picture.notes) == 2


@pytest.mark.parametrize(
    ("tags", "note"),
    [
        ((2, 2, 0, 1), "its colours are brought from"),  # unspecified: the profile decides
        ((12, 13, 0, 1), "is tagged Display P3 primaries: brought to scene-linear Rec.709"),
        ((1, 13, 0, 1), ""),
        ((10, 17, 0, 1), "its colours are brought from"),  # of digital cinema, which is not read
    ],
)
def test_the_tags_of_a_png_outweigh_its_profile_where_they_are_known(tags, note, tmp_path):
    PIL.Image.fromarray(CODES).save(tmp_path / "a.png", icc_profile=profile("rgb"))
    tag(tmp_path / "a.png", tags)
    assert read_picture(tmp_path / "a.png").reading.startswith(note)
    assert bool(read_picture(tmp_path / "a.png").reading) == bool(note)


def test_a_narrow_range_in_a_png_is_told(tmp_path):
    PIL.Image.fromarray(CODES).save(tmp_path / "a.png")
    tag(tmp_path / "a.png", (1, 1, 0, 0))
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, CODES)
    assert picture.reading == "names a narrow range of codes, and is read as if it were sRGB; convert it first"


def tag(path: Path, tags: tuple[int, int, int, int]) -> None:
    """Gives a PNG a cICP chunk behind its header."""
    data, at = path.read_bytes(), 8 + 25
    path.write_bytes(data[:at] + png_chunk(b"cICP", bytes(tags)) + data[at:])


SRGB_CHUNKS = {b"gAMA": (45455,), b"cHRM": (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)}
BT2020 = (31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600)


@pytest.mark.parametrize(
    ("chunks", "note"),
    [
        (SRGB_CHUNKS, ""),
        ({b"gAMA": (100000,)}, "names a gamma of 1, and is read as if it were sRGB; convert it first"),
        ({b"cHRM": BT2020}, "names other primaries, and is read as if it were sRGB; convert it first"),
        ({b"gAMA": (50994,), b"cHRM": BT2020}, "names a gamma of 0.51 and other primaries, and is read as if it were"),
        ({b"gAMA": (100000,), b"cHRM": BT2020, b"sRGB": None}, ""),
        ({b"gAMA": (100000,), b"iCCP": None}, ""),
    ],
)
def test_a_png_that_names_other_colours_without_a_profile_is_told(chunks, note, tmp_path):
    info = PngInfo()
    for kind, values in chunks.items():
        if values is not None:
            info.add(kind, struct.pack(f">{len(values)}I", *values))
    if b"sRGB" in chunks:
        info.add(b"sRGB", b"\0")
    icc = {"icc_profile": SRGB} if b"iCCP" in chunks else {}
    PIL.Image.fromarray(CODES).save(tmp_path / "a.png", pnginfo=info, **icc)
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, CODES)
    assert picture.reading.startswith(note)
    assert bool(picture.reading) == bool(note)
