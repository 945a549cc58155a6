"""Protocol `flicker`: how far each map of a frame is from the next frame's, brought onto it by optical flow."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..flow import KEPT_LEAST, FlowSource, check_names, flow_source
from ..maps import MAPS
from ..model.mvinverse import MVInverse
from ..options import DecomposeOptions
from ..protocols import FlickerOptions
from ..shot.passes import Network
from .clips import INPUT, Clip, Pair, clips_of, lay_out_clips, leave_out, pairs_of
from .example import check_any
from .metrics import Metric, Tally, rmse
from .result import JOINT, SINGLE, Broken, Pick, Report, Result, keep_picks, say_nothing

logger = logging.getLogger(__name__)

VALID, ALL, CONTRAST = "flicker, valid pixels", "flicker, all pixels", "contrast"
# Of its own clips; it says neither in which space nor over which pixels
PAPER = {"paper, pre-trained": {"flicker_albedo": 0.0341}, "paper, fine-tuned": {"flicker_albedo": 0.0161}}


def _metrics() -> Iterator[Metric]:
    """Each map's figures, and the input's own."""
    named = [*((name, name) for name in MAPS), (INPUT, "input itself")]
    for name, title in named:
        meaning = "RMSE to the next frame, warped, over pixels that pass the forward-backward check; colours sRGB"
        yield Metric(f"flicker_{name}", VALID, title, "lower", 4, meaning)
    for name, title in named:
        yield Metric(f"flicker_all_{name}", ALL, title, "lower", 4, "the same over all pixels")
    for name, title in named:
        meaning = "standard deviation inside a frame: blur flickers less, and shows here"
        yield Metric(f"contrast_{name}", CONTRAST, title, "higher", 4, meaning)


METRICS = tuple(_metrics())


@dataclass
class Measured:
    """What came of one way of seeing a clip: figures, how many pairs were measured and dropped, and pairs to show."""

    tally: Tally = field(default_factory=lambda: Tally(METRICS))
    pairs: int = 0
    dropped: int = 0
    picks: list[Pick] = field(default_factory=list)
    lost: list[Broken] = field(default_factory=list)  # frames that cannot be read


def evaluate_flicker(
    data: Path, options: FlickerOptions, *, model: MVInverse, report: Report = say_nothing, picks: int = 0
) -> Result:
    """Scores `model` on a clip or a folder of clips: as `decompose` sees them, in windows, and each frame alone.

    picks: how many of the worst and as many of the best pairs to keep, by albedo. Clips that cannot be measured are
    left out, named in the log and in the result. Raises InputError where none can.
    """
    ways = ways_of(options)
    flow = flow_source(options.flow)
    broken: list[Broken] = []
    lost: list[Broken] = []
    clips = list(lay_out_clips(clips_of(data)[: options.limit], ways[JOINT], broken))
    if options.flow:
        check_names((clip.name, clip.path) for clip in clips)
    tallies = {name: Tally(METRICS) for name in ways}
    per_clip: dict[str, dict[str, dict[str, float]]] = {}
    candidates: list[Pick] = []
    pairs = dropped = 0
    for done, clip in enumerate(clips):
        try:
            seen = {
                name: measure_clip(clip, model, way, flow, picks, quiet=name != JOINT) for name, way in ways.items()
            }
        except InputError as error:
            leave_out(clip.path, error, broken)
            continue
        figures = {name: measured.tally.figures() for name, measured in seen.items()}
        for name, tally in tallies.items():
            tally.add(figures[name])
        per_clip[clip.path.name] = figures
        for _, reason in seen[JOINT].lost:
            logger.warning("%s", reason)
        lost.extend(seen[JOINT].lost)
        candidates = keep_picks(candidates, seen[JOINT].picks, picks)
        pairs, dropped = pairs + seen[JOINT].pairs, dropped + seen[JOINT].dropped
        report("measuring", done + 1, len(clips))
    check_any(data, len(per_clip), broken, "clip")
    return Result(
        "flicker",
        {name: tally.figures() for name, tally in tallies.items()} | PAPER,
        METRICS,
        {"clips": len(per_clip), "pairs": pairs, "dropped_pairs": dropped},
        "clips",
        notes=(
            f"{len(per_clip)} clips, {pairs} pairs of adjacent frames, none across a cut; {dropped} dropped, where "
            f"under {KEPT_LEAST:.0%} of the pixels pass the check; mean of the pairs of a clip, then of the clips",
            "at the network's size; colours in sRGB, normals in camera axes; the input's own value is the floor: "
            "noise, changing light and what flow gets wrong",
            f"{JOINT}: the windows of `mvinverse decompose`",
            "the paper's figures are of its own clips, in a space and over pixels that it does not say",
        ),
        broken=tuple(broken),
        lost=tuple(lost),
        is_incomplete=bool(broken or lost),
        outside=frozenset(PAPER),
        picks=candidates,
        beside="next, warped",
        more={"per_clip": per_clip},
    )


def ways_of(options: FlickerOptions) -> Mapping[str, DecomposeOptions]:
    """The rows of the table, and how each sees a clip."""
    together = DecomposeOptions(
        size="model",
        frames=options.frames,
        cuts=options.cuts,
        max_size=options.max_size,
        looks=options.looks,
        input_transfer=options.input_transfer,
    )
    return {JOINT: together, SINGLE: replace(together, window=1, anchors=0, overlap=0)}


def measure_clip(
    clip: Clip, model: MVInverse, options: DecomposeOptions, flow: FlowSource, picks: int, *, quiet: bool = False
) -> Measured:
    """One way of seeing a clip; `lost` lists the frames that cannot be read. quiet: another way has said what had to be
    decided about it.

    Raises InputError where none can, or no pair shows enough of the same.
    """
    measured = Measured()
    network = replace(Network.of(model, options), advice="lower --max-size")
    for pair in pairs_of(clip, network, options, flow, measured.lost, quiet=quiet):
        if not pair.is_alike:
            measured.dropped += 1
            continue
        scores = score_pair(pair)
        measured.tally.add(scores)
        measured.pairs += 1
        if picks:
            measured.picks = keep_picks(measured.picks, [_pick(clip.name, pair, scores)], picks)
    if not measured.pairs:
        raise InputError(f"{clip.path}: no two adjacent frames show {KEPT_LEAST:.0%} of the same; leave it out")
    return measured


def score_pair(pair: Pair) -> dict[str, float]:
    """The figures of one pair: every map, and the input, against the next frame's, warped."""
    scores = {}
    valid = pair.flow.valid[..., 0]
    for name, values in pair.before.shown.items():
        warped = pair.warped(name, pair.after.shown[name])
        scores[f"flicker_{name}"] = rmse(warped[valid], values[valid])
        scores[f"flicker_all_{name}"] = rmse(warped, values)
        scores[f"contrast_{name}"] = float(np.sqrt(values.var(axis=(0, 1), dtype=np.float64).mean()))
    return scores


def _pick(clip: str, pair: Pair, scores: Mapping[str, float]) -> Pick:
    """The pair by its albedo: the first frame's maps, and the second's warped onto it."""
    warped = {name: pair.warped(name, values) for name, values in pair.after.maps.items()}
    error, before = scores["flicker_albedo"], pair.before
    return Pick(clip, before.name, f"{error:.4f}", -error, before.shown[INPUT], before.maps, warped)
