"""Where things stand: the layouts that training scenes are drawn from. `compose` makes any scene from its seed.

Layouts of the held-out set are others (`held_out_layouts.py`), with things and patterns of their own.
"""

from collections.abc import Callable

import numpy as np

from ..maps import Array
from .cameras import path
from .clutter import plant, small_thing
from .furniture import FURNITURE
from .materials import Split
from .record import Camera
from .rooms import Room, add_lamps, build_shell, hang_pictures
from .shapes import Lattice, box, cylinder, place, quad, tube
from .shapes import boulder as lump
from .stage import Scenery, Stage, white_light

Layout = Callable[[Stage], Scenery]
NO_SUN = (np.array([0.0, -1.0, 0.0]), np.zeros(3))


def furnish(stage: Stage, low: Array, high: Array, things: tuple[int, int], clutter: tuple[int, int]) -> None:
    """Furniture on the floor between two corners of a plan (x, z), and clutter on it and around."""
    for _ in range(int(stage.rng.integers(*things))):
        x, z = stage.rng.uniform(low + 0.5, high - 0.5)
        turn = (
            float(stage.rng.choice([0.0, np.pi / 2, np.pi, -np.pi / 2])) if stage.chance(0.7) else stage.uniform(0, 6.3)
        )
        FURNITURE[stage.rng.integers(len(FURNITURE))](stage, (float(x), 0.0, float(z)), turn)
        stage.sights.append((float(x), 0.6, float(z)))
    for _ in range(int(stage.rng.integers(*clutter))):
        if stage.tops and stage.chance(0.7):
            top = stage.tops[stage.rng.integers(len(stage.tops))]
            x, z = np.asarray(top.centre)[[0, 2]] + stage.rng.uniform(-top.reach, top.reach, 2)
            y, size = top.centre[1] + 0.002, stage.uniform(0.08, 0.35)
        else:
            x, z = stage.rng.uniform(low + 0.3, high - 0.3)
            y, size = 0.0, stage.uniform(0.15, 0.8)
        thing = plant if stage.chance(0.1) else small_thing
        thing(stage, (float(x), y, float(z)), size)


def room_cameras(stage: Stage, room: Room) -> tuple[Camera, ...]:
    """A path at the height of a hand or an eye, towards something that stands in the room."""
    middle = np.array([room.width / 2, 0.9, room.depth / 2])
    sight = np.asarray(stage.sights[stage.rng.integers(len(stage.sights))]) if stage.sights else middle
    target = sight * 0.7 + middle * 0.3
    low, high = np.array([0.25, 0.3, 0.25]), np.array([room.width - 0.25, room.height - 0.25, room.depth - 0.25])
    for _ in range(30):
        origin = stage.rng.uniform(low, high)
        origin[1] = stage.uniform(0.7, 1.8)
        if np.linalg.norm((origin - target)[[0, 2]]) > 1.3:
            break
    return path(stage.rng, origin, target, stage.uniform(42, 82), low, high)


def interior(stage: Stage, room: Room, sun: Array | None, layout: str) -> Scenery:
    """What stands in a room, seen from inside; `sun`: the way its light travels where it comes in."""
    sky = sky_picture(stage, stage.uniform(0.5, 3.0))
    light = NO_SUN if sun is None else (sun, white_light(stage.rng) * stage.uniform(8, 60))
    return stage.scenery(sky, light, room_cameras(stage, room), layout)


def furnished_room(stage: Stage) -> Scenery:
    """A room with windows, lamps, furniture, clutter and pictures."""
    width, depth = stage.rng.uniform(2.6, 7.0, 2)
    room = Room(float(width), stage.uniform(2.3, 3.4), float(depth))
    sun = build_shell(stage, room)
    add_lamps(stage, room, needed=sun is None)
    furnish(stage, np.zeros(2), np.array([width, depth]), (2, 7), (4, 13))
    hang_pictures(stage, room)
    if stage.chance(0.45):
        wide, long = stage.uniform(1.0, 2.6), stage.uniform(1.0, 2.6)
        spot = (stage.uniform(0, max(0.1, width - wide)), 0.0, stage.uniform(0, max(0.1, depth - long)))
        stage.add(place(box((wide / 2, 0.008, long / 2), (wide, 0.016, long)), spot), "fabric")
    return interior(stage, room, sun, "room")


def sky_picture(stage: Stage, level: float) -> Array:
    """A sky (16, 32, 3), brighter and paler towards the horizon, over dark ground; sometimes with clouds."""
    height = np.linspace(1, -1, 16)[:, None, None]
    zenith = np.array([0.35, 0.6, 1.1]) * stage.rng.uniform(0.8, 1.2, 3)
    horizon = np.array([0.95, 1.0, 1.05]) * stage.rng.uniform(0.8, 1.1, 3)
    if stage.chance(0.4):
        zenith = horizon * stage.uniform(0.8, 1.2)  # overcast
    blend = np.clip(height, 0, 1) ** 0.6
    ground = stage.rng.uniform(0.05, 0.4) * np.array([1.0, 0.95, 0.85])
    sky = np.where(height > 0, zenith * blend + horizon * (1 - blend), ground)
    clouds = stage.rng.uniform(0.6, 1.4, (16, 32, 1)) if stage.chance(0.5) else np.ones((16, 32, 1))
    picture: Array = (sky * clouds * level).astype(np.float32)
    return picture


def sunlight(stage: Stage, level: float) -> tuple[Array, Array]:
    """A direction of travel and the irradiance of a sun somewhere above."""
    elevation, heading = np.radians(stage.uniform(15, 75)), stage.uniform(0, 2 * np.pi)
    way = [np.cos(elevation) * np.cos(heading), -np.sin(elevation), np.cos(elevation) * np.sin(heading)]
    return np.array(way), white_light(stage.rng) * level


def orbit_cameras(
    stage: Stage, target: Array, distance: tuple[float, float], rise_deg: tuple[float, float], fov: tuple[float, float]
) -> tuple[Camera, ...]:
    """A path around or past a target that is seen from all sides."""
    rise, heading = np.radians(stage.uniform(*rise_deg)), stage.uniform(0, 2 * np.pi)
    away = stage.uniform(*distance) * np.array(
        [np.cos(rise) * np.cos(heading), np.sin(rise), np.cos(rise) * np.sin(heading)]
    )
    low, high = target - 50, target + 50
    low[1] = 0.15
    return path(stage.rng, target + away, target, stage.uniform(*fov), low, high)


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


TRAIN_LAYOUTS: tuple[tuple[Layout, float], ...] = ((furnished_room, 0.6), (still_life, 0.22), (courtyard, 0.18))


def compose(seed: int, split: Split, attempt: int = 0) -> Scenery:
    """The scene of a seed: always the same; `attempt` counts those whose cameras saw too little.

    Training and held-out scenes of one seed have nothing in common.
    """
    from .held_out_layouts import HELD_OUT_LAYOUTS

    layouts = TRAIN_LAYOUTS if split == "train" else HELD_OUT_LAYOUTS
    rng = np.random.default_rng([seed, split == "held-out", attempt])
    chosen = rng.choice(len(layouts), p=[share for _, share in layouts])
    return layouts[chosen][0](Stage(rng, split))
