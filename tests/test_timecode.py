"""Timecodes: counted as SMPTE ST 12-1 counts, read from every source that has them, and written with each frame."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import OpenEXR
import OpenImageIO
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.formats import Format
from mvinverse_cli.frames.exr import timecode_of
from mvinverse_cli.frames.video import timecode_tag
from mvinverse_cli.inspection import inspect_path
from mvinverse_cli.job.planning import plan_job
from mvinverse_cli.job.run import run_job
from mvinverse_cli.options import DecomposeOptions, WriteOptions
from mvinverse_cli.timecode import Timecode, Timecodes
from tests.frames.media import patches, to_frame, write_dpx

NTSC = Fraction(30000, 1001)


def label(text: str, rate: Fraction, place: int) -> str:
    timecodes = Timecodes.parse(text, rate)
    assert timecodes is not None
    return str(timecodes.at(place))


@pytest.mark.parametrize(
    ("text", "rate", "place", "expected"),
    [
        ("01:02:03:04", Fraction(24), 0, "01:02:03:04"),
        ("01:02:03:23", Fraction(24), 1, "01:02:04:00"),
        ("01:02:03:23", Fraction(24000, 1001), 1, "01:02:04:00"),
        ("23:59:59:24", Fraction(25), 1, "00:00:00:00"),
        ("00:00:59;29", NTSC, 1, "00:01:00;02"),  # 00:01:00;00 and ;01 are left out
        ("00:09:59;29", NTSC, 1, "00:10:00;00"),  # not in every tenth minute
        ("00:00:59:29", NTSC, 1, "00:01:00:00"),  # nor where no frame is dropped
        ("01:00:00;00", NTSC, 107892, "02:00:00;00"),  # an hour of drop frame
        ("23:59:59;29", NTSC, 1, "00:00:00;00"),
        ("00:00:00:00", Fraction(50), 3, "00:00:00:01*"),  # the second of a pair
        ("00:00:59;59", Fraction(60000, 1001), 1, "00:01:00;02"),  # four labels are left out
        ("10:00:00:59", Fraction(60), 1, "10:00:01:00"),
    ],
)
def test_a_frame_s_timecode_is_the_first_one_s_moved_on(text: str, rate: Fraction, place: int, expected: str):
    assert label(text, rate, place) == expected


@pytest.mark.parametrize("rate", [Fraction(30), NTSC, Fraction("30.03"), Fraction(60)])
def test_what_a_movie_s_tag_says_is_read_back(rate: Fraction):
    timecodes = Timecodes.parse("01:00:00:12", rate)
    assert timecodes is not None
    assert timecodes.at(0).tag(rate) == "01:00:00:12"  # also where a variable rate is a little over 30


@given(st.integers(0, 2_600_000), st.sampled_from([(Fraction(24), ":"), (Fraction(25), ":"), (NTSC, ";"), (NTSC, ":")]))
def test_counting_on_from_any_frame_gives_the_same_labels(place: int, kind: tuple[Fraction, str]):
    rate, mark = kind
    there = label(f"00:00:00{mark}00", rate, place)
    assert label(there, rate, 0) == there
    assert label(there, rate, 1) == label(f"00:00:00{mark}00", rate, place + 1)


def test_drop_frame_labels_follow_the_clock_and_never_come_twice():
    codes = [label("00:00:00;00", NTSC, place) for place in range(20000)]
    assert len({*codes}) == len(codes)
    assert all(before < after for before, after in pairwise(codes))
    assert codes[17982] == "00:10:00;00"  # 600 s of 29.97 frames


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("", Fraction(24)),
        ("--:--:--:--", Fraction(24)),
        ("01:02:03", Fraction(24)),
        ("24:00:00:00", Fraction(24)),
        ("00:00:00:24", Fraction(24)),
        ("00:01:00;00", NTSC),  # a label that does not exist
        ("00:00:00;00", Fraction(24)),  # no drop frame at 24
        ("00:00:00:00", Fraction(17, 2)),
        ("00:00:00:00", Fraction(120)),
        ("00:00:00:00", Fraction(1, 5)),
        ("00:00:00:00", None),
    ],
)
def test_what_is_no_timecode_gives_none(text: str, rate: Fraction | None):
    assert Timecodes.parse(text, rate) is None


def run(source: Path, out: Path, weights: Path, *, format: Format = "exr", **choices: str) -> list[Path]:
    options = DecomposeOptions(model=str(weights), device="cpu", cuts="off", maps=("metallic",), **choices)
    run_job(plan_job([source], out, options, WriteOptions(format=(format,))))
    return sorted(path for path in out.iterdir() if path.suffix in (".exr", ".mp4", ".mov", ".mkv"))


def timecode_in(path: Path) -> Timecode | None:
    with OpenEXR.File(str(path), header_only=True) as file:
        return timecode_of(file.header().get("timeCode"))


def write_clip(path: Path, timecode: str, rate: Fraction, frames: int = 4) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if timecode:
            stream.metadata["timecode"] = timecode
        for _ in range(frames):
            container.mux(stream.encode(to_frame(patches(), "yuv420p")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_frames_of_a_video_carry_its_timecode_moved_on(suffix: str, tmp_path: Path, tiny_file: Path):
    clip = write_clip(tmp_path / f"a{suffix}", "09:59:59;28", NTSC)
    first, second, third = run(clip, tmp_path / "out", tiny_file, frames="1,3-4")
    assert timecode_in(first) == Timecode(9, 59, 59, 28, drop_frame=True)
    assert timecode_in(second) == Timecode(10, 0, 0, 0, drop_frame=True)
    assert timecode_in(third) == Timecode(10, 0, 0, 1, drop_frame=True)
    # an independent reader: 32 bits as they are in the file, drop frame is bit 6
    spec = OpenImageIO.ImageBuf(str(second)).spec()
    assert spec.get_string_attribute("smpte:TimeCode") == "10:00:00:00"
    (word, _) = spec.getattribute("smpte:TimeCode")
    assert word == 0x10000040
    assert inspect_path(second)["attributes"]["timeCode"] == "10:00:00;00"


@pytest.mark.parametrize("format", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize(
    ("text", "rate", "second"), [("09:59:59;28", NTSC, "09:59:59;29"), ("10:00:00:58", Fraction(60), "10:00:00:59")]
)
def test_a_movie_carries_the_timecode_of_its_first_frame(format: Format, text, rate, second, tmp_path, tiny_file):
    clip = write_clip(tmp_path / "a.mov", text, rate)
    (movie,) = run(clip, tmp_path / "out", tiny_file, format=format, frames="2-4")
    with av.open(str(movie)) as container:
        assert timecode_tag(container, container.streams.video[0]) == second
        assert len(list(container.decode(video=0))) == 3


@pytest.mark.parametrize(
    ("timecode", "rate", "fits"),
    [
        (Timecode(1, 0, 0, 23), Fraction(24), True),
        (Timecode(1, 0, 0, 29), Fraction(24), False),
        (Timecode(1, 0, 0, 24, field_phase=True), Fraction(50), True),
        (Timecode(1, 0, 0, 25), Fraction(50), False),
        (Timecode(1, 0, 0, 2, drop_frame=True), NTSC, True),
        (Timecode(1, 0, 0, 2, drop_frame=True), Fraction(25), False),
        (Timecode(1, 0, 0, 2), Fraction(120), False),
        (Timecode(1, 0, 0, 2), Fraction(300), False),
        (Timecode(1, 0, 0, 2), Fraction(37, 2), False),
        (Timecode(1, 0, 0, 2), Fraction(1, 100), False),
    ],
)
def test_a_timecode_fits_the_rates_that_have_it(timecode: Timecode, rate: Fraction, fits: bool):
    assert timecode.fits(rate) == fits


def test_plates_whose_timecode_does_not_fit_the_rate_give_movies_without_one(tmp_path, tiny_file, caplog):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    for number in (1, 2):
        code = OpenEXR.TimeCode(1, 0, 0, 28 - number, *[False] * 6, *[0] * 8)
        pixels = {"RGB": np.full((28, 28, 3), 0.2, np.float32)}
        OpenEXR.File(header | {"timeCode": code}, pixels).write(str(tmp_path / f"plate.{number}.exr"))
    (movie,) = run(tmp_path / "plate.#.exr", tmp_path / "out", tiny_file, format="mov")
    with av.open(str(movie)) as container:
        assert timecode_tag(container, container.streams.video[0]) == ""
    assert caplog.text.count("there is no timecode 01:00:00:27") == 1


def test_a_video_without_a_timecode_gives_none(tmp_path: Path, tiny_file: Path):
    (path,) = run(write_clip(tmp_path / "a.mov", "", Fraction(24), 1), tmp_path / "out", tiny_file)
    assert timecode_in(path) is None
    assert "timeCode" not in inspect_path(path)["attributes"]


def test_each_plate_s_own_timecode_is_copied_with_its_flags(tmp_path: Path, tiny_file: Path):
    pixels = np.zeros((28, 42, 3), np.float16)
    for number, frame in ((7, 11), (8, 29)):
        code = OpenEXR.TimeCode(1, 2, 3, frame, 1, 0, 1, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8)
        OpenEXR.File({"timeCode": code}, {"RGB": pixels}).write(str(tmp_path / f"a.{number}.exr"))
    OpenEXR.File({}, {"RGB": pixels}).write(str(tmp_path / "a.9.exr"))
    seventh, eighth, ninth = run(tmp_path / "a.#.exr", tmp_path / "out", tiny_file)
    flags = {"drop_frame": True, "field_phase": True, "binary_groups": (False, True, False), "user_data": 0x87654321}
    assert timecode_in(seventh) == Timecode(1, 2, 3, 11, **flags)
    assert timecode_in(eighth) == Timecode(1, 2, 3, 29, **flags)
    assert timecode_in(ninth) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [(0x01020322, "01:02:03:22"), (0xFFFFFFFF, None), (0, None), (0x0A000000, None), (0x25000000, None)],
)
def test_a_dpx_plate_s_timecode_is_copied(word: int, expected: str | None, tmp_path: Path, tiny_file: Path):
    path = tmp_path / "a.dpx"
    write_dpx(path, np.full((28, 42, 3), 500), transfer=2)
    data = bytearray(path.read_bytes())
    data[1920:1924] = word.to_bytes(4, "big")
    path.write_bytes(data)
    (exr,) = run(path, tmp_path / "out", tiny_file)
    assert timecode_in(exr) == (None if expected is None else Timecode(1, 2, 3, 22))
