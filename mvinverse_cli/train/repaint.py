"""Other paint on rendered surfaces: another base colour, plain or patterned, that of another material, or a whole room
lighter or in one hue.

Truth and picture change alike: albedo x shading stays the diffuse image. What light carries from one surface to another
keeps its old colour, which the shading tells truly.
"""

from dataclasses import replace

import numpy as np

from ..maps import Array
from ..scenes.materials import palette
from ..scenes.recipe import COLORS
from .solid import BRIGHTEST, DARKEST, draw_solid
from .surface import Surface
from .texture import draw_texture

MOST_PAINTS = 4  # on how many colours of a sample
TEXTURED_SHARE = 0.45  # of the paints
DARK_SHARE = 0.2  # of the paints; screens, cases and cloth are black where rendered things are of all colours
WHITENING = (0.3, 0.8)  # exponent of a lighter base colour
TINGE = (0.6, 0.95), (0.35, 0.9)  # green beside red, and blue beside green, of a room of wood
OTHER_HUE = 0.25  # share of the rooms in one hue that are in any other than that of wood
PASSED_ON = (0.0, 0.6)  # exponent of the hue that such a room's surfaces lend each other's light
DARK = ("black", "dark")  # of the families of colours


def repainted(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once the surfaces of a few of the sample's colours are painted over: another picture and albedo."""
    for _ in range(int(rng.integers(1, MOST_PAINTS + 1))):
        kind = rng.random()
        if kind < TEXTURED_SHARE:
            target = draw_texture(rng).at(surface)
        else:
            families = DARK if kind > 1 - DARK_SHARE else COLORS
            colors = palette(rng, int(rng.integers(1, 5)), dict.fromkeys(families, 1.0))
            target = draw_solid(rng, colors).at(surface.points)
        spread, keeps_detail = rng.uniform(0.04, 0.25), rng.random() < 0.5
        known = np.flatnonzero(surface.mask)
        if not len(known):
            break
        albedo = surface.albedo
        chosen = albedo[known[rng.integers(len(known))]]
        off = np.sqrt(albedo) - np.sqrt(chosen)  # nearly as the eye tells colours apart
        share = np.exp(np.einsum("pc,pc->p", off, off)[:, None] * np.float32(-0.5 / spread**2)) * surface.mask
        if keeps_detail:
            target = target * np.clip(albedo / np.maximum(chosen, DARKEST), 0.4, 2.5)
        surface = recolored(surface, albedo + share * (target - albedo))
    return surface


def whitened(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once every surface is lighter, under less light: another picture, as bright on the mean, albedo and shading."""
    lighter = recolored(surface, surface.albedo ** np.float32(rng.uniform(*WHITENING)))
    dimmed = np.float32(surface.color.mean() / max(lighter.color.mean(), DARKEST))
    return replace(lighter, color=lighter.color * dimmed, shading=lighter.shading * dimmed)


def tinged(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once every surface has one hue, as in rooms of wood, and light from one to the other takes some of it: another
    picture, albedo and shading."""
    green, blue = (rng.uniform(*bounds) for bounds in TINGE)
    hue = np.array([1, green, green * blue], np.float32)
    if rng.random() < OTHER_HUE:
        hue = rng.permutation(hue)
    painted = recolored(surface, surface.albedo * hue)
    passed_on = hue ** np.float32(rng.uniform(*PASSED_ON))
    light = 1 + surface.mask * (passed_on / passed_on.mean() - 1)
    return replace(painted, color=painted.color * light, shading=painted.shading * light)


def recolored(surface: Surface, albedo: Array) -> Surface:
    """With another base colour (P, 3) where the truth is known: diffuse light changes by it, and mirrored light on
    metal."""
    known = surface.mask > 0
    painted = np.where(known, np.clip(albedo, DARKEST, BRIGHTEST), surface.albedo)
    diffuse = surface.color + (painted - surface.albedo) * surface.shading
    mirrored = surface.color * painted / np.maximum(surface.albedo, DARKEST / 2)
    changed = np.maximum(diffuse + surface.metallic * (mirrored - diffuse), 0)
    return replace(surface, color=np.where(known, changed, surface.color), albedo=painted)
