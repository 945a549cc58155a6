"""A model on real pictures: a contact sheet of each folder, and figures where a reference exists.

    python -m benchmarks.realdata DATA [--model small] [-o sheets/] [--frames 4] [--max-size 518] [--only NAME ...]

DATA is a folder of clips and pictures (`../shared/realdata`). A sheet has a row for each of a few frames, which the
network sees together: the picture and its five maps, as their 8-bit files look. References are previews of sRGB
pictures, so colours are compared in sRGB after the least-squares scale of each channel in linear light, for every row
alike. The last line is one JSON object.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mvinverse_cli import DecomposeOptions, decompose, load_model
from mvinverse_cli.color import linear_to_srgb, srgb_to_linear
from mvinverse_cli.evaluate.align import gain_of
from mvinverse_cli.evaluate.metrics import angles_deg, psnr, rmse
from mvinverse_cli.frames import as_float, find_shots, open_positions
from mvinverse_cli.maps import MAPS, SPECS, Maps
from mvinverse_cli.model import MVInverse
from mvinverse_cli.shot.layout import lay_out

Picture = NDArray[np.float32]  # (H, W, C) in [0, 1]
TILE, GAP, HEAD = 300, 4, 20  # pixels


class Reference(NamedTuple):
    """A picture with files that say what some of its maps are."""

    folder: str
    picture: str
    maps: dict[str, str]  # map -> file
    mask: str | None = None


REFERENCES = (
    Reference(
        "gt_rgbx_kitchen",
        "kitchen-ref.png",
        {
            "albedo": "kitchen-albedo.png",
            "roughness": "kitchen-roughness.png",
            "metallic": "kitchen-metallic.png",
            "normal": "kitchen-normal.png",
            "shading": "kitchen-irradiance.png",
        },
    ),
    Reference(
        "gt_hypersim_ai_001_001",
        "_frame.0000.tonemap.jpg",
        {
            "albedo": "_frame.0000.diffuse_reflectance.jpg",
            "normal": "_frame.0000.normal_bump_cam.png",
            "shading": "_frame.0000.diffuse_illumination.jpg",
        },
    ),
    Reference(
        "gt_mit_intrinsic_sun",
        "diffuse.png",
        {"albedo": "reflectance.png", "shading": "shading.png"},
        "mask.png",
    ),
)


def read_picture(path: Path, size: tuple[int, int] | None = None) -> Picture:
    """A picture file as (H, W, 3) in [0, 1], at `size` (height, width) where one is given."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise SystemExit(f"{path}: cannot be read")
    values = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
    values = np.repeat(values[..., None], 3, -1) if values.ndim == 2 else values[..., 2::-1]
    if size is not None and values.shape[:2] != size:
        values = cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(values)


def shown(maps: Maps) -> dict[str, Picture]:
    """Maps as their 8-bit files look."""
    tiles = {}
    for name in MAPS:
        values = maps[name]
        if SPECS[name].kind == "color":
            values = linear_to_srgb(np.clip(values, 0, 1))
        elif SPECS[name].kind == "vector":
            values = values * 0.5 + 0.5
        tiles[name] = np.broadcast_to(values, (*values.shape[:2], 3)).astype(np.float32)
    return tiles


def draw(rows: list[dict[str, Picture]]) -> NDArray[np.uint8]:
    """A sheet, (H, W, 3) uint8: a row of titled tiles for each entry."""
    names = list(rows[0])
    sheet = [np.full((HEAD, (TILE + GAP) * len(names), 3), 24, np.uint8)]
    for column, name in enumerate(names):
        cv2.putText(sheet[0], name, (column * (TILE + GAP) + 4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230,) * 3, 1)
    for row in rows:
        tiles = []
        for values in row.values():
            height = round(values.shape[0] * TILE / values.shape[1])
            tile = cv2.resize(values, (TILE, height), interpolation=cv2.INTER_AREA)
            tiles.append(np.pad(np.rint(np.clip(tile, 0, 1) * 255).astype(np.uint8), ((0, GAP), (0, GAP), (0, 0))))
        sheet.append(np.concatenate(tiles, axis=1))
    return np.concatenate(sheet)


def clip_rows(folder: Path, model: MVInverse, frames: int, max_size: int) -> list[dict[str, Picture]]:
    """The rows of a clip or of a folder of pictures: `frames` of them, spread evenly, seen together."""
    source = next((path for path in sorted(folder.iterdir()) if path.suffix in (".mp4", ".mov")), folder)
    (shot,) = find_shots([source], allow_gaps=True)
    every = max(1, (shot.frame_count or len(shot.paths)) // frames)
    options = DecomposeOptions(
        max_size=max_size,
        every=every,
        window=frames,
        anchors=0,
        overlap=0,
        cuts="off",
        size="model",
        allow_gaps=True,
    )
    choice = lay_out(shot, options).choice
    rows = []
    with open_positions(shot, choice, choice.wanted) as reader:
        for frame, made in zip(reader, decompose(source, options, model=model), strict=True):
            height, width = made.maps["albedo"].shape[:2]
            picture = cv2.resize(as_float(frame.pixels), (width, height), interpolation=cv2.INTER_AREA)
            rows.append({"input": picture, **shown(made.maps)})
            if len(rows) == frames:
                break
    return rows


def compare(
    data: Path, reference: Reference, model: MVInverse, max_size: int
) -> tuple[list[dict[str, Picture]], dict[str, float]]:
    """Rows of prediction and reference, and figures over the valid pixels, with the picture itself as a baseline."""
    folder = data / reference.folder
    options = DecomposeOptions(max_size=max_size, size="model")
    (made,) = decompose(folder / reference.picture, options, model=model)
    size = made.maps["albedo"].shape[:2]
    picture = read_picture(folder / reference.picture, size)
    truth = {name: read_picture(folder / file, size) for name, file in reference.maps.items()}
    mask = np.ones(size, bool) if reference.mask is None else read_picture(folder / reference.mask, size)[..., 0] > 0.99
    figures: dict[str, float] = {}
    for name, wanted in truth.items():
        inside = wanted[mask]
        if name in ("albedo", "shading"):
            linear = srgb_to_linear(inside)
            for row, values in (("model", made.maps[name]), ("picture", srgb_to_linear(picture))):
                scaled = values[mask] * gain_of(values[mask], linear, "channel")
                figures[f"{name}_psnr_{row}"] = psnr(linear_to_srgb(np.clip(scaled, 0, 1)), inside)
        elif name == "normal":
            vectors = inside * 2 - 1
            figures["normal_mean_deg_model"] = float(angles_deg(made.maps["normal"][mask], vectors).mean())
            figures["normal_mean_deg_facing"] = float(angles_deg(np.full_like(vectors, (0, 0, 1)), vectors).mean())
        else:
            figures[f"{name}_rmse_model"] = rmse(made.maps[name][mask], inside[..., :1])
            figures[f"{name}_rmse_constant"] = float(inside[..., 0].std())
    blank = np.zeros((*size, 3), np.float32)
    return [{"input": picture, **shown(made.maps)}, {"input": blank, **{n: truth.get(n, blank) for n in MAPS}}], figures


def main() -> None:
    """Draws the sheets and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="small")
    parser.add_argument("-o", "--output", type=Path, default=Path("sheets"))
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--max-size", type=int, default=518)
    parser.add_argument("--only", nargs="+")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    model = load_model(arguments.model)
    results: dict[str, dict[str, float]] = {}
    sheets: dict[str, list[dict[str, Picture]]] = {}
    folders = [path for path in sorted(arguments.data.iterdir()) if path.is_dir() and path.name != "artists"]
    nested = arguments.data / "mvinverse_examples"
    folders = [path for path in folders if path != nested] + (sorted(nested.iterdir()) if nested.is_dir() else [])
    for folder in folders:
        if arguments.only and folder.name not in arguments.only:
            continue
        reference = next((each for each in REFERENCES if each.folder == folder.name), None)
        if reference is None:
            sheets[folder.name] = clip_rows(folder, model, arguments.frames, arguments.max_size)
        else:
            sheets[folder.name], results[folder.name] = compare(arguments.data, reference, model, arguments.max_size)
        path = arguments.output / f"{folder.name}.png"
        cv2.imwrite(str(path), draw(sheets[folder.name])[..., ::-1])
        print(path, {key: round(value, 3) for key, value in results.get(folder.name, {}).items()}, flush=True)
    print(json.dumps({"benchmark": "realdata", "figures": results}))


if __name__ == "__main__":
    main()
