"""`-` as the input and as the output: a video on stdin, maps on stdout."""

import fcntl
import io
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import OpenEXR
import pytest

from mvinverse_cli.maps import MAPS
from mvinverse_cli.model import checkpoint
from tests.cli.running import files_in
from tests.frames.media import cut, write_numbered, write_png

LOSSLESS = {"codec": "ffv1", "pix_fmt": "yuv444p"}


def stdin_of(content: bytes) -> io.TextIOWrapper:
    """What `sys.stdin` is to the program."""
    return io.TextIOWrapper(io.BytesIO(content))


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@contextmanager
def stdout_to(target: int) -> Iterator[None]:
    """Lets the file descriptor be stdout."""
    kept = os.dup(1)
    os.dup2(target, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def streamed(run, *arguments: object) -> tuple[Any, bytes]:
    """The run, and what came out of its stdout."""
    with Path("stream").open("w+b") as file:
        with stdout_to(file.fileno()):
            ran = run(*arguments, "-o", "-")
        file.seek(0)
        return ran, file.read()


def read_nut(data: bytes) -> tuple[dict[str, str], dict[str, tuple[dict[str, str], list[av.VideoFrame]]]]:
    """The container's metadata, and by map the stream's metadata and frames."""
    with av.open(io.BytesIO(data), format="nut") as container:
        frames: dict[str, list[av.VideoFrame]] = {stream.metadata["title"]: [] for stream in container.streams}
        for packet in container.demux():
            frames[packet.stream.metadata["title"]] += packet.decode()
        tags = {stream.metadata["title"]: dict(stream.metadata) for stream in container.streams}
        return dict(container.metadata), {name: (tags[name], frames[name]) for name in frames}


def green_of(path: str) -> np.ndarray:
    with OpenEXR.File(path, separate_channels=True) as file:
        return np.array(file.channels()["albedo.G"].pixels)


def to_y4m(path: Path) -> Path:
    """The same pictures as YUV4MPEG2, as a program would pipe them."""
    target = path.with_suffix(".y4m")
    with av.open(str(path)) as source, av.open(str(target), "w", format="yuv4mpegpipe") as container:
        stream = container.add_stream("wrapped_avframe", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for frame in source.decode(video=0):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


@pytest.mark.parametrize("suffix", ["nut", "mkv", "y4m"])
def test_a_video_on_stdin_gives_what_its_file_gives(run, spool: Path, suffix: str, monkeypatch: pytest.MonkeyPatch):
    path = write_numbered(Path("clip.mkv" if suffix == "y4m" else f"clip.{suffix}"), 3, **LOSSLESS)
    path = to_y4m(path) if suffix == "y4m" else path
    assert run(path, "-o", "file", "--maps", "albedo", "--format", "exr").code == 0
    monkeypatch.setattr("sys.stdin", stdin_of(path.read_bytes()))
    ran = run("-", "-o", "pipe", "--maps", "albedo", "--format", "exr")
    assert ran.code == 0, ran.err
    assert f"stdin is copied to {spool}" in ran.err
    assert "TMPDIR" in ran.err
    assert files_in(Path("pipe")) == ["mvinverse.json", *(f"stdin.{number}.exr" for number in (1001, 1002, 1003))]
    for number in (1001, 1002, 1003):
        of_file, of_pipe = (green_of(f"{folder}.{number}.exr") for folder in ("file/clip", "pipe/stdin"))
        np.testing.assert_array_equal(of_file, of_pipe)
    assert str(spool) not in Path("pipe/mvinverse.json").read_text()
    (shot,) = json.loads(Path("pipe/mvinverse.json").read_text())["shots"]
    assert shot["sources"] == ["-"]
    assert not list(spool.iterdir())


def test_two_runs_from_stdin_write_the_same_bytes(run, spool: Path, monkeypatch: pytest.MonkeyPatch):
    data = write_numbered(Path("clip.nut"), 2, **LOSSLESS).read_bytes()
    for folder in ("first", "second"):
        monkeypatch.setattr("sys.stdin", stdin_of(data))
        assert run("-", "-o", folder, "--maps", "albedo", "--format", "exr,tiff").code == 0
    for name in files_in(Path("first")):
        assert Path("first", name).read_bytes() == Path("second", name).read_bytes(), name


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "nothing came"), (b"\0\0\0\x20ftypisom", "not nut, y4m or mkv"), (b"text", "not nut")]
)
def test_what_is_no_video_on_stdin_is_said(
    run, spool: Path, content: bytes, said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", stdin_of(content))
    ran = run("-")
    assert ran.code == 4
    assert said in ran.cause
    assert not list(spool.iterdir())


def test_a_stream_without_a_frame_is_told_by_the_name_that_the_user_knows(
    run, spool: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", stdin_of(b"YUV4MPEG2 W16 H16 F25:1 C420jpeg\n"))
    ran = run("-")
    assert ran.code == 4
    assert ran.cause == ("mvinverse: error: -: none of its frames can be decoded (it holds none); export it again")


def test_without_a_stdin_there_is_nothing_to_read(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", None)
    ran = run("-")
    assert ran.code == 4
    assert "nothing is piped" in ran.cause


def test_a_machine_without_a_folder_for_temporary_files_is_told_so(run, monkeypatch: pytest.MonkeyPatch):
    def make(*given: object, **named: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/']")

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    monkeypatch.setattr(sys, "stdin", stdin_of(b"YUV4MPEG2"))
    ran = run("-")
    assert ran.code == 7
    assert "no place for a copy of stdin" in ran.cause
    assert "TMPDIR" in ran.cause


def test_a_folder_as_stdin_is_said(run, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Folder(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            raise IsADirectoryError(21, "Is a directory")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Folder())))
    ran = run("-")
    assert ran.code == 4
    assert "-: stdin cannot be read (Is a directory)" in ran.cause


def test_stdin_can_be_one_input_only(run, spool: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", stdin_of(write_numbered(Path("clip.nut"), 1, **LOSSLESS).read_bytes()))
    ran = run("-", "-")
    assert ran.code == 4
    assert "-: is given twice" in ran.cause


def test_a_full_disk_for_stdin_is_said_and_left_clean(run, spool: Path, monkeypatch: pytest.MonkeyPatch):
    folder = spool / "full"

    def make(*given: object, **named: object) -> str:
        folder.mkdir()
        (folder / "stdin.nut").symlink_to("/dev/full")
        return str(folder)

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    monkeypatch.setattr("sys.stdin", stdin_of(write_numbered(Path("clip.nut"), 1, **LOSSLESS).read_bytes()))
    ran = run("-")
    assert ran.code == 7
    assert "No space left on device" in ran.cause
    assert "TMPDIR" in ran.cause
    assert not folder.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_takes_the_copy_of_stdin_with_it(spool: Path, number: signal.Signals, code: int):
    command = [sys.executable, "-m", "mvinverse_cli", "decompose", "-", "--model", "small"]
    environment = os.environ | {"TMPDIR": str(spool)}
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, cwd=spool.parent, **pipes) as process:
        process.stdin.write(b"nut/multimedia container\0" + bytes(2**21))
        process.stdin.flush()
        ends = time.monotonic() + 120
        while not list(spool.glob("*/stdin.nut")) and time.monotonic() < ends:
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(timeout=120) == code
    assert not list(spool.iterdir())


def test_maps_on_stdout_are_a_named_stream_each_with_the_pixels_of_png(run):
    write_numbered(Path("clip.mkv"), 3, **LOSSLESS)
    assert run("clip.mkv", "-o", "files").code == 0
    ran, data = streamed(run, "clip.mkv")
    assert ran.code == 0, ran.err
    assert "3 frames written to stdout" in ran.err
    about, streams = read_nut(data)
    assert about["title"] == "clip"
    assert json.loads(about["comment"])["mvinverse/source"] == "clip.mkv"
    assert tuple(streams) == MAPS
    for name, (tags, frames) in streams.items():
        assert tags["encoding"]
        assert [frame.time for frame in frames] == [0, float(Fraction(1, 25)), float(Fraction(2, 25))]
        for number, frame in enumerate(frames, 1001):
            png = cv2.imread(f"files/{name}/clip_{name}.{number}.png", cv2.IMREAD_UNCHANGED)
            values = frame.to_ndarray() if png.ndim == 2 else frame.reformat(format="bgr24").to_ndarray()
            np.testing.assert_array_equal(values, png)
    assert not Path("-").exists()
    assert not Path("out").exists()


def test_normals_on_stdout_are_turned_over_as_in_files(run):
    write_png(Path("view.png"), 77, (28, 14))
    assert run("view.png", "-o", "files", "--normals", "directx", "--maps", "normal").code == 0
    _, data = streamed(run, "view.png", "--normals", "directx", "--maps", "normal")
    tags, (frame,) = read_nut(data)[1]["normal"]
    png = cv2.imread("files/normal/view_normal.png", cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(frame.reformat(format="bgr24").to_ndarray(), png)
    assert "DirectX" in tags["meaning"]


def test_sixteen_bits_go_through_the_pipe_as_into_png(run):
    write_png(Path("view.png"), 77, (29, 15))  # odd sides
    assert run("view.png", "-o", "files", "--bits", "16").code == 0
    ran, data = streamed(run, "view.png", "--bits", "16", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    for name, (_, (frame,)) in read_nut(data)[1].items():
        png = cv2.imread(f"files/{name}/view_{name}.png", cv2.IMREAD_UNCHANGED)
        values = frame.to_ndarray(format="gray16le" if png.ndim == 2 else "gbrp16le")
        np.testing.assert_array_equal(values, png if png.ndim == 2 else png[..., ::-1])


def test_from_pipe_to_pipe_the_times_stay(run, spool: Path, monkeypatch: pytest.MonkeyPatch):
    times = [0, 40, 100, 140, 300]
    path = write_numbered(Path("uneven.mkv"), 5, times=times, **LOSSLESS)
    monkeypatch.setattr("sys.stdin", stdin_of(path.read_bytes()))
    ran, data = streamed(run, "-", "--maps", "albedo")
    assert ran.code == 0, ran.err
    frames = read_nut(data)[1]["albedo"][1]
    assert [round(frame.time * 1000) for frame in frames] == times


def test_what_others_print_while_maps_go_out_lands_on_stderr(run, monkeypatch: pytest.MonkeyPatch):
    write_png(Path("view.png"))
    load_weights = checkpoint.load_weights

    def chatty(*given: Any) -> Any:
        os.write(1, b"from a library\n")
        return load_weights(*given)

    monkeypatch.setattr(checkpoint, "load_weights", chatty)
    ran, data = streamed(run, "view.png", "--maps", "albedo")
    assert ran.code == 0
    assert data.startswith(b"nut/multimedia container\0")
    assert b"from a library" not in data
    assert "from a library" in ran.err
    assert len(read_nut(data)[1]["albedo"][1]) == 1


def test_a_reader_that_goes_away_ends_the_run_in_one_line(run, clip: Path):
    reading, writing = os.pipe()
    os.close(reading)
    with stdout_to(writing):
        ran = run(clip, "-o", "-")
    os.close(writing)
    assert ran.code == 7
    assert ran.cause == "mvinverse: error: stdout cannot be written: Broken pipe"
    assert "Traceback" not in ran.err


def pending(pipe) -> int:
    """Bytes that wait in a pipe."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_whose_reader_takes_nothing(tiny_file: Path, tmp_path: Path, number: signal.Signals):
    noise = np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8)
    for name in range(1, 40):
        write_png(tmp_path / f"plate.{name:04d}.png", noise)
    command = [sys.executable, "-m", "mvinverse_cli", "decompose", "plate.####.png", "-o", "-", "--bits", "16"]
    command += ["--model", str(tiny_file), "--device", "cpu"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # a fraction of what there is to write
        seen = [0]
        ends = time.monotonic() + 60
        while not seen[-1] or len(set(seen[-20:])) > 1:  # until it waits for the reader
            assert time.monotonic() < ends
            time.sleep(0.05)
            seen.append(pending(process.stdout))
        process.send_signal(number)
        assert process.wait(timeout=60) == 128 + number
        said = process.stderr.read().decode().splitlines()
    assert "Traceback" not in "".join(said)
    assert number.name in said[-1]


def test_lost_frames_leave_a_gap_in_the_times_and_exit_1(run):
    path = cut(write_numbered(Path("cut.mkv"), 6, **LOSSLESS), 4)
    ran, data = streamed(run, path, "--maps", "albedo")
    assert ran.code == 1
    assert "mvinverse.json" not in ran.cause
    assert len(read_nut(data)[1]["albedo"][1]) == 4


def test_a_plan_for_stdout_names_no_files(run, clip: Path):
    ran = run(clip, "-o", "-", "--dry-run", "--json")
    plan = json.loads(ran.out)
    assert (ran.code, plan["formats"], plan["shots"][0]["first_files"]) == (0, {"nut": "8"}, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.png", "--format", "exr"], "leave --format away"),
        (["a.png", "views"], "one shot, and 2 were given"),
        (["a.png", "wide.png"], "pictures of one size"),
        (["a.png", "--sheet"], "leave --sheet away"),
        (["a.png", "--json"], "--progress json"),
        (["a.png", "--progress", "openjd"], "--progress openjd"),
    ],
)
def test_what_stdout_cannot_hold_is_said_beforehand(run, arguments: list[str], said: str):
    Path("views").mkdir()
    for name, size in (("a.png", (8, 6)), ("wide.png", (9, 6)), ("views/b.png", (8, 6))):
        write_png(Path(name), size=size)
    ran = run(*arguments, "-o", "-")
    assert ran.code == 2
    assert said in ran.cause
    assert ran.out == "" or "json" in said


def test_a_terminal_is_no_place_for_maps(run):
    write_png(Path("a.png"))
    leader, follower = os.openpty()
    with stdout_to(follower):
        ran = run("a.png", "-o", "-")
    os.close(leader)
    os.close(follower)
    assert ran.code == 2
    assert "stdout is a terminal" in ran.cause
