"""Protocol `scenes`: a model and the baselines on rendered scenes whose maps, depths and cameras are known.

Two passes over the folder: the first fits what the baselines leave free, the second scores; one scene is in memory at a
time. V views of a scene, H W pixels, C channels.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from ..maps import Maps
from ..model.config import ModelConfig
from ..model.mvinverse import MVInverse
from ..options import DecomposeOptions, EvaluateOptions
from ..scenes.store import MOST_BROKEN, ScenePath, find_scenes
from ..shot.passes import Network
from .baselines import Fitted, Fitting
from .example import Source, check_any, readable
from .metrics import METAL, Tally, detect_metal, score_maps, score_reconstruction
from .prediction import in_range, predict_views
from .reprojection import score_cross_view
from .result import JOINT, SINGLE, TRUTH, Broken, Pick, Report, keep_picks, say_nothing
from .sample import Sample, of_view, sample_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """What came of a run: for each row its figures by the keys of METRICS, and how they came about."""

    rows: dict[str, dict[str, float]]
    scenes: int
    pictures: int
    training_scenes: int  # that a model may have been trained on
    metal_share: float | None  # of the pixels that count
    broken: tuple[Broken, ...]
    fitted: Fitted
    picks: list[Pick] = field(default_factory=list)

    @property
    def too_many_broken(self) -> bool:
        """Whether more than a tenth of the scenes could not be read."""
        return len(self.broken) > MOST_BROKEN * (self.scenes + len(self.broken))


def predict(model: MVInverse, sample: Sample, *, together: bool, looks: int | None = None) -> Maps:
    """The model's maps of a scene, (V, H, W, C), clipped to their range: all views in one pass, or each alone.

    looks: at each picture; None: as the model's config says. Raises OutputError where a map holds NaN or infinity.
    """
    network = replace(Network.of(model, DecomposeOptions(looks=looks)), advice="try --device cpu")
    views = predict_views(network, list(sample.pictures), sample.name, together=together)
    return {name: np.stack([view[name] for view in views]) for name in views[0]}


def score(prediction: Maps, sample: Sample, tally: Tally) -> dict[int, float]:
    """Counts one method's maps (V, H, W, C) of a scene; returns the albedo PSNR of each picture that has one."""
    prediction = in_range({name: values for name, values in prediction.items() if name in sample.maps})
    shown = {}
    for view in sample.counting:
        predicted, true = of_view(prediction, view), of_view(sample.maps, view)
        scores = score_maps(predicted, true, sample.mask[view])
        tally.add(scores)
        if "metallic" in predicted:
            tally.metal += detect_metal(predicted["metallic"], true["metallic"], sample.mask[view])
        if "albedo_psnr" in scores:
            shown[view] = scores["albedo_psnr"]
    score_products(prediction, sample, tally)
    return shown


def score_products(prediction: Maps, sample: Sample, tally: Tally) -> None:
    """Counts what the maps (V, H, W, C) of a scene make together, and how far its views agree.

    The true maps go through this alone: it shows how much clipped light and resampling cost anyone.
    """
    if sample.diffuse is not None:
        for view in sample.counting:
            predicted, true = of_view(prediction, view), of_view(sample.maps, view)
            tally.add(
                score_reconstruction(predicted, true, sample.diffuse[view], sample.light[view], sample.mask[view])
            )
    if sample.matches is not None:
        tally.add(score_cross_view(prediction, sample.matches, sample.mask))


def evaluate_scenes(
    folder: Path,
    options: EvaluateOptions,
    *,
    model: MVInverse | None,
    report: Report = say_nothing,
    picks: int = 0,
) -> Evaluation:
    """Scores `model` (None: the baselines alone) and the baselines on the scenes of `folder`, in their order.

    picks: how many of the worst and as many of the best pictures to keep, by albedo PSNR, each of another scene.
    Scenes that cannot be read are left out, named in the log and in the result. Raises InputError where none can.
    """
    found = find_scenes(folder).first(options.limit)
    scenes, broken = found.scenes, list(found.broken)
    for _, reason in broken:
        logger.warning("scene left out: %s", reason)
    patch_size = (model.config if model else ModelConfig()).patch_size
    path_split = {scene.path: scene.split for scene in scenes}
    fitting, usable, pictures, pixels, metal = Fitting(), [], 0, 0, 0
    for done, (source, sample) in enumerate(readable(scene_sources(scenes, patch_size), broken, "scene")):
        usable.append(source)
        for view in sample.counting:
            pictures += 1
            true, mask = of_view(sample.maps, view), sample.mask[view]
            fitting.add(sample.light[view], true, mask)
            if "metallic" in true:
                pixels += int(np.count_nonzero(mask))
                metal += int(np.count_nonzero(true["metallic"][mask] >= METAL))
        report("fitting the baselines", done + 1, len(scenes))
    check_any(folder, pictures, broken, "scene")
    fitted = fitting.fitted()
    tallies: dict[str, Tally] = {}
    candidates: list[Pick] = []
    for done, (_, sample) in enumerate(readable(usable, broken, "scene")):
        for name, maps in _predictions(model, options.looks, fitted, sample):
            shown = score(maps, sample, tallies.setdefault(name, Tally()))
            if name == JOINT and picks:
                candidates = keep_picks(candidates, _picks(sample, maps, shown), picks)
        score_products(sample.maps, sample, tallies.setdefault(TRUTH, Tally()))
        report("scoring", done + 1, len(usable))
    return Evaluation(
        {name: tally.figures() for name, tally in tallies.items()},
        len(usable),
        pictures,
        sum(path_split[source.path] == "train" for source in usable),
        metal / pixels if pixels else None,
        tuple(broken),
        fitted,
        candidates,
    )


def scene_sources(scenes: Sequence[ScenePath], patch_size: int) -> Iterator[Source[Sample]]:
    """Each scene, to be read as it is scored."""
    for scene in scenes:
        yield Source(scene.name, scene.path, partial(_read, scene, patch_size))


def _read(scene: ScenePath, patch_size: int) -> Sample:
    """One scene as it is scored. Raises InputError."""
    return sample_of(scene.name, scene.read(), patch_size)


def _predictions(
    model: MVInverse | None, looks: int | None, fitted: Fitted, sample: Sample
) -> Iterator[tuple[str, Maps]]:
    """Each method's name and maps, (V, H, W, C)."""
    if model is not None:
        yield JOINT, predict(model, sample, together=True, looks=looks)
        yield SINGLE, predict(model, sample, together=False, looks=looks)
    yield from fitted.predict(sample.light)


def _picks(sample: Sample, maps: Maps, shown: dict[int, float]) -> Iterator[Pick]:
    """The worst and the best picture of a scene, by albedo PSNR."""
    for view in {min(shown, key=shown.__getitem__), max(shown, key=shown.__getitem__)} if shown else ():
        true, predicted = of_view(sample.maps, view), of_view(maps, view)
        name, figure = f"{sample.name} view {view}", f"{shown[view]:.1f} dB"
        yield Pick(sample.name, name, figure, shown[view], sample.pictures[view], predicted, true)
