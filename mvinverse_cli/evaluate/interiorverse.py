"""Protocol `interiorverse`: single-view albedo, metallic and roughness on the rendered rooms of InteriorVerse.

The paper does not say in which space or under which alignment it compares albedo, so each choice is a cell of a grid.
H W pixels.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np

from ..color import Transfer, convert
from ..errors import InputError, read_errors
from ..maps import MapName, Maps
from ..model.mvinverse import MVInverse
from ..protocols import Alignment, InteriorVerseOptions, MaskChoice
from .align import gain_of
from .datasets.interiorverse import list_scenes, pictures_of
from .example import Example, check_any
from .lpips import Perceptual, open_lpips
from .metrics import FEWEST_PIXELS, Metric, Tally, psnr, rmse, ssim, within_windows
from .prediction import network_of, predict_each
from .result import SINGLE, Pick, Report, Result, keep_picks, say_nothing

logger = logging.getLogger(__name__)

MAPS: tuple[MapName, ...] = ("albedo", "metallic", "roughness")
METRICS = (
    Metric("albedo_psnr", "single view", "albedo PSNR dB", "higher", 2, "in the cell's space, over its mask"),
    Metric("albedo_ssim", "single view", "SSIM", "higher", 3, "the same; Gaussian windows that lie in the picture"),
    Metric(
        "albedo_lpips", "single view", "LPIPS", "lower", 3, "the same; AlexNet, version 0.1, black outside the mask"
    ),
    Metric("metallic_rmse", "single view", "metallic RMSE", "lower", 4, "linear data, over the cell's mask"),
    Metric("roughness_rmse", "single view", "roughness RMSE", "lower", 4, "linear data, over the cell's mask"),
)
LPIPS_LEAST = 35  # pixels of a side: fewer leave nothing of AlexNet's last layers


@dataclass(frozen=True)
class Cell:
    """One way to compare: the curve of albedo, what it may be multiplied by, and the pixels that count."""

    space: Transfer
    align: Alignment
    mask: MaskChoice

    @property
    def name(self) -> str:
        """`srgb, none, valid`."""
        return f"{self.space}, {self.align}, {self.mask}"


def evaluate_interiorverse(
    folder: Path, options: InteriorVerseOptions, *, model: MVInverse, report: Report = say_nothing, picks: int = 0
) -> Result:
    """Scores `model` on one split, each picture alone: one row, or a row for each cell of the grid.

    picks: how many of the worst and as many of the best pictures to keep, by albedo PSNR in the chosen cell. Pictures
    that lack a file are left out, named in the log and in the result. Raises InputError where none is whole.
    """
    listed = Path(options.scenes) if options.scenes else None
    with read_errors(folder / options.split):
        scenes, broken = list_scenes(folder, options.split, listed, options.limit)
    sources, unread = pictures_of(scenes, MAPS)
    broken += unread
    if not sources and not broken:
        raise InputError(f"{folder / options.split}: no scene with NNN_im.exr in it; name the data set's folder")
    chosen = Cell(options.space, options.align, options.mask)
    cells = [Cell(*choice) for choice in product(*map(get_args, (Transfer, Alignment, MaskChoice)))]
    tallies = {cell: Tally(METRICS) for cell in (cells if options.grid else [chosen])}
    network, perceptual = network_of(model, options), open_lpips()
    candidates: list[Pick] = []
    measured: set[str] = set()
    pictures = 0
    for example, maps in predict_each(network, sources, broken, report):
        scores = {cell: score_cell(cell, maps, example, perceptual) for cell in tallies}
        if not any(scores.values()):
            logger.warning("%s: left out: no pixel counts", example.name)
            continue
        for cell, tally in tallies.items():
            tally.add(scores[cell])
        figure = score_cell(chosen, maps, example, None).get("albedo_psnr") if picks else None
        if figure is not None:
            shown = f"{figure:.1f} dB"
            pick = Pick(example.group, example.name, shown, figure, example.picture, maps, example.maps)
            candidates = keep_picks(candidates, [pick], picks)
        measured.add(example.group)
        pictures += 1
    check_any(folder, pictures, broken, "picture")
    return Result(
        "interiorverse",
        {cell.name if options.grid else SINGLE: tally.figures() for cell, tally in tallies.items()},
        METRICS,
        {"scenes": len(measured), "pictures": pictures},
        "pictures",
        notes=tuple(_notes(options, pictures, network.config.input_transfer, perceptual)),
        broken=tuple(broken),
        is_incomplete=bool(broken),
        unmarked=frozenset({"single view"}),  # one model, compared in several ways
        picks=candidates,
        more={"lpips": perceptual.reason or "AlexNet 0.1"},
    )


def score_cell(cell: Cell, maps: Maps, example: Example, perceptual: Perceptual | None) -> dict[str, float]:
    """The figures of one picture in one cell; none where too few pixels count."""
    counted = example.mask if cell.mask == "valid" else np.ones_like(example.mask)
    if np.count_nonzero(counted) < FEWEST_PIXELS:
        return {}
    true = example.maps["albedo"]
    gain = gain_of(maps["albedo"][counted], true[counted], cell.align)
    shown = convert(np.clip(maps["albedo"] * gain, 0, 1), "linear", cell.space)
    wanted = convert(true, "linear", cell.space)
    scores = {"albedo_psnr": psnr(shown[counted], wanted[counted])}
    if within_windows(counted).any():
        scores["albedo_ssim"] = ssim(shown, wanted, counted, whole_windows=True)
    if perceptual and perceptual.network and min(counted.shape) >= LPIPS_LEAST:
        inside = counted[..., None]
        scores["albedo_lpips"] = perceptual.network.between(shown * inside, wanted * inside)
    for name in ("metallic", "roughness"):
        scores[f"{name}_rmse"] = rmse(maps[name][counted], example.maps[name][counted])
    return scores


def _notes(options: InteriorVerseOptions, pictures: int, shown: Transfer, perceptual: Perceptual) -> Iterator[str]:
    """How the figures came about, in sentences."""
    yield f"{pictures} pictures of the split {options.split}, each seen alone; figures of a picture, then the mean"
    way = "each row" if options.grid else f"{options.space}, {options.align}, {options.mask}"
    yield f"albedo's space, alignment (least squares in linear light) and mask: {way}"
    yield f"the network was shown the picture clipped to [0, 1], {shown}"
    yield "the paper says neither space nor alignment nor mask; its figures stand beside none of these"
    if perceptual.reason:
        yield f"LPIPS is not measured: {perceptual.reason}"
