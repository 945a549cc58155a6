"""How sure a network may be of metal: one number, fitted on scenes that it was not trained on.

Training counts rare metal for more than it is (`train/losses.py`, `metal_balance`), so that the map passes one half
where F1 counts it. Below one half that leaves a haze of doubt on all that is no metal, for which RMSE pays. A factor on
the logits, temperature scaling (Guo 2017, "On calibration of modern neural networks"), sharpens the map about one half:
what is called metal stays the same. It is folded into the last layer, and costs nothing where it is used.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..maps import Array
from ..model.checkpoint import load_weights, open_state, save_checkpoint
from ..model.mean import metadata_of
from ..model.mvinverse import MVInverse
from ..model.weights import Weights, hash_of
from ..scenes.store import MOST_BROKEN, SceneList, find_scenes
from .example import check_any, readable
from .metrics import METAL, rmse
from .result import Broken, Report, say_nothing
from .scenes import predict, scene_sources

logger = logging.getLogger(__name__)

FACTORS = np.exp(np.linspace(np.log(0.5), np.log(8), 57))  # that are tried, a twentieth apart
LAST_LAYER = ("metallic_head.scratch.output_conv2.2.weight", "metallic_head.scratch.output_conv2.2.bias")
MOST_PIXELS = 10_000  # of a picture; the factor hangs on its histogram alone

Picture = tuple[Array, Array]  # predicted metallic and the true one, of some of its pixels


@dataclass(frozen=True)
class Seen:
    """What a network makes of metal in a set of scenes. digest: SHA-256 of what was taken; scenes: how many that is."""

    pictures: tuple[Picture, ...]
    digest: str
    scenes: int
    broken: tuple[Broken, ...]


@dataclass(frozen=True)
class Calibration:
    """factor: on the logits of metallic; before, after: metallic RMSE, the mean over pictures; scenes: those taken."""

    factor: float
    before: float
    after: float
    scenes: int
    broken: tuple[Broken, ...]

    @property
    def many_broken(self) -> bool:
        """Whether more than a tenth of the scenes could not be read."""
        return len(self.broken) > MOST_BROKEN * self.scenes


def calibrate(
    weights: Weights, folder: Path, output: Path, *, limit: int | None = None, report: Report = say_nothing
) -> Calibration:
    """Writes `weights` to `output` with the factor on the logits of metallic that suits the scenes of `folder` best.

    The metadata is that of `weights`, and `calibrated` tells what was done. Scenes that cannot be read are named in the
    log and left out. Raises InputError where no scene has metal, WeightsError where the weights do not fit their
    config, OutputError where the file cannot be written.
    """
    seen = metal_of(load_weights(weights, torch.device("cpu"), torch.float32), folder, limit, report)
    factor, before, after = best_factor(seen.pictures)
    told = {"factor": round(factor, 4), "pictures": len(seen.pictures), "data": seen.digest, "of": hash_of(weights)}
    licence = {} if weights.licence is None else {"licence": weights.licence}
    texts = {**metadata_of(weights), **licence, "calibrated": json.dumps(told)}
    save_checkpoint(sharpened(weights, factor), weights.config, output, texts)
    return Calibration(factor, before, after, seen.scenes, seen.broken)


def metal_of(model: MVInverse, folder: Path, limit: int | None = None, report: Report = say_nothing) -> Seen:
    """Metallic of each picture of the scenes in `folder`, the first `limit` of those that are whole, all views of a
    scene seen together. Raises InputError where there is no metal in them."""
    found = find_scenes(folder)
    for _, reason in found.broken:
        logger.warning("scene left out: %s", reason)
    taken = SceneList(found.scenes[:limit], found.broken)
    broken: list[Broken] = list(found.broken)
    pictures: list[Picture] = []
    for done, (_, sample) in enumerate(readable(scene_sources(taken.scenes, model.config.patch_size), broken, "scene")):
        if "metallic" in sample.maps:
            predicted = predict(model, sample, together=True)["metallic"]
            for view in sample.counting:
                mask = sample.mask[view]
                every = -(-int(np.count_nonzero(mask)) // MOST_PIXELS)
                pictures.append((predicted[view][mask][::every], sample.maps["metallic"][view][mask][::every]))
        report("calibrating", done + 1, len(taken.scenes))
    scenes = len(taken.scenes) + len(found.broken)
    check_any(folder, scenes - len(broken), broken, "scene")
    if not any((true >= METAL).any() for _, true in pictures):  # the best map of none is 0, which no factor comes to
        raise InputError(f"{folder}: no scene shows metal; take rendered ones, and more of them")
    return Seen(tuple(pictures), taken.digest(), scenes, tuple(broken))


def best_factor(pictures: Sequence[Picture]) -> tuple[float, float, float]:
    """The factor of least metallic RMSE, a mean over pictures, and that RMSE without it and with it."""
    errors = [float(np.mean([rmse(steepened(p, factor), t) for p, t in pictures])) for factor in FACTORS]
    best = int(np.argmin(errors))
    return float(FACTORS[best]), float(np.mean([rmse(p, t) for p, t in pictures])), errors[best]


def steepened(values: Array, factor: float) -> Array:
    """Values in [0, 1] whose logits are `factor` times as large; one half stays one half."""
    inside = np.clip(values, 1e-6, 1 - 1e-6)
    odds = np.power(inside / (1 - inside), np.float32(factor))
    return np.asarray(odds / (1 + odds), np.float32)


def sharpened(weights: Weights, factor: float) -> dict[str, Tensor]:
    """The tensors of `weights` with the logits of metallic `factor` times as large."""
    with open_state(weights.path) as (entries, read):
        state = {name: read(name) for name in entries}
    for name in LAST_LAYER:
        state[name] = (state[name].double() * factor).to(state[name].dtype)
    return state
