"""Which pixels of two views show one point of the scene, and how far a map disagrees with itself there.

V views, H W pixels, C channels, K correspondences over all ordered pairs of views.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.sparse import csr_array

from ..color import linear_to_srgb
from ..maps import SPECS, Array, MapName, Maps
from ..scenes.record import View

# Depths agree where they differ by less than this share: a surface behind another is farther off than its roughness.
DEPTH_TOLERANCE = 0.01
FEWEST = 64  # correspondences under which a pair says nothing

Crop = tuple[slice, slice]  # rows and columns of the picture that count


@dataclass(frozen=True)
class Correspondences:
    """The points that two views of one scene share.

    source: (K,) int64, a pixel of the first view, counted through (V, H, W).
    sampler: (K, V * H * W) sparse float32, whose rows take the bilinear value at the point's place in the second view.
    pair: (K,) int64, which ordered pair of views it is, from 0.
    rotations: (V, 3, 3) float32, camera axes to the world's.
    """

    source: Array
    sampler: csr_array
    pair: Array
    rotations: Array

    @property
    def pairs(self) -> int:
        """How many ordered pairs share enough points to say something."""
        return int(np.count_nonzero(np.bincount(self.pair) >= FEWEST))


def find_correspondences(views: Sequence[View], crop: Crop) -> Correspondences | None:
    """True correspondences of every ordered pair of views, from depth and pose; None where a view lacks either.

    A pixel of the first view is unprojected and looked for in the second: it counts where the four pixels around its
    place are valid surface and their depth is its own within DEPTH_TOLERANCE, so hidden points drop out. The depth is
    interpolated as 1 / depth, which is exact on planes. Pixels outside `crop` take no part, and are not counted.
    """
    known = [(view.camera, view.depth) for view in views if view.camera is not None and view.depth is not None]
    if len(known) < len(views) or len(views) < 2:
        return None
    cameras = [camera for camera, _ in known]
    depths = np.stack([depth[crop] for _, depth in known])  # (V, H, W, 1)
    valid = np.stack([view.mask[crop][..., 0] for view in views]) & (depths[..., 0] > 0)
    nearness = np.divide(1.0, depths, out=np.zeros(depths.shape), where=valid[..., None])
    points = np.stack([camera.points(depth)[crop] for camera, depth in known])
    size, offset = views[0].size, np.array([crop[1].start, crop[0].start])

    def look(view: int, seen: Array) -> tuple[Array, Array]:
        places, distance = cameras[view].project(seen, *size)
        return places - offset, distance

    def agree(found: Array, distance: Array) -> Array:
        agrees: Array = np.abs(found[:, 0] * distance[:, 0] - 1) < DEPTH_TOLERANCE
        return agrees

    axes = np.stack([camera.to_world[:3, :3] for camera in cameras])
    return match(points, valid, nearness, look, agree, axes / np.linalg.norm(axes, axis=1, keepdims=True))


def match(
    points: Array,
    valid: Array,
    surface: Array,
    look: Callable[[int, Array], tuple[Array, Array]],
    agree: Callable[[Array, Array], Array],
    rotations: Array,
    step: int = 1,
) -> Correspondences:
    """Correspondences of every ordered pair of views, whatever tells where a point is seen and whether it is hidden.

    points: (V, H, W, 3) of the world; valid: (V, H, W) bool; surface: (V, H, W, K) finite, what a view knows of the
    surfaces that it shows, interpolated bilinearly. look: a view's number and points (P, 3) -> their places (P, 2) in
    it, (x, y), NaN where it does not look, and what its surface would be there were they not hidden, (P, E).
    agree: surfaces found (Q, K) and expected (Q, E) -> (Q,) bool. rotations: (V, 3, 3), camera axes to the world's.
    step: every so many rows and columns of the first view are asked for.
    """
    lattice = np.zeros(valid.shape[1:], bool)
    lattice[::step, ::step] = True
    area, known = lattice.size, surface.shape[-1]
    sources, columns, weights, pairs = [], [], [], []
    for number, (first, second) in enumerate(permutations(range(len(points)), 2)):
        pixels = np.flatnonzero(valid[first] & lattice)
        places, expected = look(second, points[first].reshape(-1, 3)[pixels])
        inside, around, weight = _neighbours(places, valid.shape[1:])
        pixels = pixels[inside]
        found = (surface[second].reshape(-1, known)[around] * weight[..., None]).sum(axis=1)
        seen = valid[second].ravel()[around].all(axis=1) & agree(found, expected[inside])
        sources.append(pixels[seen] + first * area)
        columns.append(around[seen] + second * area)
        weights.append(weight[seen])
        pairs.append(np.full(np.count_nonzero(seen), number))
    source = np.concatenate(sources)
    rows = np.arange(0, 4 * len(source) + 1, 4)
    entries = (np.concatenate(weights).astype(np.float32).ravel(), np.concatenate(columns).ravel(), rows)
    sampler = csr_array(entries, shape=(len(source), valid.size))
    return Correspondences(source, sampler, np.concatenate(pairs), rotations.astype(np.float32))


def _neighbours(places: Array, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Of places (P, 2), (x, y): which lie inside (P,); of those Q, four pixels (Q, 4), and their bilinear weights.

    Pixels are counted through (H, W).
    """
    height, width = shape
    with np.errstate(invalid="ignore"):  # NaN: behind the camera
        inside = np.all((places >= 0) & (places <= (width - 1, height - 1)), axis=1)
    x, y = places[inside].T
    left, top = np.minimum(x.astype(np.int64), width - 2), np.minimum(y.astype(np.int64), height - 2)
    right, below = x - left, y - top  # shares of the second neighbour
    corner = top * width + left
    around = np.stack([corner, corner + 1, corner + width, corner + width + 1], axis=1)
    weight = np.stack([(1 - below) * (1 - right), (1 - below) * right, below * (1 - right), below * right], axis=1)
    return inside, around, weight


def comparable(name: MapName, values: Array, rotations: Array) -> Array:
    """A map (V, H, W, C) in the form in which views are compared: normals in world axes, colours sRGB in [0, 1]."""
    if SPECS[name].kind == "vector":
        turned: Array = np.einsum("vij,vhwj->vhwi", rotations, values)
        return turned
    return as_shown(name, values)


def as_shown(name: MapName, values: Array) -> Array:
    """A map of any shape in the form in which its errors are taken: colours sRGB in [0, 1], all others as they are."""
    return linear_to_srgb(np.clip(values, 0, 1)) if SPECS[name].kind == "color" else values


def pair_errors(values: Array, matches: Correspondences) -> Iterator[float]:
    """RMSE over pixels and channels of `values` (V, H, W, C), comparable, for each pair that shares enough points."""
    flat = values.reshape(-1, values.shape[-1])
    difference = matches.sampler @ flat - flat[matches.source]  # (K, C)
    squares = np.mean(difference * difference, axis=1, dtype=np.float64)
    counts = np.bincount(matches.pair)
    for total, count in zip(np.bincount(matches.pair, squares), counts, strict=True):
        if count >= FEWEST:
            yield float(np.sqrt(total / count))


def score_cross_view(prediction: Maps, matches: Correspondences, mask: Array) -> dict[str, float]:
    """Cross-view RMSE of every map (V, H, W, C) of a scene, the mean of its pairs, and each map's variance.

    The variance is that of the pixels of `mask` (V, H, W), all views together, the mean over channels. A scene whose
    views share too little has no figures.
    """
    scores = {}
    for name, values in prediction.items():
        seen = comparable(name, values, matches.rotations)
        errors = list(pair_errors(seen, matches))
        if errors:
            scores[f"cross_view_{name}"] = sum(errors) / len(errors)
            scores[f"variance_{name}"] = float(seen[mask].var(axis=0, dtype=np.float64).mean())
    return scores
