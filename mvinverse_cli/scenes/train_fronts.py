"""Layouts of training scenes that stand close before a wall: a counter, crates and ledges, a window sill, a porch.

In rooms the camera is metres away; here boxes with fronts, hollows in shadow and things side by side fill the picture.
"""

import numpy as np

from ..maps import Array
from .cameras import path
from .clutter import picture, plant, small_thing
from .layouts import NO_SUN, orbit_cameras, sky_picture, sunlight
from .materials import Material, Use
from .record import Camera
from .shapes import Lattice, both_sides, box, cylinder, lathe, pierced_quad, place, quad, superellipsoid, tube
from .solids import rotation, tilted
from .stage import Scenery, Stage, white_light


def counter(stage: Stage) -> Scenery:
    """A run of base cabinets under a worktop, a splashback, cupboards or boards above, and what stands about."""
    width, deep, high = stage.uniform(1.6, 3.6), stage.uniform(0.45, 0.7), stage.uniform(0.75, 1.0)
    wall_height = stage.uniform(2.2, 2.9)
    stage.add([quad((-4, 0, 0), (8, 0, 0), (0, wall_height, 0))], "wall")
    stage.add([quad((-4, 0, 5), (8, 0, 0), (0, 0, -5))], "floor")
    front = stage.material("metal" if stage.chance(0.12) else "door")
    handles(stage, cabinet_run(stage, (0.0, 0.0, deep / 2), (width, high - 0.04, deep), front))
    top = stage.material("furniture" if stage.chance(0.6) else "floor")
    stage.add(box((0, high - 0.02, deep / 2 + 0.01), (width + 0.04, 0.04, deep + 0.04)), top)
    up = stage.uniform(0.25, 0.7)
    if stage.chance(0.7):
        stage.add([quad((-width / 2, high, 0.004), (width, 0, 0), (0, up, 0))], "wall")
    if stage.chance(0.55):
        tall, reach = stage.uniform(0.4, 0.8), stage.uniform(0.25, 0.4)
        handles(stage, cabinet_run(stage, (0.0, high + up, reach / 2), (width * 0.9, tall, reach), front))
        if stage.chance(0.5):  # light from under the cupboards
            strip = quad((-width * 0.4, high + up - 0.005, 0.05), (width * 0.8, 0, 0), (0, 0, reach * 0.4))
            stage.light([strip], white_light(stage.rng) * stage.uniform(1, 6))
    else:
        for k in range(int(stage.rng.integers(0, 3))):
            ledge(stage, stage.uniform(-0.2, 0.2) * width, high + up + 0.35 * k, stage.uniform(0.4, 0.9) * width)
    if stage.chance(0.5):
        sink(stage, (stage.uniform(-0.3, 0.3) * width, high, deep / 2))
    for _ in range(int(stage.rng.integers(3, 11))):
        at = (stage.uniform(-0.47, 0.47) * width, high + 0.002, stage.uniform(0.12, 0.9) * deep)
        (plant if stage.chance(0.08) else small_thing)(stage, at, stage.uniform(0.07, 0.34))
    target = np.array([stage.uniform(-0.35, 0.35) * width, high + stage.uniform(-0.3, 0.4), deep / 2])
    return before_wall(stage, target, (0.8, 2.6), wall_height, "counter")


def cabinet_run(
    stage: Stage, at: tuple[float, float, float], size: tuple[float, float, float], front: Material
) -> list[tuple[float, float, float]]:
    """Boxes side by side with doors and drawers, bottom in the middle at `at`; returns where handles sit."""
    width, height, deep = size
    x0, y0, z = at
    body = stage.material("furniture") if stage.chance(0.4) else front
    stage.add(box((x0, y0 + height / 2, z), (width, height, deep)), body)
    columns = max(1, round(width / stage.uniform(0.4, 0.8)))
    fronts, spots = [], []
    for column in range(columns):
        x = x0 + width * ((column + 0.5) / columns - 0.5)
        rows = int(stage.rng.choice([1, 1, 3, 4]))
        for row in range(rows):
            y = y0 + height * (row + 0.5) / rows
            fronts += box((x, y, z + deep / 2 + 0.009), (width / columns - 0.012, height / rows - 0.012, 0.018))
            spots.append((x, y + 0.36 * height / rows, z + deep / 2 + 0.02))
    stage.add(fronts, front)
    return spots


def handles(stage: Stage, spots: list[tuple[float, float, float]]) -> None:
    """Bars or knobs on fronts, or none."""
    kind = stage.rng.integers(3)
    if kind == 0:
        return
    one = (
        superellipsoid((0.035, 0.035, 0.035), (0.8, 0.8), 8)
        if kind == 1
        else tube([(-0.06, 0, 0), (-0.06, 0, 0.025), (0.06, 0, 0.025), (0.06, 0, 0)], 0.006, 0.006, 6)
    )
    stage.add([part for spot in spots for part in place(one, spot)], "metal" if stage.chance(0.75) else "object")


def ledge(stage: Stage, x: float, y: float, width: float) -> None:
    """A board on the wall, on brackets, with things on it."""
    deep = stage.uniform(0.15, 0.32)
    stage.add(box((x, y, deep / 2), (width, 0.025, deep)), "furniture")
    arms = [
        part
        for side in (-0.4, 0.4)
        for part in tube(
            [(x + side * width, y - 0.15, 0.01), (x + side * width, y - 0.01, deep * 0.8)], 0.008, 0.008, 6
        )
    ]
    stage.add(arms, "metal" if stage.chance(0.6) else "furniture")
    for _ in range(int(stage.rng.integers(1, 5))):
        small_thing(stage, (x + stage.uniform(-0.45, 0.45) * width, y + 0.014, deep / 2), stage.uniform(0.06, 0.28))


def sink(stage: Stage, at: tuple[float, float, float]) -> None:
    """A basin that stands on the top, and its tap."""
    radius = stage.uniform(0.16, 0.26)
    bowl = lathe(
        [(0, 0), (0.6 * radius, 0), (radius, 0.12), (0.93 * radius, 0.12), (0.55 * radius, 0.015), (0, 0.015)], 1
    )
    stage.add(bowl, "metal" if stage.chance(0.35) else "object", at)
    x, y, z = at
    tap = tube(
        [(x, y, z - 0.24), (x, y + 0.3, z - 0.24), (x, y + 0.32, z - 0.1), (x, y + 0.26, z - 0.08)], 0.014, 0.011, 8
    )
    stage.add(tap, "metal" if stage.chance(0.85) else "object")


def crates(stage: Stage) -> Scenery:
    """Boxes, open to any side or shut, leaning and piled up before a wall that carries boards, pipes and hooks."""
    stage.add([quad((-4, 0, 0), (8, 0, 0), (0, 3.0, 0))], "wall")
    stage.add([quad((-4, 0, 5), (8, 0, 0), (0, 0, -5))], "floor")
    if stage.chance(0.4):  # another wall at its side
        way = float(stage.rng.choice([-1.0, 1.0]))
        stage.add([quad((way * stage.uniform(1.0, 1.8), 0, 2.5 - 2.5 * way), (0, 0, 5 * way), (0, 3, 0))], "wall")
    uses: tuple[Use, ...] = ("furniture", "furniture", "object", "door", "fabric")
    for _ in range(int(stage.rng.integers(2, 7))):
        size = stage.rng.uniform((0.3, 0.25, 0.25), (0.9, 0.8, 0.6))
        x, base = stage.uniform(-1.1, 1.1), 0.0 if stage.chance(0.6) else stage.uniform(0.3, 0.9)
        z = float(size[2]) / 2 + stage.uniform(0.02, 0.5)
        skin = stage.material(uses[stage.rng.integers(len(uses))])
        if stage.chance(0.3):
            stage.add(box((0, size[1] / 2, 0), size.tolist()), skin, (x, base, z), stage.uniform(-0.5, 0.5))
        else:
            open_crate(stage, (x, base, z), size.tolist(), skin)
        if stage.chance(0.7):
            small_thing(stage, (x, base + float(size[1]) + 0.002, z), stage.uniform(0.1, 0.3))
    for _ in range(int(stage.rng.integers(0, 4))):
        if stage.chance(0.5):
            ledge(stage, stage.uniform(-1, 1), stage.uniform(1.0, 1.7), stage.uniform(0.4, 1.2))
        else:
            picture(stage, (stage.uniform(-1.3, 1.3), stage.uniform(1.0, 1.8), 0.0), 0.0)
    for _ in range(int(stage.rng.integers(0, 3))):
        x, y, thick = stage.uniform(-1.5, 1.5), stage.uniform(0.1, 2.0), stage.uniform(0.012, 0.05)
        ends = [(x, 0, 0.06), (x, 3, 0.06)] if stage.chance(0.5) else [(-4, y, 0.06), (4, y, 0.06)]
        stage.add(tube(ends, thick, thick, 8), "metal" if stage.chance(0.4) else "wall")
    target = np.array([stage.uniform(-0.7, 0.7), stage.uniform(0.3, 1.3), 0.25])
    return before_wall(stage, target, (0.9, 2.8), 2.9, "crates")


def open_crate(stage: Stage, at: tuple[float, float, float], size: list[float], skin: Material) -> None:
    """Five boards around a hollow that faces the camera, the sky or a side, with a thing or two in it."""
    width, height, deep = size
    board = stage.uniform(0.012, 0.03)
    middle = (0.0, height / 2, 0.0)
    walls = {
        "back": box((0, height / 2, -deep / 2 + board / 2), (width, height, board)),
        "front": box((0, height / 2, deep / 2 - board / 2), (width, height, board)),
        "left": box((-width / 2 + board / 2, height / 2, 0), (board, height, deep)),
        "right": box((width / 2 - board / 2, height / 2, 0), (board, height, deep)),
        "top": box((0, height - board / 2, 0), (width, board, deep)),
        "bottom": box((0, board / 2, 0), (width, board, deep)),
    }
    opening = str(stage.rng.choice(["front", "front", "front", "top", "left", "right"]))
    solid: list[Lattice] = [part for name, boards in walls.items() if name != opening for part in boards]
    turn = stage.uniform(-0.6, 0.6)
    if stage.chance(0.2):
        solid = place(tilted(place(solid, (0, -height / 2, 0)), rotation(stage.rng, 0.3)), middle)
    stage.add(solid, skin, at, turn)
    if stage.chance(0.5):  # a lining of its own
        lining = quad(
            (-width / 2 + board, board, -deep / 2 + board + 0.002),
            (width - 2 * board, 0, 0),
            (0, height - 2 * board, 0),
        )
        stage.add([lining], "wall" if stage.chance(0.5) else "fabric", at, turn)
    c, s = np.cos(turn), np.sin(turn)
    for _ in range(int(stage.rng.integers(0, 4))):
        x, z = stage.uniform(-0.35, 0.35) * width, stage.uniform(-0.2, 0.3) * deep
        spot = (at[0] + x * c + z * s, at[1] + board + 0.002, at[2] - x * s + z * c)
        small_thing(stage, spot, stage.uniform(0.2, 0.6) * min(width, height))


def sill(stage: Stage) -> Scenery:
    """A deep window seen from inside, things on its sill, against the light or beside it."""
    height, deep = stage.uniform(2.3, 3.0), stage.uniform(0.12, 0.5)
    wide, tall, base = stage.uniform(0.8, 2.2), stage.uniform(0.8, 1.5), stage.uniform(0.3, 1.0)
    paint = stage.material("wall")
    hole = (4 - wide / 2, base, 4 + wide / 2, min(base + tall, height - 0.1))
    stage.add(pierced_quad((-4, 0, 0), (8, 0, 0), (0, height, 0), hole), paint)
    top = hole[3]
    reveal = [
        quad((-wide / 2, top, -deep), (wide, 0, 0), (0, 0, deep)),
        quad((-wide / 2, base, 0), (0, 0, -deep), (0, top - base, 0)),
        quad((wide / 2, base, -deep), (0, 0, deep), (0, top - base, 0)),
    ]
    stage.add(reveal, paint if stage.chance(0.6) else "wall")
    stage.add(box((0, base - 0.02, -deep / 2 + 0.05), (wide + 0.1, 0.04, deep + 0.16)), "furniture")
    stage.add([quad((-4, 0, 5), (8, 0, 0), (0, 0, -5))], "floor")
    bars = []
    for x in np.linspace(-wide / 2, wide / 2, int(stage.rng.integers(2, 5))):
        bars += box((float(x), (base + top) / 2, -deep), (0.05, top - base, 0.06))
    for y in np.linspace(base, top, int(stage.rng.integers(2, 4))):
        bars += box((0, float(y), -deep), (wide, 0.05, 0.05))
    stage.add(bars, "door")
    outside = quad((-wide, base - 0.6, -deep - 0.8), (2 * wide, 0, 0), (0, top - base + 1.2, 0))
    land, air = stage.rng.uniform(0.1, 0.5, 3), np.array([0.8, 0.92, 1.1]) * stage.uniform(0.7, 1.3)
    rows, noise = np.linspace(0, 1, 12)[:, None, None], stage.rng.uniform(0.7, 1.2, (12, 16, 1))
    view = np.where(rows > stage.uniform(0.2, 0.9), air, land) * noise * stage.uniform(1, 6)
    stage.light([outside], view.astype(np.float32))
    for _ in range(int(stage.rng.integers(2, 8))):
        at = (stage.uniform(-0.45, 0.45) * wide, base + 0.003, stage.uniform(-0.85, 0.15) * deep)
        (plant if stage.chance(0.3) else small_thing)(stage, at, stage.uniform(0.08, 0.35))
    for side in (-1, 1):
        if stage.chance(0.35):
            picture(stage, (side * (wide / 2 + stage.uniform(0.5, 0.9)), stage.uniform(1.0, 1.7), 0.0), 0.0)
    if stage.chance(0.4):  # a warm body of ribs under the window
        ribs = [
            rib
            for k in range(int(wide / 0.09))
            for rib in box((0.09 * k - wide / 2 + 0.05, base * 0.5, 0.06), (0.06, base * 0.8, 0.06))
        ]
        stage.add(ribs, "door")
    target = np.array([stage.uniform(-0.35, 0.35) * wide, base + stage.uniform(0.0, 0.5), -deep / 2])
    return before_wall(stage, target, (0.8, 2.4), height, "sill")


def before_wall(stage: Stage, target: Array, distance: tuple[float, float], height: float, layout: str) -> Scenery:
    """Light and cameras for what stands before the wall z = 0: lamps anywhere on the camera's side, or sun and sky."""
    has_sun, has_ceiling = stage.chance(0.3), stage.chance(0.3)
    if has_ceiling:
        stage.add([quad((-4, height, 0), (8, 0, 0), (0, 0, 3))], "ceiling")
    for _ in range(int(stage.rng.integers(0 if has_sun else 1, 4))):
        at = (stage.uniform(-2.5, 2.5), stage.uniform(0.9, height - 0.15), stage.uniform(0.8, 3.5))
        size, colour = float(np.exp(stage.uniform(np.log(0.06), np.log(1.2)))), white_light(stage.rng)
        if stage.chance(0.12):
            colour = colour * stage.rng.uniform(0.2, 1.0, 3)
        stage.light(superellipsoid((size, size, size), detail=8), colour * stage.uniform(1.0, 5.0) / size**2, at)
    sun = sunlight(stage, stage.uniform(1, 8)) if has_sun else NO_SUN
    heading, rise = np.radians(stage.rng.normal(0, 28)), np.radians(stage.uniform(-8, 32))
    away = np.array([np.sin(heading) * np.cos(rise), np.sin(rise), np.cos(heading) * np.cos(rise)])
    origin = target + away * stage.uniform(*distance)
    low, high = np.array([-3.8, 0.15, 0.5]), np.array([3.8, height - 0.1, 4.8])
    cameras: tuple[Camera, ...] = path(stage.rng, np.clip(origin, low, high), target, stage.uniform(34, 72), low, high)
    return stage.scenery(sky_picture(stage, stage.uniform(0.1, 1.0)), sun, cameras, layout)


def porch(stage: Stage) -> Scenery:
    """Outdoors, close to a house: its front with doors and boards, steps, a fence that throws its shadow, an awning."""
    stage.add([quad((-25, 0, 25), (50, 0, 0), (0, 0, -50))], "ground")
    height = stage.uniform(2.4, 5.0)
    stage.add(box((0, height / 2, -3.0), (stage.uniform(5, 10), height, 0.4)), "wall")
    leaf, frame = stage.material("door"), stage.material("door")
    for x in np.arange(-3.5, 3.5, stage.uniform(1.2, 2.4)):
        wide, tall, base = stage.uniform(0.6, 1.1), stage.uniform(0.9, 2.1), 0.0
        if stage.chance(0.5):
            base, tall = stage.uniform(0.6, 1.0), stage.uniform(0.7, 1.2)
        stage.add(box((float(x), base + tall / 2, -2.78), (wide + 0.16, tall + 0.16, 0.08)), frame)
        stage.add(box((float(x), base + tall / 2, -2.75), (wide, tall, 0.06)), leaf if base == 0 else "object")
    if stage.chance(0.5):  # steps to the house
        count, wide, x = int(stage.rng.integers(2, 6)), stage.uniform(1.2, 3.0), stage.uniform(-1.5, 1.5)
        flight = [
            face
            for k in range(count)
            for face in box((x, 0.08 + 0.08 * k, -2.8 + 0.15 * (count - k)), (wide, 0.16 * (k + 1), 0.3 * (count - k)))
        ]
        stage.add(flight, "wall")
    if stage.chance(0.6):  # a fence
        z, gap, tall = stage.uniform(-1.5, 0.5), stage.uniform(0.09, 0.3), stage.uniform(0.6, 1.3)
        pales = [face for x in np.arange(-3, 3, gap) for face in box((float(x), tall / 2, z), (gap * 0.5, tall, 0.03))]
        pales += box((0, tall * 0.3, z - 0.03), (6, 0.06, 0.03)) + box((0, tall * 0.8, z - 0.03), (6, 0.06, 0.03))
        stage.add(pales, "metal" if stage.chance(0.2) else "furniture")
    if stage.chance(0.5):  # cloth on two poles
        reach, y = stage.uniform(0.8, 1.8), stage.uniform(1.9, 2.6)
        stage.add(both_sides([quad((-1.6, y - 0.3, -2.8 + reach), (3.2, 0, 0), (0, 0.3, -reach))]), "fabric")
        poles = [pole for x in (-1.5, 1.5) for pole in place(cylinder(0.03, y - 0.3), (x, 0, -2.8 + reach))]
        stage.add(poles, "metal" if stage.chance(0.5) else "furniture")
    for _ in range(int(stage.rng.integers(4, 12))):
        at = (stage.uniform(-2.2, 2.2), 0.0, stage.uniform(-2.3, 1.2))
        (plant if stage.chance(0.25) else small_thing)(stage, at, stage.uniform(0.15, 0.7))
    has_sun = stage.chance(0.75)
    sun = sunlight(stage, stage.uniform(1.5, 7)) if has_sun else NO_SUN
    sight = np.array([stage.uniform(-1.5, 1.5), stage.uniform(0.2, 1.4), stage.uniform(-2.6, -0.6)])
    while True:
        cameras = orbit_cameras(stage, sight, (1.6, 4.5), (2, 30), (40, 72))
        if min(camera.to_world[2, 3] for camera in cameras) > -1.5:
            break
    return stage.scenery(sky_picture(stage, stage.uniform(0.5, 1.2)), sun, cameras, "porch")
