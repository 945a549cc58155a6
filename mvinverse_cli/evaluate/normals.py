"""Protocol `normals`: camera-space normals against true ones, each picture seen alone, in any layout that is known.

H W pixels.
"""

import logging
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import InputError, read_errors
from ..maps import Array, Maps
from ..model.mvinverse import MVInverse
from ..protocols import MeasureOptions
from ..scenes.store import ScenePath, find_scenes
from .baselines import FACING
from .datasets import hypersim, interiorverse
from .datasets.files import files_under
from .datasets.pairs import find_pairs
from .example import Example, Source, check_any
from .metrics import FEWEST_PIXELS, METRICS, Tally, encoded, score_normal
from .prediction import network_of, predict_each
from .result import SINGLE, Broken, Pick, Report, Result, keep_picks, say_nothing

logger = logging.getLogger(__name__)

TOWARDS = np.array([0, 0, 1], np.float32)
NORMAL_METRICS = tuple(metric for metric in METRICS if metric.section == "normal")


def evaluate_normals(
    folder: Path, options: MeasureOptions, *, model: MVInverse, report: Report = say_nothing, picks: int = 0
) -> Result:
    """Scores the normals of `model`, and of none, on the pictures of `folder`, whose layout is told by its files.

    picks: how many of the worst and as many of the best pictures to keep, by mean angle. Pictures that cannot be read
    are left out, named in the log and in the result. Raises InputError where none can.
    """
    with read_errors(folder):
        layout, sources, broken = limited(*find_examples(folder), options.limit)
    network = network_of(model, options)
    tallies = {SINGLE: Tally(NORMAL_METRICS), FACING: Tally(NORMAL_METRICS)}
    candidates: list[Pick] = []
    pictures = left_out = 0
    for example, maps in predict_each(network, sources, broken, report):
        count = np.count_nonzero(example.mask)
        if count < FEWEST_PIXELS:
            logger.warning("%s: left out: %d valid normals, and figures take %d", example.name, count, FEWEST_PIXELS)
            left_out += 1
            continue
        pictures += 1
        scores = score_one(maps["normal"], example)
        tallies[SINGLE].add(scores)
        tallies[FACING].add(score_one(np.broadcast_to(TOWARDS, maps["normal"].shape), example))
        angle = scores["normal_mean_deg"]
        shown: Maps = {"normal": maps["normal"]}
        pick = Pick(example.group, example.name, f"{angle:.1f} deg", -angle, example.picture, shown, example.maps)
        candidates = keep_picks(candidates, [pick], picks)
    check_any(folder, pictures, broken, "picture")
    return Result(
        "normals",
        {name: tally.figures() for name, tally in tallies.items()},
        NORMAL_METRICS,
        {"pictures": pictures},
        "pictures",
        notes=(
            f"{pictures} pictures of {layout}, each seen alone; over valid pixels, figures of a picture, then the mean",
            *([f"left out: {left_out} of fewer than {FEWEST_PIXELS} valid normals"] if left_out else []),
            f"{FACING}: what facing the camera everywhere would score",
        ),
        broken=tuple(broken),
        is_incomplete=bool(broken),
        picks=candidates,
        more={"layout": layout, "left_out": left_out},
    )


def score_one(normal: Array, example: Example) -> dict[str, float]:
    """The figures of normals (H, W, 3) of one picture."""
    return dict(score_normal(normal, example.maps["normal"], example.mask))


def find_examples(folder: Path) -> tuple[str, list[Source[Example]], list[Broken]]:
    """What the layout of `folder` is called, its pictures with true normals, and what is broken of it.

    Raises InputError where the folder is not there or nothing in it is known.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name one with pictures and their true normals")
    if any(folder.glob("[0-9]*/scene.json")) or any(folder.glob("scene_*.npz")):
        found = find_scenes(folder)
        views = [(scene, view) for scene in found.scenes for view in range(scene.views)]
        rendered = [
            Source(f"{scene.name}/{view}", scene.path, partial(read_view, scene, view)) for scene, view in views
        ]
        return "rendered scenes", rendered, list(found.broken)
    if hypersim.holds_scenes(folder):
        return "Hypersim", *hypersim.single_pictures(folder)
    named = (path for path in files_under(folder) if interiorverse.NAME.fullmatch(path.name))
    scenes = sorted({path.parent for path in named})
    if scenes:
        return "InteriorVerse", *interiorverse.pictures_of(scenes, ("normal",))
    pairs, alone = find_pairs(folder)
    if not pairs and not alone:
        raise InputError(
            f"{folder}: holds no rendered scenes, no InteriorVerse, no Hypersim, and no pairs such as "
            "room.png and room_normal.png"
        )
    return "pairs of picture and normals", pairs, alone


def limited(
    layout: str, sources: list[Source[Example]], broken: list[Broken], limit: int | None
) -> tuple[str, list[Source[Example]], list[Broken]]:
    """The first `limit` pictures, and what is broken before the last of them."""
    taken = sources[:limit]
    if len(taken) < len(sources):
        broken = [(path, reason) for path, reason in broken if path <= taken[-1].path]
    return layout, taken, broken


def read_view(scene: ScenePath, view: int) -> Example:
    """A view of a rendered scene, as a camera would have written it: clipped to [0, 1], 8 bits. Raises InputError."""
    (seen,) = scene.read([view])
    name = f"{scene.name}/{view}"
    if "normal" not in seen.maps:
        raise InputError(f"{name}: has no normals; leave it out")
    picture = np.rint(encoded(seen.color) * 255) / np.float32(255)
    normal = seen.maps["normal"]
    mask = seen.mask[..., 0] & (np.linalg.norm(normal, axis=-1) > 0.5)
    return Example(scene.name, name, picture, {"normal": normal}, mask)
