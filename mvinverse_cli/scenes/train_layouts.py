"""The layouts of training scenes: still lifes, courtyards, corners of rooms, heaps of anything, and those of
`train_interiors` and `train_fronts`.

The heaps obey nothing but light: a network that has seen only rooms learns that walls stand upright and lamps hang.
"""

import numpy as np

from .cameras import path
from .clutter import picture, plant, small_thing
from .furniture import FURNITURE
from .layouts import NO_SUN, Layout, furnish, orbit_cameras, sky_picture, sunlight
from .materials import Material, Use
from .rooms import Room
from .shapes import Lattice, box, cylinder, place, quad, superellipsoid, tube
from .shapes import boulder as lump
from .solids import random_solid, rotation, tilted
from .stage import Scenery, Stage, white_light
from .train_fronts import counter, crates, porch, sill
from .train_interiors import corridor, furnished_room, hall, stairwell, workshop


def still_life(stage: Stage) -> Scenery:
    """A few things close by on a ground, before a backdrop, under soft boxes, sky or a hard sun."""
    if stage.chance(0.5):
        stage.add([quad((-3, 0, 3), (6, 0, 0), (0, 0, -6))], "floor")
    else:
        stage.add(cylinder(stage.uniform(0.9, 1.6), 0.05), "furniture", (0, -0.05, 0))
        stage.add([quad((-6, -0.75, 6), (12, 0, 0), (0, 0, -12))], "floor")
    for turn in stage.rng.permutation(4)[: stage.rng.integers(0, 4)] * (np.pi / 2):
        side = quad((-3, -1, -stage.uniform(1.8, 3.0)), (6, 0, 0), (0, 4.5, 0))
        stage.add([side], "wall", (0, 0, 0), float(turn))
    for _ in range(int(stage.rng.integers(3, 10))):
        x, z = stage.rng.normal(0, 0.38, 2)
        (plant if stage.chance(0.08) else small_thing)(stage, (float(x), 0.0, float(z)), stage.uniform(0.15, 0.6))
    has_sun = stage.chance(0.4)
    for _ in range(int(stage.rng.integers(0 if has_sun else 1, 4))):
        size = stage.uniform(0.2, 1.2)
        spot, turn = (0.0, stage.uniform(1.6, 2.8), -stage.uniform(0.5, 1.6)), stage.uniform(0, 2 * np.pi)
        face = quad((-size / 2, 0, 0), (size, 0, 0), (0, -size * 0.7, size * 0.7))
        stage.light(place([face], spot), white_light(stage.rng) * stage.uniform(3, 15) / size**2, (0, 0, 0), turn)
    sun = sunlight(stage, stage.uniform(2, 8)) if has_sun else NO_SUN
    cameras = orbit_cameras(stage, np.array([0, stage.uniform(0.1, 0.3), 0]), (1.1, 2.2), (8, 55), (35, 60))
    return stage.scenery(sky_picture(stage, stage.uniform(0.05, 1.0)), sun, cameras, "still life")


def courtyard(stage: Stage) -> Scenery:
    """Outdoors: ground, buildings, trees and things, under sun and sky or an overcast sky."""
    stage.add([quad((-25, 0, 25), (50, 0, 0), (0, 0, -50))], "ground")
    for _ in range(int(stage.rng.integers(2, 6))):
        building(stage)
    for _ in range(int(stage.rng.integers(0, 4))):
        x, z = stage.rng.uniform(-4.5, 4.5, 2)
        tree(stage, (float(x), 0.0, float(z)))
    furnish(stage, np.full(2, -3.0), np.full(2, 3.0), (1, 4), (4, 11))
    has_sun = stage.chance(0.7)
    sun = sunlight(stage, stage.uniform(1.5, 7)) if has_sun else NO_SUN
    sight = np.asarray(stage.sights[stage.rng.integers(len(stage.sights))]) * (0.7, 1, 0.7)
    cameras = orbit_cameras(stage, sight, (2.0, 5.5), (3, 30), (42, 75))
    return stage.scenery(sky_picture(stage, stage.uniform(0.5, 1.2)), sun, cameras, "courtyard")


def building(stage: Stage) -> None:
    """A block with glossy dark windows, a door and a ledge."""
    width, height, deep = stage.uniform(2, 9), stage.uniform(1.2, 6), stage.uniform(0.3, 5)
    heading, away = stage.uniform(0, 2 * np.pi), stage.uniform(3.5, 8)
    at, turn = (away * np.sin(heading), 0.0, away * np.cos(heading)), heading + np.pi
    stage.add(box((0, height / 2, -deep / 2), (width, height, deep)), "wall", at, turn)
    stage.add(box((0, height, -deep / 2), (width + 0.2, 0.12, deep + 0.2)), "wall", at, turn)
    glass, frame = stage.material("object"), stage.material("door")
    panes: list[Lattice] = []
    frames: list[Lattice] = []
    for column in range(int(width / 1.6)):
        for row in range(int(height / 1.9)):
            x, y = -width / 2 + 1.6 * (column + 0.5), 1.9 * (row + 0.55)
            frames += box((x, y, 0.0), (0.95, 1.25, 0.1))
            panes.append(quad((x - 0.4, y - 0.55, 0.055), (0.8, 0, 0), (0, 1.1, 0)))
    if panes:
        stage.add(frames, frame, at, turn)
        stage.add(panes, glass, at, turn)


def tree(stage: Stage, at: tuple[float, float, float]) -> None:
    """A trunk and lumps of foliage."""
    height = stage.uniform(1.2, 3.5)
    stage.add(tube([(0, 0, 0), (0.05, height / 2, 0), (0, height, 0.05)], 0.12, 0.06), "furniture", at)
    crown = [
        part
        for _ in range(int(stage.rng.integers(2, 5)))
        for part in place(
            lump(stage.rng, stage.uniform(0.35, 0.9)), np.array((0, height, 0)) + stage.rng.normal(0, 0.4, 3)
        )
    ]
    stage.add(crown, "fabric", at)


def corner(stage: Stage) -> Scenery:
    """Two walls and a floor seen from close by and askew, with a thing or two against them."""
    reach, height = stage.uniform(2.5, 5.0), stage.uniform(2.2, 3.4)
    paint = stage.material("wall")
    stage.add([quad((0, 0, reach), (reach, 0, 0), (0, 0, -reach))], "floor")
    stage.add([quad((0, 0, 0), (reach, 0, 0), (0, height, 0))], paint)
    stage.add([quad((0, 0, reach), (0, 0, -reach), (0, height, 0))], paint if stage.chance(0.5) else "wall")
    if stage.chance(0.4):
        stage.add([quad((0, height, 0), (reach, 0, 0), (0, 0, reach))], "ceiling")
    if stage.chance(0.5):  # panelling, or a band of tiles
        up = stage.uniform(0.1, 1.3)
        stage.add(box((reach / 2, up / 2, 0.01), (reach, up, 0.02)), "furniture" if stage.chance(0.5) else "wall")
    for _ in range(int(stage.rng.integers(1, 3))):
        build = FURNITURE[stage.rng.integers(len(FURNITURE))]
        along, off = stage.uniform(0.6, 2.0), stage.uniform(0.3, 0.9)
        if stage.chance(0.5):
            build(stage, (along, 0.0, off), 0.0)
        else:
            build(stage, (off, 0.0, along), np.pi / 2)
        stage.sights.append((along * 0.7, stage.uniform(0.3, 1.2), off))
    furnish(stage, np.full(2, 0.2), np.full(2, 2.0), (0, 1), (4, 10))
    for _ in range(int(stage.rng.integers(0, 3))):
        picture(stage, (stage.uniform(0.4, 2.0), stage.uniform(1.0, 1.8), 0.0), 0.0)
    has_sun = stage.chance(0.4)
    for _ in range(int(stage.rng.integers(0 if has_sun else 1, 4))):
        soft_box(stage, (stage.uniform(0.8, reach), stage.uniform(1.2, height), stage.uniform(0.8, reach)))
    sun = sunlight(stage, stage.uniform(2, 8)) if has_sun else NO_SUN
    sight = np.asarray(stage.sights[stage.rng.integers(len(stage.sights))])
    away = stage.rng.uniform(0.35, 1.0, 3) * (1, 0.5, 1)
    origin = sight + away / np.linalg.norm(away) * stage.uniform(0.7, 2.4)
    low, high = np.full(3, 0.2), np.array([reach + 1, height - 0.1, reach + 1])
    cameras = path(stage.rng, np.clip(origin, low, high), sight, stage.uniform(35, 80), low, high)
    return stage.scenery(sky_picture(stage, stage.uniform(0.1, 1.0)), sun, cameras, "corner")


def soft_box(stage: Stage, at: tuple[float, float, float]) -> None:
    """A shining ball or panel, of any whiteness."""
    colour, size = white_light(stage.rng), stage.uniform(0.08, 0.5)
    if stage.chance(0.15):
        colour = colour * stage.rng.uniform(0.2, 1.0, 3)
    shine = colour * stage.uniform(1.0, 5.0) / size**2 * 0.3
    if stage.chance(0.5):
        stage.light(superellipsoid((size, size, size), detail=8), shine, at)
    else:
        panel = quad((-size / 2, 0, -size / 2), (size, 0, 0), (0, 0, size))
        stage.light(tilted([panel], rotation(stage.rng, 0.6)), shine * 2, at)


HEAP_USES: tuple[Use, ...] = (
    "object", "object", "furniture", "wall", "fabric", "floor", "door", "picture", "metal", "metal",
)  # fmt: skip


def heap(stage: Stage) -> Scenery:
    """Solids of all kinds, sizes and materials, upright or not, in a box, before walls, or in the open."""
    width, height, depth = stage.rng.uniform((2.5, 2.0, 2.5), (7.0, 4.5, 7.0))
    closed, walls = stage.chance(0.4), int(stage.rng.integers(0, 5))
    stage.add([quad((0, 0, depth), (width, 0, 0), (0, 0, -depth))], any_material(stage))
    room = Room(float(width), float(height), float(depth))
    for wall in stage.rng.permutation(4)[: 4 if closed else walls]:
        side = room.walls[wall]
        stage.add([quad((0, 0, 0), (side.length, 0, 0), (0, height, 0))], any_material(stage), side.corner, side.turn)
    if closed:
        stage.add([quad((0, height, 0), (width, 0, 0), (0, 0, depth))], any_material(stage))
    for _ in range(int(stage.rng.integers(8, 26))):
        size = float(np.exp(stage.rng.uniform(np.log(0.2), np.log(1.8))))
        solid, at = random_solid(stage, size), stage.rng.uniform(0, 1, 3) * (width, 0, depth)
        if stage.chance(0.5):
            solid = tilted(place(solid, (0, -size / 2, 0)), rotation(stage.rng, np.pi))
            at[1] = stage.uniform(0.2, 0.9) * height if stage.chance(0.4) else size * stage.uniform(0.2, 0.6)
        stage.add(solid, any_material(stage), at.tolist(), stage.uniform(0, 6.3))
        stage.sights.append((float(at[0]), float(at[1]) + size / 2, float(at[2])))
    for _ in range(int(stage.rng.integers(1 if closed else 0, 4))):
        soft_box(stage, tuple((stage.rng.uniform(0.15, 0.95, 3) * (width, height, depth)).tolist()))
    sun = sunlight(stage, stage.uniform(1, 8)) if not closed and stage.chance(0.6) else NO_SUN
    sight = np.asarray(stage.sights[stage.rng.integers(len(stage.sights))])
    away = stage.rng.normal(size=3) * (1, 0.6, 1)
    origin = sight + away / np.linalg.norm(away) * stage.uniform(0.8, 4.0)
    low, high = np.full(3, 0.15), np.array([width, height, depth]) - 0.15
    cameras = path(stage.rng, np.clip(origin, low, high), sight, stage.uniform(32, 85), low, high)
    return stage.scenery(sky_picture(stage, stage.uniform(0.2, 1.5)), sun, cameras, "heap")


def any_material(stage: Stage) -> Material:
    """A material of any use, one in five of metal."""
    return stage.material(HEAP_USES[stage.rng.integers(len(HEAP_USES))])


TRAIN_LAYOUTS: tuple[tuple[Layout, float], ...] = (
    (furnished_room, 0.18),
    (hall, 0.15),
    (workshop, 0.12),
    (stairwell, 0.08),
    (corridor, 0.05),
    (corner, 0.08),
    (still_life, 0.06),
    (courtyard, 0.05),
    (heap, 0.07),
    (counter, 0.06),
    (crates, 0.04),
    (sill, 0.03),
    (porch, 0.03),
)
