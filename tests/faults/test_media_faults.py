"""Sources that are odd, broken or hostile, from the file to the exit code."""

import os
import struct
import zlib
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import OpenEXR
import pytest
import tifffile

from mvinverse_cli.maps import MAPS
from tests.cli.running import files_in
from tests.frames.media import numbered, png_chunk, to_frame, write_numbered, write_png, write_video

from .conftest import Run
from .wholeness import broken_files

GIB = 2**30


@pytest.fixture
def resized(tmp_path: Path) -> Path:
    """Four frames of 64x48, then four of 96x72."""
    path = tmp_path / "resized.h264"
    parts = [
        write_video(tmp_path / f"{width}.h264", [to_frame(numbered(i, width, height), "yuv420p") for i in range(4)])
        for width, height in ((64, 48), (96, 72))
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def test_size_change_mid_stream_gives_every_frame_at_its_own_size(run, resized: Path):
    ran = run(resized, "--maps", "metallic")
    assert ran.code == 0, ran.err
    sizes = [cv2.imread(f"out/metallic/{name}", 0).shape for name in files_in(Path("out/metallic"))]
    assert sizes == [(48, 64)] * 4 + [(72, 96)] * 4


def test_size_change_mid_stream_ends_a_movie_and_leaves_none(run, resized: Path):
    ran = run(resized, "--maps", "metallic", "--format", "mp4")
    assert ran.code == 7
    assert "choose --format png, exr or tiff" in ran.cause
    assert files_in(Path("out")) == ["mvinverse.json"]
    ran = run(resized, "--maps", "metallic", "--sheet", "-o", "sheet")
    assert ran.code == 7
    assert "leave --sheet away" in ran.cause


def test_one_frame_is_a_shot(run, tmp_path: Path):
    ran = run(write_numbered(tmp_path / "one.mp4", 1))
    assert ran.code == 0, ran.err
    assert len(files_in(Path("out"))) == 6


@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (5000, 3), (15, 13)])
def test_odd_sizes_come_back_at_their_own(run, tmp_path: Path, size: tuple[int, int]):
    ran = run(write_png(tmp_path / "odd.png", size=size), "--max-size", "560", "--format", "png,exr")
    assert ran.code == 0, ran.err
    assert broken_files(Path("out")) == []
    for name in MAPS:
        assert cv2.imread(f"out/{name}/odd_{name}.png").shape[1::-1] == size


@pytest.mark.slow  # and takes some 8 GB
def test_16k_x_16k_is_read(apart: Run, tmp_path: Path):
    path = tmp_path / "wide.jpg"
    path.write_bytes(imagecodecs.jpeg_encode(np.full((16384, 16384), 90, np.uint8)))
    ran = apart(path, "--size", "model", "--maps", "metallic", "--max-size", "112")
    assert ran.code == 0, ran.err
    assert cv2.imread(str(tmp_path / "out/metallic/wide_metallic.png"), 0).shape == (112, 112)


def bomb(path: Path) -> Path:
    """A small file that promises 3600 megapixels."""
    if path.suffix == ".y4m":
        path.write_bytes(b"YUV4MPEG2 W60000 H60000 F25:1 Ip C420\nFRAME\n" + bytes(2**16))
    else:
        head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
        body = png_chunk(b"IDAT", zlib.compress(bytes(2**24)))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + body + png_chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("name", ["bomb.png", "bomb.y4m"])
def test_decompression_bomb_is_refused_in_little_memory(apart: Run, tmp_path: Path, name: str):
    ran = apart(bomb(tmp_path / name), memory=2 * GIB)
    assert ran.code == 4, ran.err
    assert "60000x60000 is 3600 Mpx" in ran.cause or "not a video" in ran.cause
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("value", [-5.0, 1e30, -3e38, 60000.0])
def test_negative_and_huge_exr_values_give_finite_maps(run, tmp_path: Path, value: float):
    pixels = np.full((28, 42, 3), 0.4, np.float32)
    pixels[3:9, 5:20] = value
    OpenEXR.File({}, {"RGB": pixels}).write(str(tmp_path / "plate.exr"))
    ran = run("plate.exr", "--format", "exr")
    assert ran.code == 0, ran.err
    with OpenEXR.File("out/plate.exr", separate_channels=True) as file:
        assert all(np.isfinite(channel.pixels.astype(np.float32)).all() for channel in file.channels().values())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_inf_exr_values_are_left_out_and_the_rest_is_written(run, tmp_path: Path, value: float):
    for number in (1, 2, 3):
        pixels = np.full((28, 42, 3), 0.4, np.float32)
        pixels[3, 5] = value if number == 2 else 0
        OpenEXR.File({}, {"RGB": pixels}).write(str(tmp_path / f"plate.{number}.exr"))
    ran = run("plate.#.exr", "--maps", "albedo")
    assert ran.code == 3, ran.err
    assert "plate.2.exr: 1 of 1176 pixels hold NaN or infinity" in ran.cause
    assert files_in(Path("out/albedo")) == ["plate_albedo.0001.png", "plate_albedo.0003.png"]


def test_spaces_newlines_percents_colons_and_a_leading_dash_are_plain_names(run, tmp_path: Path):
    names = ["-o.png", "a b.png", "c%d.png", "d:e.png", "f\ng.png", "ü漢.png"]
    for name in names:
        write_png(tmp_path / name)
    ran = run("--maps", "albedo", "--", *names)
    assert ran.code == 0, ran.err
    assert files_in(Path("out/albedo")) == sorted(f"{Path(name).stem}_albedo.png" for name in names)


@pytest.mark.slow
def test_non_utf8_names_are_written_and_told(apart: Run, tmp_path: Path):
    name = os.fsdecode(b"caf\xe9.png")
    write_png(tmp_path / name)
    ran = apart(name, "--maps", "albedo", "--format", "png,exr,mp4")
    assert ran.code == 0, ran.err
    assert (tmp_path / os.fsdecode(b"out/albedo/caf\xe9_albedo.png")).is_file()


def test_output_inside_the_input_folder_is_not_taken_for_input(run, tmp_path: Path):
    folder = tmp_path / "plates"
    folder.mkdir()
    for number in (1, 2):
        write_png(folder / f"plate.{number}.png")
    for more in ((), ("--on-exists", "skip")):
        ran = run(folder, "-o", folder / "out", "--maps", "albedo", *more)
        assert ran.code == 0, ran.err
    assert files_in(folder) == [
        *("out/albedo/plate_albedo.0001.png", "out/albedo/plate_albedo.0002.png", "out/mvinverse.json"),
        *("plate.1.png", "plate.2.png"),
    ]


def test_input_deleted_while_running_loses_those_frames_alone(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(1, 7):
        write_png(tmp_path / f"plate.{number}.png")
    from mvinverse_cli.model import checkpoint

    load = checkpoint.load_weights

    def load_and_lose(*arguments: object):
        (tmp_path / "plate.5.png").unlink()
        return load(*arguments)

    monkeypatch.setattr(checkpoint, "load_weights", load_and_lose)
    ran = run("plate.#.png", "--maps", "albedo")
    assert ran.code == 3, ran.err
    assert "1 lost (5): plate.5.png: No such file" in ran.cause
    assert len(files_in(Path("out/albedo"))) == 5


def test_video_deleted_while_running_is_read_to_its_end(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_numbered(tmp_path / "gone.mp4", 4)
    from mvinverse_cli.shot import decompose

    opened = decompose.open_positions

    def open_and_lose(*arguments: object, **named: object):
        reader = opened(*arguments, **named)
        path.unlink(missing_ok=True)
        return reader

    monkeypatch.setattr(decompose, "open_positions", open_and_lose)
    ran = run(path, "--maps", "albedo")
    assert ran.code == 0, ran.err
    assert len(files_in(Path("out/albedo"))) == 4


@pytest.mark.slow
def test_odd_tags_of_a_tiff_are_told_once_in_our_words(apart: Run, tmp_path: Path):
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, np.zeros((20, 30, 3), np.uint8), photometric="rgb")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tags = tiff.pages.first.tags
        tags["SamplesPerPixel"].overwrite(1)
        type_at = tags["Software"].offset + 2  # of a tag's entry: code, type, count, value
    content = bytearray(path.read_bytes())
    content[type_at : type_at + 2] = b"\0\0"
    path.write_bytes(content)
    ran = apart(path, "-o", "out")
    assert ran.code == 4
    assert "of the 3 samples" in ran.err
    assert "TiffTag" not in ran.err
