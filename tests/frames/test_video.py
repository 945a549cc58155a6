"""Videos through the front door: `find_shots` and `open_positions`."""

import gc
import logging
import os
import tracemalloc
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from mvinverse_cli.errors import InputError, OptionError
from mvinverse_cli.frames import Frame, FrameReader, find_shots, open_positions
from mvinverse_cli.frames.packet_times import PacketTimes
from mvinverse_cli.frames.survey import small_frames
from mvinverse_cli.frames.timeline import Timeline
from mvinverse_cli.frames.video_color import RgbConverter
from mvinverse_cli.frames.video_decoder import VideoDecoder
from tests.frames.finding import choice_of, shot_of
from tests.frames.media import (
    cut,
    damage,
    number_of,
    numbered,
    packet_spans,
    patches,
    to_frame,
    write_numbered,
    write_video,
)

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def opened(
    path: Path, frames: str | None = None, every: int = 1, positions: Sequence[int] | None = None
) -> FrameReader:
    """The reader of `positions`, or of all frames that are asked for."""
    shot = shot_of(path)
    choice = choice_of(shot, frames, every)
    return open_positions(shot, choice, choice.wanted if positions is None else positions)


def read(
    path: Path, frames: str | None = None, every: int = 1, positions: Sequence[int] | None = None
) -> tuple[list[Frame], FrameReader]:
    with opened(path, frames, every, positions) as reader:
        return list(reader), reader


def indices(frames: list[Frame]) -> list[int]:
    """What the pictures themselves say."""
    return [number_of(frame.pixels) for frame in frames]


CODECS = {
    "h264": ("clip.mp4", "libx264", "yuv420p", {"crf": "1"}),
    "h264 10 bit": ("clip.mp4", "libx264", "yuv420p10le", {"crf": "1"}),
    "hevc": ("clip.mp4", "libx265", "yuv420p", {"x265-params": "log-level=none:crf=1"}),
    "hevc 10 bit": ("clip.mkv", "libx265", "yuv422p10le", {"x265-params": "log-level=none:crf=1"}),
    "vp9": ("clip.webm", "libvpx-vp9", "yuv420p", {"lossless": "1"}),
    "vp8": ("clip.webm", "libvpx", "yuv420p", {"crf": "4", "b": "9M", "auto-alt-ref": "1", "lag-in-frames": "5"}),
    "av1": (
        "clip.mp4",
        "libsvtav1",
        "yuv420p10le",
        {"preset": "10", "crf": "1", "g": "1"},
    ),  # between, SVT-AV1 is coarse
    "prores": ("clip.mov", "prores_ks", "yuv422p10le", {}),
    "prores 4444": ("clip.mov", "prores_ks", "yuv444p10le", {"profile": "4"}),
    "mjpeg": ("clip.avi", "mjpeg", "yuvj420p", {"qmin": "1", "qmax": "1"}),
    "ffv1 8 bit": ("clip.mkv", "ffv1", "yuv422p", {}),
    "ffv1 12 bit": ("clip.mkv", "ffv1", "yuv444p12le", {}),
}


@pytest.mark.parametrize("kind", CODECS)
def test_every_codec_gives_all_frames_in_true_colour(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("SVT_LOG", "0")
    name, codec, pix_fmt, options = CODECS[kind]
    if codec not in av.codec.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    # JPEG is BT.601 by definition and has no tag to say otherwise; VP8 likewise
    matrix = "bt601" if codec in ("mjpeg", "libvpx") else "bt709"
    pictures = [to_frame(patches(i), pix_fmt, matrix=matrix, full=codec == "mjpeg") for i in range(9)]
    frames, reader = read(write_video(tmp_path / name, pictures, codec, options=options))
    assert not reader.faults
    assert not reader.truncated
    assert [frame.number for frame in frames] == list(range(1001, 1010))
    assert [frame.index for frame in frames] == list(range(9))
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(9)]
    deep = pictures[0].format.components[0].bits > 8
    for i, frame in enumerate(frames):
        assert frame.pixels.dtype == (np.uint16 if deep else np.uint8)
        assert frame.transfer == "srgb"
        middles = (slice(8, -8), slice(8, None, 16))  # of the patches, away from where chroma is shared
        error = frame.pixels[middles] / np.iinfo(frame.pixels.dtype).max - patches(i)[middles]
        assert np.abs(error).max() <= (4 if codec == "libvpx" else 2) / 255


def test_gif_is_a_video(tmp_path):
    pictures = [av.VideoFrame.from_ndarray(np.full((48, 64, 3), 36 * i, np.uint8)) for i in range(6)]
    gif = write_video(tmp_path / "clip.gif", [p.reformat(format="rgb8") for p in pictures], "gif", rate=10)
    frames, reader = read(gif)
    assert len(frames) == 6
    assert not reader.faults
    assert frames[0].pixels.shape == (48, 64, 3)
    assert frames[3].pixels.mean() == pytest.approx(108, abs=20)  # 3 bits of red and green, 2 of blue


@pytest.mark.parametrize(("height", "matrix"), [(64, "bt601"), (704, "bt601"), (720, "bt709")])
def test_an_untagged_stream_is_read_by_its_height_and_says_so(height, matrix, tmp_path, caplog):
    picture = to_frame(patches(height=height), "yuv420p", matrix=matrix, tagged=False)
    path = write_video(tmp_path / "clip.mp4", [picture], options={"crf": "1"})
    with caplog.at_level(logging.INFO, "mvinverse_cli"):
        (frame,), _ = read(path)
    assert np.abs(frame.pixels[8:-8, 8::16] / 255 - patches(height=height)[8:-8, 8::16]).max() <= 2 / 255
    assert matrix.replace("bt", "BT.") in caplog.text


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", ["bt709", "bt601", "bt2020"])
def test_matrix_and_range_are_read_from_the_tags(matrix, full, tmp_path, caplog):
    picture = to_frame(patches(), "yuv420p", matrix=matrix, full=full)
    path = write_video(tmp_path / "clip.mp4", [picture], options={"crf": "1"})
    (frame,), _ = read(path)
    assert np.abs(frame.pixels[8:-8, 8::16] / 255 - patches()[8:-8, 8::16]).max() <= 2 / 255
    assert not caplog.text


@pytest.mark.parametrize(
    ("transfer", "said"),
    [
        (16, "PQ (HDR10) and BT.2020 primaries"),
        (18, "HLG and BT.2020 primaries"),
        (8, "linear light and BT.2020 primaries"),
        (10, "a logarithmic curve and BT.2020 primaries"),
        (14, "BT.2020 primaries"),
    ],
)
def test_what_is_no_srgb_is_brought_to_light_and_said_once_by_name(transfer, said, tmp_path, caplog):
    pictures = [to_frame(numbered(at), "yuv420p", matrix="bt2020") for at in (30, 40)]
    path = write_video(tmp_path / "clip.mp4", pictures, light=(transfer, 9))
    with caplog.at_level(logging.INFO, "mvinverse_cli"):
        frames, _ = read(path)
    assert [(frame.transfer, frame.pixels.dtype) for frame in frames] == [("linear", np.float32)] * 2
    assert frames[0].pixels.mean() < frames[1].pixels.mean()
    assert caplog.messages == [f"clip: is tagged {said}: brought to scene-linear Rec.709"]


@pytest.mark.parametrize(("matrix", "name"), [(8, "ycgco"), (10, "bt2020c"), (14, "ictcp")])
def test_a_matrix_that_is_not_known_is_warned_of_by_name_and_read_by_the_height(matrix, name, tmp_path, caplog):
    picture = to_frame(patches(), "yuv420p", matrix="bt601")
    picture.colorspace = matrix
    path = write_video(tmp_path / "clip.mkv", [picture], options={"crf": "1"})
    (frame,), _ = read(path)
    assert np.abs(frame.pixels[8:-8, 8::16] / 255 - patches()[8:-8, 8::16]).max() <= 2 / 255
    assert f"tagged colour matrix {name}, read as if it were BT.601" in caplog.text
    with av.open(str(path)) as container:
        decoder = VideoDecoder(container, container.streams.video[0], None)
        assert [small.shape[-1] for _, small in small_frames(decoder)] == [3]


def test_alpha_and_fields_of_a_video_are_told(tmp_path, caplog):
    clear = av.VideoFrame.from_ndarray(np.full((48, 64, 4), 200, np.uint8), format="rgba")
    fields = to_frame(numbered(1), "yuv420p")
    options = {"flags": "+ildct+ilme", "x264opts": "tff=1"}
    with caplog.at_level(logging.INFO, "mvinverse_cli"):
        read(write_video(tmp_path / "clear.mov", [clear], "png"))
        assert "the alpha channel is dropped" in caplog.text
        assert "interlaced" not in caplog.text
        read(write_video(tmp_path / "fields.mp4", [fields], options=options))
    assert "interlaced, and both fields of a frame are read as one picture" in caplog.text


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotated_video_stands_upright(degrees, mirrored, tmp_path):
    stored = patches() * np.linspace(0.4, 1, 64)[:, None, None]
    path = write_video(
        tmp_path / "clip.mp4", [to_frame(stored, "yuv444p")], options={"crf": "1"}, rotation=(degrees, mirrored)
    )
    shot = shot_of(path)
    (frame,), _ = read(path)
    upright = np.rot90(stored, degrees // 90)
    if mirrored:
        # the mirror is the last step on a screen
        upright = upright[:, ::-1]
    assert shot.sizes == ((upright.shape[1], upright.shape[0]),)
    assert frame.pixels.shape == upright.shape
    assert np.abs(frame.pixels / 255 - upright).mean() < 6 / 255


@pytest.mark.parametrize(("degrees", "upright"), [(0, 2.0), (90, 0.5), (180, 2.0)])
def test_a_video_tells_how_wide_its_upright_pixels_are(degrees, upright, tmp_path):
    frames = [to_frame(numbered(0), "yuv420p")]
    path = write_video(tmp_path / "wide.mp4", frames, rotation=(degrees, False), pixel_aspect=Fraction(2))
    assert shot_of(path).pixel_aspect == upright
    assert shot_of(write_numbered(tmp_path / "clip.mp4", 1)).pixel_aspect == 1.0


def test_times_of_a_variable_rate_are_exact(tmp_path):
    times = [0, 40, 90, 333, 1001]
    path = write_numbered(tmp_path / "clip.mkv", 5, times=times)
    frames, reader = read(path)
    assert [frame.time for frame in frames] == [Fraction(time, 1000) for time in times]
    assert not reader.truncated


def test_odd_sizes_are_read_whole(tmp_path):
    path = write_video(tmp_path / "clip.mkv", [to_frame(numbered(9, 35, 21), "yuv420p")], "ffv1")
    (frame,), _ = read(path)
    assert frame.pixels.shape == (21, 35, 3)
    assert number_of(frame.pixels) == 9


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "gray16le"])
def test_gray_video_is_full_range(pix_fmt, tmp_path):
    deep = pix_fmt != "gray"
    most = 1023 if pix_fmt == "gray10le" else 65535 if deep else 255
    ramp = np.linspace(0, most, 64).round().astype(np.uint16 if deep else np.uint8)
    picture = av.VideoFrame.from_ndarray(np.tile(ramp, (48, 1)), format=pix_fmt)
    (frame,), _ = read(write_video(tmp_path / "clip.mkv", [picture], "ffv1"))
    assert frame.pixels.dtype == (np.uint16 if deep else np.uint8)
    np.testing.assert_allclose(
        frame.pixels[5] / np.iinfo(frame.pixels.dtype).max, ramp[:, None] / most * [1, 1, 1], atol=1e-5
    )


@pytest.mark.parametrize("pix_fmt", ["bgr0", "gbrp10le", "bgra", "yuva444p10le"])
def test_rgb_and_alpha_formats_come_as_plain_rgb(pix_fmt, tmp_path):
    rgb = av.VideoFrame.from_ndarray(np.rint(patches() * 65535).astype(np.uint16), format="rgb48le")
    picture = rgb.reformat(format=pix_fmt, dst_colorspace=1)
    (frame,), _ = read(write_video(tmp_path / "clip.mkv", [picture], "ffv1"))
    assert frame.pixels.dtype == (np.uint16 if "10" in pix_fmt else np.uint8)
    assert frame.pixels.shape == (64, 96, 3)
    if not pix_fmt.startswith("yuv"):  # its way in is swscale's own
        most = np.iinfo(frame.pixels.dtype).max
        assert np.abs(frame.pixels[8:-8, 8::16] / most - patches()[8:-8, 8::16]).max() <= 1 / 255


def test_frames_are_chosen_by_place_and_keep_their_number(tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 30)
    frames, reader = read(path, frames="5-15x2", every=2)
    assert indices(frames) == [4, 8, 12]
    assert [frame.number for frame in frames] == [1005, 1009, 1013]
    assert [frame.index for frame in frames] == [2, 4, 6]
    assert reader.expected == 3


def test_expected_is_known_before_the_first_frame(tmp_path):
    for name in ("a.mp4", "b.mkv"):  # the second does not tell its length
        with opened(write_numbered(tmp_path / name, 12), every=5) as reader:
            assert reader.expected == 3


@pytest.mark.parametrize("name", ["clip.mkv", "clip.h264", "fragmented.mp4"])
def test_a_file_without_a_frame_count_is_read_to_its_end(name, tmp_path):
    options = FRAGMENTED if name.startswith("fragmented") else None
    path = write_numbered(tmp_path / name, 20, container_options=options)
    frames, reader = read(path)
    assert shot_of(path).frame_count is None
    assert indices(frames) == list(range(20))
    assert not reader.faults
    assert not reader.truncated


@pytest.mark.parametrize("frames", ["11-12", "9-12"])
def test_a_range_past_the_end_of_unknown_length_is_told_before_reading(frames, tmp_path):
    with pytest.raises(OptionError, match=rf"--frames {frames}: clip ends before frame 11"):
        read(write_numbered(tmp_path / "clip.mkv", 10), frames)


def test_frames_that_are_gone_since_they_were_counted_are_told_at_the_end(tmp_path):
    shot = shot_of(write_numbered(tmp_path / "clip.mkv", 12))
    choice = choice_of(shot)
    write_numbered(tmp_path / "clip.mkv", 10)
    with open_positions(shot, choice, (10, 11)) as reader, pytest.raises(OptionError, match="holds frames 1-10"):
        list(reader)
    with open_positions(shot, choice, (8, 9, 10, 11)) as reader:
        assert indices(list(reader)) == [8, 9]
    assert [fault.number for fault in reader.faults] == [1011, 1012]
    assert "ends at its frame 10" in reader.faults[0].reason


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("clip.mp4", "libx264", {"g": "6", "bf": "2"}),
        ("clip.mkv", "libx264", {"g": "6", "bf": "2"}),
        ("clip.mp4", "libx265", {"x265-params": "log-level=none:keyint=6"}),
        ("clip.webm", "libvpx-vp9", {"g": "6"}),
        ("clip.mov", "prores_ks", {}),
    ],
)
def test_bad_packets_are_skipped_and_the_timeline_kept(name, codec, options, tmp_path):
    pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    path = write_numbered(tmp_path / name, 30, codec, pix_fmt=pix_fmt, options=options)
    # behind the container's own headers, so that packets are bad and not missing
    damage(path, [(offset + size // 3, size - size // 3) for offset, size in packet_spans(path)[11:13]])
    frames, reader = read(path)
    assert [frame.time for frame in frames] == [Fraction(frame.index, 25) for frame in frames]
    assert [frame.number for frame in frames] == [frame.index + 1001 for frame in frames]
    assert 0 < len(reader.faults) < 15
    assert sorted([f.number for f in frames] + [f.number for f in reader.faults]) == list(range(1001, 1031))
    after = [frame for frame in frames if frame.index >= 24]  # whole groups of pictures behind the damage
    assert indices(after) == [frame.index for frame in after] != []
    assert not reader.truncated


@pytest.mark.parametrize("name", ["clip.ts", "clip.mpg"])
@pytest.mark.parametrize(
    ("codec", "options"),
    [("libx264", {"bf": "0"}), ("libx264", {"bf": "2", "g": "6"}), ("mpeg2video", {"bf": "2", "qmin": "1", "b": "9M"})],
)
def test_mpeg_streams_joined_as_they_are_have_every_frame_of_both(name, codec, options, tmp_path):
    path = write_numbered(tmp_path / name, 12, codec, options=options)
    alone, _ = read(path)
    path.write_bytes(path.read_bytes() * 2)
    frames, reader = read(path)
    assert indices(frames) == [*range(12), *range(12)]
    assert [frame.number for frame in frames] == [*range(1001, 1025)]
    assert reader.faults == []
    assert [frame.time for frame in frames[:12]] == [frame.time for frame in alone]
    assert np.diff([float(frame.time) for frame in frames]) == pytest.approx(1 / 25)


@pytest.mark.parametrize("b_frames", [("2", "0"), ("0", "2")])
def test_joined_streams_of_other_delays_have_every_frame_too(b_frames, tmp_path):
    path = tmp_path / "clip.ts"
    parts = [write_numbered(tmp_path / f"{number}.ts", 8, options={"bf": number}) for number in b_frames]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, reader = read(path)
    assert indices(frames) == [*range(8), *range(8)]
    assert reader.faults == []
    assert min(np.diff([float(frame.time) for frame in frames])) > 0.039


@pytest.mark.parametrize("seconds", [5, 3600, -1])
def test_one_damaged_time_leaves_those_behind_it_as_they_are(seconds, tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "clip.ts", 20, options={"bf": "0"})
    wanted = [frame.time for frame in read(path)[0]]
    seen, whole = [], PacketTimes.mend

    def damaged(times, packet):
        if len(seen) == 7:
            ticks = int(
                (seconds if seconds > 0 else 2**33 / 90000 + seconds) / packet.time_base
            )  # as FFmpeg unwraps it
            packet.dts, packet.pts = packet.dts + ticks, packet.pts + ticks
        seen.append(packet)
        whole(times, packet)

    monkeypatch.setattr(PacketTimes, "mend", damaged)
    frames, _ = read(path)
    times = [frame.time for frame in frames]
    assert times[:7] + times[-12:] == wanted[:7] + wanted[-12:]


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_what_an_avi_drops_is_a_gap_in_its_times(b_frames, tmp_path):
    path = tmp_path / "clip.avi"
    times = [*range(0, 240, 40), *range(640, 880, 40)]
    write_video(
        path, map(partial(to_frame, pix_fmt="yuv420p"), map(numbered, range(12))), times=times, options={"bf": b_frames}
    )
    frames, reader = read(path)
    assert indices(frames) == [*range(12)]
    found = [round(float(frame.time - frames[0].time) * 1000) for frame in frames]
    if b_frames == "0":
        assert found == times
    else:  # the gap lies where pictures that are decoded ahead have put it
        assert sorted(np.diff(found)) == sorted(np.diff(times))
    assert reader.faults == []


@pytest.mark.parametrize("name", ["clip.avi", "clip.mxf"])
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_containers_of_one_time_a_picture_give_reordered_ones_in_order(name, codec, b_frames, tmp_path):
    path = write_numbered(tmp_path / name, 30, codec, options={"bf": b_frames, "b": "9M"})
    frames, reader = read(path)
    assert indices(frames) == [*range(30)]
    assert np.diff([float(frame.time) for frame in frames]) == pytest.approx(1 / 25)
    assert reader.faults == []


def test_a_lost_frame_leaves_a_hole_in_index_and_number(tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 10, options={"g": "1"})
    offset, size = packet_spans(path)[4]
    frames, reader = read(damage(path, [(offset, size)]), frames="3-8")
    assert [frame.index for frame in frames] == [2, 3, 5, 6, 7]
    assert [fault.number for fault in reader.faults] == [1005]
    assert reader.faults[0].source == path


@pytest.mark.parametrize("spare_first", [True, False])
def test_a_video_whose_every_packet_is_bad_is_an_input_error(spare_first, tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 10, options={"g": "1"})
    damage(path, packet_spans(path)[spare_first:])
    with pytest.raises(InputError, match=r"clip.mp4.*export it again"):
        read(path, frames="2-10")


@pytest.mark.parametrize("last", range(24, 30))
def test_a_truncated_mp4_with_its_index_in_front_gives_all_it_has(last, tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 40, options={"bf": "3"}, container_options={"movflags": "faststart"})
    frames, reader = read(cut(path, last))
    assert indices(frames) == [frame.index for frame in frames]
    assert last - 4 <= len(frames) <= last
    assert reader.truncated
    assert reader.expected == 40
    assert sorted([f.number for f in frames] + [f.number for f in reader.faults]) == list(range(1001, 1041))
    assert "of 40 frames" in reader.faults[-1].reason


def test_a_truncated_mp4_without_its_index_is_an_input_error(tmp_path):
    path = cut(write_numbered(tmp_path / "clip.mp4", 40), 28)
    with pytest.raises(InputError, match=r"clip.mp4: not a video that can be read \(.+\); copy or export it again"):
        shot_of(path)


def test_rates_and_times_are_plain_fractions(tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 2)
    frames, _ = read(path)
    assert type(shot_of(path).rate) is Fraction
    assert {type(frame.time) for frame in frames} == {Fraction}


@pytest.mark.parametrize("last", range(24, 30))
def test_a_truncated_fragmented_mp4_gives_all_it_has_and_says_that_it_ends_early(last, tmp_path):
    options = {"movflags": "frag_keyframe+empty_moov"}
    path = write_numbered(tmp_path / "clip.mp4", 40, options={"g": "4", "bf": "0"}, container_options=options)
    frames, reader = read(path)
    assert (len(frames), reader.truncated, reader.faults) == (40, False, [])
    frames, reader = read(cut(path, last))
    assert indices(frames) == [frame.index for frame in frames]
    assert last - 4 <= len(frames) <= last
    assert reader.truncated
    assert "before its promised end" in reader.faults[-1].reason


@pytest.mark.parametrize("last", range(24, 30))
def test_a_truncated_mkv_gives_all_it_has_and_says_that_it_ends_early(last, tmp_path):
    frames, reader = read(cut(write_numbered(tmp_path / "clip.mkv", 40, options={"bf": "3"}), last))
    assert indices(frames) == [frame.index for frame in frames]
    assert last - 4 <= len(frames) <= last
    assert reader.truncated
    assert [fault.number for fault in reader.faults if fault.number is None] == [None]
    assert "before its promised end" in reader.faults[-1].reason


def test_a_lost_frame_keeps_its_place_where_the_container_has_no_times(tmp_path):
    path = write_numbered(tmp_path / "clip.avi", 20, "mpeg4", options={"g": "4", "qmin": "1", "qmax": "1"})
    frames, reader = read(damage(path, [packet_spans(path)[9]]))
    assert indices(frames)[:8] == list(range(8))
    assert indices(frames)[-4:] == [frame.index for frame in frames][-4:] == [16, 17, 18, 19]
    assert 0 < len(reader.faults) < 4


def test_a_video_that_changes_size_gives_each_frame_at_its_own(tmp_path):
    small, large = (write_numbered(tmp_path / f"{n}.h264", 3) for n in "ab")
    large = write_video(tmp_path / "b.h264", [to_frame(numbered(i, 128, 96), "yuv420p") for i in range(3)])
    both = tmp_path / "both.h264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    frames, _ = read(both)
    assert [frame.pixels.shape[:2] for frame in frames] == [(48, 64)] * 3 + [(96, 128)] * 3


def test_only_the_wanted_frames_are_decoded_and_converted(tmp_path, monkeypatch):
    path = write_numbered(tmp_path / "clip.mp4", 60, times=range(0, 60 * 40, 40))
    converted = []
    convert = RgbConverter.convert
    monkeypatch.setattr(
        RgbConverter, "convert", lambda self, frame: converted.append(frame.pts) or convert(self, frame)
    )
    with opened(path) as reader:
        frames = iter(reader)
        assert indices([next(frames) for _ in range(5)]) == list(range(5))
        assert len(converted) == 5
    converted.clear()
    decoded = []
    place = Timeline.place
    monkeypatch.setattr(Timeline, "place", lambda self, pts, **more: decoded.append(pts) or place(self, pts, **more))
    shot = shot_of(path)
    choice = choice_of(shot, "2,4")
    decoded.clear()  # what a look at the shot took
    with open_positions(shot, choice, choice.wanted) as reader:
        assert indices(list(reader)) == [1, 3]
    assert (len(decoded), len(converted)) == (4, 2)


def test_memory_does_not_grow_with_the_length_of_the_clip(tmp_path):
    def peak(count: int) -> int:
        shot = shot_of(write_numbered(tmp_path / f"{count}.mkv", count, "mjpeg", pix_fmt="yuvj420p"))
        tracemalloc.start()
        choice = choice_of(shot)
        with open_positions(shot, choice, choice.wanted) as reader:
            assert sum(1 for _ in reader) == count
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(5)  # what is imported and cached on first use
    assert peak(400) < peak(20) + 500_000  # 400 pictures are 3.7 MB


def test_decoded_pictures_go_when_the_next_one_comes(tmp_path):
    """Not when Python next looks for objects that hold each other: a 4K clip would fill memory before."""
    path = write_numbered(tmp_path / "clip.mkv", 40)
    gc.collect()
    gc.disable()
    try:
        frames, _ = read(path)
        alive = sum(type(each) is av.VideoFrame for each in gc.get_objects())
    finally:
        gc.enable()
    assert len(frames) == 40
    assert alive < 10


def test_audio_alone_is_an_input_error(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        silence.sample_rate = 48000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match=r"no video in it, only audio"):
        shot_of(path)


@pytest.mark.parametrize("text", ["this is no video\n" * 100, "#EXTM3U\n#EXTINF:1,\nhttp://example.invalid/a.ts\n"])
def test_text_under_a_video_name_is_an_input_error(text, tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_text(text)
    with pytest.raises(InputError, match=r"notes.mp4: not a video"):
        shot_of(path)


@pytest.mark.parametrize(
    "name", [b"a b.mp4", b"new\nline.mp4", b"100%d.mp4", b"x:y.mp4", b"-dash.mp4", "ü日.mp4".encode(), b"\xff\xfe.mp4"]
)
def test_odd_names_are_read(name, tmp_path, monkeypatch):
    clip = write_numbered(tmp_path / "clip.mp4", 2)
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    clip.rename(path)
    monkeypatch.chdir(tmp_path)
    (shot,) = find_shots([path.name], allow_gaps=False)
    with open_positions(shot, choice_of(shot), (0, 1)) as reader:
        assert indices(list(reader)) == [0, 1]


def test_pictures_of_an_unknown_codec_are_an_input_error(tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 3)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(InputError, match="no decoder for its pictures"):
        shot_of(path)


def test_a_decoder_that_cannot_be_opened_ends_in_an_input_error(tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 3, "libx265", options={"x265-params": "log-level=none"})
    data = bytearray(path.read_bytes())
    start = data.index(b"hvcC") + 4
    data[start + 22 : start + 60] = b"\xff" * 38  # the parameter sets
    path.write_bytes(data)
    damage(path, packet_spans(path))
    with pytest.raises(InputError, match=r"clip\.mp4"):
        shot_of(path)


def test_a_title_that_is_no_unicode_does_not_matter(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w", options={"write_crc32": "0"}) as container:  # or the other title would be damage
        container.metadata["title"] = "a long title"
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(to_frame(numbered(5), "yuv420p")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"a long title", b"\xe9 long \xfftle"))
    assert indices(read(path)[0]) == [5]


@pytest.mark.parametrize("b_frames", ["0", "2"])
def test_frames_that_an_edit_list_leaves_out_are_not_counted(b_frames, tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 20, options={"bf": b_frames})
    data = bytearray(path.read_bytes())
    start = data.index(b"elst") + 16  # the media time of the only entry
    ticks = int.from_bytes(data[start : start + 4], "big") + 5 * 512
    data[start : start + 4] = ticks.to_bytes(4, "big")
    path.write_bytes(data)
    frames, reader = read(path)
    assert indices(frames) == list(range(5, 20))
    assert [frame.number for frame in frames] == list(range(1001, 1016))
    assert reader.expected == 15
    assert not reader.faults


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_positions_are_read_with_their_own_indices_and_numbers(name, tmp_path, monkeypatch):
    path = write_numbered(tmp_path / name, 30)
    converted = []
    convert = RgbConverter.convert
    monkeypatch.setattr(
        RgbConverter, "convert", lambda self, frame: converted.append(frame.pts) or convert(self, frame)
    )
    frames, reader = read(path, "7-15", 4, positions=(0, 2, 5))
    assert indices(frames) == [2, 10, 22]
    assert [(frame.index, frame.number) for frame in frames] == [(0, 1003), (2, 1011), (5, 1023)]
    assert len(converted) == reader.expected == 3
    assert not reader.faults


def test_no_positions_are_no_frames(tmp_path):
    assert read(write_numbered(tmp_path / "clip.mkv", 3), positions=())[0] == []


def test_only_positions_that_are_read_are_reported(tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 10, options={"g": "1"})
    spans = packet_spans(path)
    frames, reader = read(damage(path, [spans[2], spans[6]]), positions=(0, 5, 6, 8))
    assert [frame.index for frame in frames] == [0, 5, 8]
    assert [fault.number for fault in reader.faults] == [1007]


@pytest.mark.parametrize(("frames", "told"), [(None, True), ("20-27", True), ("1-20", False)])
def test_a_video_that_breaks_off_is_told_to_who_wants_its_last_frame(frames, told, tmp_path):
    path = cut(write_numbered(tmp_path / "clip.mkv", 40, options={"bf": "0"}), 27)
    read_frames, reader = read(path, frames, positions=range(27))
    assert [frame.index for frame in read_frames] == indices(read_frames) == list(range(27))
    assert reader.truncated == told
    assert [fault.number for fault in reader.faults] == [None] * told


@pytest.mark.parametrize("flags", ["frag_keyframe", "frag_keyframe+default_base_moof"])
def test_frames_in_fragments_behind_an_index_are_all_read(flags, tmp_path):
    options = {"movflags": flags}
    path = write_numbered(tmp_path / "clip.mp4", 40, options={"g": "4", "bf": "0"}, container_options=options)
    assert shot_of(path).frame_count is None
    frames, reader = read(path)
    assert (indices(frames), reader.faults, reader.truncated) == (list(range(40)), [], False)
    frames, reader = read(cut(path, 38))
    assert 34 <= len(frames) <= 38
    assert reader.truncated


@pytest.mark.parametrize(("places", "lasts"), [((0, 1, 2, 5, 6, 7), 1), ((0, 1, 2, 3, 4, 5), 4)])
def test_frames_that_an_avi_says_were_dropped_are_not_missed(places, lasts, tmp_path):
    path = tmp_path / "clip.avi"
    frames = [to_frame(numbered(index), "yuvj420p") for index in range(6)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, "yuvj420p"
        packets = []
        for place, frame in zip(places, frames, strict=True):
            frame.pts, frame.time_base = place, Fraction(1, 25)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        packets[-1].duration = lasts  # the muxer fills what follows with empty chunks
        container.mux(packets)
    read_frames, reader = read(path)
    assert (len(read_frames), reader.faults, reader.truncated) == (6, [], False)


@pytest.mark.parametrize("share", [0.7, 0.99])
@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_a_truncated_avi_is_told(codec, share, tmp_path):
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_numbered(tmp_path / "clip.avi", 40, codec, pix_fmt=pix_fmt)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    frames, reader = read(path)
    assert len(frames) + len(reader.faults) == 40
    assert frames
    assert reader.truncated == (len(frames) < 40)  # at 99% only the index is cut


def test_a_truncated_video_of_which_no_wanted_frame_is_lost_says_so(tmp_path):
    options = {"movflags": "faststart"}
    path = write_numbered(tmp_path / "clip.mp4", 11, options={"bf": "0"}, container_options=options)
    path.write_bytes(path.read_bytes()[: packet_spans(path)[10][0]])
    frames, reader = read(path, every=3)
    assert indices(frames) == [0, 3, 6, 9]
    assert reader.truncated
    assert [fault.number for fault in reader.faults] == [None]


def test_promised_positions_that_never_came_are_reported(tmp_path):
    path = write_numbered(tmp_path / "clip.mp4", 40, options={"bf": "0"}, container_options={"movflags": "faststart"})
    frames, reader = read(cut(path, 27))
    assert reader.truncated
    assert sorted([f.number for f in frames] + [f.number for f in reader.faults]) == list(range(1001, 1041))


@pytest.mark.parametrize("lines", [16, 720])
def test_digital_cinema_s_xyz_is_brought_to_rgb_by_its_own_matrix(lines):
    colors = np.array([[40, 200, 40], [200, 40, 40], [128, 128, 128]], np.uint8)
    rgb = np.repeat(np.repeat(colors[None], 8, axis=1), lines, axis=0)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="xyz12le")
    back = RgbConverter().convert(frame) / 257
    assert np.abs(back - rgb).max() < 1.5
