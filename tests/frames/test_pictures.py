"""Picture files: every kind comes as upright RGB in full precision, and nothing broken comes at all."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from mvinverse_cli.errors import InputError
from mvinverse_cli.frames.pictures import probe_picture, read_picture
from tests.frames.media import patches, png_chunk, raw_png, with_exif, write_png

RANDOM = np.random.default_rng(0)
RGB8 = RANDOM.integers(0, 256, (6, 8, 3), dtype=np.uint8)
RGB16 = RANDOM.integers(0, 65536, (6, 8, 3), dtype=np.uint16)


def gray(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=-1)


def with_alpha(color: np.ndarray) -> np.ndarray:
    return np.dstack([color, RANDOM.integers(0, 256, color.shape[:2]).astype(color.dtype)])


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (RGB8, RGB8),
        (RGB16, RGB16),
        (RGB8[..., 0], gray(RGB8[..., 0])),
        (RGB16[..., 0], gray(RGB16[..., 0])),
        (with_alpha(RGB8[..., :1]), gray(RGB8[..., 0])),
        (with_alpha(RGB8), RGB8),
        (with_alpha(RGB16), RGB16),
    ],
    ids=["rgb", "rgb16", "gray", "gray16", "gray+alpha", "rgba", "rgba16"],
)
def test_every_kind_of_png_becomes_rgb_in_full_precision(stored, expected, tmp_path):
    picture = read_picture(write_png(tmp_path / "a.png", stored))
    assert picture.pixels.dtype == expected.dtype
    assert picture.transfer == "srgb"
    assert (picture.alpha == "apart") == (stored.ndim == 3 and stored.shape[-1] in (2, 4))
    np.testing.assert_array_equal(picture.pixels, expected)


def test_one_bit_and_palette_pngs_become_rgb(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(raw_png(9, 2, 1, 0, [b"\xaa\x80", b"\x55\x00"]))
    assert read_picture(path).pixels[..., 1].tolist() == [[255, 0] * 4 + [255], [0, 255] * 4 + [0]]
    palette = png_chunk(b"PLTE", bytes(range(12)))
    path.write_bytes(raw_png(4, 1, 2, 3, [b"\x1b"], palette, png_chunk(b"tRNS", b"\x00\x80")))
    assert read_picture(path).pixels.tolist() == [[[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]]


def test_webp_is_read_with_and_without_alpha(tmp_path):
    path = tmp_path / "a.webp"
    for pixels in (RGB8, with_alpha(RGB8)):
        path.write_bytes(imagecodecs.webp_encode(pixels, lossless=True))
        assert probe_picture(path).size == (8, 6)
        picture = read_picture(path)
        opaque = pixels[..., -1] > 0 if pixels.shape[-1] == 4 else np.ones((6, 8), bool)
        np.testing.assert_array_equal(picture.pixels[opaque], RGB8[opaque])
    path.write_bytes(imagecodecs.webp_encode(RGB8, level=90))
    assert probe_picture(path).size == (8, 6)


def jpeg(rgb: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_to_pixels_and_size(orientation, tmp_path):
    stored = np.rint(patches() * np.linspace(0.3, 1, 64)[:, None, None] * 255).astype(np.uint8)
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: np.rot90(stored, 2),
        4: stored[::-1],
        5: np.rot90(stored, 1)[::-1],
        6: np.rot90(stored, -1),
        7: np.rot90(stored, -1)[::-1],
        8: np.rot90(stored, 1),
    }[orientation]
    path = tmp_path / "a.jpg"
    path.write_bytes(with_exif(jpeg(stored), orientation))
    assert probe_picture(path).size == (upright.shape[1], upright.shape[0])
    pixels = read_picture(path).pixels
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 5


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_exif_orientation_counts_in_other_formats_too(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    exif = PIL.Image.Exif()
    exif[274] = 6
    PIL.Image.fromarray(RGB8).save(path, exif=exif, lossless=True)
    assert probe_picture(path).size == (6, 8)
    np.testing.assert_array_equal(read_picture(path).pixels, np.rot90(RGB8, -1))


def test_a_damaged_exif_block_means_upright(tmp_path):
    path = tmp_path / "a.jpg"
    data = with_exif(jpeg(RGB8), 6)
    path.write_bytes(data.replace(b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff"))
    assert probe_picture(path).size == (8, 6)
    assert read_picture(path).pixels.shape == (6, 8, 3)


def test_gray_and_cmyk_jpegs_become_rgb(tmp_path):
    path = tmp_path / "a.jpg"
    flat = np.full((16, 16), 77, np.uint8)
    path.write_bytes(imagecodecs.jpeg8_encode(flat, level=100))
    np.testing.assert_array_equal(read_picture(path).pixels, gray(flat))
    ink = np.empty((16, 16, 4), np.uint8)
    ink[:] = (255, 128, 0, 255)  # as stored by Adobe: 255 is no ink
    path.write_bytes(imagecodecs.jpeg8_encode(ink, colorspace="CMYK", outcolorspace="CMYK", level=100))
    assert np.abs(read_picture(path).pixels.astype(int) - (255, 128, 0)).max() <= 3


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("progressive", [0, 1])
def test_a_truncated_jpeg_is_never_half_a_picture(progressive, share, tmp_path):
    noise = RANDOM.integers(0, 256, (80, 80, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive])[1].tobytes()
    path = tmp_path / "half.jpg"
    path.write_bytes(data[: int(len(data) * share)])
    assert probe_picture(path).size == (80, 80)
    with pytest.raises(InputError, match=r"half\.jpg: truncated or damaged"):
        read_picture(path)


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_texts_of_a_png_that_are_damaged_or_long_are_not_in_the_way(kind, tmp_path):
    long = zlib.compress(b"x" * 3_000_000)
    text = {b"tEXt": b"Comment\0a note", b"zTXt": b"Comment\0\0" + long, b"iTXt": b"XMP\0\x01\0\0\0" + long}[kind]
    chunk = png_chunk(kind, text)
    chunk = chunk[:-1] + bytes([chunk[-1] ^ 1]) if kind == b"tEXt" else chunk
    gamma = png_chunk(b"gAMA", struct.pack(">I", 100000))
    turned = b'XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta tiff:Orientation="6"></x:xmpmeta>'
    path = tmp_path / "a.png"
    path.write_bytes(raw_png(2, 1, 8, 0, [b"\x10\x20"], chunk, png_chunk(b"iTXt", turned), gamma))
    header = probe_picture(path)
    assert header.size == (1, 2)
    assert "gamma of 1" in header.other_colors
    np.testing.assert_array_equal(read_picture(path).pixels, gray(np.array([[16], [32]], np.uint8)))


def test_bad_checksums_and_truncated_files_are_told(tmp_path, capfd):
    data = bytearray(imagecodecs.png_encode(RGB8))
    path = tmp_path / "bad.png"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"bad\.png: (truncated or damaged|its header is broken)"):
        read_picture(path)
    data[-14] ^= 0x55  # in the checksum of the pixels, before the 12 bytes of IEND
    path.write_bytes(data)
    with pytest.raises(InputError, match="CRC"):
        read_picture(path)
    path.write_bytes(imagecodecs.webp_encode(RGB8)[:60])
    with pytest.raises(InputError, match=r"truncated or damaged|its header is broken"):
        read_picture(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a",
        b"just text",
        b"\x89PNG\r\n\x1a\n\0\0",
        b"\xff\xd8\xff\xe0\0",
        b"\xff\xd8\xff\xd9\0\x02",
        b"RIFF\0\0\0\0WEBPVP9 " + bytes(20),
        b"RIFF\0\0\0\0WEBP",
        b"II*\0\xff\xff\xff\x7f",
        b"\x76\x2f\x31\x01\x02\0\0\0junk",
    ],
)
def test_what_is_no_picture_is_told_from_its_header(data, tmp_path, capfd):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.png: ") as raised:
        probe_picture(path)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr().out == ""


def test_the_format_is_told_by_content_and_not_by_name(tmp_path):
    assert probe_picture(write_png(tmp_path / "really.jpg", RGB8)).size == (8, 6)
    np.testing.assert_array_equal(read_picture(tmp_path / "really.jpg").pixels, RGB8)


@pytest.mark.parametrize("size", [(20000, 20000), (2**31 - 1, 1), (0, 5)])
def test_a_bomb_is_refused_by_its_header(size, tmp_path):
    path = tmp_path / "bomb.png"
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b""))
    for read in (probe_picture, read_picture):
        with pytest.raises(InputError, match=r"over the limit of 268|broken"):
            read(path)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_of_several_pictures_the_first_is_read_and_said(name, tmp_path):
    pictures = [PIL.Image.fromarray(codes) for codes in (RGB8, RGB8[::-1], RGB8)]
    lossless = {"lossless": True} if name.endswith("webp") else {}
    for count, said in (
        (3, "holds 3 pages; the first is read" if name == "a.tif" else "is animated; its first"),
        (1, ""),
    ):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:count], **lossless)
        picture = read_picture(tmp_path / name)
        np.testing.assert_array_equal(picture.pixels, RGB8)
        assert len(picture.notes) == bool(said)
        assert "".join(picture.notes).startswith(said)


def test_smaller_copies_behind_a_page_are_no_pictures_of_their_own(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for codes in (RGB8, RGB8[::2, ::2]):
            writer.write(codes, photometric="rgb")
    assert read_picture(tmp_path / "a.tif").notes == []


def test_a_file_that_is_gone_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"gone\.png: No such file"):
        read_picture(tmp_path / "gone.png")


@pytest.mark.parametrize("name", [b"a b.png", b"new\nline.png", b"100%d.png", b"x:y.png", b"-a.png", b"\xff.png"])
def test_odd_names_are_read(name, tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    np.testing.assert_array_equal(read_picture(write_png(path, RGB8)).pixels, RGB8)


def test_pixels_are_contiguous_and_may_be_changed(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_exif(jpeg(RGB8), 6))
    for picture in (read_picture(path), read_picture(write_png(tmp_path / "a.png", with_alpha(RGB8)))):
        assert picture.pixels.flags.c_contiguous
        assert picture.pixels.flags.writeable
