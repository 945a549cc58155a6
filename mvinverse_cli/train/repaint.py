"""Other paint and other light on rendered views: a scene as it would look in other colours, or with a lamp more.

Rendering is what training data costs, and colours are what it lacks most: here a surface gets another base colour,
plain or patterned, a whole room lighter ones, and the room a projector whose light falls through a pattern, or a lamp.
All are solid in world space, so that all views of a sample agree, and all change truth and picture alike: albedo x
shading stays the diffuse image. What light carries from one surface to another keeps its old colour, which the
shading tells truly.

P pixels of a sample, counted through its views; colours scene-linear, float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..maps import Array, MapName
from ..scenes.materials import palette
from ..scenes.recipe import COLORS
from ..scenes.stage import white_light
from .decoded import COLOR, MASK, PLACES, Decoded

PAINTED_SHARE, MOST_PAINTS = 0.4, 4  # samples that get paint, and on how many colours
DARK_SHARE = 0.25  # of the paints; screens, cases and cloth are black where rendered things are of all colours
WHITENED_SHARE = 0.18  # samples whose surfaces all become lighter, as in the white rooms that people live in
WHITENING = (0.3, 0.8)  # exponent of a lighter base colour
LIT_SHARE = 0.25  # samples that get a light
LAMP_SHARE = 0.5  # of them; the others get a projector
LAMP_METRES = (0.3, 2.0)  # from the surface that it is hung before
LAMP_NEAREST, LAMP_MEAN = 0.2, 0.3  # metres at which its light grows no further; shading that it adds on the mean
LIGHT_POWER = (0.3, 4.0)  # of a lamp or projector, beside the light there is
CELL_METRES = (0.04, 1.5)  # of a pattern, along each of its axes
SLIDE_METRES = (0.1, 5.0)  # of what a projector throws: from the bars of a blind to one half of a room
ENDLESS_SHARE = 0.3  # axes along which a pattern does not change: stripes, layers, or one colour where all are
DARK = ("black", "dark")  # of the families of colours
DARKEST, BRIGHTEST = 0.02, 0.95  # of what is painted, as of the rendered materials
HASH_PRIMES = (73856093, 19349663, 83492791)  # of cells, Teschner 2003
NEEDED: frozenset[MapName] = frozenset({"albedo", "metallic", "normal", "shading"})


@dataclass(frozen=True)
class Surface:
    """What is seen of a sample's surfaces. albedo, shading: (P, 3); metallic: (P, 1); color: (P, 3), the picture;
    points: (P, 3) metres in the world; normal: (P, 3) in world axes; mask: (P, 1) 1 where the truth is known, else 0.
    """

    color: Array
    albedo: Array
    metallic: Array
    shading: Array
    normal: Array
    points: Array
    mask: Array


@dataclass(frozen=True)
class Solid:
    """A pattern that fills space with cells. axes: (3, 3) rows in cells per metre; bend: how far, in cells, waves of
    `wave` (3, 3) turns per cell shift them; colors: (K, 3); joint: (3,) colour of the `gap` (in cells) between two."""

    axes: Array
    bend: float
    wave: Array
    colors: Array
    gap: float
    joint: Array
    seed: int

    def at(self, points: Array) -> Array:
        """(P, 3) metres -> (P, 3) colours."""
        place = points @ self.axes.T
        if self.bend:
            place += np.float32(self.bend) * np.sin(place @ self.wave.T)
        cell = np.floor(place)
        mixed = np.full(len(cell), self.seed, np.uint32)
        for index, prime in zip(cell.astype(np.int32).view(np.uint32).T, HASH_PRIMES, strict=True):
            mixed ^= index * np.uint32(prime)
        mixed ^= mixed >> np.uint32(13)
        mixed *= np.uint32(0x5BD1E995)  # MurmurHash's mixing
        mixed ^= mixed >> np.uint32(15)
        color: Array = self.colors[mixed % np.uint32(len(self.colors))]
        if self.gap <= 0:
            return color
        inside = place - cell
        varies = np.linalg.norm(self.axes, axis=1) > 0
        near = np.where(varies, np.minimum(inside, 1 - inside), 1).min(axis=1, keepdims=True)
        joined: Array = np.where(near < self.gap, self.joint, color)
        return joined


def draw_solid(rng: np.random.Generator, colors: Array, metres: tuple[float, float] = CELL_METRES) -> Solid:
    """A pattern of these colours, turned anyhow in half of all cases and upright in the others.

    metres: the least and the largest side of its cells.
    """
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0] if rng.random() < 0.5 else np.eye(3)
    low, high = np.log(metres)
    size = np.exp(rng.uniform(low, high, 3))
    if rng.random() < 0.5:
        size[:] = size[0]
    cells = np.where(rng.random(3) < ENDLESS_SHARE, 0, 1 / size)
    bend = rng.uniform(0.1, 0.8) if rng.random() < 0.4 else 0.0
    wave = rng.normal(0, rng.uniform(0.5, 3), (3, 3))
    gap = rng.uniform(0.02, 0.12) if rng.random() < 0.3 else 0.0
    joint = colors[0] * rng.uniform(0.2, 1.5)
    return Solid(
        (turn * cells[:, None]).astype(np.float32),
        float(bend),
        wave.astype(np.float32),
        colors,
        float(gap),
        np.clip(joint, DARKEST, BRIGHTEST).astype(np.float32),
        int(rng.integers(2**31)),
    )


def repainted(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once the surfaces of a few of the sample's colours are painted over: another picture and albedo."""
    for _ in range(int(rng.integers(1, MOST_PAINTS + 1))):
        families = DARK if rng.random() < DARK_SHARE else COLORS
        paint = draw_solid(rng, palette(rng, int(rng.integers(1, 5)), dict.fromkeys(families, 1.0)))
        spread, keeps_detail = rng.uniform(0.04, 0.25), rng.random() < 0.5
        known = np.flatnonzero(surface.mask)
        if not len(known):
            break
        albedo = surface.albedo
        chosen = albedo[known[rng.integers(len(known))]]
        off = np.sqrt(albedo) - np.sqrt(chosen)  # nearly as the eye tells colours apart
        share = np.exp(np.einsum("pc,pc->p", off, off)[:, None] * np.float32(-0.5 / spread**2)) * surface.mask
        target = paint.at(surface.points)
        if keeps_detail:
            target = target * np.clip(albedo / np.maximum(chosen, DARKEST), 0.4, 2.5)
        surface = recolored(surface, albedo + share * (target - albedo))
    return surface


def whitened(surface: Surface, rng: np.random.Generator) -> Surface:
    """Once every surface is lighter, under less light: another picture, as bright on the mean, albedo and shading."""
    lighter = recolored(surface, surface.albedo ** np.float32(rng.uniform(*WHITENING)))
    dimmed = np.float32(surface.color.mean() / max(lighter.color.mean(), DARKEST))
    return replace(lighter, color=lighter.color * dimmed, shading=lighter.shading * dimmed)


def recolored(surface: Surface, albedo: Array) -> Surface:
    """With another base colour (P, 3) where the truth is known: diffuse light changes by it, and mirrored light on
    metal."""
    known = surface.mask > 0
    painted = np.where(known, np.clip(albedo, DARKEST, BRIGHTEST), surface.albedo)
    diffuse = surface.color + (painted - surface.albedo) * surface.shading
    mirrored = surface.color * painted / np.maximum(surface.albedo, DARKEST / 2)
    changed = np.maximum(diffuse + surface.metallic * (mirrored - diffuse), 0)
    return replace(surface, color=np.where(known, changed, surface.color), albedo=painted)


def lit(surface: Surface, rng: np.random.Generator) -> Surface:
    """When what light there is dims and a projector or a lamp adds its own: another picture and shading.

    Its light is white to coloured, throws no shadows, and is seen in diffuse reflection alone.
    """
    level = lamp(surface, rng) if rng.random() < LAMP_SHARE else projector(surface, rng)
    power = white_light(rng) * np.exp(rng.uniform(*np.log(LIGHT_POWER)))
    if rng.random() < 0.15:
        power = power * rng.uniform(0.2, 1, 3)
    dimmed = np.float32(rng.uniform(0.3, 1) / (1 + 0.3 * power.mean()))
    added = (level * power).astype(np.float32) * dimmed
    diffuse = surface.albedo * (1 - surface.metallic) * added
    return replace(surface, color=surface.color * dimmed + diffuse, shading=surface.shading * dimmed + added)


def projector(surface: Surface, rng: np.random.Generator) -> Array:
    """(P, 3) shading by a projector of power 1, far off: through a pattern, and through walls, on what faces it."""
    way = rng.standard_normal(3)
    way[1] = abs(way[1])  # as lamps and the sun, more often from above
    way /= np.linalg.norm(way)
    levels = np.array([[0.0], [1.0], [rng.random()]][: int(rng.integers(2, 4))])
    slide = draw_solid(rng, (levels * np.ones(3)).astype(np.float32), SLIDE_METRES)
    across = surface.points - (surface.points @ way)[:, None] * way
    facing = np.maximum(surface.normal @ way, 0)[:, None] * surface.mask
    level: Array = facing * slide.at(across.astype(np.float32))
    return level


def lamp(surface: Surface, rng: np.random.Generator) -> Array:
    """(P, 1) shading by a small lamp before one of the surfaces, of LAMP_MEAN on the mean of what is known: much near
    it, little far off."""
    known = np.flatnonzero(surface.mask)
    if not len(known):
        return np.zeros_like(surface.mask)
    before = known[rng.integers(len(known))]
    place = surface.points[before] + surface.normal[before] * np.float32(rng.uniform(*LAMP_METRES))
    toward = place - surface.points
    distance = np.maximum(np.linalg.norm(toward, axis=1), LAMP_NEAREST)
    facing = np.maximum(np.einsum("pc,pc->p", surface.normal, toward), 0)
    level = (facing / distance**3)[:, None] * surface.mask
    shading: Array = level * np.float32(LAMP_MEAN / max(level[known].mean(), 1e-6))
    return shading


def revise(views: Sequence[Decoded], rng: np.random.Generator) -> None:
    """Gives the views of a sample, cut out and in float32, other paint and other light, or leaves them as they are.

    Views that lack depth, camera or one of the maps that are needed stay as they are.
    """
    shares = (PAINTED_SHARE, WHITENED_SHARE, LIT_SHARE)
    changes = [change for change, share in zip((repainted, whitened, lit), shares, strict=True) if rng.random() < share]
    if not changes or any(view.points is None or not view.present >= NEEDED for view in views):
        return
    surface = surface_of(views)
    for change in changes:
        surface = change(surface, rng)
    first = 0
    for view in views:
        last = first + view.pixels[0, ..., 0].size
        for (picture, channels), values in (
            (COLOR, surface.color),
            (PLACES["albedo"], surface.albedo),
            (PLACES["shading"], surface.shading),
        ):
            view.pixels[picture, ..., channels] = values[first:last].reshape(*view.pixels.shape[1:3], 3)
        first = last


def surface_of(views: Sequence[Decoded]) -> Surface:
    """What is seen in views that lack nothing."""

    def seen(place: tuple[int, slice]) -> Array:
        return np.concatenate([view.pixels[place[0], ..., place[1]].reshape(-1, _width(place)) for view in views])

    points = [view.points.reshape(-1, 3) for view in views if view.points is not None]
    picture, channels = PLACES["normal"]
    normals = [
        view.pixels[picture, ..., channels].reshape(-1, 3) @ view.turn.T for view in views if view.turn is not None
    ]
    return Surface(
        seen(COLOR),
        seen(PLACES["albedo"]),
        seen(PLACES["metallic"]),
        seen(PLACES["shading"]),
        np.concatenate(normals),
        np.concatenate(points),
        seen(MASK),
    )


def _width(place: tuple[int, slice]) -> int:
    """Channels of a map at its place."""
    return int(place[1].stop - place[1].start)
