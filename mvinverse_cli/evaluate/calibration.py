"""How far a network may go with its maps: a number or two for each, fitted on scenes that it was not trained on.

Training counts rare metal for more than it is (`train/losses.py`, `metal_balance`), so that the map passes one half
where F1 counts it; below one half that leaves a haze of doubt on all that is no metal, and above it too much trust, for
both of which RMSE pays. A mean of weights lies nearer to middle gray than each of them. A factor on the logits moves a
map away from one half or towards it: what is called metal stays the same, but where values on both sides are mixed
afterwards, of two looks or sizes. It is folded into the last layer, and costs nothing where it is used; maps whose two
sides have slopes of their own (`ModelConfig.sloped_maps`) have a factor for each (`model/slopes.py`).
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
from ..model.slopes import steepened
from ..model.weights import Weights, hash_of
from ..scenes.store import MOST_BROKEN, find_scenes
from .example import check_any, readable
from .metrics import METAL, psnr, rmse
from .result import Broken, Report, say_nothing
from .scenes import predict, scene_sources

logger = logging.getLogger(__name__)

FACTORS = np.exp(np.linspace(np.log(0.25), np.log(8), 71))  # that are tried, a twentieth apart
LAST_LAYER = "{}_head.scratch.output_conv2.2."
CALIBRATED: tuple[MapName, ...] = ("albedo", "metallic", "roughness", "shading")  # made of logits, as normals are not
MIDDLE = 0.5  # where all factors leave a map as it is
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
    """below, above: factors on the logits of a map under and over one half; before, after: its error without and with
    them, a mean over pictures, RMSE, and of albedo and shading PSNR in dB."""

    below: float
    above: float
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
    """Writes `weights` to `output` with the factors on the logits of `maps` that suit the scenes of `folder` best: one
    for each, and two for those of the config's `sloped_maps`.

    The metadata is that of `weights`, and `calibrated` tells what was done. Scenes that cannot be read are named in the
    log and left out. Raises OptionError for a map that has no logits, InputError where no scene has one of the maps, or
    metal, WeightsError where the weights do not fit their config, OutputError where the file cannot be written.
    """
    maps = check_calibrated(maps)
    model = load_weights(weights, torch.device("cpu"), torch.float32)
    seen = seen_of(model, folder, maps, limit, report)
    fits = {
        name: best_slopes(pictures)
        if name in model.config.sloped_maps
        else best_factor(name, pictures, model.config.curve_of(name))
        for name, pictures in seen.pictures.items()
    }
    told = {
        "factors": {name: told_of(fit) for name, fit in fits.items()},
        "pictures": max(map(len, seen.pictures.values())),
        "data": seen.digest,
        "of": hash_of(weights),
    }
    licence = {} if weights.licence is None else {"licence": weights.licence}
    texts = {**metadata_of(weights), **licence, "calibrated": json.dumps(told)}
    save_checkpoint(sharpened(weights, fits), weights.config, output, texts, overwrite=False)
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
        maps = (convert(steeper(predicted, factor, factor), curve, judged) for predicted, _ in pictures)
        return float(np.mean([score(values, true) for values, true in zip(maps, wanted, strict=True)]))

    scores = [mean_score(factor) for factor in FACTORS]
    at = int(best(scores))
    return Fit(float(FACTORS[at]), float(FACTORS[at]), mean_score(1.0), scores[at])


def best_slopes(pictures: Sequence[Picture]) -> Fit:
    """The factors under and over one half under which a map has the least RMSE, a mean over pictures, of all pairs.

    A factor changes the squared errors of its own side alone, so that they are counted once for each side.
    """
    before = np.zeros(1)
    after = np.zeros((len(FACTORS), len(FACTORS)))
    for predicted, true in pictures:
        sides = [(predicted[side], true[side]) for side in (predicted < MIDDLE, predicted >= MIDDLE)]
        for roots, factors in ((before, np.ones(1)), (after, FACTORS)):
            under, over = (squared_errors(*side, factors) for side in sides)
            roots += np.sqrt((under[:, None] + over) / true.size).reshape(roots.shape)
    below, above = np.unravel_index(np.argmin(after), after.shape)
    count = len(pictures)
    errors = float(before[0]) / count, float(after[below, above]) / count
    return Fit(float(FACTORS[below]), float(FACTORS[above]), *errors)


def squared_errors(predicted: Array, true: Array, factors: Array) -> Array:
    """The sum of squared errors under each of the factors."""
    errors = [steeper(predicted, factor, factor) - true for factor in factors]
    return np.array([np.square(each, dtype=np.float64).sum() for each in errors])


def steeper(values: Array, below: float, above: float) -> Array:
    """`steepened`, of an array."""
    return steepened(torch.from_numpy(values), below, above).numpy()


def told_of(fit: Fit) -> float | list[float]:
    """The factor of a map as metadata has it, or both of its factors."""
    below, above = round(fit.below, 4), round(fit.above, 4)
    return below if below == above else [below, above]


def sharpened(weights: Weights, fits: Mapping[MapName, Fit]) -> dict[str, Tensor]:
    """The tensors of `weights` with the logits of each map of `fits` so many times as large."""
    with open_state(weights.path) as (entries, read):
        state = {name: read(name) for name in entries}
    for map_name, fit in fits.items():
        factors = torch.tensor([fit.below, fit.above], dtype=torch.float64)
        names = [f"{map_name}_slopes"]
        if map_name not in weights.config.sloped_maps:
            factors = factors[0]
            names = [LAST_LAYER.format(map_name) + part for part in ("weight", "bias")]
        for name in names:
            state[name] = (state[name].double() * factors).to(state[name].dtype)
    return state
