"""`--exposure`: the network is shown other light than the plate has, and the maps are in the plate's."""

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from tests.frames.media import write_numbered

PLATE = np.random.default_rng(3).random((42, 56, 3), np.float32)
EXR = ("--format", "exr", "--bits", "float")


def write_plate(name: str, light: np.ndarray) -> None:
    OpenEXR.File({}, {"RGB": np.ascontiguousarray(light, np.float32)}).write(name)


def maps_of(path: str) -> dict[str, np.ndarray]:
    with OpenEXR.File(path, separate_channels=True) as file:
        return {name: np.array(channel.pixels) for name, channel in file.channels().items()}


def test_a_brighter_plate_and_less_exposure_are_the_same_picture_in_other_light(run):
    Path("plain").mkdir()
    Path("bright").mkdir()
    write_plate("plain/view.exr", PLATE)
    write_plate("bright/view.exr", 8 * PLATE)
    assert run("plain/view.exr", "-o", "a", *EXR).code == 0
    assert run("bright/view.exr", "-o", "b", *EXR, "--exposure", "-3").code == 0
    plain, bright = maps_of("a/view.exr"), maps_of("b/view.exr")
    for name, values in plain.items():
        np.testing.assert_array_equal(bright[name], values * (8 if name.startswith("shading") else 1))
    assert max(bright[f"shading.{channel}"].max() for channel in "RGB") > 1
    (shot,) = json.loads(Path("b/mvinverse.json").read_text())["shots"]
    assert (shot["decompose"]["exposure"], shot["passes"]["exposure"]) == ("-3", -3)


def test_auto_is_one_exposure_for_the_shot_whatever_range_is_asked_for(run):
    for number in range(1, 7):
        write_plate(f"plate.{number:04d}.exr", PLATE * number)
    assert run("plate.####.exr", "-o", "whole", *EXR, "--exposure", "auto").code == 0
    for part in ("1-3", "4-6"):
        assert run("plate.####.exr", "-o", "parts", *EXR, "--exposure", "auto", "--frames", part).code == 0
    for number in range(1, 7):
        name = f"plate.{number:04d}.exr"
        assert Path("whole", name).read_bytes() == Path("parts", name).read_bytes()
    (shot,) = json.loads(Path("whole/mvinverse.json").read_text())["shots"]
    assert shot["passes"]["exposure"] < 0


def test_a_video_is_exposed_in_linear_light_too(run, tmp_path: Path):
    write_numbered(tmp_path / "a.mkv", 2, "ffv1", pix_fmt="yuv444p")
    for folder, more in (("a", ()), ("b", ("--exposure", "0.0")), ("c", ("--exposure", "2"))):
        assert run("a.mkv", "-o", folder, "--maps", "albedo", *more).code == 0
    name = "albedo/a_albedo.1002.png"
    assert Path("a", name).read_bytes() == Path("b", name).read_bytes()
    assert Path("a", name).read_bytes() != Path("c", name).read_bytes()


def test_skip_refuses_another_exposure(run):
    write_plate("view.exr", PLATE)
    assert run("view.exr", *EXR).code == 0
    ran = run("view.exr", *EXR, "--exposure", "1", "--on-exists", "skip", "--maps", "albedo")
    assert ran.code == 7
    assert "exposure" in ran.cause


@pytest.mark.parametrize("value", ["bright", "nan", "21", "1e9"])
def test_an_exposure_that_cannot_be_is_said(run, value: str):
    ran = run("view.exr", "--exposure", value)
    assert ran.code == 2
    assert "--exposure" in ran.cause
