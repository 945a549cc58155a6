"""The inverse of the resize rule that follows the picture: maps at the source's size with the edges that it shows.

Within a few pixels a map is nearly a linear function of the picture (He, Sun and Tang, "Guided image filtering",
2013). The slopes are found at the network's size, as in the "Fast guided filter" (2015), and enlarged; they multiply
what the picture shows beyond its own small copy:

    map = enlarged(small map) + enlarged(slopes) . (picture - enlarged(small picture))

So the network's map is never smoothed, and where the picture has nothing to add, or nothing that goes with the map,
this is the bilinear inverse. H W pixels of the source, h w of the network, C channels; a plane is one channel.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from ..maps import SPECS, Array, MapName, Maps
from .resize import Fit, fit_pixels, resize

# Both by measurement (benchmarks/upsample.py): wider windows blur edges and take noise for slopes.
WINDOW = np.array([1, 4, 1], np.float32) / 6  # of 3 pixels along each axis
NOISE = 3e-4  # variance, (4.4/255)**2, under which the picture has no edge


class Guide(NamedTuple):
    """The picture at the network's size, the means of its windows, and their covariances as L D L^T."""

    planes: Sequence[Array]  # 3 of (h, w), as are all that follow
    means: Sequence[Array]
    d: tuple[Array, Array, Array]
    l10: Array
    l20: Array
    l21: Array


def restore_guided(maps: Maps, picture: Array, fit: Fit) -> dict[MapName, Array]:
    """`maps` (h, w, C) float32 of the grid -> (H, W, C) float32 of the source; no channel leaves the range it had.

    picture: (H, W, 3) what the network was shown, sRGB-encoded in [0, 1]: uint8, uint16 or float32. Encoded, because
    equal steps of it are equal contrasts, in shadow as in light. Vectors come back with length 1, zero ones as zero.
    """
    height, width = fit.inner
    guide = guide_of(fit_pixels(picture, fit)[:height, :width])
    detail = detail_of(picture, guide, fit)
    scratch, *room = (np.empty_like(detail[0]) for _ in range(4))  # made once: new memory costs more than the sums
    restored: dict[MapName, Array] = {}
    for name, values in maps.items():
        small = cv2.split(np.ascontiguousarray(values[:height, :width]))
        planes = room if len(small) > 1 else [np.empty_like(scratch)]
        for plane, out in zip(small, planes, strict=True):
            restore_plane(plane, guide, detail, fit, out, scratch)
        if SPECS[name].kind == "vector":
            normalize(planes, scratch)
        restored[name] = cv2.merge(planes) if len(planes) > 1 else planes[0][..., None]
    return restored


def guide_of(small: Array) -> Guide:
    """(h, w, 3) float32 -> all that is needed of it to find slopes."""
    planes = cv2.split(small)
    means = [windowed(plane) for plane in planes]

    def covariance(i: int, j: int) -> Array:
        between: Array = windowed(planes[i] * planes[j]) - means[i] * means[j]
        return between

    d0 = covariance(0, 0) + NOISE
    c10, c20 = covariance(1, 0), covariance(2, 0)
    l10, l20 = c10 / d0, c20 / d0
    d1 = covariance(1, 1) + NOISE - l10 * c10
    l21 = (covariance(2, 1) - l20 * c10) / d1
    d2 = covariance(2, 2) + NOISE - l20 * c20 - l21 * l21 * d1
    return Guide(planes, means, (d0, d1, d2), l10, l20, l21)


def detail_of(picture: Array, guide: Guide, fit: Fit) -> list[Array]:
    """What each channel of the picture shows beyond its small copy, 3 of (H, W) float32."""
    unit = 1.0 if picture.dtype == np.float32 else 1 / np.iinfo(picture.dtype).max
    enlarged = np.empty(picture.shape[:2], np.float32)
    detail: list[Array] = []
    for full, small in zip(cv2.split(np.ascontiguousarray(picture)), guide.planes, strict=True):
        plane = np.multiply(full, unit, dtype=np.float32)
        plane -= enlarge(small, fit, enlarged)
        detail.append(plane)
    return detail


def restore_plane(small: Array, guide: Guide, detail: Sequence[Array], fit: Fit, out: Array, scratch: Array) -> None:
    """One channel (h, w) -> `out` (H, W); `scratch` (H, W) is written over."""
    enlarge(small, fit, out)
    for slope, beyond in zip(slopes(small, guide), detail, strict=True):
        enlarge(slope, fit, scratch)
        scratch *= beyond
        out += scratch
    np.clip(out, small.min(), small.max(), out=out)


def slopes(small: Array, guide: Guide) -> tuple[Array, Array, Array]:
    """How one channel (h, w) of a map follows each channel of the picture, (h, w) each: least squares in a window."""
    mean = windowed(small)
    y0, c1, c2 = (windowed(plane * small) - its * mean for plane, its in zip(guide.planes, guide.means, strict=True))
    y1 = c1 - guide.l10 * y0
    y2 = c2 - guide.l20 * y0 - guide.l21 * y1
    d0, d1, d2 = guide.d
    x2 = y2 / d2
    x1 = y1 / d1 - guide.l21 * x2
    return y0 / d0 - guide.l10 * x1 - guide.l20 * x2, x1, x2


def windowed(plane: Array) -> Array:
    """The weighted mean of the window around each pixel; the edge is repeated."""
    mean: Array = cv2.sepFilter2D(plane, -1, WINDOW, WINDOW, borderType=cv2.BORDER_REPLICATE)
    return mean


def enlarge(small: Array, fit: Fit, out: Array) -> Array:
    """(h, w) -> `out` (H, W), bilinear between pixel centres; along an axis of fewer pixels the mean of an area, which
    comes first."""
    shorter = (min(small.shape[0], out.shape[0]), min(small.shape[1], out.shape[1]))
    cv2.resize(resize(small, shorter), fit.source, dst=out, interpolation=cv2.INTER_LINEAR)
    return out


def normalize(planes: Sequence[Array], scratch: Array) -> None:
    """Brings vectors, given as planes (H, W), to length 1 in place; zero ones stay zero. `scratch` is written over."""
    length = np.zeros_like(scratch)
    for plane in planes:
        length += np.multiply(plane, plane, out=scratch)
    np.sqrt(length, out=length)
    length[length == 0] = 1
    for plane in planes:
        plane /= length
