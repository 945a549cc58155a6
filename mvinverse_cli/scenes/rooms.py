"""The shell of a room: floor, ceiling, four walls with real openings, what stands outside, and its lamps.

Metres, +Y up; a room reaches from (0, 0, 0) to (width, height, depth). Walls have a frame of their own: s along the
wall from its left corner as seen from inside, y up, z into the room.
"""

from dataclasses import dataclass

import numpy as np

from ..maps import Array
from .clutter import picture
from .shapes import box, curtain, lathe, pierced_quad, place, quad, superellipsoid, tube
from .stage import Stage, white_light

NIGHT = 0.02  # radiance of a window pane at night


@dataclass(frozen=True)
class Wall:
    """`corner`: where s, y and z are 0; `turn`: radians around +Y from the frame of the world to the wall's."""

    corner: tuple[float, float, float]
    turn: float
    length: float

    def point(self, s: float, y: float, z: float) -> tuple[float, float, float]:
        """A point of the wall's frame in the world."""
        c, sine = np.cos(self.turn), np.sin(self.turn)
        return (self.corner[0] + s * c + z * sine, self.corner[1] + y, self.corner[2] - s * sine + z * c)


@dataclass(frozen=True)
class Room:
    """Sizes in metres and the four walls: front, right, back, left as seen on a plan."""

    width: float
    height: float
    depth: float

    @property
    def walls(self) -> tuple[Wall, Wall, Wall, Wall]:
        return (
            Wall((0, 0, 0), 0.0, self.width),
            Wall((self.width, 0, 0), -np.pi / 2, self.depth),
            Wall((self.width, 0, self.depth), np.pi, self.width),
            Wall((0, 0, self.depth), np.pi / 2, self.depth),
        )


def build_shell(stage: Stage, room: Room) -> Array | None:
    """Floor, ceiling and walls, some with windows. Returns the way sunlight travels, None where none comes in."""
    w, h, d = room.width, room.height, room.depth
    stage.add([quad((0, 0, d), (w, 0, 0), (0, 0, -d))], "floor")
    stage.add([quad((0, h, 0), (w, 0, 0), (0, 0, d))], "ceiling")
    common = stage.material("wall")
    sun_wall = int(stage.rng.integers(4)) if stage.chance(0.45) else -1
    is_night = sun_wall < 0 and stage.chance(0.2)
    elevation = np.radians(stage.uniform(18, 55))
    sun = None
    for index, wall in enumerate(room.walls):
        paint = common if stage.chance(0.65) else stage.material("wall")
        if index != sun_wall and not stage.chance(0.3):
            stage.add([quad((0, 0, 0), (wall.length, 0, 0), (0, h, 0))], paint, wall.corner, wall.turn)
            continue
        size = (min(stage.uniform(0.7, 2.4), wall.length - 0.5), min(stage.uniform(0.9, 1.9), h - 0.5))
        s0, y0 = stage.uniform(0.2, wall.length - size[0] - 0.2), stage.uniform(0.2, h - size[1] - 0.2)
        hole = (s0, y0, s0 + size[0], y0 + size[1])
        stage.add(pierced_quad((0, 0, 0), (wall.length, 0, 0), (0, h, 0), hole), paint, wall.corner, wall.turn)
        add_frame(stage, wall, hole)
        if index == sun_wall:
            aside = np.radians(stage.uniform(-50, 50))
            heading = wall.turn + aside
            sun = np.array(
                [np.sin(heading) * np.cos(elevation), -np.sin(elevation), np.cos(heading) * np.cos(elevation)]
            )
            add_outdoors(stage, wall, hole, elevation)
        else:
            glow = NIGHT if is_night else stage.uniform(2, 14)
            pane = quad((hole[0], hole[1], -0.12), (size[0], 0, 0), (0, size[1], 0))
            stage.light(
                [pane], glow * np.array([0.85, 0.95, 1.1]) * stage.rng.uniform(0.85, 1.15, 3), wall.corner, wall.turn
            )
        if stage.chance(0.35):
            drop = hole[3] + 0.12 - max(0.05, hole[1] - stage.uniform(0.1, 0.8))
            for left in (hole[0] - 0.25, hole[2] - 0.15):
                cloth = curtain(0.4, drop, stage.uniform(3, 6))
                stage.add(cloth, "fabric", wall.point(left, hole[3] + 0.12 - drop, 0.1), wall.turn)
    return sun


def add_frame(stage: Stage, wall: Wall, hole: tuple[float, float, float, float]) -> None:
    """Reveal, frame and cross bars of a window."""
    left, bottom, right, top = hole
    deep, thick = 0.24, stage.uniform(0.03, 0.07)
    z = 0.02 - deep / 2
    middle, height = (left + right) / 2, (bottom + top) / 2
    bars = box((left - thick / 2, height, z), (thick, top - bottom, deep))
    bars += box((right + thick / 2, height, z), (thick, top - bottom, deep))
    bars += box((middle, bottom - thick / 2, z + 0.03), (right - left + 3 * thick, thick, deep + 0.06))
    bars += box((middle, top + thick / 2, z), (right - left + 2 * thick, thick, deep))
    for k in range(1, int(stage.rng.integers(1, 4))):
        bars += box((left + (right - left) * k / 3, height, -0.08), (0.035, top - bottom, 0.03))
    for k in range(1, int(stage.rng.integers(1, 4))):
        bars += box((middle, bottom + (top - bottom) * k / 3, -0.08), (right - left, 0.035, 0.03))
    stage.add(bars, "door", wall.corner, wall.turn)


def add_outdoors(stage: Stage, wall: Wall, hole: tuple[float, float, float, float], elevation: float) -> None:
    """A bright view a few metres outside, low enough that the sun shines over it into the window."""
    away = stage.uniform(2.5, 4.5)
    top = hole[1] + 0.95 * away * np.tan(elevation)
    side = quad((hole[0] - 4, -3.0, -away), (hole[2] - hole[0] + 8, 0, 0), (0, top + 3.0, 0))
    rows = np.linspace(0, 1, 24)[:, None]
    skyline = (
        stage.uniform(0.5, 0.8) + 0.08 * np.sin(np.linspace(0, stage.uniform(5, 40), 32) + stage.uniform(0, 6))[None]
    )
    land = stage.rng.uniform(0.1, 0.5, 3)
    air = np.array([0.75, 0.9, 1.15]) * stage.uniform(0.9, 1.6)
    view = np.where((rows > skyline)[..., None], air, land) * stage.uniform(3, 9)
    stage.light([side], view[::-1] * stage.rng.uniform(0.8, 1.1, (24, 32, 1)), wall.corner, wall.turn)


def add_lamps(stage: Stage, room: Room, *, needed: bool) -> None:
    """Ceiling panels and globes, standing lamps with shades; at least one where `needed`."""
    count = int(stage.rng.integers(1 if needed else 0, 4))
    for _ in range(count):
        x, z = stage.uniform(0.5, room.width - 0.5), stage.uniform(0.5, room.depth - 0.5)
        colour = white_light(stage.rng)
        if stage.chance(0.07):
            colour = colour * stage.rng.uniform(0.15, 1.0, 3)
        kind = stage.rng.integers(3)
        if kind == 0:
            side, other = stage.uniform(0.2, 0.9), stage.uniform(0.2, 0.9)
            panel = quad((x - side / 2, room.height - 0.015, z - other / 2), (side, 0, 0), (0, 0, other))
            stage.light([panel], colour * stage.uniform(3, 14) / (side * other) ** 0.7)
        elif kind == 1:
            r, drop = stage.uniform(0.06, 0.2), stage.uniform(0.2, 0.9)
            stage.light(
                superellipsoid((2 * r, 2 * r, 2 * r), detail=10),
                colour * stage.uniform(1.0, 4.0) / r**2 * 0.2,
                (x, room.height - drop, z),
            )
            stage.add(tube([(x, room.height - drop + r, z), (x, room.height, z)], 0.006, 0.006, 6), "metal")
        else:
            standing_lamp(stage, (x, 0.0, z), stage.uniform(1.1, 1.7), colour)


def standing_lamp(stage: Stage, at: tuple[float, float, float], height: float, colour: Array) -> None:
    """A bulb on a stand, in an open shade that throws an edge of light on the wall."""
    foot = lathe([(0, 0), (0.14, 0), (0.14, 0.03), (0.02, 0.04), (0.015, height - 0.1), (0, height - 0.1)], 0, 20)
    stage.add(foot, "metal" if stage.chance(0.6) else "object", at)
    wide, narrow, tall = stage.uniform(0.15, 0.25), stage.uniform(0.08, 0.16), stage.uniform(0.16, 0.3)
    outside = [(wide, -tall / 2), (narrow, tall / 2)]
    shade = lathe([*outside, (narrow - 0.006, tall / 2), (wide - 0.006, -tall / 2)], 0, 28)
    stage.add(place(shade, (0, height, 0)), "fabric", at)
    bulb = superellipsoid((0.1, 0.1, 0.1), detail=8)
    stage.light(place(bulb, (0, height - 0.03, 0)), colour * stage.uniform(15, 60), at)


def hang_pictures(stage: Stage, room: Room) -> None:
    """Up to four pictures on the walls."""
    for _ in range(int(stage.rng.integers(0, 5))):
        wall = room.walls[stage.rng.integers(4)]
        picture(stage, wall.point(stage.uniform(0.6, wall.length - 0.6), stage.uniform(1.2, 1.9), 0.0), wall.turn)
