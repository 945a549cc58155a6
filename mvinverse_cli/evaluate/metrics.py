"""The metrics: what each is called, which way is better, over which pixels it is taken and in which unit.

Only pixels of the validity mask count. Figures are per picture, then the mean over the pictures of the set; metallic
precision, recall and F1 are pooled over all pixels of the set instead, for most pictures hold no metal. All maps,
predicted and true, lie in their range: shading ends at 1. H, W pixels of a picture, P those that count, C channels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from skimage.metrics import structural_similarity

from ..color import linear_to_srgb
from ..maps import MAPS, SPECS, Array, MapName, Maps
from .align import gain_of

PERFECT = 1e-10  # mean square error under which a prediction counts as perfect: a mean of PSNR has to stay finite
METAL = 0.5  # from here on a pixel is called metal
ROUGH, PLAIN = 0.5, 0.1  # rougher and less metallic than this, a surface looks as albedo x shading says
FEWEST_PIXELS = 64  # a picture with fewer that count is left out
ANGLES_DEG = (11.25, 22.5, 30.0)
# Wang et al. 2004: a Gaussian window of 1.5 pixels and population variances
SSIM_RADIUS = 5  # pixels, 3.5 standard deviations rounded
SSIM_WINDOW = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


@dataclass(frozen=True)
class Metric:
    """How one figure is to be read; `section` is the table that it stands in."""

    key: str
    section: str
    title: str
    better: Literal["higher", "lower"]
    digits: int
    meaning: str

    def gain(self, value: float, over: float) -> float:
        """How much better `value` is than `over`; negative where it is worse."""
        return value - over if self.better == "higher" else over - value


def _color_metrics(name: MapName) -> Iterator[Metric]:
    """The same for albedo and shading."""
    scaled = "after the least-squares scale of each picture"
    yield Metric(f"{name}_psnr", name, "PSNR dB", "higher", 2, "sRGB, as predicted")
    yield Metric(f"{name}_ssim", name, "SSIM", "higher", 3, "sRGB, as predicted")
    yield Metric(f"{name}_psnr_scaled", name, "PSNR dB scaled", "higher", 2, f"sRGB, {scaled} in linear light")
    yield Metric(f"{name}_ssim_scaled", name, "SSIM scaled", "higher", 3, f"sRGB, {scaled} in linear light")
    yield Metric(f"{name}_si_rmse", name, "si-RMSE", "lower", 4, f"linear light, {scaled}")
    yield Metric(f"{name}_si_rmse_channel", name, "si-RMSE rgb", "lower", 4, "linear light, a scale for each channel")


def _cross_view_metrics() -> Iterator[Metric]:
    """Each map's disagreement with itself between views, absolute and relative."""
    axes = {"normal": " in world axes", "albedo": ", sRGB", "shading": ", sRGB"}
    for name in MAPS:
        meaning = f"RMSE{axes.get(name, '')} between views of one point; mean over the pairs of a scene"
        yield Metric(f"cross_view_{name}", "cross-view", name, "lower", 4, meaning)
    for name in MAPS:
        meaning = "the same, divided by the map's own standard deviation inside scenes, so that blur gains nothing"
        yield Metric(f"cross_view_{name}_relative", "cross-view / std", name, "lower", 3, meaning)


METRICS: tuple[Metric, ...] = (
    *_color_metrics("albedo"),
    *_color_metrics("shading"),
    Metric("roughness_rmse", "material", "roughness RMSE", "lower", 4, "linear data"),
    Metric("metallic_rmse", "material", "metallic RMSE", "lower", 4, "linear data"),
    Metric("metallic_f1", "material", "metallic F1", "higher", 3, f"from {METAL} on, pooled over the set"),
    Metric("metallic_precision", "material", "precision", "higher", 3, "of metallic, pooled over the set"),
    Metric("metallic_recall", "material", "recall", "higher", 3, "of metallic, pooled over the set"),
    Metric("normal_mean_deg", "normal", "mean deg", "lower", 2, "angular error"),
    Metric("normal_median_deg", "normal", "median deg", "lower", 2, "angular error"),
    *(
        Metric(f"normal_under_{angle:g}", "normal", f"< {angle:g} deg", "higher", 3, "share of pixels")
        for angle in ANGLES_DEG
    ),
    *_cross_view_metrics(),
    Metric("diffuse_psnr", "reconstruction", "diffuse PSNR dB", "higher", 2, "albedo x shading against the true one"),
    Metric(
        "input_psnr",
        "reconstruction",
        "input PSNR dB",
        "higher",
        2,
        f"albedo x shading against the input where roughness > {ROUGH} and metallic < {PLAIN}",
    ),
)
BY_KEY: Mapping[str, Metric] = {metric.key: metric for metric in METRICS}


def encoded(linear: Array) -> Array:
    """Scene-linear light as a picture shows it: clipped to [0, 1], sRGB; float32, same shape."""
    return linear_to_srgb(np.clip(linear, 0, 1))


def psnr(prediction: Array, truth: Array) -> float:
    """Peak signal-to-noise ratio in dB of values in [0, 1], any shape; at most 100 dB, what a perfect one gets."""
    error = float(np.mean(np.square(prediction - truth), dtype=np.float64))
    return float(-10 * np.log10(max(error, PERFECT)))


def rmse(prediction: Array, truth: Array) -> float:
    """Root mean square error over all values, any shape."""
    return float(np.sqrt(np.mean(np.square(prediction - truth), dtype=np.float64)))


def ssim(prediction: Array, truth: Array, mask: Array, *, whole_windows: bool = False) -> float:
    """Structural similarity of (H, W, 3) pictures in [0, 1], the mean over `mask` (H, W).

    Windows reach over the mask's border: there both pictures are black, so pixels outside have no say.
    whole_windows: the mean is over pixels whose window lies in the picture, as scikit-image takes it.
    """
    inside = mask[..., None]
    _, similarity = structural_similarity(
        truth * inside, prediction * inside, channel_axis=-1, data_range=1.0, full=True, **SSIM_WINDOW
    )
    return float(similarity[within_windows(mask) if whole_windows else mask].mean(dtype=np.float64))


def within_windows(mask: Array) -> Array:
    """Of a mask (H, W), the pixels whose SSIM window lies in the picture."""
    inner = np.zeros_like(mask)
    inner[SSIM_RADIUS:-SSIM_RADIUS, SSIM_RADIUS:-SSIM_RADIUS] = True
    return mask & inner


def angles_deg(prediction: Array, truth: Array) -> Array:
    """Angles between vectors (P, 3) of any length, (P,) in degrees; 90 where one of them is zero."""
    # not from the dot product alone: its arc cosine loses four digits near 0
    across = np.linalg.norm(np.cross(prediction, truth), axis=-1)
    angles: Array = np.degrees(np.arctan2(across, np.einsum("pc,pc->p", prediction, truth)))
    return np.where(prediction.any(axis=-1) & truth.any(axis=-1), angles, 90.0)


def score_color(name: MapName, prediction: Array, truth: Array, mask: Array) -> Iterator[tuple[str, float]]:
    """Albedo or shading (H, W, 3), scene-linear in [0, 1], over `mask` (H, W); SSIM where its window has room."""
    wanted = encoded(truth)
    inside, true_inside = prediction[mask], truth[mask]
    for suffix, gain in (
        ("", np.ones(3, np.float32)),
        ("_scaled", gain_of(inside, true_inside, "scale")),
    ):
        shown = encoded(prediction * gain)
        yield f"{name}_psnr{suffix}", psnr(shown[mask], wanted[mask])
        if min(mask.shape) > 2 * SSIM_RADIUS:
            yield f"{name}_ssim{suffix}", ssim(shown, wanted, mask)
    yield f"{name}_si_rmse", rmse(inside * gain_of(inside, true_inside, "scale"), true_inside)
    yield f"{name}_si_rmse_channel", rmse(inside * gain_of(inside, true_inside, "channel"), true_inside)


def score_normal(prediction: Array, truth: Array, mask: Array) -> Iterator[tuple[str, float]]:
    """Normals (H, W, 3) over `mask` (H, W)."""
    angles = angles_deg(prediction[mask], truth[mask])
    yield "normal_mean_deg", float(angles.mean(dtype=np.float64))
    yield "normal_median_deg", float(np.median(angles))
    for angle in ANGLES_DEG:
        yield f"normal_under_{angle:g}", float(np.mean(angles < angle))


def score_maps(prediction: Maps, truth: Maps, mask: Array) -> dict[str, float]:
    """What one picture tells about its predicted maps (H, W, C), as in memory; what either side lacks is left out.

    mask: (H, W) bool, the pixels that count.
    """
    scores: dict[str, float] = {}
    for name in MAPS:
        if name not in prediction or name not in truth:
            continue
        if SPECS[name].kind == "vector":
            scores.update(score_normal(prediction[name], truth[name], mask))
        elif SPECS[name].kind == "color":
            scores.update(score_color(name, prediction[name], truth[name], mask))
        else:
            scores[f"{name}_rmse"] = rmse(prediction[name][mask], truth[name][mask])
    return scores


def score_reconstruction(prediction: Maps, truth: Maps, diffuse: Array, light: Array, mask: Array) -> dict[str, float]:
    """How well albedo x shading gives back the true diffuse image and, on plain surfaces, the picture, all (H, W, C).

    diffuse: scene-linear, not clipped; light: the picture, scene-linear; mask: (H, W) bool.
    """
    if "albedo" not in prediction or "shading" not in prediction:
        return {}
    shown = encoded(prediction["albedo"] * prediction["shading"])
    scores = {"diffuse_psnr": psnr(shown[mask], encoded(diffuse[mask]))}
    if "roughness" in truth and "metallic" in truth:
        plain = mask & (truth["roughness"][..., 0] > ROUGH) & (truth["metallic"][..., 0] < PLAIN)
        if np.count_nonzero(plain) >= FEWEST_PIXELS:
            scores["input_psnr"] = psnr(shown[plain], encoded(light[plain]))
    return scores


@dataclass(frozen=True)
class Detection:
    """How often metal was found: counts of pixels."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0

    def __add__(self, other: "Detection") -> "Detection":
        return Detection(self.hits + other.hits, self.false_alarms + other.false_alarms, self.misses + other.misses)

    def figures(self) -> dict[str, float]:
        """Precision, recall and F1, where there is anything to divide by."""
        ratios = {
            "metallic_precision": (self.hits, self.hits + self.false_alarms),
            "metallic_recall": (self.hits, self.hits + self.misses),
            "metallic_f1": (2 * self.hits, 2 * self.hits + self.false_alarms + self.misses),
        }
        return {key: above / below for key, (above, below) in ratios.items() if below}


def detect_metal(prediction: Array, truth: Array, mask: Array) -> Detection:
    """Metallic maps (H, W, 1), thresholded at METAL, over `mask` (H, W)."""
    found, there = prediction[mask] >= METAL, truth[mask] >= METAL
    return Detection(
        int(np.count_nonzero(found & there)),
        int(np.count_nonzero(found & ~there)),
        int(np.count_nonzero(~found & there)),
    )


class Tally:
    """The running mean of each figure over pictures, and the metal found; memory does not grow with the set."""

    def __init__(self, metrics: Sequence[Metric] = METRICS) -> None:
        self.metrics = metrics
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.metal = Detection()

    def add(self, scores: Mapping[str, float]) -> None:
        """Counts the figures of one more picture, pair or scene."""
        for key, value in scores.items():
            self.sums[key] = self.sums.get(key, 0.0) + value
            self.counts[key] = self.counts.get(key, 0) + 1

    def figures(self) -> dict[str, float]:
        """All figures of the metrics that there was something to take from."""
        means = {key: total / self.counts[key] for key, total in self.sums.items()} | self.metal.figures()
        for name in MAPS:
            variance = means.pop(f"variance_{name}", 0.0)
            if variance > PERFECT:
                means[f"cross_view_{name}_relative"] = means[f"cross_view_{name}"] / variance**0.5
        return {metric.key: means[metric.key] for metric in self.metrics if metric.key in means}
