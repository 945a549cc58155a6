"""DPX and Radiance HDR: what is in the file comes out as light, whatever packed it."""

import logging
import struct
from fractions import Fraction
from pathlib import Path

import av
import imagecodecs
import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import find_shots, open_positions
from mvinverse_cli.frames.pictures import probe_picture, read_picture
from tests.frames.finding import choice_of
from tests.frames.media import write_dpx

RANDOM = np.random.default_rng(7)
CODES = RANDOM.integers(0, 1024, (5, 7, 3))


@pytest.mark.parametrize("order", [">", "<"])
def test_linear_dpx_is_light_as_it_stands(order: str, tmp_path: Path):
    picture = read_picture(write_dpx(tmp_path / "a.dpx", CODES, transfer=2, order=order))
    assert picture.transfer == "linear"
    np.testing.assert_allclose(picture.pixels, CODES / 1023, atol=1e-6)


@pytest.mark.parametrize("transfer", [1, 3])
def test_logarithmic_dpx_follows_cineons_curve(transfer: int, tmp_path: Path):
    codes = np.zeros((1, 4, 3), int) + np.array([95, 468, 685, 1023])[:, None]
    picture = read_picture(write_dpx(tmp_path / "a.dpx", codes, transfer=transfer))
    assert picture.transfer == "linear"
    # black, a gray card, 90% white, and the most that film holds
    np.testing.assert_allclose(picture.pixels[0, :, 1], [0, 0.18, 1, 13.52], atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("transfer", [4, 5, 6, 7, 8])
def test_dpx_of_video_is_read_as_video_is(transfer: int, tmp_path: Path):
    picture = read_picture(write_dpx(tmp_path / "a.dpx", CODES, transfer=transfer))
    assert picture.transfer == "srgb"
    np.testing.assert_array_equal(picture.pixels, np.rint(CODES / 1023 * 65535).astype(np.uint16))


@pytest.mark.parametrize(
    "pix_fmt", ["rgb24", "rgba", "abgr", "gbrp10le", "gbrp10be", "gbrp12le", "gbrp12be", "rgb48le", "rgb48be"]
)
def test_dpx_of_every_depth_as_ffmpeg_packs_it(pix_fmt: str, tmp_path: Path):
    frame = av.VideoFrame(33, 7, pix_fmt)
    bits = frame.format.components[0].bits
    codes = RANDOM.integers(0, 2**bits, (7, 33, 4))
    dtype = np.dtype(np.uint8 if bits == 8 else ">u2" if pix_fmt.endswith("be") else "<u2")
    packed = {"rgba": [0, 1, 2, 3], "abgr": [3, 2, 1, 0]}.get(pix_fmt, [0, 1, 2])
    for plane, order in zip(frame.planes, [packed] if len(frame.planes) == 1 else [[1], [2], [0]], strict=True):
        rows = np.frombuffer(memoryview(plane), dtype).reshape(7, plane.line_size // dtype.itemsize)
        rows[:, : 33 * len(order)] = codes[..., order].reshape(7, -1)
    encoder = av.CodecContext.create("dpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 33, 7, pix_fmt, Fraction(1, 25)
    frame.pts = 0
    data = bytearray(b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]))
    data[801] = 2  # FFmpeg writes what it was not told as video
    path = tmp_path / "a.dpx"
    path.write_bytes(data)
    assert probe_picture(path).size == (33, 7)
    picture = read_picture(path)
    np.testing.assert_allclose(picture.pixels, codes[..., :3] / (2**bits - 1), atol=1e-6)


def test_how_a_dpx_was_read_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    for number in (1, 2):
        write_dpx(tmp_path / f"plate.{number}.dpx", CODES, transfer=1)
    (shot,) = find_shots([tmp_path / "plate.#.dpx"], allow_gaps=False)
    choice = choice_of(shot)
    with caplog.at_level(logging.INFO, "mvinverse_cli"), open_positions(shot, choice, choice.wanted) as reader:
        assert [frame.number for frame in reader] == [1, 2]
    assert caplog.messages == ["plate: its header says printing density: read as Cineon log, 95 to 685"]


def test_a_dpx_that_names_no_curve_is_linear_and_says_so(tmp_path: Path):
    picture = read_picture(write_dpx(tmp_path / "a.dpx", CODES, transfer=0))
    assert picture.transfer == "linear"
    assert "no curve that is known (0)" in picture.reading


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("lines", [[b"#?RADIANCE", b"FORMAT=32-bit_rle_rgbe"], [b"#?RGBE", b"EXPOSURE=2", b"a note"]])
def test_hdr_headers_of_any_writer_are_read(lines: list[bytes], end: bytes, tmp_path: Path):
    light = RANDOM.random((20, 30, 3), np.float32)
    whole = imagecodecs.rgbe_encode(light, header=True, rle=True)
    size = b"-Y 20 +X 30"
    path = tmp_path / "a.hdr"
    path.write_bytes(whole)
    expected = read_picture(path).pixels
    path.write_bytes(end.join([*lines, b"", size, b""]) + whole.split(size + b"\n")[1])
    assert probe_picture(path).size == (30, 20)
    np.testing.assert_array_equal(read_picture(path).pixels, expected)


def test_hdr_is_light_without_a_limit(tmp_path: Path):
    light = RANDOM.random((20, 30, 3), np.float32) * np.float32(50)
    path = tmp_path / "a.hdr"
    path.write_bytes(imagecodecs.rgbe_encode(light, header=True, rle=True))
    assert probe_picture(path).size == (30, 20)
    picture = read_picture(path)
    assert (picture.pixels.dtype, picture.transfer) == (np.float32, "linear")
    most = light.max(axis=-1, keepdims=True)
    assert (np.abs(picture.pixels - light) <= most / 128 + 1e-6).all()  # 8 bits
    assert picture.pixels.max() > 40


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 2 +X 2\n", "XYZ"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n+X 2 -Y 2\n", r"\+X -Y"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n", "no line with its size"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 90000 +X 90000\n", "over the limit"),
        (b"SDPX" + bytes(400), "the header ends"),
        (b"SDPX" + bytes(768) + struct.pack(">II", 90000, 90000) + bytes(2000), "over the limit"),
        (b"SDPX" + bytes(2000), "0x0"),
    ],
)
def test_a_plate_that_cannot_be_is_told_from_its_header(head: bytes, said: str, tmp_path: Path):
    path = tmp_path / "a.hdr"
    path.write_bytes(head + bytes(64))
    if said == "the header ends":
        path.write_bytes(head)
    with pytest.raises(InputError, match=said):
        probe_picture(path)


@pytest.mark.parametrize("suffix", ["dpx", "hdr"])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.995])
def test_a_truncated_plate_is_never_half_a_picture(
    suffix: str, share: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    path = tmp_path / f"half.{suffix}"
    codes = RANDOM.integers(0, 1024, (40, 50, 3))
    if suffix == "dpx":
        write_dpx(path, codes, transfer=1)
    else:
        path.write_bytes(imagecodecs.rgbe_encode((codes / 100).astype(np.float32), header=True, rle=True))
    data = path.read_bytes()
    path.write_bytes(data[: max(2100 if suffix == "dpx" else 100, int(len(data) * share))])
    with pytest.raises(InputError, match=rf"half\.{suffix}: truncated or damaged"):
        read_picture(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize(
    ("said", "meant"),
    [((2, 1), 2), ((1200, 1100), 12 / 11), ((0, 1), 1), ((1, 0xFFFFFFFF), 1), ((1000, 1), 1)],
    ids=str,
)
def test_a_dpx_tells_how_wide_its_pixels_are(tmp_path: Path, said: tuple[int, int], meant: float, order: str):
    path = write_dpx(tmp_path / "a.dpx", CODES, transfer=2, order=order, pixel_aspect=said)
    assert probe_picture(path).pixel_aspect == pytest.approx(meant)


@pytest.mark.parametrize(
    ("orientation", "rows", "columns"), [(1, 1, -1), (2, -1, 1), (3, -1, -1), (0xFFFF, 1, 1)], ids=str
)
def test_a_dpx_stands_upright_wherever_its_first_line_lies(tmp_path: Path, orientation: int, rows: int, columns: int):
    upright = read_picture(write_dpx(tmp_path / "a.dpx", CODES, transfer=2)).pixels
    turned = write_dpx(tmp_path / "b.dpx", CODES[::rows, ::columns], transfer=2, orientation=orientation)
    np.testing.assert_array_equal(read_picture(turned).pixels, upright)


def test_a_dpx_whose_lines_are_columns_is_refused(tmp_path: Path):
    path = write_dpx(tmp_path / "a.dpx", CODES, transfer=2, orientation=4)
    for read in (read_picture, probe_picture):
        with pytest.raises(InputError, match=r"a\.dpx: .*its lines are columns \(orientation 4\)"):
            read(path)
