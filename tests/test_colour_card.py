"""The colours of a known test card through every route, from the file that holds it to the file that we write."""

from pathlib import Path

import av
import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile

from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.job.planning import plan_job
from mvinverse_cli.job.run import run_job
from mvinverse_cli.options import DecomposeOptions, Format, WriteOptions
from tests.card import LIGHT, WRITERS, centres, mirror, write_card

VIDEOS = (".mp4", ".mkv", ".nut")
STEP = 1 / 255


@pytest.fixture(autouse=True)
def sees_what_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the network."""
    mirror(monkeypatch)


def run(path: Path, out: Path, weights: Path, *formats: Format, exposure: str = "0", **write: str) -> None:
    options = DecomposeOptions(model=str(weights), device="cpu", exposure=exposure, cuts="off", maps=("albedo",))
    run_job(plan_job([path], out, options, WriteOptions(format=formats, **write)))


def error(picture: np.ndarray, card: np.ndarray) -> float:
    """How far the patches of an sRGB-encoded picture are from those of the card, at most."""
    return float(np.abs(centres(picture) - centres(card)).max())


def read_exr(path: Path) -> np.ndarray:
    """(64, 96, 3) scene-linear."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return np.stack([file.channels()[f"albedo.{channel}"].pixels for channel in "RGB"], axis=-1).astype(np.float32)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_card_keeps_its_colours_within_2_of_255_from_any_source(kind: str, tmp_path: Path, tiny_file: Path):
    path, card = write_card(kind, tmp_path)
    run(path, tmp_path / "out", tiny_file, "png", "exr")
    number = ".1001" if path.suffix in VIDEOS else ""
    png = cv2.imread(str(tmp_path / f"out/albedo/card_albedo{number}.png"))[..., ::-1]
    assert error(png / 255, card) <= 2 * STEP
    light = read_exr(tmp_path / f"out/card{number}.exr")
    least, most = (srgb_to_linear(np.clip(card + off, 0, 1).astype(np.float32)) for off in (-2 * STEP, 2 * STEP))
    assert (centres(light) >= centres(least) - 1e-3).all()
    assert (centres(light) <= centres(most) + 1e-3).all()


@pytest.mark.parametrize("bits", ["8", "16", "float"])
def test_a_card_keeps_its_colours_into_tiff_and_png_of_every_depth(bits: str, tmp_path: Path, tiny_file: Path):
    path, card = write_card("png 16", tmp_path)
    run(path, tmp_path / "out", tiny_file, "tiff", "png", bits=bits)
    tiff = tifffile.imread(tmp_path / "out/albedo/card_albedo.tif")
    if bits == "float":
        np.testing.assert_allclose(centres(tiff), centres(LIGHT), atol=1e-4)
    else:
        assert error(tiff / np.iinfo(tiff.dtype).max, card) <= STEP
    png = cv2.imread(str(tmp_path / "out/albedo/card_albedo.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert error(png / np.iinfo(png.dtype).max, card) <= STEP


@pytest.mark.parametrize("kind", ["mp4 tagged", "mp4 untagged", "png 8"])
def test_a_card_keeps_its_colours_into_a_movie(kind: str, tmp_path: Path, tiny_file: Path):
    path, card = write_card(kind, tmp_path)
    run(path, tmp_path / "out", tiny_file, "mp4")
    with av.open(str(tmp_path / "out/card_albedo.mp4")) as movie:
        frame = next(movie.decode(video=0)).to_ndarray(format="rgb24")
    assert error(frame / 255, card) < 5 * STEP  # the decoder's own conversion is off by some


@pytest.mark.parametrize("stops", [-2, 3])
@pytest.mark.parametrize("kind", ["exr float", "png 16"])
def test_an_exposure_shows_the_network_so_many_stops_more_light(kind: str, stops: int, tmp_path: Path, tiny_file: Path):
    path, _ = write_card(kind, tmp_path)
    run(path, tmp_path / "out", tiny_file, "exr", bits="float", exposure=str(stops))
    shown = np.clip(centres(LIGHT) * 2.0**stops, 0, 1)
    np.testing.assert_allclose(centres(read_exr(tmp_path / "out/card.exr")), shown, atol=2e-3)
