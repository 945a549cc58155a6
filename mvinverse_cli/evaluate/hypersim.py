"""Protocol `hypersim`: how far a map disagrees with itself where two views show one point, by true world positions.

Where reflectance and normals are there, accuracy stands beside it. V views of a trajectory, H W pixels, C channels.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..maps import MAPS, Array, Maps
from ..model.mvinverse import MVInverse
from ..protocols import HypersimOptions
from ..shot.passes import Network
from .datasets.hypersim import HypersimView, Trajectory, cameras_of, check_view, find_trajectories, views_of
from .datasets.hypersim_camera import read_projections
from .example import check_any, readable
from .metrics import FEWEST_PIXELS, METRICS, Tally, score_maps
from .prediction import network_of, predict_views
from .reprojection import Correspondences, match, score_cross_view
from .result import JOINT, SINGLE, TRUTH, Broken, Pick, Report, Result, keep_picks, say_nothing

logger = logging.getLogger(__name__)

SECTIONS = ("cross-view", "cross-view / std", "albedo", "normal")
VIEW_METRICS = tuple(metric for section in SECTIONS for metric in METRICS if metric.section == section)
# A point hidden in the second view lies behind what that shows by more than this share of its distance.
POSITION_TOLERANCE = 0.01
POINTS = 40_000  # of a view that are looked for in each other one: a lattice over the picture


def evaluate_hypersim(
    folder: Path, options: HypersimOptions, *, model: MVInverse, report: Report = say_nothing, picks: int = 0
) -> Result:
    """Scores `model` on every trajectory of `folder`, with all chosen views in one pass and with each alone.

    picks: how many of the worst and as many of the best pictures to keep, by albedo PSNR, or by the trajectory's
    cross-view albedo where the truth is not there. Frames that lack a file are left out, named in the log and in the
    result. Raises InputError where none is whole, or the table of projections is not there.
    """
    trajectories, broken = find_trajectories(folder, options.limit)
    if not trajectories and not broken:
        raise InputError(f"{folder}: no scene ai_VVV_NNN with images/scene_cam_XX_final_hdf5 in it; name their folder")
    projections, network = read_projections(folder), network_of(model, options)
    tallies = {name: Tally(VIEW_METRICS) for name in (JOINT, SINGLE, TRUTH)}
    candidates: list[Pick] = []
    pictures = pairs = measured = 0
    for done, trajectory in enumerate(trajectories):
        try:
            views = chosen_views(trajectory, projections, options.views, broken)
        except InputError as error:
            logger.warning("trajectory left out: %s", error)
            broken.append((trajectory.scene, str(error)))
            continue
        matches = correspondences(views) if len(views) > 1 else None
        mask = np.stack([view.example.mask for view in views])
        has_figures = False
        for name, maps in _predictions(network, trajectory.name, views):
            across = score_cross_view(_stacked(maps), matches, mask) if matches else {}
            tallies[name].add(across)
            own = [score_view(one, view) for one, view in zip(maps, views, strict=True)] if name != TRUTH else []
            has_figures |= bool(across) or any(own)
            for scores in own:
                tallies[name].add(scores)
            if name == JOINT:
                found = [_pick(*each, across) for each in zip(views, maps, own, strict=True)]
                candidates = keep_picks(candidates, [pick for pick in found if pick], picks)
        if not has_figures:
            logger.warning("%s: left out: no pixel counts", trajectory.name)
            continue
        measured += 1
        pictures += len(views)
        pairs += matches.pairs if matches else 0
        report("measuring", done + 1, len(trajectories))
    check_any(folder, pictures, broken, "frame")
    return Result(
        "hypersim",
        {name: figures for name, tally in tallies.items() if (figures := tally.figures())},
        VIEW_METRICS,
        {"trajectories": measured, "pictures": pictures, "pairs": pairs},
        "pictures",
        notes=(
            f"{measured} trajectories, {pictures} pictures, {pairs} ordered pairs; RMSE of a pair, then the "
            "mean of the pairs of a trajectory, then of the trajectories",
            "a point counts where the second view's position map shows it within "
            f"{POSITION_TOLERANCE:.0%} of its distance; a constant map scores 0 across views, so read both tables",
            f"{TRUTH}: what interpolation leaves; it is no rival",
            f"pictures exposed as the data set's script does and shown to the network {network.config.input_transfer}",
        ),
        broken=tuple(broken),
        is_incomplete=bool(broken),
        outside=frozenset({TRUTH}),
        unmarked=frozenset({"cross-view"}),
        picks=candidates,
    )


def chosen_views(
    trajectory: Trajectory, projections: Mapping[str, Array], count: int, broken: list[Broken]
) -> list[HypersimView]:
    """`count` of the frames that have their files, evenly spread; those that have not are added to `broken`.

    Raises InputError where no camera is known, no frame can be read, or they are of several sizes.
    """
    cameras = dict(cameras_of(trajectory, projections))
    for frame in trajectory.frames:
        try:
            check_view(trajectory, frame)
        except InputError as error:
            logger.warning("frame left out: %s", error)
            broken.append((trajectory.file(frame, "position"), str(error)))
            del cameras[frame]
    whole = sorted(cameras)
    last, steps = len(whole) - 1, min(count, len(whole)) - 1
    frames = {frame: cameras[frame] for frame in (whole[round(last * i / max(steps, 1))] for i in range(steps + 1))}
    views = [view for _, view in readable(views_of(trajectory, frames), broken, "frame")]
    sizes = {view.points.shape for view in views}
    if len(sizes) != 1:
        raise InputError(
            f"{trajectory.name}: {'frames of several sizes' if sizes else 'no whole frame'}; fetch it again"
        )
    return views


def correspondences(views: Sequence[HypersimView]) -> Correspondences:
    """Which pixels of two views show one point: found by projection, hidden ones told by comparing positions."""
    height, width = views[0].points.shape[:2]
    points = np.stack([view.points for view in views])

    def look(view: int, seen: Array) -> tuple[Array, Array]:
        places, distance = views[view].camera.project(seen, height, width)
        return places, np.concatenate([seen, distance], axis=-1)

    def agree(found: Array, expected: Array) -> Array:
        apart = np.linalg.norm(found - expected[:, :3], axis=-1)
        near: Array = apart < POSITION_TOLERANCE * expected[:, 3]
        return near

    valid = np.stack([view.example.mask for view in views])
    rotations = np.stack([view.camera.rotation for view in views])
    step = max(1, round((height * width / POINTS) ** 0.5))
    return match(points, valid, points, look, agree, rotations, step)


def score_view(maps: Maps, view: HypersimView) -> dict[str, float]:
    """Accuracy of one picture's maps (H, W, C), as far as the truth is there."""
    mask = view.example.mask
    return score_maps(maps, view.example.maps, mask) if np.count_nonzero(mask) >= FEWEST_PIXELS else {}


def _predictions(network: Network, place: str, views: Sequence[HypersimView]) -> Iterator[tuple[str, list[Maps]]]:
    """Each row's name and its maps (H, W, C) of every view."""
    pictures = [view.example.picture for view in views]
    yield JOINT, predict_views(network, pictures, place, together=True)
    yield SINGLE, predict_views(network, pictures, place, together=False)
    yield TRUTH, [view.example.maps for view in views]


def _stacked(maps: Sequence[Maps]) -> Maps:
    """Maps (H, W, C) of every view -> those that all have, (V, H, W, C)."""
    return {name: np.stack([one[name] for one in maps]) for name in MAPS if all(name in one for one in maps)}


def _pick(view: HypersimView, maps: Maps, own: dict[str, float], across: dict[str, float]) -> Pick | None:
    """A picture by its own albedo, or by the trajectory's agreement; None where neither was measured."""
    example = view.example
    pick = Pick(example.group, example.name, "", 0.0, example.picture, maps, example.maps)
    if "albedo_psnr" in own:
        return replace(pick, figure=f"{own['albedo_psnr']:.1f} dB", goodness=own["albedo_psnr"])
    if "cross_view_albedo" in across:
        error = across["cross_view_albedo"]
        return replace(pick, figure=f"cross-view {error:.4f}", goodness=-error)
    return None
