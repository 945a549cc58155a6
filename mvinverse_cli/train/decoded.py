"""A view as the cache keeps it: its maps packed into pictures that are cut and resized together. H, W pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from ..color import linear_to_srgb, srgb_to_linear
from ..frames import resize
from ..maps import SPECS, Array, MapName, Maps
from ..scenes.record import View

# A decoded view is four pictures of four channels, the most that cv2 resizes at once; the last channel is not used.
COLOR, MASK = (0, slice(0, 3)), (0, slice(3, 4))
PLACES: Mapping[MapName, tuple[int, slice]] = {
    "albedo": (1, slice(0, 3)),
    "metallic": (1, slice(3, 4)),
    "normal": (2, slice(0, 3)),
    "roughness": (2, slice(3, 4)),
    "shading": (3, slice(0, 3)),
}


@dataclass(frozen=True)
class Decoded:
    """pixels: (4, H, W, 4), float16 in the cache; present: which maps are in them.

    points: (H, W, 3) float16, metres in the world, and to_world: (3, 4) float32, the camera's axes and place in it;
    None where the depth or the camera is unknown.
    """

    pixels: Array
    present: frozenset[MapName]
    points: Array | None
    to_world: Array | None

    def cut(self, rows: slice, columns: slice) -> "Decoded":
        """A part of it, a copy in float32."""
        points = None if self.points is None else self.points[rows, columns].astype(np.float32)
        return Decoded(self.pixels[:, rows, columns].astype(np.float32), self.present, points, self.to_world)


def decode(view: View) -> Decoded:
    """A view as the cache keeps it."""
    pixels = np.zeros((4, *view.size, 4), np.float16)
    for (picture, channels), values in (
        (COLOR, view.color),
        (MASK, view.mask),
        # what a denoiser leaves below 0 has no root
        *((PLACES[name], np.maximum(values, SPECS[name].low)) for name, values in view.maps.items()),
    ):
        pixels[picture, ..., channels] = np.minimum(values, np.finfo(np.float16).max)
    if view.depth is None or view.camera is None:
        return Decoded(pixels, frozenset(view.maps), None, None)
    farthest = np.finfo(np.float16).max  # a sky that some renderers put at 1e10: infinity would become NaN in a light
    points = view.camera.points(view.depth).clip(-farthest, farthest).astype(np.float16)
    return Decoded(pixels, frozenset(view.maps), points, view.camera.to_world[:3].astype(np.float32))


def resized(pixels: Array, size: tuple[int, int]) -> Array:
    """(4, h, w, 4) float32 -> (4, H, W, 4): the mean of an area where it shrinks, cubic where it grows.

    Colours grow as those of a picture do that the network is shown enlarged: encoded and clipped, without which
    highlights would get dark rims.
    """
    if size[0] <= pixels.shape[1] and size[1] <= pixels.shape[2]:
        return np.stack([resize(picture, size) for picture in pixels])
    grown = np.stack([resize(picture, size, growing=cv2.INTER_CUBIC) for picture in (_encoded(pixels[0]), *pixels[1:])])
    grown[0, ..., :3] = srgb_to_linear(grown[0, ..., :3].clip(0, 1))
    return grown


def _encoded(picture: Array) -> Array:
    """(h, w, 4) whose first three channels are clipped to [0, 1] and sRGB-encoded."""
    return np.concatenate([linear_to_srgb(picture[..., :3].clip(0, 1)), picture[..., 3:]], axis=-1)


def taken_apart(pixels: Array) -> tuple[Array, Maps, Array]:
    """(4, N, H, W, 4) -> color (N, H, W, 3), maps (N, H, W, C) with normals of unit length, mask (N, H, W, 1) bool.

    A pixel is in the mask where all that went into it is: only then do weights, of which some are below 0 where a
    picture grew, come to 1.
    """
    maps: dict[MapName, Array] = {name: pixels[picture, ..., channels] for name, (picture, channels) in PLACES.items()}
    length = np.sqrt(np.einsum("...c,...c->...", maps["normal"], maps["normal"]))[..., None]
    maps["normal"] = np.divide(maps["normal"], length, out=np.zeros_like(maps["normal"]), where=length > 0)
    return pixels[COLOR[0], ..., COLOR[1]], maps, np.abs(pixels[MASK[0], ..., MASK[1]] - 1) < 1e-3
