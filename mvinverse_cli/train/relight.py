"""Other light on rendered surfaces: the light there is dims, and a lamp or a projector adds its own.

It throws no shadows, and sends nothing from one surface to another. What is smooth shows it as a highlight.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..maps import Array
from ..scenes.stage import white_light
from .solid import draw_solid
from .surface import Surface, fresnel

LAMP_SHARE = 0.5  # of the lights; the others are projectors
LAMP_METRES = (0.3, 2.0)  # from the surface that it is hung before
LAMP_RADIUS = (0.02, 0.15)  # metres
LAMP_NEAREST, LAMP_MEAN = 0.2, 0.3  # metres at which its light grows no further; shading that it adds on the mean
LIGHT_POWER = (0.3, 4.0)  # of a lamp or projector, beside the light there is
PROJECTOR_BREADTH = (0.005, 0.1)  # tangent of half the angle that it takes, as the sun's .0047 or a far window's
SLIDE_METRES = (0.1, 5.0)  # of what it throws: from the bars of a blind to one half of a room


@dataclass(frozen=True)
class Light:
    """What falls on P points. level: (P, 1 or 3) shading by a power of 1; way: (P, 3) unit vectors towards the light;
    breadth: (P, 1) or a number, tangent of half the angle that it takes."""

    level: Array
    way: Array
    breadth: Array | float


def lit(surface: Surface, rng: np.random.Generator) -> Surface:
    """When what light there is dims and another is added, white to coloured: another picture and shading."""
    light = lamp(surface, rng) if rng.random() < LAMP_SHARE else projector(surface, rng)
    power = white_light(rng) * np.exp(rng.uniform(*np.log(LIGHT_POWER)))
    if rng.random() < 0.15:
        power = power * rng.uniform(0.2, 1, 3)
    dimmed = np.float32(rng.uniform(0.3, 1) / (1 + 0.3 * power.mean()))
    added = (light.level * power).astype(np.float32) * dimmed
    back = surface.albedo * (1 - surface.metallic) + np.float32(np.pi) * gloss(surface, light)
    return replace(surface, color=surface.color * dimmed + back * added, shading=surface.shading * dimmed + added)


def projector(surface: Surface, rng: np.random.Generator) -> Light:
    """Far off: through a pattern, and through walls, on what faces it."""
    way = rng.standard_normal(3)
    way[1] = abs(way[1])  # as lamps and the sun, more often from above
    way /= np.linalg.norm(way)
    levels = np.array([[0.0], [1.0], [rng.random()]][: int(rng.integers(2, 4))])
    slide = draw_solid(rng, (levels * np.ones(3)).astype(np.float32), SLIDE_METRES)
    across = surface.points - (surface.points @ way)[:, None] * way
    facing = np.maximum(surface.normal @ way, 0)[:, None] * surface.mask
    every = np.broadcast_to(way.astype(np.float32), surface.points.shape)
    return Light(facing * slide.at(across.astype(np.float32)), every, rng.uniform(*PROJECTOR_BREADTH))


def lamp(surface: Surface, rng: np.random.Generator) -> Light:
    """Small, before one of the surfaces: much near it, little far off, of LAMP_MEAN on the mean of what is known."""
    known = np.flatnonzero(surface.mask)
    if not len(known):
        return Light(np.zeros_like(surface.mask), surface.normal, 0.0)
    before = known[rng.integers(len(known))]
    place = surface.points[before] + surface.normal[before] * np.float32(rng.uniform(*LAMP_METRES))
    toward = place - surface.points
    distance = np.maximum(np.linalg.norm(toward, axis=1, keepdims=True), LAMP_NEAREST)
    way = toward / distance
    facing = np.maximum(np.einsum("pc,pc->p", surface.normal, way)[:, None], 0)
    level = facing / distance**2 * surface.mask
    level = level * np.float32(LAMP_MEAN / max(level[known].mean(), 1e-6))
    return Light(level, way, np.float32(rng.uniform(*LAMP_RADIUS)) / distance)


def gloss(surface: Surface, light: Light) -> Array:
    """(P, 3) what is mirrored towards the camera, a BRDF (per steradian): GGX (Walter 2007) with Smith's masking
    (Heitz 2014) and Schlick's Fresnel term (1994), widened by the light's breadth (Karis 2013)."""
    half = surface.away + light.way
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)

    def cosine(a: Array, b: Array) -> Array:
        between: Array = np.einsum("pc,pc->p", a, b)[:, None]
        return np.maximum(between, 0)

    seen, struck = np.maximum(cosine(surface.normal, surface.away), 1e-3), cosine(surface.normal, light.way)
    alpha2 = np.minimum(surface.roughness**2 + light.breadth / 2, 1) ** 2
    spread = alpha2 / (np.pi * (cosine(surface.normal, half) ** 2 * (alpha2 - 1) + 1) ** 2)
    masking = struck * np.sqrt(seen**2 * (1 - alpha2) + alpha2) + seen * np.sqrt(struck**2 * (1 - alpha2) + alpha2)
    share = fresnel(surface.albedo, surface.metallic, cosine(half, surface.away))
    mirrored: Array = share * spread * (0.5 / np.maximum(masking, 1e-6))
    return mirrored
