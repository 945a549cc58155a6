"""The layouts of the held-out set, none of which training has seen: a loft, a niche, an arcade."""

import numpy as np

from .clutter import small_thing
from .layouts import NO_SUN, Layout, furnish, interior, orbit_cameras, sky_picture, sunlight
from .rooms import Room, add_lamps, build_shell, hang_pictures
from .shapes import box, cylinder, place, quad
from .stage import Scenery, Stage, white_light


def loft(stage: Stage) -> Scenery:
    """A large room around a corner, with columns and beams, its things at the sides."""
    width, depth = stage.rng.uniform(4.5, 8.0, 2)
    room = Room(float(width), stage.uniform(2.6, 3.8), float(depth))
    sun = build_shell(stage, room)
    inner = (stage.uniform(0.25, 0.4) * width, stage.uniform(0.25, 0.4) * depth)
    stage.add(box((inner[0] / 2, room.height / 2, inner[1] / 2), (inner[0], room.height, inner[1])), "wall")
    for k in range(int(stage.rng.integers(1, 4))):
        radius = stage.uniform(0.1, 0.2)
        x, z = width * (0.45 + 0.15 * k), depth * stage.uniform(0.5, 0.8)
        stage.add(cylinder(radius, room.height), "metal" if stage.chance(0.25) else "wall", (float(x), 0.0, float(z)))
    beams = stage.material("furniture")
    for z in np.arange(0.6, depth, stage.uniform(0.9, 1.6)):
        stage.add(box((width / 2, room.height - 0.1, float(z)), (width, 0.2, 0.14)), beams)
    add_lamps(stage, room, needed=sun is None)
    furnish(stage, np.array([inner[0], 0]), np.array([width, depth]), (3, 7), (5, 13))
    hang_pictures(stage, room)
    return interior(stage, room, sun, "loft")


def niche(stage: Stage) -> Scenery:
    """Things in the compartments of a wall unit, near a wall of another material."""
    board, back = stage.material("furniture"), stage.material("wall")
    cell, deep = stage.uniform(0.5, 0.8), stage.uniform(0.35, 0.5)
    columns, rows = int(stage.rng.integers(2, 4)), 2
    base = stage.uniform(0.0, 0.6)
    wide = columns * cell
    stage.add([quad((-4, 0, -0.01), (8, 0, 0), (0, 3.2, 0))], "wall")
    stage.add([quad((-4, 0, 5), (8, 0, 0), (0, 0, -5))], "floor")
    stage.add([quad((-wide / 2, base, 0.005), (wide, 0, 0), (0, rows * cell, 0))], back)
    for row in range(rows + 1):
        stage.add(box((0, base + row * cell, deep / 2), (wide + 0.03, 0.03, deep)), board)
    for column in range(columns + 1):
        stage.add(box((-wide / 2 + column * cell, base + rows * cell / 2, deep / 2), (0.03, rows * cell, deep)), board)
    for column in range(columns):
        for row in range(rows):
            for _ in range(int(stage.rng.integers(1, 4))):
                x = -wide / 2 + (column + stage.uniform(0.25, 0.75)) * cell
                at = (x, base + row * cell + 0.016, deep * stage.uniform(0.3, 0.7))
                small_thing(stage, at, stage.uniform(0.12, 0.5) * cell)
    for _ in range(int(stage.rng.integers(1, 4))):
        size, colour = stage.uniform(0.3, 1.2), white_light(stage.rng)
        spot = (stage.uniform(-2, 2), stage.uniform(2.0, 3.0), stage.uniform(1.5, 3.0))
        face = quad((-size / 2, 0, 0), (size, 0, 0), (0, size * 0.7, size * 0.7))
        stage.light(place([face], spot, np.pi), colour * stage.uniform(4, 14) / size**2)
    sun = sunlight(stage, stage.uniform(2, 8)) if stage.chance(0.3) else NO_SUN
    target = np.array([stage.uniform(-0.3, 0.3) * wide, base + cell * stage.uniform(0.6, 1.4), deep / 2])
    while True:
        cameras = orbit_cameras(stage, target, (1.4, 2.6), (-5, 25), (35, 60))
        if min(camera.to_world[2, 3] for camera in cameras) > 0.9:
            break
    return stage.scenery(sky_picture(stage, stage.uniform(0.1, 0.8)), sun, cameras, "niche")


def arcade(stage: Stage) -> Scenery:
    """Outdoors: columns under a slatted roof that throws hard stripes on ground, steps and things."""
    stage.add([quad((-25, 0, 25), (50, 0, 0), (0, 0, -50))], "ground")
    columns, gap, height = int(stage.rng.integers(3, 6)), stage.uniform(1.3, 2.2), stage.uniform(2.2, 3.2)
    stone = stage.material("wall")
    shaft = cylinder(stage.uniform(0.12, 0.28), height)
    for k in range(columns):
        stage.add(shaft, stone, ((k - columns / 2) * gap, 0.0, -1.2))
    stage.add(box((0, height + 0.15, -1.2), (columns * gap + 1, 0.3, 0.6)), stone)
    slats = [
        face
        for k in range(int(stage.rng.integers(4, 12)))
        for face in box((0, height + 0.35, -3.2 + 0.45 * k), (columns * gap, 0.06, 0.16))
    ]
    stage.add(slats, "furniture")
    stage.add(box((0, height / 2 + 0.5, -3.6), (columns * gap + 4, height + 1, 0.3)), "wall")
    for k in range(int(stage.rng.integers(1, 4))):
        stage.add(box((stage.uniform(-1, 1), 0.09 + 0.18 * k, -2.6 - 0.18 * k), (3.5, 0.18, 0.9)), stone)
    furnish(stage, np.array([-2.5, -1.8]), np.array([2.5, 1.5]), (1, 3), (4, 10))
    sun = sunlight(stage, stage.uniform(1.5, 7)) if stage.chance(0.8) else NO_SUN
    sight = np.array([stage.uniform(-1.2, 1.2), stage.uniform(0.3, 1.2), stage.uniform(-1.6, 0.4)])
    cameras = orbit_cameras(stage, sight, (2.2, 4.5), (3, 28), (42, 70))
    return stage.scenery(sky_picture(stage, stage.uniform(0.5, 1.2)), sun, cameras, "arcade")


HELD_OUT_LAYOUTS: tuple[tuple[Layout, float], ...] = ((loft, 0.6), (niche, 0.22), (arcade, 0.18))
