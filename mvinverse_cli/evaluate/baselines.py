"""Methods without training, to be beaten: constants, splits of a picture into albedo x shading, and two normals.

Whatever a baseline leaves free, its constant or its gain, is fitted on the very set that it is scored on and for the
very figure that is reported, so that no choice of ours makes it weak: the constants are the best there are.
V views, H W pixels of a view, P pixels that count, C channels. Light, albedo and shading are scene-linear.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.fft import dctn, idctn
from scipy.optimize import minimize

from ..color import srgb_to_linear
from ..maps import SPECS, Array, MapName, Maps
from .metrics import PERFECT, encoded, psnr

DARK = 1e-3  # added to light before its logarithm, about half an 8-bit step above black
BLUR = 0.09  # of the long side: standard deviation of the Gaussian, radius of the guided filter
EDGE = 0.15  # variance of log light at which the guided filter keeps half of an edge
# Retinex: log steps from which a change belongs to the surface, in brightness and in chromaticity (Grosse et al. 2009
# search such a pair for each picture; these are one for all)
BRIGHTNESS_STEP, CHROMATICITY_STEP = 0.12, 0.06

GAINS = 2.0 ** np.arange(-4, 4.01, 0.125)  # 9% apart: at the best one less than 0.05 dB are lost
FIT_PIXELS = 1000  # of a picture, for the gains
BANDS = 32  # of a picture's height, for the mean normal of a row

SPLIT_MAPS: tuple[MapName, MapName] = ("albedo", "shading")  # what a split gives
CONSTANTS, FACING, ROWS = "constants", "normal (0, 0, 1)", "normal, mean of the row"
Split = Callable[[Array], tuple[Array, Array]]


def image_as_albedo(light: Array) -> tuple[Array, Array]:
    """The picture is all albedo; the light is white and even."""
    return light, np.ones_like(light)


def chromaticity(light: Array) -> tuple[Array, Array]:
    """Brightness is all shading, colour all albedo."""
    brightness = light.mean(axis=-1, keepdims=True)
    return light / (brightness + DARK), np.repeat(brightness, 3, axis=-1)


def _by_smooth_light(light: Array, smooth: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Shading is the picture's log brightness (H, W), smoothed; albedo is the rest."""
    shading = np.exp(smooth(np.log(light.mean(axis=-1) + DARK)))[..., None]
    return light / shading, np.repeat(shading, 3, axis=-1)


def gaussian_shading(light: Array) -> tuple[Array, Array]:
    """Shading is what is left of log brightness after a wide Gaussian."""
    sigma = BLUR * max(light.shape)
    return _by_smooth_light(light, lambda log: cv2.GaussianBlur(log, (0, 0), sigma))


def guided_shading(light: Array) -> tuple[Array, Array]:
    """Shading is log brightness after a guided filter (He et al. 2010) that is guided by itself: strong edges stay."""
    side = 2 * round(BLUR * max(light.shape)) + 1

    def mean(values: Array) -> Array:
        return cv2.boxFilter(values, -1, (side, side))

    def smooth(log: Array) -> Array:
        centre = mean(log)
        variance = mean(log * log) - centre * centre
        slope = variance / (variance + EDGE)
        return mean(slope) * log + mean(centre - slope * centre)

    return _by_smooth_light(light, smooth)


def colour_retinex(light: Array) -> tuple[Array, Array]:
    """Steps of log brightness that are strong, or come with a step of chromaticity, are albedo; the rest is shading.

    The albedo's brightness is the field with those steps in the least-squares sense: a Poisson equation with no flow
    over the border, solved by DCT. Chromaticity is all albedo.
    """
    log = np.log(light + DARK)
    brightness = log.mean(axis=-1)
    chroma = log - brightness[..., None]
    source = np.zeros_like(brightness)
    waves = np.zeros_like(brightness)
    for axis in (0, 1):
        step = np.diff(brightness, axis=axis)
        colour_step = np.abs(np.diff(chroma, axis=axis)).max(axis=-1)
        step = step * ((np.abs(step) > BRIGHTNESS_STEP) | (colour_step > CHROMATICITY_STEP))
        before = [(0, 0), (0, 0)]
        before[axis] = (1, 1)
        source += np.diff(np.pad(step, before), axis=axis)  # divergence
        frequency = np.pi * np.arange(log.shape[axis]) / log.shape[axis]
        waves += np.expand_dims(2 * np.cos(frequency) - 2, 1 - axis)
    waves[0, 0] = 1  # the mean is free
    surface = idctn(dctn(source, norm="ortho") / waves, norm="ortho")
    surface -= np.median(surface)
    return np.exp(surface[..., None] + chroma), np.repeat(np.exp(brightness - surface)[..., None], 3, axis=-1)


SPLITS: Mapping[str, Split] = {
    "image as albedo": image_as_albedo,
    "chromaticity": chromaticity,
    "log-Gaussian shading": gaussian_shading,
    "guided-filter shading": guided_shading,
    "colour Retinex": colour_retinex,
}
BASELINES = (CONSTANTS, *SPLITS, FACING, ROWS)


@dataclass(frozen=True)
class Fitted:
    """What the baselines of one set leave free, chosen.

    constants: (C,) float32 for each map of the set but normals; gains: for each split, of its albedo and its shading;
    rows: (BANDS, 3) float32, mean normals from the top of a picture to its bottom, of unit length.
    """

    constants: Maps
    gains: Mapping[str, tuple[float, float]]
    rows: Array

    def predict(self, light: Array) -> Iterator[tuple[str, Maps]]:
        """Each baseline's name and its maps, (V, H, W, C) float32, of the pictures `light` (V, H, W, 3)."""
        shape = light.shape[:3]
        yield CONSTANTS, {name: np.broadcast_to(value, (*shape, len(value))) for name, value in self.constants.items()}
        for split_name, split in SPLITS.items():
            parts = [split(picture) for picture in light]
            albedo, shading = (
                np.stack(values) * np.float32(gain)
                for values, gain in zip(zip(*parts, strict=True), self.gains[split_name], strict=True)
            )
            yield split_name, {"albedo": albedo, "shading": shading}
        facing = np.array((0, 0, 1), np.float32)
        yield FACING, {"normal": np.broadcast_to(facing, (*shape, 3))}
        rows = self.rows[bands_of(shape[1])][:, None]  # (H, 1, 3)
        yield ROWS, {"normal": np.broadcast_to(rows, (*shape, 3))}


def bands_of(height: int) -> Array:
    """(H,) int64: the band of each row of a picture."""
    return np.arange(height) * BANDS // height


class Fitting:
    """Gathers what `Fitted` takes from one picture after another; keeps a few numbers of each."""

    def __init__(self) -> None:
        self.moments: dict[MapName, list[Array]] = {}  # mean of each channel, then the mean of their variances
        self.gain_scores = {name: np.zeros((2, len(GAINS))) for name in SPLITS}
        self.row_sums = np.zeros((BANDS, 3))

    def add(self, light: Array, truth: Maps, mask: Array) -> None:
        """One picture (H, W, 3), its true maps (H, W, C) and the pixels that count (H, W)."""
        for name, values in truth.items():
            if SPECS[name].kind == "vector":
                sums = np.sum(values, axis=1, where=mask[..., None], dtype=np.float64)
                np.add.at(self.row_sums, bands_of(len(mask)), sums)
                continue
            inside = (encoded(values) if SPECS[name].kind == "color" else values)[mask].astype(np.float64)
            self.moments.setdefault(name, []).append(np.append(inside.mean(axis=0), inside.var(axis=0).mean()))
        few = slice(None, None, -(-np.count_nonzero(mask) // FIT_PIXELS))
        wanted = {name: encoded(truth[name][mask][few]) for name in SPLIT_MAPS if name in truth}
        for split_name, split in SPLITS.items() if wanted else ():
            for name, scores, part in zip(SPLIT_MAPS, self.gain_scores[split_name], split(light), strict=True):
                if name in wanted:
                    inside = part[mask][few]
                    scores += [psnr(encoded(inside * np.float32(gain)), wanted[name]) for gain in GAINS]

    def fitted(self) -> Fitted:
        """The best constants and gains of what was added."""
        constants = {name: best_constant(name, np.stack(moments)) for name, moments in self.moments.items()}
        gains = {name: (best_gain(albedo), best_gain(shading)) for name, (albedo, shading) in self.gain_scores.items()}
        length = np.linalg.norm(self.row_sums, axis=1, keepdims=True)
        rows = np.where(length > 0, self.row_sums / np.maximum(length, 1e-9), (0, 0, 1)).astype(np.float32)
        return Fitted(constants, gains, rows)


def best_gain(scores: Array) -> float:
    """The one of GAINS with the highest of their scores; 1 where no picture has the map."""
    return float(GAINS[scores.argmax()]) if scores.any() else 1.0


def best_constant(name: MapName, moments: Array) -> Array:
    """The constant (C,) float32 with the best mean PSNR (colour) or RMSE over pictures.

    moments: (pictures, C + 1) float64, the mean of each channel (colour: sRGB) and the mean of their variances. They
    tell the error of any constant: the variance plus the squared distance from the mean.
    """
    means, variances = moments[:, :-1], moments[:, -1]
    is_color = SPECS[name].kind == "color"

    def loss(constant: Array) -> float:
        errors = variances + np.square(means - constant).mean(axis=1)
        scores = np.log(np.maximum(errors, PERFECT)) if is_color else np.sqrt(errors)
        return float(scores.mean())

    starts = (means.mean(axis=0), np.median(means, axis=0))
    found = [minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}) for start in starts]
    best = np.clip(min(found, key=lambda result: float(result.fun)).x, 0, 1)
    return srgb_to_linear(best) if is_color else best.astype(np.float32)
