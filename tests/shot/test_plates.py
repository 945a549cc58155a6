"""Plates beside their maps: the same picture, in linear light, in its own precision."""

from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pytest

from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import Fit, find_shots
from mvinverse_cli.job.planning import plan_job
from mvinverse_cli.job.run import run_job
from mvinverse_cli.options import DecomposeOptions, WriteOptions
from mvinverse_cli.shot.layout import lay_out
from mvinverse_cli.shot.plates import fit_plate, linear_light, open_plates

SIZE = (42, 28)


def layout_of(*paths: Path):
    (shot,) = find_shots(paths, allow_gaps=False)
    return lay_out(shot, DecomposeOptions())


@pytest.fixture
def sequence(tmp_path: Path) -> list[Path]:
    """Five scene-linear EXR plates, with light above 1 and below 0."""
    paths = [tmp_path / f"plate.{1001 + index}.exr" for index in range(5)]
    for index, path in enumerate(paths):
        pixels = np.random.default_rng(index).uniform(-1, 30, (28, 42, 3)).astype(np.float32)
        OpenEXR.File({}, {"RGB": pixels}).write(str(path))
    return paths


def test_plates_come_for_the_positions_asked_for_as_they_are_stored(sequence: list[Path]):
    with open_plates(layout_of(*sequence), [1, 2, 4]) as plates:
        for position in (1, 4):  # 2 is not taken: its frame was lost
            expected = np.random.default_rng(position).uniform(-1, 30, (28, 42, 3)).astype(np.float32)
            assert np.array_equal(linear_light(plates.take(position, SIZE)), expected)


@pytest.mark.parametrize("depth", [8, 16])
def test_integer_plates_are_brought_to_linear_light(tmp_path: Path, depth: int):
    top = 2**depth - 1
    codes = np.random.default_rng(0).integers(0, top + 1, (28, 42, 3)).astype(f"uint{depth}")
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(codes))
    with open_plates(layout_of(tmp_path / "a.png"), [0]) as plates:
        plate = linear_light(plates.take(0, SIZE))
    assert plate.dtype == np.float32
    assert np.allclose(plate, srgb_to_linear(codes.astype(np.float32) / top), rtol=1e-6)


def test_a_plate_that_is_gone_is_an_input_error_and_the_next_one_comes(sequence: list[Path]):
    layout = layout_of(*sequence)
    sequence[3].unlink()
    with open_plates(layout, [2, 3, 4]) as plates:
        plates.take(2, SIZE)
        with pytest.raises(InputError, match="could be read once and not again"):
            plates.take(3, SIZE)
        assert plates.take(4, SIZE).index == 4


def test_a_plate_that_changed_its_size_is_an_input_error(sequence: list[Path]):
    with (
        open_plates(layout_of(*sequence), [2]) as plates,
        pytest.raises(InputError, match="is the source changing"),
    ):
        plates.take(2, (42, 42))


def test_at_the_network_s_size_the_padding_is_left_out():
    fit = Fit((42, 28), (14, 28), (28, 28))
    assert fit_plate(np.full((28, 42, 3), 7, np.float32), fit).shape == (14, 28, 3)
    assert fit_plate(np.full((28, 42, 3), 7, np.float32), fit) == pytest.approx(7)


@pytest.mark.parametrize("frames", [None, "1002,1005"])
def test_an_exr_of_a_run_shows_the_plate_of_its_own_frame(
    sequence: list[Path], tmp_path: Path, tiny_file: Path, frames: str | None
):
    options = DecomposeOptions(model=str(tiny_file), device="cpu", frames=frames, window=3, anchors=1, overlap=1)
    write = WriteOptions(format=("exr",), bits="float", exr_rgba="source")
    plan = plan_job(sequence, tmp_path / "out", options, write)
    assert run_job(plan).written == len(plan.shots[0].frames)
    for number, _ in plan.shots[0].frames:
        path = tmp_path / "out" / f"plate.{number}.exr"
        channels = OpenEXR.File(str(path), separate_channels=True).channels()
        rgb = np.stack([channels[name].pixels for name in "RGB"], axis=-1)
        expected = np.random.default_rng(number - 1001).uniform(-1, 30, (28, 42, 3)).astype(np.float32)
        assert np.array_equal(rgb, expected)


def test_the_sum_of_a_run_is_the_plate_at_the_source_s_size(sequence: list[Path], tmp_path: Path, tiny_file: Path):
    options = DecomposeOptions(model=str(tiny_file), device="cpu", max_size=28, window=3, anchors=1, overlap=1)
    run_job(plan_job(sequence, tmp_path / "out", options, WriteOptions(format=("exr",), residual=True)))
    for index, path in enumerate(sequence):
        channels = OpenEXR.File(str(tmp_path / "out" / path.name), separate_channels=True).channels()
        albedo, shading, residual = (
            np.stack([channels[f"{name}.{channel}"].pixels for channel in "RGB"], axis=-1).astype(np.float64)
            for name in ("albedo", "shading", "residual")
        )
        expected = np.random.default_rng(index).uniform(-1, 30, (28, 42, 3))
        assert (np.abs(albedo * shading + residual - expected) <= 2**-11 * np.abs(residual) + 1e-5).all()
