"""What is seen of a sample's surfaces, through all of its views. P pixels; colours scene-linear, float32."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..maps import Array, MapName
from .decoded import COLOR, MASK, PLACES, Decoded

DIELECTRIC = 0.04  # reflected at normal incidence by what is no metal, of an index of refraction of 1.5
NEEDED: frozenset[MapName] = frozenset({"albedo", "metallic", "roughness", "normal", "shading"})


@dataclass(frozen=True)
class Surface:
    """color: (P, 3), the picture; albedo, shading: (P, 3); metallic, roughness: (P, 1); normal: (P, 3) in world axes;
    away: (P, 3) unit vectors to the camera; far: (P, 1) metres to it; points: (P, 3) metres in the world; mask: (P, 1)
    1 where the truth is known, else 0."""

    color: Array
    albedo: Array
    metallic: Array
    roughness: Array
    shading: Array
    normal: Array
    away: Array
    far: Array
    points: Array
    mask: Array


def surface_of(views: Sequence[Decoded]) -> Surface:
    """What is seen in views that have depth and camera; 0 where they lack a map."""

    def seen(place: tuple[int, slice]) -> Array:
        return np.concatenate([view.pixels[place[0], ..., place[1]].reshape(-1, _width(place)) for view in views])

    places = [
        (view.points.reshape(-1, 3), view.to_world)
        for view in views
        if view.points is not None and view.to_world is not None
    ]
    picture, channels = PLACES["normal"]
    normals = [view.pixels[picture, ..., channels].reshape(-1, 3) for view in views]
    turned = [normal @ to_world[:, :3].T for normal, (_, to_world) in zip(normals, places, strict=True)]
    away = np.concatenate([to_world[:, 3] - points for points, to_world in places])
    far = np.linalg.norm(away, axis=1, keepdims=True)
    return Surface(
        seen(COLOR),
        seen(PLACES["albedo"]),
        seen(PLACES["metallic"]),
        seen(PLACES["roughness"]),
        seen(PLACES["shading"]),
        np.concatenate(turned),
        away / np.maximum(far, 1e-6),
        far,
        np.concatenate([points for points, _ in places]),
        seen(MASK),
    )


def _width(place: tuple[int, slice]) -> int:
    """Channels of a map at its place."""
    return int(place[1].stop - place[1].start)


def fresnel(albedo: Array, metallic: Array, cosine: Array) -> Array:
    """(P, 3) share of the light that is mirrored, in the metallic-roughness way (Schlick's approximation, 1994).

    cosine: (P, 1) of the angle between the way to the camera and the normal, or the half vector.
    """
    at_normal = DIELECTRIC + (albedo - DIELECTRIC) * metallic
    mirrored: Array = at_normal + (1 - at_normal) * (1 - cosine) ** 5
    return mirrored
