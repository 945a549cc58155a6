"""Maps brought to the source's size, from options to files: along the edges of the very picture the network saw."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from mvinverse_cli import DecomposeOptions, decompose
from mvinverse_cli.color import linear_to_srgb, srgb_to_linear
from mvinverse_cli.errors import OutputError
from mvinverse_cli.frames import Fit, restore_guided, restore_map
from mvinverse_cli.job.planning import plan_job
from mvinverse_cli.job.run import run_job
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.options import WriteOptions
from tests.frames.media import numbered, to_frame, write_png, write_video

FIT = Fit((64, 48), (42, 56), (42, 56))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Noise that the network sees at 56x42."""
    return write_png(tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))


def test_maps_follow_the_picture_unless_bilinear_is_asked_for(tiny_model: MVInverse, picture: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    small, guided, bilinear = (
        next(decompose(picture, choice, model=tiny_model)).maps
        for choice in (
            DecomposeOptions(size="model"),
            DecomposeOptions(),
            DecomposeOptions(upsample="bilinear"),
        )
    )
    expected = restore_guided(small, pixels, FIT)
    for name in MAPS:
        assert np.array_equal(guided[name], expected[name]), name
        smooth = restore_map(small[name], FIT, unit_vectors=SPECS[name].kind == "vector")
        assert np.array_equal(bilinear[name], smooth), name


@pytest.mark.parametrize("stops", [0, 2])
def test_a_plate_of_much_light_guides_as_the_network_was_shown_it(tmp_path: Path, tiny_model: MVInverse, stops: int):
    light = srgb_to_linear(np.random.default_rng(0).random((48, 64, 3), np.float32)) * 3 - 0.1
    OpenEXR.File({}, {"RGB": light}).write(str(tmp_path / "a.exr"))
    options = DecomposeOptions(exposure=str(stops), maps=("roughness",))
    (small,) = decompose(tmp_path / "a.exr", replace(options, size="model"), model=tiny_model)
    (full,) = decompose(tmp_path / "a.exr", options, model=tiny_model)
    shown = linear_to_srgb(np.clip(light * 2.0**stops, 0, 1).astype(np.float32))
    expected = restore_guided(small.maps, shown, FIT)["roughness"]
    np.testing.assert_allclose(full.maps["roughness"], expected, atol=1e-5)


def test_a_picture_that_is_gone_before_its_maps_are_done_is_a_lost_frame(
    tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
):
    paths = [write_png(tmp_path / f"plate.{number}.png", 40 * number, (64, 48)) for number in (1, 2, 3)]
    from mvinverse_cli.shot import decompose

    step = decompose.faded

    def lose_one(*arguments: object):
        results = [*step(*arguments)]  # every picture has been seen by now
        paths[1].unlink()
        yield from results

    monkeypatch.setattr(decompose, "faded", lose_one)
    options = DecomposeOptions(model=str(tiny_file), device="cpu", maps=("albedo",))
    outcome = run_job(plan_job(paths, tmp_path / "out", options, WriteOptions()))
    assert outcome.written == 2
    assert [(fault.number, fault.source) for fault in outcome.faults] == [(2, paths[1])]
    assert "could be read once and not again" in outcome.faults[0].reason


def test_a_run_that_upsamples_otherwise_is_not_gone_on_with(tmp_path: Path, tiny_file: Path, picture: Path):
    options = DecomposeOptions(model=str(tiny_file), device="cpu", maps=("albedo",))
    run_job(plan_job([picture], tmp_path / "out", options, WriteOptions()))
    (shot,) = json.loads((tmp_path / "out" / "mvinverse.json").read_text())["shots"]
    assert shot["decompose"]["upsample"] == "guided"
    again = plan_job([picture], tmp_path / "out", replace(options, upsample="bilinear"), WriteOptions(on_exists="skip"))
    with pytest.raises(OutputError, match="upsample was 'guided' and is 'bilinear'"):
        run_job(again)


def test_what_is_said_of_a_source_is_said_once_however_often_it_is_read(
    tmp_path: Path, tiny_model: MVInverse, caplog: pytest.LogCaptureFixture
):
    frames = [to_frame(numbered(index), "yuv420p", tagged=False) for index in range(12)]
    clip = write_video(tmp_path / "a.mp4", frames, "libx264")
    options = DecomposeOptions(maps=("metallic",), window=4, anchors=2, overlap=1, cuts="off")
    with caplog.at_level(logging.INFO, "mvinverse_cli"):
        assert len(list(decompose(clip, options, model=tiny_model))) == 12
    assert caplog.text.count("does not name its colour matrix") == 1
