"""How far a network may go with its maps: one number for each, fitted on scenes that it was not trained on.

Training counts rare metal for more than it is (`train/losses.py`, `metal_balance`), so that the map passes one half
where F1 counts it; below one half that leaves a haze of doubt on all that is no metal, for which RMSE pays. A mean of
weights lies nearer to middle gray than each of them. A factor on the logits, temperature scaling (Guo 2017, "On
calibration of modern neural networks"), moves a map away from one half or towards it: what is called metal stays the
same, but where values on both sides are mixed afterwards, of two looks or sizes. It is folded into the last layer, and
costs nothing where it is used.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..color import Transfer, convert
from ..errors import InputError, OptionError
from ..maps import SPECS, Array, MapName, check_map_names
from ..model.checkpoint import load_weights, open_state, save_checkpoint
from ..model.mean import metadata_of
from ..model.mvinverse import MVInverse
from ..model.weights import Weights, hash_of
from ..scenes.store import MOST_BROKEN, find_scenes
from .example import check_any, readable
from .metrics import METAL, psnr, rmse
from .result import Broken, Report, say_nothing
from .scenes import predict, scene_sources

logger = logging.getLogger(__name__)

FACTORS = np.exp(np.linspace(np.log(0.5), np.log(8), 57))  # that are tried, a twentieth apart
LAST_LAYER = "{}_head.scratch.output_conv2.2."
CALIBRATED: tuple[MapName, ...] = ("albedo", "metallic", "roughness", "shading")  # made of logits, as normals are not
MOST_PIXELS = 10_000  # of a picture; a factor hangs on its histogram alone

Picture = tuple[Array, Array]  # what is predicted and what is true at some of its pixels, on the network's curve


@dataclass(frozen=True)
class Seen:
    """What a network makes of a set of scenes. digest: SHA-256 of what was taken; scenes: how many that is."""

    pictures: Mapping[MapName, Sequence[Picture]]
    digest: str
    scenes: int
    broken: tuple[Broken, ...]


@dataclass(frozen=True)
class Fit:
    """factor: on the logits of a map; before, after: its error without and with it, a mean over pictures, RMSE, and of
    albedo and shading PSNR in dB."""

    factor: float
    before: float
    after: float


@dataclass(frozen=True)
class Calibration:
    """fits: by map; scenes: those taken."""

    fits: Mapping[MapName, Fit]
    scenes: int
    broken: tuple[Broken, ...]

    @property
    def many_broken(self) -> bool:
        """Whether more than a tenth of the scenes could not be read."""
        return len(self.broken) > MOST_BROKEN * self.scenes


def calibrate(
    weights: Weights,
    folder: Path,
    output: Path,
    *,
    maps: Sequence[MapName] = CALIBRATED,
    limit: int | None = None,
    report: Report = say_nothing,
) -> Calibration:
    """Writes `weights` to `output` with the factors on the logits of `maps` that suit the scenes of `folder` best.

    The metadata is that of `weights`, and `calibrated` tells what was done. Scenes that cannot be read are named in the
    log and left out. Raises OptionError for a map that has no logits, InputError where no scene has one of the maps, or
    metal, WeightsError where the weights do not fit their config, OutputError where the file cannot be written.
    """
    maps = check_calibrated(maps)
    model = load_weights(weights, torch.device("cpu"), torch.float32)
    seen = seen_of(model, folder, maps, limit, report)
    fits = {name: best_factor(name, pictures, model.config.curve_of(name)) for name, pictures in seen.pictures.items()}
    factors = {name: fit.factor for name, fit in fits.items()}
    told = {
        "factors": {name: round(factor, 4) for name, factor in factors.items()},
        "pictures": max(map(len, seen.pictures.values())),
        "data": seen.digest,
        "of": hash_of(weights),
    }
    licence = {} if weights.licence is None else {"licence": weights.licence}
    texts = {**metadata_of(weights), **licence, "calibrated": json.dumps(told)}
    save_checkpoint(sharpened(weights, factors), weights.config, output, texts, overwrite=False)
    return Calibration(fits, seen.scenes, seen.broken)


def check_calibrated(maps: Sequence[MapName]) -> tuple[MapName, ...]:
    """The maps in the house's order, each once. Raises OptionError for maps that have no logits, or none at all."""
    chosen = check_map_names(maps)
    others = [name for name in chosen if name not in CALIBRATED]
    if others:
        raise OptionError(f"--maps: {', '.join(others)} has no logits; choose from {', '.join(CALIBRATED)}")
    return chosen


def seen_of(
    model: MVInverse,
    folder: Path,
    maps: Sequence[MapName] = CALIBRATED,
    limit: int | None = None,
    report: Report = say_nothing,
) -> Seen:
    """Maps of each picture of the scenes in `folder`, the first `limit` by name, broken ones counted, all views of a
    scene seen together. Raises InputError where no scene has one of the maps, or metal."""
    taken = find_scenes(folder).first(limit)
    for _, reason in taken.broken:
        logger.warning("scene left out: %s", reason)
    broken: list[Broken] = list(taken.broken)
    pictures: dict[MapName, list[Picture]] = {name: [] for name in maps}
    for done, (_, sample) in enumerate(readable(scene_sources(taken.scenes, model.config.patch_size), broken, "scene")):
        predicted = predict(model, sample, together=True)
        for name in (name for name in maps if name in sample.maps):
            for view in sample.counting:
                mask = sample.mask[view]
                every = -(-int(np.count_nonzero(mask)) // MOST_PIXELS)
                curve = model.config.curve_of(name)
                guess = convert(predicted[name][view][mask][::every], "linear", curve)
                true = convert(sample.maps[name][view][mask][::every].clip(0, 1), "linear", curve)
                pictures[name].append((guess, true))
        report("calibrating", done + 1, len(taken.scenes))
    scenes = len(taken.scenes) + len(taken.broken)
    check_any(folder, scenes - len(broken), broken, "scene")
    for name in maps:
        if not pictures[name]:
            raise InputError(f"{folder}: no scene has a true {name}; leave it out of --maps")
        # the best map of no metal is 0, which no factor comes to
        if name == "metallic" and not any((true >= METAL).any() for _, true in pictures[name]):
            raise InputError(f"{folder}: no scene shows metal; take rendered ones, and more of them")
    return Seen(pictures, taken.digest(), scenes, tuple(broken))


def best_factor(name: MapName, pictures: Sequence[Picture], curve: Transfer) -> Fit:
    """The factor under which a map is best on the mean of pictures: of highest PSNR, of metallic and roughness of least
    RMSE."""
    colored = SPECS[name].kind == "color"
    judged: Transfer = "srgb" if colored else curve
    score, best = (psnr, np.argmax) if colored else (rmse, np.argmin)
    wanted = [convert(true, curve, judged) for _, true in pictures]

    def mean_score(factor: float) -> float:
        maps = (convert(steepened(predicted, factor), curve, judged) for predicted, _ in pictures)
        return float(np.mean([score(values, true) for values, true in zip(maps, wanted, strict=True)]))

    scores = [mean_score(factor) for factor in FACTORS]
    at = int(best(scores))
    return Fit(float(FACTORS[at]), mean_score(1.0), scores[at])


def steepened(values: Array, factor: float) -> Array:
    """Values in [0, 1] whose logits are `factor` times as large; one half stays one half."""
    inside = np.clip(values, 1e-6, 1 - 1e-6)
    logits = np.log(inside / (1 - inside)) * factor
    return np.asarray(1 / (1 + np.exp(-logits.clip(-80, 80))), np.float32)  # e^80 is a float32 yet


def sharpened(weights: Weights, factors: Mapping[MapName, float]) -> dict[str, Tensor]:
    """The tensors of `weights` with the logits of each map of `factors` so many times as large."""
    with open_state(weights.path) as (entries, read):
        state = {name: read(name) for name in entries}
    for map_name, factor in factors.items():
        for name in (LAST_LAYER.format(map_name) + part for part in ("weight", "bias")):
            state[name] = (state[name].double() * factor).to(state[name].dtype)
    return state
