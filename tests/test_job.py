"""Colour and place: what goes in as a picture comes out where it was, through every route there is."""

from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import imagecodecs
import numpy as np
import OpenEXR
import pytest
import tifffile
import torch

from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.job import plan_job, run_job
from mvinverse_cli.maps import MAPS, SPECS, MapName
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.options import DecomposeOptions, Format, WriteOptions
from tests.frames.media import PRIMARIES, patches, to_frame, write_video

CARD = patches()  # (64, 96, 3): six patches side by side, all different, so that a mirrored picture shows


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that sees its input as the albedo, its lower half as metal, and every surface turned to the right."""

    def forward(
        self: MVInverse, images: torch.Tensor, *, maps: Sequence[MapName], frame_batch: int
    ) -> dict[str, torch.Tensor]:
        picture = images.permute(0, 1, 3, 4, 2)
        values = {name: torch.zeros(*picture.shape[:-1], SPECS[name].channels) for name in MAPS}
        values["albedo"] = picture
        values["metallic"][:, :, picture.shape[2] // 2 :] = 1
        values["normal"][..., 0] = 1
        return {name: values[name] for name in maps}

    monkeypatch.setattr(MVInverse, "forward", forward)


def write_card(kind: str, folder: Path) -> Path:
    """The card as a source of some kind."""
    codes8, codes16 = np.rint(CARD * 255).astype(np.uint8), np.rint(CARD * 65535).astype(np.uint16)
    path = folder / f"card.{kind.split()[0]}"
    if kind == "png 8":
        path.write_bytes(imagecodecs.png_encode(codes8))
    elif kind == "png 16":
        path.write_bytes(imagecodecs.png_encode(codes16))
    elif kind == "jpg":
        path.write_bytes(cv2.imencode(".jpg", codes8[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes())
    elif kind == "tif":
        tifffile.imwrite(path, codes16, photometric="rgb")
    elif kind == "exr":
        OpenEXR.File({}, {"RGB": srgb_to_linear(CARD.astype(np.float32))}).write(str(path))
    else:
        tagged = kind == "mp4 tagged"
        matrix = "bt709" if tagged else "bt601"  # as players read a small stream without tags
        write_video(path, [to_frame(CARD, "yuv420p", matrix=matrix, tagged=tagged)] * 2, options={"crf": "1"})
    return path


def run(path: Path, out: Path, weights: Path, *formats: Format, **write: str) -> None:
    options = DecomposeOptions(model=str(weights), device="cpu")
    run_job(plan_job([path], out, options, WriteOptions(format=formats, **write)))


def centres(picture: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (6, C), the value in the middle of each patch of the card."""
    return picture[32, 8::16]


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("kind", ["png 8", "png 16", "jpg", "tif", "exr", "mp4 tagged", "mp4 untagged"])
def test_a_card_keeps_its_colours_from_any_source_to_every_format(kind: str, tmp_path: Path, tiny_file: Path):
    path = write_card(kind, tmp_path)
    out = tmp_path / "out"
    run(path, out, tiny_file, "png", "exr", "tiff", "mp4")
    number = ".1001" if path.suffix == ".mp4" else ""
    png = cv2.imread(str(out / "albedo" / f"card_albedo{number}.png"))[..., ::-1]
    assert np.abs(centres(png) / 255 - PRIMARIES).max() < 2 / 255
    tif = tifffile.imread(out / "albedo" / f"card_albedo{number}.tif")
    assert np.abs(centres(tif) / 65535 - PRIMARIES).max() < 2 / 255
    with OpenEXR.File(str(out / f"card{number}.exr"), separate_channels=True) as file:
        exr = np.stack([file.channels()[f"albedo.{channel}"].pixels for channel in "RGB"], axis=-1).astype(np.float32)
    assert np.abs(centres(exr) - srgb_to_linear(PRIMARIES)).max() < 0.02
    with av.open(str(out / "card_albedo.mp4")) as movie:
        frame = next(movie.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(centres(frame) / 255 - PRIMARIES).max() < 5 / 255  # the decoder's own conversion is off by some


@pytest.mark.usefixtures("mirror")
def test_up_is_up_and_right_is_red_in_what_is_written(tmp_path: Path, tiny_file: Path):
    path = write_card("png 8", tmp_path)
    run(path, tmp_path / "out", tiny_file, "png", "exr")
    metallic = cv2.imread(str(tmp_path / "out/metallic/card_metallic.png"), cv2.IMREAD_UNCHANGED)
    assert (metallic[:24] == 0).all()
    assert (metallic[40:] == 255).all()
    normal = cv2.imread(str(tmp_path / "out/normal/card_normal.png"))[..., ::-1]
    assert (normal == (255, 128, 128)).all()
    with OpenEXR.File(str(tmp_path / "out/card.exr"), separate_channels=True) as file:
        assert [float(file.channels()[f"normal.{axis}"].pixels.max()) for axis in "XYZ"] == [1, 0, 0]


@pytest.mark.usefixtures("mirror")
def test_a_plan_touches_nothing_and_a_run_tells_of_every_frame(tmp_path: Path, tiny_file: Path):
    path = write_card("mp4 tagged", tmp_path)
    plan = plan_job([path], tmp_path / "out", DecomposeOptions(model=str(tiny_file), device="cpu"), WriteOptions())
    assert not (tmp_path / "out").exists()
    assert plan.to_do == 2
    heard = []
    outcome = run_job(plan, heard.append)
    assert outcome.written == 2
    assert [(progress.number, progress.done, progress.total) for progress in heard] == [(1001, 1, 2), (1002, 2, 2)]
