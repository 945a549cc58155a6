"""Another finish on rendered surfaces: metal under paint of its own colour, gloss gone matt, small things plated with
metal or glazed.

Shape, pattern and light stay, only what is mirrored changes with the truth: a network that knows metal and gloss by the
things that it has seen made of them has nothing to hold on to but what a surface mirrors.
"""

from dataclasses import replace

import numpy as np

from ..maps import Array
from ..scenes.recipe import METALS
from .solid import BRIGHTEST, DARKEST
from .surface import DIELECTRIC, Surface, fresnel
from .surroundings import surroundings

MOST_FINISHES = 3  # on how many materials of a sample
SPREAD = 0.25  # of a material, in the square roots of its albedo and in its roughness: edges and patterns go with it
MATT = (0.65, 1.0)  # roughness of a surface that has lost its gloss
PLATED_SHARE = 0.6  # of the coats; the others are glazes
PLATING, GLAZE = (0.08, 0.6), (0.06, 0.35)  # roughness
PLATING_SHADE = (0.5, 1.1)  # what the pattern below leaves of the colour of a metal
BLACK_SHARE, BLACK = 0.5, (0.05, 0.5)  # of the glazes: what they leave of the colour below, as on screens and pianos
LARGEST = 0.08  # share of the pixels; larger ones are floors and walls
THING_METRES = 0.7  # from the pixel that was chosen
CHANCES = 6  # pixels that are tried


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


def coated(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once a few small things are plated with metal or get a glaze, and mirror what the views show around them: another
    picture, albedo, metallic and roughness."""
    for _ in range(int(rng.integers(1, MOST_FINISHES + 1))):
        known = np.flatnonzero((surface.metallic[:, 0] < 0.5) & (surface.mask[:, 0] > 0))
        for chosen in known[rng.integers(len(known), size=CHANCES)] if len(known) else ():
            offsets = surface.points - surface.points[chosen]
            near = np.einsum("pc,pc->p", offsets, offsets)[:, None] < THING_METRES**2
            share = _alike(surface, chosen) * surface.mask * near
            if share.mean() < LARGEST:
                surface = _coat(surface, chosen, share, rng)
                break
    return surface


def _coat(surface: Surface, chosen: int, share: Array, rng: np.random.Generator) -> Surface:
    """With a coat of one kind where `share` (P, 1) is 1; as it was where it is 0."""
    plated = rng.random() < PLATED_SHARE
    roughness = np.float32(rng.uniform(*(PLATING if plated else GLAZE)))
    if plated:
        shade = surface.albedo.mean(1, keepdims=True) / max(float(surface.albedo[chosen].mean()), DARKEST)
        metal = np.array(METALS[rng.integers(len(METALS))]) * rng.uniform(0.75, 1)
        albedo = metal * np.clip(shade, *PLATING_SHADE)
    else:
        albedo = surface.albedo * (rng.uniform(*BLACK) if rng.random() < BLACK_SHARE else 1)
    albedo = np.clip(albedo, DARKEST, BRIGHTEST).astype(np.float32)
    place = (surface.points * share).sum(0) / max(float(share.sum()), 1e-6)
    around = surroundings(surface, place, share[:, 0] < 0.5, rng)
    if around is None:
        return surface
    at = np.flatnonzero(share[:, 0] > 0.01)
    facing = np.einsum("pc,pc->p", surface.normal[at], surface.away[at])[:, None]
    ways = 2 * facing * surface.normal[at] - surface.away[at]
    mirrored = around.mirrored(surface.points[at], ways, float(roughness))
    metallic = np.full_like(facing, plated)
    coat = albedo[at] * (1 - metallic) * surface.shading[at]
    coat = coat + mirrored * fresnel(albedo[at], metallic, np.clip(facing, 0, 1))
    color = surface.color.copy()
    color[at] += share[at] * (coat - color[at])
    return replace(
        surface,
        color=color,
        albedo=surface.albedo + share * (albedo - surface.albedo),
        metallic=surface.metallic + share * (np.float32(plated) - surface.metallic),
        roughness=surface.roughness + share * (roughness - surface.roughness),
    )


def refinished(surface: Surface, metallic: Array, roughness: Array, scattered: Array) -> Surface:
    """With other metallic and roughness (P, 1) where the truth is known.

    scattered: (P, 1) in [0, 1], how much of the mirrored light comes from all sides instead, where it is the shading.
    What is mirrored is what the picture has beyond diffuse light, by its Fresnel term. Of what is no metal that is too
    little to make more of: metallic is to be no more than it was.
    """
    known = surface.mask > 0
    facing = np.clip(np.einsum("pc,pc->p", surface.normal, surface.away)[:, None], 0, 1)
    beyond = surface.color - surface.albedo * (1 - surface.metallic) * surface.shading
    # black metal, which others' scenes have, mirrors nothing head-on
    mirrored = beyond / np.maximum(fresnel(surface.albedo, surface.metallic, facing), np.float32(DIELECTRIC / 2))
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
