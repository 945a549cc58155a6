"""Frames in, files out: on threads, in bounded memory, whole or not at all."""

import json
import logging
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile

from mvinverse_cli.color import linear_to_srgb, to_acescg
from mvinverse_cli.errors import OutputError
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.outputs import About, open_writers, writers
from mvinverse_cli.outputs.movie import MovieWriter

ABOUT = About("mvinverse 0.1.0", "small", None, "ab", "clip.mov", "srgb", "srgb", "srgb")
ALL_FORMATS = ("png", "exr", "tiff", "mp4", "mov", "mkv")


def write_all(shot, frames, done=None):
    with open_writers(shot, ABOUT, (lambda number: None) if done is None else done.append) as opened:
        for frame in frames:
            opened.write(frame)


def test_a_full_disk_leaves_none_of_several_movies(make_shot, make_frame, small_disk, files_under, capfd):
    shot = make_shot(folder=small_disk, format=("mov",))
    rng = np.random.default_rng(0)
    noise = {name: rng.random((64, 64, spec.channels), np.float32) for name, spec in SPECS.items()}

    def fill():
        with open_writers(shot, ABOUT) as writers:
            for index in range(60):
                writers.write(make_frame(index, maps=noise))

    with pytest.raises(OutputError, match=r"clip_\w+\.mov: cannot write: No space left on device"):
        fill()
    assert files_under(small_disk) == []
    assert capfd.readouterr().err == ""


def test_every_file_of_every_format_appears_and_nothing_else(make_shot, make_frame, files_under):
    shot = make_shot(format=ALL_FORMATS)
    write_all(shot, [make_frame(index) for index in range(3)])
    expected = [f"clip_{name}.{end}" for name in MAPS for end in ("mp4", "mov", "mkv")]
    for number in (1001, 1002, 1003):
        expected.append(f"clip.{number}.exr")
        expected += [f"{name}/clip_{name}.{number}.{end}" for name in MAPS for end in ("png", "tif")]
    assert files_under(shot.folder) == sorted(expected)


def test_stills_keep_their_names_and_their_own_sizes(make_shot, make_frame, files_under):
    shot = make_shot(stills=True, format=("png", "exr"), maps=("normal",))
    write_all(shot, [make_frame(0, size=(6, 8), time=None), make_frame(1, size=(9, 4), time=None)])
    assert files_under(shot.folder) == ["normal/view0_normal.png", "normal/view1_normal.png", "view0.exr", "view1.exr"]
    assert cv2.imread(str(shot.folder / "normal/view1_normal.png")).shape == (9, 4, 3)


def test_integer_files_hold_the_srgb_curve_and_float_files_linear_light(make_shot, make_frame):
    shot = make_shot(format=("png", "exr", "tiff"), bits="float", maps=("albedo",))
    frame = make_frame()
    write_all(shot, [frame])
    linear = frame.maps["albedo"]
    png = cv2.imread(str(shot.folder / "albedo/clip_albedo.1001.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert png.dtype == np.uint8
    assert np.abs(png / 255 - linear_to_srgb(linear)).max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(tifffile.imread(shot.folder / "albedo/clip_albedo.1001.tif"), linear)
    exr = OpenEXR.File(str(shot.folder / "clip.1001.exr"), separate_channels=True).channels()
    assert np.array_equal(exr["albedo.G"].pixels, linear[..., 1])


def test_normals_are_shifted_in_integer_files_and_raw_in_float_files(make_shot, make_frame):
    shot = make_shot(format=("png", "exr"), bits="16", maps=("normal",))
    frame = make_frame()
    write_all(shot, [frame])
    normal = frame.maps["normal"]
    png = cv2.imread(str(shot.folder / "normal/clip_normal.1001.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert png.dtype == np.uint16
    assert np.abs(png / 65535 - (normal * 0.5 + 0.5)).max() <= 0.5 / 65535 + 1e-6
    exr = OpenEXR.File(str(shot.folder / "clip.1001.exr"), separate_channels=True).channels()
    assert np.array_equal(exr["normal.Z"].pixels, normal[..., 2].astype(np.float16))


def test_normals_of_directx_have_y_turned_over_in_every_file(make_shot, make_frame):
    shot = make_shot(format=("png", "exr", "tiff"), bits="float", maps=("normal",), normals="directx")
    frame = make_frame()
    write_all(shot, [frame])
    turned = frame.maps["normal"] * np.float32([1, -1, 1])
    assert np.array_equal(tifffile.imread(shot.folder / "normal/clip_normal.1001.tif"), turned)
    exr = OpenEXR.File(str(shot.folder / "clip.1001.exr"), separate_channels=True).channels()
    assert np.array_equal(exr["normal.Y"].pixels, turned[..., 1])
    png = cv2.imread(str(shot.folder / "normal/clip_normal.1001.png"))[..., ::-1]
    assert np.abs(png / 255 - (turned * 0.5 + 0.5)).max() <= 0.5 / 255 + 1e-6


def test_acescg_is_for_float_files_alone(make_shot, make_frame):
    shot = make_shot(format=("png", "exr", "tiff"), bits="float", maps=("albedo", "metallic"), colorspace="acescg")
    frame = make_frame()
    write_all(shot, [frame])
    linear = frame.maps["albedo"]
    with tifffile.TiffFile(shot.folder / "albedo/clip_albedo.1001.tif") as tif:
        assert np.array_equal(tif.asarray(), to_acescg(linear))
        assert json.loads(tif.pages[0].description)["colorInteropID"] == "lin_ap1_scene"
    with tifffile.TiffFile(shot.folder / "metallic/clip_metallic.1001.tif") as tif:
        assert json.loads(tif.pages[0].description)["colorInteropID"] == "data"
    header = OpenEXR.File(str(shot.folder / "clip.1001.exr")).header()
    assert header["colorInteropID"] == "lin_ap1_scene"
    png = cv2.imread(str(shot.folder / "albedo/clip_albedo.1001.png"))[..., ::-1]
    assert np.abs(png / 255 - linear_to_srgb(linear)).max() <= 0.5 / 255 + 1e-6


def read_exr(shot, layout, names):
    """The maps `names` of frame 1001 as float64 (H, W, 3)."""
    found = {}
    for path in shot.folder.rglob("*.exr"):
        for part in OpenEXR.File(str(path), separate_channels=True).parts:
            for channel, values in part.channels.items():
                prefix = f"{path.parent.name}." if layout == "files" else ""
                found[prefix + channel] = values.pixels.astype(np.float64)
    return [np.stack([found[f"{name}.{channel}"] for channel in "RGB"], axis=-1) for name in names]


@pytest.mark.parametrize("colorspace", ["srgb-linear", "acescg"])
@pytest.mark.parametrize("bits", ["half", "float"])
@pytest.mark.parametrize("layout", ["single", "parts", "files"])
def test_albedo_times_shading_and_the_residual_are_the_plate(make_shot, make_frame, layout, bits, colorspace):
    plate = np.random.default_rng(0).uniform(-1, 40, (30, 40, 3)).astype(np.float32)
    shot = make_shot(format=("exr",), bits=bits, exr_layout=layout, colorspace=colorspace, residual=True)
    write_all(shot, [make_frame(size=(30, 40), plate=plate)])
    albedo, shading, residual = read_exr(shot, layout, ("albedo", "shading", "residual"))
    expected = to_acescg(plate) if colorspace == "acescg" else plate
    step = 2**-11 if bits == "half" else 2**-23  # half a step of the residual, relative
    assert (np.abs(albedo * shading + residual - expected) <= step * np.abs(residual) + 1e-5).all()


def test_a_float_tiff_holds_the_residual(make_shot, make_frame):
    plate = np.random.default_rng(0).uniform(0, 4, (6, 8, 3)).astype(np.float32)
    shot = make_shot(format=("png", "tiff"), bits="float", residual=True, maps=("albedo", "shading"))
    write_all(shot, [make_frame(plate=plate)])
    albedo, shading, residual = (
        tifffile.imread(shot.folder / name / f"clip_{name}.1001.tif") for name in ("albedo", "shading", "residual")
    )
    assert np.allclose(albedo * shading + residual, plate, atol=1e-6)
    assert not list(shot.folder.rglob("*residual*.png"))


@pytest.mark.parametrize("rgba", ["source", "albedo"])
def test_an_exr_shows_the_plate_or_the_albedo(make_shot, make_frame, rgba):
    plate = np.random.default_rng(0).uniform(-1, 9, (6, 8, 3)).astype(np.float32)
    frame = make_frame(plate=plate)
    shot = make_shot(format=("exr",), bits="float", exr_rgba=rgba)
    write_all(shot, [frame])
    channels = OpenEXR.File(str(shot.folder / "clip.1001.exr"), separate_channels=True).channels()
    shown = plate if rgba == "source" else frame.maps["albedo"]
    assert all(np.array_equal(channels[name].pixels, shown[..., place]) for place, name in enumerate("RGB"))


@pytest.mark.parametrize(("bits", "dtype"), [("8", np.uint8), ("16", np.uint16), ("float", np.float32)])
def test_the_bits_asked_for_are_the_bits_of_a_tiff(make_shot, make_frame, bits, dtype):
    shot = make_shot(format=("tiff",), bits=bits, maps=("metallic",))
    write_all(shot, [make_frame()])
    assert tifffile.imread(shot.folder / "metallic/clip_metallic.1001.tif").dtype == dtype


def test_files_name_the_frame_they_come_from_and_movies_the_shot(make_shot, make_frame):
    formats = ("exr", "mp4", "mov")
    shot = replace(make_shot(format=formats, maps=("albedo",), rate=Fraction(24)), pixel_aspect=2.0)
    write_all(shot, [make_frame()])
    header = OpenEXR.File(str(shot.folder / "clip.1001.exr")).header()
    assert header["pixelAspectRatio"] == 2
    assert header["mvinverse/source"] == "plate.1001.exr"
    assert header["framesPerSecond"] == 24
    for suffix in formats[1:]:
        with av.open(str(shot.folder / f"clip_albedo.{suffix}")) as container:
            assert ABOUT.source in container.metadata["comment"]
            assert container.streams.video[0].sample_aspect_ratio == 2


@pytest.mark.parametrize("format", ALL_FORMATS)
def test_two_runs_write_the_same_bytes(make_shot, make_frame, files_under, tmp_path, format):
    first, second = (make_shot(format=(format,), folder=tmp_path / name, writers=3) for name in ("one", "two"))
    for shot in (first, second):
        write_all(shot, [make_frame(index, size=(48, 64)) for index in range(12)])
    names = files_under(first.folder)
    assert names == files_under(second.folder)
    assert names
    for name in names:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_movies_keep_frame_order_whatever_the_threads_do(make_shot, make_frame):
    shot = make_shot(format=("png", "mp4"), maps=("roughness",), writers=4)
    steps = np.linspace(0, 1, 20, dtype=np.float32)
    frames = [make_frame(i, maps={"roughness": np.full((16, 16, 1), step)}) for i, step in enumerate(steps)]
    write_all(shot, frames)
    with av.open(str(shot.folder / "clip_roughness.mp4")) as container:
        means = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
    assert len(means) == 20
    assert means == sorted(means)


def test_a_movie_keeps_the_times_of_its_source(make_shot, make_frame):
    times = [Fraction(tick, 1000) for tick in (0, 33, 67, 400, 433)]
    shot = make_shot(format=("mp4",), maps=("normal",), rate=Fraction(30))
    write_all(shot, [make_frame(index, time=time) for index, time in enumerate(times)])
    with av.open(str(shot.folder / "clip_normal.mp4")) as container:
        assert [frame.pts * frame.time_base for frame in container.decode(video=0)] == times


def test_a_movie_of_pictures_runs_at_the_fps_asked_for(make_shot, make_frame):
    shot = make_shot(format=("mp4",), maps=("normal",), fps=Fraction(25))
    write_all(shot, [make_frame(index, time=None) for index in range(5)])
    with av.open(str(shot.folder / "clip_normal.mp4")) as container:
        assert container.streams.video[0].average_rate == 25
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [Fraction(index, 25) for index in range(5)]


def test_a_frame_that_is_missing_leaves_a_gap_in_a_movie_of_pictures(make_shot, make_frame):
    shot = make_shot(format=("mp4",), maps=("normal",), fps=Fraction(25))
    write_all(shot, [make_frame(index, time=None) for index in (3, 4, 6, 9)])
    with av.open(str(shot.folder / "clip_normal.mp4")) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [0, Fraction(1, 25), Fraction(3, 25), Fraction(6, 25)]


def test_frames_are_reported_in_order_when_all_their_files_are_there(make_shot, make_frame):
    shot = make_shot(format=("png", "exr"), writers=3)
    reported = []

    def on_done(number):
        assert all(file.path.exists() for file in shot.frame_files(number, ""))
        assert threading.current_thread() is threading.main_thread()
        reported.append(number)

    with open_writers(shot, ABOUT, on_done) as opened:
        for index in range(12):
            opened.write(make_frame(index))
    assert reported == list(range(1001, 1013))


def test_frames_of_movies_alone_are_reported_too(make_shot, make_frame):
    done = []
    write_all(make_shot(format=("mp4",), maps=("albedo",)), [make_frame(index) for index in range(7)], done)
    assert done == list(range(1001, 1008))


def test_the_backlog_is_bounded(make_shot, make_frame, monkeypatch):
    go_on = threading.Semaphore(0)
    monkeypatch.setattr(writers, "encode_png", lambda *_: go_on.acquire() and b"")
    shot = make_shot(format=("png",), maps=("metallic",), writers=2)
    taken = []

    def produce():
        with open_writers(shot, ABOUT) as opened:
            for index in range(10):
                opened.write(make_frame(index))
                taken.append(index)

    producer = threading.Thread(target=produce)
    producer.start()
    producer.join(timeout=0.3)  # nothing is encoded: the producer is held back
    assert len(taken) == 3
    go_on.release(10)
    producer.join()
    assert len(taken) == 10


@pytest.mark.parametrize("format", ["png", "exr", "mp4"])
def test_no_map_is_held_once_its_files_are_written(make_shot, make_frame, format):
    shot = make_shot(format=(format,), maps=("albedo",))
    frame = make_frame()
    with open_writers(shot, ABOUT) as opened:
        opened.write(frame)
        for file in opened._backlog[0].files:
            file.result()
        assert not any(isinstance(value, np.ndarray) for value in vars(opened).values())
        assert not hasattr(opened._backlog[0], "maps")


@pytest.mark.parametrize("format", ALL_FORMATS)
def test_nan_never_reaches_a_file(make_shot, make_frame, files_under, format):
    shot = make_shot(format=(format,), bits="float" if format == "tiff" else None, maps=("albedo", "normal"))
    bad = make_frame(1)
    bad = replace(bad, maps={**bad.maps, "normal": np.full((6, 8, 3), np.nan, np.float32)})
    with pytest.raises(OutputError, match="clip: frame 1002: the normal map holds NaN or infinity, in float32 too"):
        write_all(shot, [make_frame(0), bad, make_frame(2)])
    left = files_under(shot.folder)
    assert not any("part" in name or "normal.1002" in name or name == "clip.1002.exr" for name in left)
    assert not any(name.endswith((".mp4", ".mov", ".mkv")) for name in left)


def test_an_error_surfaces_at_a_later_frame_and_not_only_at_the_end(make_shot, make_frame, small_disk):
    shot = make_shot(folder=small_disk / "out", format=("exr",), bits="float", writers=1)
    taken = []

    def produce():
        for index in range(100):
            yield make_frame(index, size=(64, 64))
            taken.append(index)

    with pytest.raises(OutputError, match="cannot write: No space left on device"):
        write_all(shot, produce())
    assert len(taken) < 100


def test_a_full_disk_leaves_finished_frames_alone(make_shot, make_frame, small_disk, files_under):
    shot = make_shot(folder=small_disk, format=("exr",), bits="float", writers=2)
    done = []
    with pytest.raises(OutputError, match="No space left on device"):
        write_all(shot, [make_frame(index, size=(64, 64)) for index in range(20)], done)
    assert done
    assert {f"clip.{number}.exr" for number in done} <= set(files_under(small_disk))
    for name in files_under(small_disk):
        assert name.startswith("clip.")  # no hidden rest
        OpenEXR.File(str(small_disk / name)).channels()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_leaves_whole_files_and_no_movie(make_shot, make_frame, files_under, interruption):
    shot = make_shot(format=("png", "mp4"), maps=("albedo",), writers=2)

    def interrupted():
        for index in range(30):
            yield make_frame(index, size=(40, 40))
        raise interruption

    done = []
    with pytest.raises(interruption):
        write_all(shot, interrupted(), done)
    left = files_under(shot.folder)
    assert all(name.endswith(".png") for name in left)
    assert {f"albedo/clip_albedo.{number}.png" for number in done} <= set(left)
    for name in left:
        assert cv2.imread(str(shot.folder / name)) is not None


def test_no_thread_outlives_the_block(make_shot, make_frame):
    before = threading.active_count()
    write_all(make_shot(format=ALL_FORMATS), [make_frame()])
    assert threading.active_count() == before


def test_a_movie_that_fails_at_its_end_leaves_none_of_the_others(make_shot, make_frame, files_under, monkeypatch):
    close = MovieWriter.close

    def fail(movie):
        close(movie)
        if movie.path.stem.endswith("normal"):
            raise OutputError("normal: cannot write: No space left on device")

    monkeypatch.setattr(MovieWriter, "close", fail)
    shot = make_shot(format=("mp4",), maps=("albedo", "normal"))
    with pytest.raises(OutputError, match="normal: cannot write"):
        write_all(shot, [make_frame(index) for index in range(4)])
    assert files_under(shot.folder) == []


def test_skip_leaves_what_is_there_and_fills_in_what_is_missing(make_shot, make_frame, files_under):
    shot = make_shot(format=("png", "mp4"), maps=("albedo", "normal"), on_exists="skip")
    (shot.folder / "albedo").mkdir(parents=True)
    old = shot.folder / "albedo/clip_albedo.1002.png"
    old.write_bytes(b"old")
    (shot.folder / "clip_normal.mp4").write_bytes(b"old")
    write_all(shot, [make_frame(index) for index in range(3)])
    assert old.read_bytes() == (shot.folder / "clip_normal.mp4").read_bytes() == b"old"
    assert len(files_under(shot.folder)) == 3 * 2 + 2


def test_overwrite_replaces_what_is_there(make_shot, make_frame):
    shot = make_shot(format=("png",), maps=("albedo",), on_exists="overwrite")
    old = shot.folder / "albedo/clip_albedo.1001.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    write_all(shot, [make_frame()])
    assert cv2.imread(str(old)).shape == (6, 8, 3)


def test_the_worst_clipped_frame_of_a_map_is_logged_once(make_shot, make_frame, caplog):
    shading = np.full((10, 10, 3), 0.5, np.float32)
    frames = []
    for index, over in enumerate((1, 4, 2)):
        values = shading.copy()
        values[:over, 0] = 3.0
        frames.append(make_frame(index, maps={"shading": values}))
    with caplog.at_level(logging.WARNING):
        write_all(make_shot(format=("png", "tiff"), maps=("shading",)), frames)
    (record,) = caplog.records
    assert "frame 1002: 4% of the shading map" in record.getMessage()


def test_a_shot_without_frames_leaves_no_file(make_shot, files_under, tmp_path):
    write_all(make_shot(format=ALL_FORMATS), [])
    assert files_under(tmp_path) == []


def test_names_that_are_not_utf8_can_be_written(make_shot, make_frame, files_under):
    stem = b"kuche\xff".decode("utf-8", "surrogateescape")
    shot = make_shot(stem=stem, format=ALL_FORMATS, maps=("albedo",))
    write_all(shot, [make_frame(source=stem)])
    assert len(files_under(shot.folder)) == 6


@pytest.mark.parametrize("stem", ["with space", "a:b", "100%d", "-x", "写真", "new\nline", "file:x"])
def test_odd_names_can_be_written(make_shot, make_frame, files_under, stem):
    shot = make_shot(stem=stem, format=ALL_FORMATS, maps=("albedo",))
    write_all(shot, [make_frame()])
    assert len(files_under(shot.folder)) == 6


def test_a_killed_run_leaves_no_broken_file_under_a_final_name(make_shot, tmp_path):
    shot = make_shot(format=("png", "exr", "mp4"), maps=("albedo",))
    command = [sys.executable, "-c", ENDLESS_RUN, str(shot.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.read(8)  # some frames are there and more on their way
        run.kill()
    pictures = sorted(shot.folder.rglob("*.png"))
    assert pictures
    for path in pictures:
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED) is not None
    for path in shot.folder.glob("*.exr"):
        OpenEXR.File(str(path)).channels()
    assert not list(shot.folder.glob("*.mp4"))


ENDLESS_RUN = """
import itertools, sys
from pathlib import Path
import numpy as np
from mvinverse_cli.maps import FrameMaps
from mvinverse_cli.options import WriteOptions
from mvinverse_cli.outputs import About, ShotOutputs, open_writers

about = About("mvinverse", "small", None, "ab", "clip.mov", "srgb", "srgb", "srgb")
options = WriteOptions(format=("png", "exr", "mp4"))
shot = ShotOutputs(Path(sys.argv[1]), "clip", False, ("albedo",), options, None)
noise = np.random.default_rng(0).random((200, 300, 3), np.float32)
with open_writers(shot, about, lambda number: print("x", end="", flush=True)) as writers:
    for index in itertools.count():
        writers.write(FrameMaps({"albedo": noise}, "clip", index, index, "", None, "clip.mov"))
"""
