"""What windows, anchors, overlaps and thinned keys do to the maps: parts of `benchmarks.length`.

Maps are as in memory, colours scene-linear: (N, H, W, C) for the N frames of a clip.
"""

import argparse
import statistics
import time
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import ROOM, glide, real_clips
from benchmarks.seam_picture import draw_seam
from mvinverse_cli.evaluate.metrics import Tally, rmse
from mvinverse_cli.evaluate.sample import sample_of
from mvinverse_cli.evaluate.scenes import score
from mvinverse_cli.frames import find_shots
from mvinverse_cli.maps import MAPS, MapName, Maps
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.options import DecomposeOptions
from mvinverse_cli.scenes.store import find_scenes
from mvinverse_cli.shot.decompose import Findings, decompose_shot
from mvinverse_cli.shot.layout import Layout, lay_out
from mvinverse_cli.shot.passes import Network
from mvinverse_cli.windows import Windows

OPTIONS = DecomposeOptions(size="model", cuts="off")
WHOLE = Windows(None, OPTIONS.anchors, OPTIONS.overlap)
# (window, anchors, overlap)
GRID = (
    *((24, anchors, 4) for anchors in (0, 2, 4, 8)),
    *((24, 4, overlap) for overlap in (0, 2, 8)),
    (16, 4, 4),
    (32, 4, 4),
    *((window, 0, 0) for window in (16, 24, 32)),
)


@cache
def network_of(model: str) -> Network:
    """The network on the CPU, one for all parts."""
    return Network.of(load_model(model, device="cpu", dtype="float32"), OPTIONS)


def options_of(arguments: argparse.Namespace) -> DecomposeOptions:
    """What all runs have in common."""
    return replace(OPTIONS, max_size=arguments.max_size)


def layout_of(clip: Path, options: DecomposeOptions) -> Layout:
    """A clip as one shot."""
    (shot,) = find_shots([clip], allow_gaps=False)
    return lay_out(shot, options)


def maps_of(clip: Path, network: Network, options: DecomposeOptions, sizes: Windows) -> Maps:
    """The maps of a clip, with passes of given sizes."""
    made = [frame.maps for frame in decompose_shot(layout_of(clip, options), network, options, Findings(sizes))]
    return {name: np.stack([maps[name] for maps in made]) for name in MAPS}


@cache
def whole_of(clip: Path, model: str, options: DecomposeOptions) -> Maps:
    """The maps of a clip out of one pass."""
    return maps_of(clip, network_of(model), options, WHOLE)


def changes(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, H, W, C) -> (N - 1,): mean absolute change from each frame to the next."""
    return np.array([np.abs(after - before).mean() for before, after in pairwise(values)])


def seam_pairs(sizes: Windows, count: int) -> NDArray[np.int64]:
    """The pairs of adjacent frames at each seam, (seams, overlap + 1), each pair by its earlier frame.

    From the last frame that the earlier window gives alone to the first that the later one does: everything that the
    cross-fade touches. Without an overlap that is the one pair on both sides of the cut.
    """
    later = sizes.plan_scene(range(count)).passes[1:]
    return np.array([[this.frames.start - 1 + i for i in range(this.overlap + 1)] for this in later])


class SeamRatio(NamedTuple):
    """Change from frame to frame across the seams of a map, over that inside its windows.

    ratio: over all pairs of the seams. one_pass: the same pairs in one pass, which has no seams: how much faster the
    camera moves there. worst: at the one of the overlap + 1 places in a seam that changes most.
    """

    ratio: float
    one_pass: float
    worst: float

    @property
    def still(self) -> float:
        """The ratio without the camera's part in it."""
        return self.ratio / self.one_pass


def seam_ratios(maps: Maps, whole: Maps, sizes: Windows) -> dict[MapName, SeamRatio]:
    """The ratio of each map; `whole`: the maps of one pass."""
    ratios: dict[MapName, SeamRatio] = {}
    for name in MAPS:
        ours, still = changes(maps[name]), changes(whole[name])
        pairs = seam_pairs(sizes, len(maps[name]))
        inside = np.delete(np.arange(len(ours)), pairs.ravel())
        within = ours[inside].mean()
        motion = still[pairs].mean() / still[inside].mean()
        ratio = ours[pairs].mean() / within
        ratios[name] = SeamRatio(float(ratio), float(motion), float(ours[pairs].mean(axis=0).max() / within))
    return ratios


def clips_of(arguments: argparse.Namespace) -> list[Path]:
    """The rendered clip and the real ones."""
    return [ROOM, *real_clips(arguments.real, arguments.real_clips)]


def seams(arguments: argparse.Namespace) -> dict[str, object]:
    """Change from frame to frame across seams against inside windows, ours and independent chunks."""
    result: dict[str, object] = {}
    network, options = network_of(arguments.model), options_of(arguments)
    for clip in clips_of(arguments):
        whole = whole_of(clip, arguments.model, options)
        for window in (24, 16):
            made = {}
            for side, sizes in (("ours", Windows(window, 4, 4)), ("naive", Windows(window, 0, 0))):
                made[side] = maps_of(clip, network, options, sizes)
                ratios = seam_ratios(made[side], whole, sizes)
                label = f"{clip.stem:8} window {window}  {side:5}"
                for name, found in ratios.items():
                    print(f"{label}  {name:9}  ratio {found.ratio:.2f}  in one pass {found.one_pass:.2f}", flush=True)
                result[f"{clip.stem}_{window}_{side}"] = {
                    "mean of maps": round(statistics.mean(found.ratio for found in ratios.values()), 3),
                    "greatest": round(max(found.ratio for found in ratios.values()), 3),
                    "greatest still": round(max(found.still for found in ratios.values()), 3),
                    "worst place": round(max(found.worst for found in ratios.values()), 3),
                }
                print(label, result[f"{clip.stem}_{window}_{side}"], flush=True)
            if arguments.picture and clip == ROOM and window == 16:
                draw_seam(arguments.picture, made["naive"], made["ours"], seam=16)
    return result


def errors(maps: Maps, whole: Maps) -> dict[str, float]:
    """RMSE of each map against those of one pass."""
    return {name: rmse(maps[name], whole[name]) for name in MAPS}


def show_errors(label: str, found: dict[str, float], *notes: str) -> dict[str, float]:
    """Prints a row and returns it rounded."""
    print("  ".join([label, *(f"{name} {error:.4f}" for name, error in found.items()), *notes]), flush=True)
    return {name: round(error, 5) for name, error in found.items()}


def windows(arguments: argparse.Namespace) -> dict[str, object]:
    """RMSE of each map against one pass over the whole shot, by window, anchors and overlap."""
    result: dict[str, object] = {}
    network, options = network_of(arguments.model), options_of(arguments)
    for clip in clips_of(arguments):
        whole = whole_of(clip, arguments.model, options)
        for window, anchors, overlap in GRID:
            sizes = Windows(window, anchors, overlap)
            maps = maps_of(clip, network, options, sizes)
            cost = window / (window - anchors - overlap)
            ratios = seam_ratios(maps, whole, sizes).values()
            mean, still = max(ratio.ratio for ratio in ratios), max(ratio.still for ratio in ratios)
            label = f"{clip.stem:8} window {window} anchors {anchors} overlap {overlap}"
            notes = (f"seam {mean:.2f}", f"still {still:.2f}", f"cost {cost:.2f}")
            result[f"{clip.stem}_{window}_{anchors}_{overlap}"] = {
                **show_errors(label, errors(maps, whole), *notes),
                "seam": round(mean, 3),
                "still": round(still, 3),
                "cost": round(cost, 3),
            }
    return result


def stride(arguments: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Thinned keys over a whole shot: RMSE of each map against all keys, and time a frame."""
    result: dict[str, dict[str, object]] = {}
    full, options = network_of(arguments.model), options_of(arguments)
    thinned = {(1, False): full}
    for step in (2, 4, 9):
        for mean in (False, True):
            thinned[step, mean] = replace(full, kv_stride=step, kv_mean=mean)
    for (step, mean), network in thinned.items():
        row: dict[str, object] = {}
        result[f"{step}{'_mean' if mean else ''}"] = row
        for clip in clips_of(arguments):
            found = errors(maps_of(clip, network, options, WHOLE), whole_of(clip, arguments.model, options))
            row[clip.stem] = show_errors(f"{clip.stem:8} kv-stride {step} {'mean' if mean else '':4}", found)
        if arguments.scenes:
            row["scenes"] = accuracy(network, arguments.scenes)
            print(f"scenes   kv-stride {step} {'mean' if mean else '':4}  {row['scenes']}", flush=True)
    for count in arguments.time_frames:
        frames = [pixels / np.float32(255) for pixels in glide(count)]
        seconds: dict[tuple[int, bool], list[float]] = {key: [] for key in thinned}
        for round_ in range(arguments.rounds + 1):  # the first warms up
            for key, network in thinned.items():
                began = time.perf_counter()
                network.attend(frames if round_ else frames[:2])
                seconds[key].append((time.perf_counter() - began) / count)
        medians = {key: statistics.median(taken[1:]) for key, taken in seconds.items()}
        for (step, mean), median in medians.items():
            ratio = median / medians[1, False]
            print(f"{count:4} frames  kv-stride {step} {'mean' if mean else '':4}  {median:.4f} s a frame  {ratio:.2f}")
            result[f"{step}{'_mean' if mean else ''}"][f"seconds_ratio_{count}"] = round(ratio, 3)
    return result


def accuracy(network: Network, folder: Path) -> dict[str, float]:
    """A few figures over rendered scenes of known maps, their views seen together."""
    tally = Tally()
    for scene in find_scenes(folder).scenes:
        sample = sample_of(scene.name, scene.read(), network.config.patch_size)
        attended = network.attend(list(sample.pictures))
        score(network.read_out(attended, slice(None), MAPS), sample, tally)
    figures = tally.figures()
    wanted = ("albedo_psnr", "metallic_rmse", "roughness_rmse", "normal_mean", "shading_psnr")
    return {key: round(value, 4) for key, value in figures.items() if key in wanted}
