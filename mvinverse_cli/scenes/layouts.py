"""From a seed to a scene, and what the layouts of both splits are made with: furnishing, cameras, sun and sky.

The layouts are in `train_layouts.py` and `held_out_layouts.py`; those of the held-out set are others, with things and
patterns of their own.
"""

from collections.abc import Callable

import numpy as np

from ..maps import Array
from .cameras import path
from .clutter import plant, small_thing
from .furniture import FURNITURE
from .materials import Split
from .record import Camera
from .rooms import Room
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


def compose(seed: int, split: Split, attempt: int = 0) -> Scenery:
    """The scene of a seed: always the same; `attempt` counts those whose cameras saw too little.

    Training and held-out scenes of one seed have nothing in common.
    """
    from .held_out_layouts import HELD_OUT_LAYOUTS
    from .train_layouts import TRAIN_LAYOUTS

    layouts = TRAIN_LAYOUTS if split == "train" else HELD_OUT_LAYOUTS
    rng = np.random.default_rng([seed, split == "held-out", attempt])
    chosen = rng.choice(len(layouts), p=[share for _, share in layouts])
    return layouts[chosen][0](Stage(rng, split))
