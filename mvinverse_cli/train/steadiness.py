"""How much maps flicker, and how much they still show: the two sides of fine-tuning, measured on runs of neighbours.

A map that is the same everywhere never flickers. So beside the one stands the other: contrast, the standard deviation
inside a frame. n frames of a run, h w pixels of the network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..flow import PairFlow, warp_map
from ..maps import MAPS, SPECS, Array, MapName
from ..model.mvinverse import MVInverse
from .loop import memory_errors


@dataclass(frozen=True)
class Run:
    """Neighbours that the network sees in one pass, at the size at which `decompose` shows them: frames (n, h, w, 3) on
    the input curve, and the flow of each to the next, None where it is not known."""

    frames: Array
    flows: Sequence[PairFlow | None]  # n - 1


@dataclass(frozen=True)
class Steadiness:
    """flicker: RMSE between a frame and the next, warped onto it, over the pixels that both show; contrast: standard
    deviation inside a frame, over the root mean square of its channels. Each a mean, by map, on the network's curves.
    """

    flicker: dict[MapName, float]
    contrast: dict[MapName, float]


def measure(model: MVInverse, runs: Iterable[Run], maps: Sequence[MapName] = MAPS) -> Steadiness:
    """The steadiness of what `model` makes of `runs`: mean over the pairs and frames of a run, then over the runs.

    At one look, as fine-tuning takes its steps; with the second of `config.looks` maps flicker and show a little less.
    Raises DeviceMemoryError.
    """
    device = model.register_token.device
    flicker: dict[MapName, list[float]] = {name: [] for name in maps}
    contrast: dict[MapName, list[float]] = {name: [] for name in maps}
    for run in runs:
        images = torch.from_numpy(run.frames.astype(np.float32)).permute(0, 3, 1, 2)[None]
        with torch.inference_mode(), memory_errors(device, "while flicker is measured", "lower --max-size"):
            outputs = model(images.to(device), maps=maps)
        for name, output in outputs.items():
            values = output[0].cpu().numpy()  # (n, h, w, C)
            flicker[name].append(run_flicker(name, values, run.flows))
            contrast[name].append(float(np.mean([frame_contrast(frame) for frame in values])))
    return Steadiness(*({name: float(np.mean(per_run)) for name, per_run in by.items()} for by in (flicker, contrast)))


def run_flicker(name: MapName, values: Array, flows: Sequence[PairFlow | None]) -> float:
    """The mean flicker of the pairs of one run, values (n, h, w, C)."""
    unit_vectors = SPECS[name].kind == "vector"
    errors = []
    for now, later, flow in zip(values, values[1:], flows, strict=False):
        if flow is not None:
            apart = now - warp_map(later, flow.forward, unit_vectors=unit_vectors)
            errors.append(float(np.sqrt(np.mean(apart[flow.valid[..., 0]] ** 2))))
    return float(np.mean(errors))


def frame_contrast(values: Array) -> float:
    """The standard deviation inside a map (h, w, C)."""
    return float(np.sqrt(values.var(axis=(0, 1), dtype=np.float64).mean()))


def shares(after: Mapping[MapName, float], before: Mapping[MapName, float]) -> dict[MapName, float]:
    """What is left of each map's figure; 1 where there was none."""
    return {name: after[name] / value if value > 0 else 1.0 for name, value in before.items()}
