"""The resize rule and its inverse: pictures to the grid of patches that the network sees, maps back to the source.

Sizes of pictures are (width, height) as in file headers; shapes of arrays are (height, width) as in numpy.
H W pixels of the source, h w of the grid.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from ..maps import Array


@dataclass(frozen=True)
class Fit:
    """How one picture lies in the grid: scaled to `inner`, then padded at the bottom and right to `grid`."""

    source: tuple[int, int]  # (width, height)
    inner: tuple[int, int]  # (height, width)
    grid: tuple[int, int]  # (height, width)

    @property
    def is_scaled(self) -> bool:
        """Whether the network saw the picture at another size."""
        return self.inner != (self.source[1], self.source[0])

    @property
    def is_coarser(self) -> bool:
        """Whether the network saw fewer rows or columns than the picture has."""
        return self.inner[0] < self.source[1] or self.inner[1] < self.source[0]

    def __post_init__(self) -> None:
        if min(*self.source, *self.inner) < 1 or self.inner[0] > self.grid[0] or self.inner[1] > self.grid[1]:
            raise ValueError(f"a picture of {self.source} scaled to {self.inner} does not lie in a grid of {self.grid}")


@dataclass(frozen=True)
class ResizeRule:
    """How large the network sees pictures whose pixels are `pixel_aspect` times as wide as high: in square pixels.

    A picture's long side is brought to at least `min_size` and at most `max_size`, which goes first; then its sides are
    rounded down to multiples of `patch_size`, at least one patch.
    """

    max_size: int
    patch_size: int
    min_size: int = 0
    pixel_aspect: float = 1.0

    def grid(self, sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
        """(height, width) of the grid that pictures of all `sizes` (width, height) share: the largest of each axis."""
        fitted = [self._alone(size) for size in sizes]
        return max(height for height, _ in fitted), max(width for _, width in fitted)

    def fit(self, size: tuple[int, int], grid: tuple[int, int]) -> Fit:
        """How a picture of `size` (width, height) lies in a `grid` (height, width) of this rule.

        A picture whose size the grid was not made for (a video that changes size) is shrunk until it lies in it.
        """
        height, width = self._alone(size)
        if height > grid[0] or width > grid[1]:
            # in integers: 462 * (126 / 462) is less than 126
            part, whole = (grid[0], height) if grid[0] * width < grid[1] * height else (grid[1], width)
            height, width = self._whole_patches(height * part // whole, width * part // whole)
        return Fit(source=size, inner=(height, width), grid=grid)

    def _alone(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) that a picture of `size` is scaled to when it is alone."""
        width, height = shown_size(size, self.pixel_aspect)
        longest = max(width, height)
        wanted = min(max(longest, self.min_size), self.max_size)
        if longest != wanted:  # in integers: 1920 * (1024 / 1920) need not be 1024
            width, height = width * wanted // longest, height * wanted // longest
        return self._whole_patches(height, width)

    def _whole_patches(self, height: int, width: int) -> tuple[int, int]:
        return max(height // self.patch_size, 1) * self.patch_size, max(width // self.patch_size, 1) * self.patch_size


def shown_size(size: tuple[int, int], pixel_aspect: float) -> tuple[int, int]:
    """(width, height) in square pixels of a picture of `size`, of which none is lost: it grows along one axis."""
    width, height = size
    if pixel_aspect >= 1:
        return round(width * pixel_aspect), height
    return width, round(height / pixel_aspect)


def as_float(pixels: Array) -> Array:
    """uint8 or uint16 of any shape -> float32 in [0, 1]; float32 comes back as it is."""
    if pixels.dtype == np.float32:
        return pixels
    return np.multiply(pixels, 1 / np.iinfo(pixels.dtype).max, dtype=np.float32)


def fit_pixels(pixels: Array, fit: Fit) -> Array:
    """(H, W, 3) of the source -> (h, w, 3) float32 of the grid, contiguous; the padding repeats the edge.

    The mean of an area where it shrinks, cubic where it grows, within the picture's own range. uint8 and uint16 become
    [0, 1], averaged in 16 bits, which costs half of what float does and is off by no more than half of 1/65535.
    """
    if pixels.dtype == np.uint8:
        pixels = pixels * np.uint16(257)
    scaled = as_float(resize(pixels, fit.inner, growing=cv2.INTER_CUBIC))
    if fit.inner[0] > pixels.shape[0] or fit.inner[1] > pixels.shape[1]:  # cubic overshoots at edges
        scaled = scaled.clip(*(as_float(end) for end in (pixels.min(), pixels.max())))
    below, right = fit.grid[0] - fit.inner[0], fit.grid[1] - fit.inner[1]
    if below or right:
        scaled = cv2.copyMakeBorder(scaled, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(scaled)


def restore_map(values: Array, fit: Fit, *, unit_vectors: bool) -> Array:
    """(h, w, C) float32 of the grid -> (H, W, C) float32 of the source, C <= 4: bilinear between pixel centres, or the
    mean of an area where the network saw the picture enlarged.

    `unit_vectors` brings each pixel back to length 1, which interpolation shortens; a zero vector stays zero.
    """
    height, width = fit.inner
    restored = np.ascontiguousarray(values[:height, :width])
    if fit.is_scaled:
        restored = _with_channels(resize(restored, (fit.source[1], fit.source[0])))
    if unit_vectors:
        length = np.sqrt(np.einsum("hwc,hwc->hw", restored, restored))[..., None]
        restored = np.divide(restored, length, out=np.zeros_like(restored), where=length > 0)
    return restored


def resize(pixels: Array, shape: tuple[int, int], *, growing: int = cv2.INTER_LINEAR) -> Array:
    """(h, w, C) of a type that cv2 takes -> (height, width) `shape`, one channel without its axis.

    The mean of an area where it shrinks, bilinear where it grows or as `growing` says (a cubic leaves the range), each
    axis by itself: INTER_AREA is only right for shrinking.
    """
    height, width = shape
    shrunk = (min(width, pixels.shape[1]), min(height, pixels.shape[0]))
    if shrunk != (pixels.shape[1], pixels.shape[0]):
        pixels = cv2.resize(pixels, shrunk, interpolation=cv2.INTER_AREA)
    if shrunk != (width, height):
        pixels = cv2.resize(pixels, (width, height), interpolation=growing)
    return pixels


def _with_channels(values: Array) -> Array:
    """(H, W) or (H, W, C) -> (H, W, C): cv2 drops a single channel."""
    return values[..., None] if values.ndim == 2 else values
