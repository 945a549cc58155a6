"""H.264 with 10 bits, ProRes and FFV1, opened again with FFmpeg: pixels, tags, times, sizes."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from mvinverse_cli.frames.video_color import RgbConverter
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.outputs.codecs import NO_MATRIX, codec_of
from mvinverse_cli.outputs.movie import MovieWriter
from mvinverse_cli.outputs.quantize import quantize

KINDS = [("mp4", "10"), ("mov", "10"), ("mkv", "16")]


def write(path, codes, times, *, bits, name="albedo", rate=Fraction(24), attributes=None):
    is_color = SPECS[name].kind == "color"
    codec = codec_of(path.suffix[1:], bits, SPECS[name].channels)
    movie = MovieWriter(path, codec, codes[0].shape[:2], rate, attributes or {}, "error", is_color=is_color)
    try:
        for index, (frame, time) in enumerate(zip(codes, times, strict=True)):
            movie.encode(frame, time, f"clip: frame {1001 + index}")
        movie.close()
        movie.commit()
    finally:
        movie.abandon()


def read(path):
    """(codec context, frames, [(H, W, 3) uint16 RGB], [time in seconds])."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        context = container.streams.video[0].codec_context
    rgb = [RgbConverter().convert(frame) for frame in frames]  # swscale's own way back repeats its mistakes
    return context, frames, rgb, [frame.pts * frame.time_base for frame in frames]


def codes_of(values, name):
    return quantize(values, SPECS[name], 16, "").codes


def constant(count, rate=Fraction(24)):
    return [Fraction(index) / rate for index in range(count)]


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (33, 47), (2, 500), (64, 96)])
def test_ffv1_gives_every_code_back(tmp_path, name, size):
    rng = np.random.default_rng(0)
    codes = [rng.integers(0, 65536, (*size, SPECS[name].channels)).astype(np.uint16) for _ in range(3)]
    write(tmp_path / "a.mkv", codes, constant(3), bits="16", name=name)
    _, _, rgb, _ = read(tmp_path / "a.mkv")
    assert all(np.array_equal(back, np.broadcast_to(frame, back.shape)) for back, frame in zip(rgb, codes, strict=True))


@pytest.mark.parametrize(("format", "bits"), KINDS[:2])
@pytest.mark.parametrize("name", MAPS)
def test_flat_values_come_back_within_a_step_and_a_half_of_ten_bits(tmp_path, name, format, bits):
    rng = np.random.default_rng(0)
    colours = [np.full(SPECS[name].channels, level) for level in (0, 1)]
    colours += list(rng.random((8, SPECS[name].channels)))
    codes = [np.broadcast_to(np.rint(colour * 65535).astype(np.uint16), (32, 48, colour.size)) for colour in colours]
    write(tmp_path / f"a.{format}", codes, constant(len(codes)), bits=bits, name=name)
    for back, frame in zip(read(tmp_path / f"a.{format}")[2], codes, strict=True):
        assert np.abs(back.astype(int) - frame).max() <= 1.5 * 65535 / 876  # luma has 876 steps


@pytest.mark.parametrize(("format", "bits"), KINDS[:2])
def test_black_and_white_are_the_legal_ones_and_gray_is_as_bright_as_it_was(tmp_path, format, bits):
    grays = np.linspace(0, 65535, 256).round().astype(np.uint16)
    codes = [np.broadcast_to(gray, (32, 48, 1)) for gray in grays]
    write(tmp_path / f"a.{format}", codes, constant(len(codes)), bits=bits, name="roughness")
    _, frames, rgb, _ = read(tmp_path / f"a.{format}")
    luma = [np.frombuffer(memoryview(frames[index].planes[0]), "<u2")[0] for index in (0, -1)]
    step = 2 ** (frames[0].format.components[0].bits - 10)  # FFmpeg decodes ProRes to 12 bits
    assert luma == [64 * step, 940 * step]
    off = np.array([back.astype(float).mean() - gray for back, gray in zip(rgb, grays, strict=True)]) / 65535
    assert abs(off.mean()) < 0.1 / 876
    assert np.abs(off).max() < 1 / 876


def test_prores_keeps_colour_at_full_resolution(tmp_path, make_frame):
    rng = np.random.default_rng(0)
    smooth = make_frame(size=(96, 128)).maps["albedo"]
    smooth[:, ::2] *= rng.random(3).astype(np.float32)  # columns of alternating colour, which 4:2:0 would blend
    codes = codes_of(smooth, "albedo")
    write(tmp_path / "a.mov", [codes], [Fraction(0)], bits="10")
    (back,) = read(tmp_path / "a.mov")[2]
    assert np.abs(back.astype(int) - codes).mean() < 0.004 * 65535


@pytest.mark.parametrize(("format", "bits"), KINDS)
@pytest.mark.parametrize("name", ["albedo", "normal", "roughness"])
def test_stream_and_frames_are_tagged(tmp_path, name, format, bits):
    codes = codes_of(np.full((32, 48, SPECS[name].channels), 0.5, np.float32), name)
    write(tmp_path / f"a.{format}", [codes], [Fraction(0)], bits=bits, name=name)
    context, (frame,), _, _ = read(tmp_path / f"a.{format}")
    gray = SPECS[name].channels == 1
    expected = {
        "mp4": ("h264", "yuv420p10le"),
        "mov": ("prores", "yuv444p12le"),  # FFmpeg's decoder gives 12 bits, whatever went in
        "mkv": ("ffv1", "gray16le" if gray else "gbrp16le"),
    }[format]
    assert (context.name, context.pix_fmt) == expected
    for tagged in (context, frame):
        assert tagged.colorspace == (NO_MATRIX if format == "mkv" and not gray else Colorspace.ITU709)
        assert tagged.color_range == (ColorRange.JPEG if format == "mkv" else ColorRange.MPEG)
        assert tagged.color_primaries == ColorPrimaries.BT709
        assert tagged.color_trc == (ColorTrc.IEC61966_2_1 if name == "albedo" else ColorTrc.UNSPECIFIED)
    if format == "mov":
        assert context.profile == "4444"


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001)])
@pytest.mark.parametrize(("format", "bits"), KINDS)
def test_frames_keep_the_times_of_their_source(tmp_path, format, bits, rate):
    times = constant(50, rate)
    codes = [np.full((16, 16, 3), 30000, np.uint16)] * 50
    write(tmp_path / f"a.{format}", codes, times, bits=bits, rate=rate)
    read_times = read(tmp_path / f"a.{format}")[3]
    if format == "mkv":  # whose clock has steps of 1 ms
        assert all(abs(back - time) <= Fraction(1, 2000) for back, time in zip(read_times, times, strict=True))
    else:
        assert read_times == times
    with av.open(str(tmp_path / f"a.{format}")) as container:
        assert float(container.streams.video[0].average_rate) == pytest.approx(float(rate), rel=1e-3)


@pytest.mark.parametrize(("format", "bits"), KINDS)
def test_frames_of_a_variable_rate_keep_their_times(tmp_path, format, bits):
    times = [Fraction(tick, 1000) for tick in (500, 541, 583, 1750, 1751, 13507)]
    codes = [np.full((16, 16, 3), 30000, np.uint16)] * 6
    write(tmp_path / f"a.{format}", codes, times, bits=bits)
    assert read(tmp_path / f"a.{format}")[3] == [time - times[0] for time in times]


@pytest.mark.parametrize("clock", [1000, 90000])
def test_frames_closer_than_a_tick_are_all_kept(tmp_path, clock):
    times = [Fraction(tick, clock * 100) for tick in range(9)]
    write(tmp_path / "a.mkv", [np.full((16, 16, 1), 7, np.uint16)] * 9, times, bits="16", name="metallic")
    assert len(set(read(tmp_path / "a.mkv")[3])) == 9


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (3, 500), (31, 48)])
@pytest.mark.parametrize(("format", "bits"), KINDS)
def test_odd_sizes_are_kept_where_the_codec_can(tmp_path, format, bits, size):
    codes = np.full((*size, 3), 40000, np.uint16)
    write(tmp_path / f"a.{format}", [codes], [Fraction(0)], bits=bits)
    (back,) = read(tmp_path / f"a.{format}")[2]
    expected = tuple(side + side % 2 for side in size) if format == "mp4" else size
    assert back.shape[:2] == expected
    assert np.abs(back.astype(int) - 40000).max() <= 2 * 65535 / 876


@pytest.mark.parametrize(("format", "bits"), KINDS)
def test_a_movie_made_twice_is_the_same(tmp_path, make_frame, format, bits):
    codes = [codes_of(make_frame(index, size=(96, 128)).maps["albedo"], "albedo") for index in range(12)]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / f"clip.{format}", codes, constant(12), bits=bits, attributes={"software": "x"})
    assert (tmp_path / "a" / f"clip.{format}").read_bytes() == (tmp_path / "b" / f"clip.{format}").read_bytes()


@pytest.mark.parametrize(("format", "bits"), KINDS)
def test_the_comment_is_the_attributes(tmp_path, format, bits):
    path = tmp_path / f"a.{format}"
    write(
        path, [np.zeros((16, 16, 3), np.uint16)], constant(1), bits=bits, attributes={"mvinverse/source": "küche.mov"}
    )
    with av.open(str(path)) as container:
        metadata = {name.lower(): text for name, text in container.metadata.items()}
        assert json.loads(metadata["comment"]) == {"mvinverse/source": "küche.mov"}
        assert metadata["title"] == "a"
