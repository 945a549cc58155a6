"""Movies, opened again with FFmpeg: pixels, tags, times, sizes."""

import json
import logging
from fractions import Fraction

import av
import numpy as np
import pytest
from av.codec.codec import UnknownCodecError
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from mvinverse_cli.errors import OutputError
from mvinverse_cli.maps import SPECS
from mvinverse_cli.outputs.codecs import codec_of
from mvinverse_cli.outputs.movie import MovieWriter, ticks_per_second
from mvinverse_cli.outputs.quantize import quantize


def open_movie(path, size, *, name="albedo", bits="8", rate=Fraction(24), attributes=None, on_exists="error"):
    spec = SPECS[name]
    codec = codec_of(path.suffix[1:], bits, spec.channels)
    return MovieWriter(path, codec, size, rate, attributes or {}, on_exists, is_color=spec.kind == "color")


def write(path, values, times, *, name="albedo", **more):
    movie = open_movie(path, values[0].shape[:2], name=name, **more)
    try:
        for index, (frame, time) in enumerate(zip(values, times, strict=True)):
            place = f"clip: frame {1001 + index}"
            movie.encode(quantize(frame, SPECS[name], movie.codec.depth, place).codes, time, place)
        movie.close()
        movie.commit()
    finally:
        movie.abandon()


def read(path):
    """(frames, [(H, W, 3) uint8 RGB], [time in seconds])."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return frames, [frame.to_ndarray(format="rgb24") for frame in frames], [f.pts * f.time_base for f in frames]


def flat(value, channels=3, size=(32, 48)):
    return np.full((*size, channels), value, np.float32)


def constant(count, rate=Fraction(24)):
    return [Fraction(index) / rate for index in range(count)]


@pytest.mark.parametrize("name", ["albedo", "normal", "roughness", "metallic", "shading"])
def test_flat_values_come_back_within_two_codes(tmp_path, name):
    spec = SPECS[name]
    steps = [spec.low, 0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 1.0]
    values = [flat(step, spec.channels) for step in steps]
    write(tmp_path / "a.mp4", values, constant(len(values)), name=name)
    for frame, pixels in zip(values, read(tmp_path / "a.mp4")[1], strict=True):
        codes = quantize(frame, spec, 8, "").codes.astype(int)
        assert np.abs(pixels - codes).max() <= 2


def test_saturated_colours_come_back_within_two_codes(tmp_path):
    colours = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0.02, 0.6, 0.9]], np.float32)
    values = [np.broadcast_to(colour, (32, 48, 3)) for colour in colours]
    write(tmp_path / "a.mp4", values, constant(len(values)))
    for frame, pixels in zip(values, read(tmp_path / "a.mp4")[1], strict=True):
        codes = quantize(frame, SPECS["albedo"], 8, "").codes.astype(int)
        assert np.abs(pixels - codes).max() <= 2


@pytest.mark.parametrize(
    ("name", "curve"),
    [("albedo", ColorTrc.IEC61966_2_1), ("shading", ColorTrc.IEC61966_2_1), ("normal", ColorTrc.UNSPECIFIED)],
)
def test_stream_and_frames_are_tagged(tmp_path, name, curve):
    write(tmp_path / "a.mp4", [flat(0.5)], [Fraction(0)], name=name)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        frame = next(container.decode(video=0))
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        for tagged in (frame, context):
            assert tagged.colorspace == Colorspace.ITU709
            assert tagged.color_range == ColorRange.MPEG
            assert tagged.color_primaries == ColorPrimaries.BT709
            assert tagged.color_trc == curve


@pytest.mark.parametrize(
    "rate", [Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(2997, 100)]
)
def test_frames_of_a_constant_rate_keep_it_to_the_tick(tmp_path, rate):
    times = constant(7, rate)
    write(tmp_path / "a.mp4", [flat(0.5)] * 7, times, rate=rate)
    assert read(tmp_path / "a.mp4")[2] == times
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == rate
        assert stream.duration * stream.time_base == 7 / rate


@pytest.mark.parametrize("clock", [1000, 90000, 15360, 12800, 600, 24000, 30000])
def test_frames_of_a_variable_rate_keep_their_times(tmp_path, clock):
    times = [Fraction(tick, clock) for tick in (0, 41, 83, 1250, 1251, 13007)]
    write(tmp_path / "a.mp4", [flat(0.5)] * 6, times)
    assert read(tmp_path / "a.mp4")[2] == times
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == times[-1] + Fraction(1, 24)


def test_the_first_frame_is_shown_at_once(tmp_path):
    times = [Fraction(1001 * index, 24000) for index in (500, 501, 503)]
    write(tmp_path / "a.mp4", [flat(0.5)] * 3, times, rate=Fraction(24000, 1001))
    assert read(tmp_path / "a.mp4")[2] == [time - times[0] for time in times]


def test_frames_that_claim_the_same_time_are_all_kept_in_order(tmp_path):
    write(tmp_path / "a.mp4", [flat(value) for value in (0.1, 0.5, 0.9)], [Fraction(0)] * 3)
    _, pixels, times = read(tmp_path / "a.mp4")
    assert [frame.mean() for frame in pixels] == sorted(frame.mean() for frame in pixels)
    assert times == sorted(set(times))


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (3, 500), (500, 3), (2, 2), (31, 48)])
def test_odd_sides_grow_by_a_repeated_edge_and_are_told(tmp_path, caplog, size):
    height, width = size
    ramp = np.linspace(0.2, 0.8, height * width, dtype=np.float32).reshape(height, width, 1)
    with caplog.at_level(logging.WARNING):
        write(tmp_path / "a.mp4", [ramp], [Fraction(0)], name="roughness")
    (pixels,) = read(tmp_path / "a.mp4")[1]
    assert pixels.shape == (height + height % 2, width + width % 2, 3)
    codes = quantize(ramp, SPECS["roughness"], 8, "").codes[..., 0].astype(int)
    assert np.abs(pixels[:height, :width, 0] - codes).max() <= 6
    assert ("odd side" in caplog.text) == bool(height % 2 or width % 2)


def test_a_movie_made_twice_is_the_same(tmp_path, make_frame):
    values = [make_frame(index, size=(96, 128)).maps["albedo"] for index in range(30)]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "clip.mp4", values, constant(30), attributes={"software": "x"})
    assert (tmp_path / "a" / "clip.mp4").read_bytes() == (tmp_path / "b" / "clip.mp4").read_bytes()


def test_the_comment_is_the_attributes(tmp_path):
    write(tmp_path / "a.mp4", [flat(0.5)], [Fraction(0)], attributes={"mvinverse/source": "küche.mov"})
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert json.loads(container.metadata["comment"]) == {"mvinverse/source": "küche.mov"}
        assert "creation_time" not in container.metadata


def test_an_abandoned_movie_leaves_nothing(tmp_path, files_under):
    movie = open_movie(tmp_path / "a.mp4", (32, 48))
    for time in constant(40):
        movie.encode(np.full((32, 48, 3), 128, np.uint8), time, "frame")
    movie.abandon()
    assert files_under(tmp_path) == []


def test_a_picture_of_another_size_is_refused(tmp_path, files_under):
    with pytest.raises(OutputError, match=r"a\.mp4: clip: frame 1002 has 8 x 6 pixels and the movie 48 x 32"):
        write(tmp_path / "a.mp4", [flat(0.5), flat(0.5, size=(6, 8))], constant(2))
    assert files_under(tmp_path) == []


def test_a_pause_longer_than_mp4_holds_is_refused(tmp_path, files_under):
    with pytest.raises(OutputError, match=r"frame 1002 comes 1000 s after the frame before, MP4 holds 373 s"):
        write(tmp_path / "a.mp4", [flat(0.5)] * 2, [Fraction(0), Fraction(1000)])
    assert files_under(tmp_path) == []


def test_a_pause_that_mp4_just_holds_is_kept(tmp_path):
    times = [Fraction(0), Fraction(372), Fraction(744)]
    write(tmp_path / "a.mp4", [flat(0.5)] * 3, times)
    assert read(tmp_path / "a.mp4")[2] == times


def test_a_picture_too_large_for_the_encoder_is_an_output_error(tmp_path, files_under):
    with pytest.raises(OutputError, match=r"a\.mp4: the H\.264 encoder failed"):
        write(tmp_path / "a.mp4", [flat(0.5, 1, size=(2, 20000))], [Fraction(0)], name="metallic")
    assert files_under(tmp_path) == []


def test_a_build_without_the_encoder_is_an_output_error(tmp_path, files_under, monkeypatch):
    def refuse(*_, **__):
        raise UnknownCodecError("libx264")

    monkeypatch.setattr(MovieWriter, "_add_stream", refuse)
    with pytest.raises(OutputError, match=r"a\.mp4: the H\.264 encoder failed: libx264; choose another --format"):
        write(tmp_path / "a.mp4", [flat(0.5)], [Fraction(0)])
    assert files_under(tmp_path) == []


def test_a_full_disk_leaves_no_movie_and_names_it(small_disk, files_under):
    noise = np.random.default_rng(0).random((60, 256, 320, 1), np.float32)
    with pytest.raises(OutputError, match=r"a\.mp4: cannot write: No space left on device"):
        write(small_disk / "a.mp4", list(noise), constant(60), name="metallic")
    assert files_under(small_disk) == []


def test_the_mean_rate_of_a_long_recording_allows_for_pauses(tmp_path):
    rate = Fraction(1350000000, 45540631)  # of 15,000 frames that jitter, and one pause
    times = [Fraction(0), Fraction(1, 30), Fraction(6)]
    write(tmp_path / "a.mp4", [flat(0.5)] * 3, times, rate=rate)
    assert read(tmp_path / "a.mp4")[2] == pytest.approx([float(time) for time in times], abs=2e-7)


@pytest.mark.parametrize("every", [1, 2, 7])
def test_frames_of_a_coarser_grid_are_each_shown_until_the_next(tmp_path, every):
    codec = codec_of("mov", "8", 3)
    movie = MovieWriter(tmp_path / "a.mov", codec, (32, 48), Fraction(24), {}, "error", is_color=True, every=every)
    for index in range(6):
        codes = quantize(flat(0.5), SPECS["albedo"], codec.depth, "").codes
        movie.encode(codes, Fraction(index * every, 24), "clip")
    movie.close()
    movie.commit()
    with av.open(str(tmp_path / "a.mov")) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == Fraction(6 * every, 24)
        assert stream.average_rate == Fraction(24, every)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(2997, 100)])
def test_the_time_scale_fits_mp4_and_holds_the_rate(rate):
    ticks = ticks_per_second(rate)
    assert 0 < ticks < 2**31
    assert (ticks / rate).denominator == 1
