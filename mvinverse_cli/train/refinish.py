"""Another finish on rendered surfaces: metal under paint of its own colour, and gloss gone matt.

Shape, pattern and light stay, only what is mirrored changes with the truth: a network that knows metal and gloss by the
things that it has seen made of them has nothing to hold on to but what a surface mirrors.
"""

from dataclasses import replace

import numpy as np

from ..maps import Array
from .surface import Surface, fresnel

MOST_FINISHES = 3  # on how many materials of a sample
SPREAD = 0.25  # of a material, in the square roots of its albedo and in its roughness: edges and patterns go with it
MATT = (0.65, 1.0)  # roughness of a surface that has lost its gloss


def lacquered(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once a few of the metals are painted in their colour, as smooth as before: another picture and metallic."""
    for _ in range(int(rng.integers(1, MOST_FINISHES + 1))):
        metals = np.flatnonzero((surface.metallic[:, 0] > 0.5) & (surface.mask[:, 0] > 0))
        if not len(metals):
            break
        share = _alike(surface, metals[rng.integers(len(metals))])
        surface = refinished(surface, surface.metallic * (1 - share), surface.roughness, np.zeros_like(share))
    return surface


def matted(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once a few of the materials have lost their gloss: another picture and roughness."""
    for _ in range(int(rng.integers(1, MOST_FINISHES + 1))):
        glossy = np.flatnonzero((surface.roughness[:, 0] < MATT[0]) & (surface.mask[:, 0] > 0))
        if not len(glossy):
            break
        share = _alike(surface, glossy[rng.integers(len(glossy))])
        rough = surface.roughness + share * (np.float32(rng.uniform(*MATT)) - surface.roughness)
        surface = refinished(surface, surface.metallic, np.maximum(rough, surface.roughness), share)
    return surface


def refinished(surface: Surface, metallic: Array, roughness: Array, scattered: Array) -> Surface:
    """With other metallic and roughness (P, 1) where the truth is known.

    scattered: (P, 1) in [0, 1], how much of the mirrored light comes from all sides instead, where it is the shading.
    What is mirrored is what the picture has beyond diffuse light, by its Fresnel term. Of what is no metal that is too
    little to make more of: metallic is to be no more than it was.
    """
    known = surface.mask > 0
    facing = np.clip(np.einsum("pc,pc->p", surface.normal, surface.away)[:, None], 0, 1)
    beyond = surface.color - surface.albedo * (1 - surface.metallic) * surface.shading
    mirrored = beyond / fresnel(surface.albedo, surface.metallic, facing)
    mirrored = mirrored + scattered * (surface.shading - mirrored)
    diffuse = surface.albedo * (1 - metallic) * surface.shading
    color = np.maximum(diffuse + mirrored * fresnel(surface.albedo, metallic, facing), 0)
    return replace(
        surface,
        color=np.where(known, color, surface.color),
        metallic=np.where(known, metallic, surface.metallic),
        roughness=np.where(known, roughness, surface.roughness),
    )


def _alike(surface: Surface, chosen: int) -> Array:
    """(P, 1) in [0, 1]: how much what is seen is of the material of the `chosen` pixel; nearly all or nothing."""
    looks = np.concatenate([np.sqrt(surface.albedo), surface.roughness], axis=1)
    off = (looks - looks[chosen]) / np.float32(SPREAD)
    alike: Array = np.exp(-(np.einsum("pc,pc->p", off, off)[:, None] ** 2))
    return alike
