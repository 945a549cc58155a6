"""Layouts of training scenes that are rooms: furnished rooms, corridors, halls, stairwells, workshops and kitchens."""

import numpy as np

from .clutter import picture, small_thing
from .furniture import appliance
from .layouts import furnish, interior
from .rooms import Room, add_lamps, build_shell, hang_pictures
from .shapes import box, lathe, place, quad, superellipsoid, tube
from .solids import random_solid
from .stage import Place, Scenery, Stage, Top
from .train_fronts import cabinet_run, handles, ledge, sink


def furnished_room(stage: Stage) -> Scenery:
    """A room with windows, lamps, furniture, clutter and pictures."""
    width, depth = stage.rng.uniform(2.6, 7.0, 2)
    room = Room(float(width), stage.uniform(2.3, 3.4), float(depth))
    sun = build_shell(stage, room)
    add_lamps(stage, room, needed=sun is None)
    furnish(stage, np.zeros(2), np.array([width, depth]), (2, 7), (4, 13))
    hang_pictures(stage, room)
    if stage.chance(0.2):
        sloped_ceiling(stage, room)
    if stage.chance(0.45):
        rug(stage, room)
    return interior(stage, room, sun, "room")


def rug(stage: Stage, room: Room) -> None:
    """A cloth on the floor, square to the room."""
    wide, long = stage.uniform(1.0, 2.6), stage.uniform(1.0, 2.6)
    spot = (stage.uniform(0, max(0.1, room.width - wide)), 0.0, stage.uniform(0, max(0.1, room.depth - long)))
    stage.add(place(box((wide / 2, 0.008, long / 2), (wide, 0.016, long)), spot), "fabric")


def sloped_ceiling(stage: Stage, room: Room) -> None:
    """Two slopes under the roof, from the side walls to a ridge along the room."""
    knee = room.height * stage.uniform(0.45, 0.8)
    half, rise = room.width / 2, room.height - knee - 0.01
    left = quad((0.01, knee, 0), (half, rise, 0), (0, 0, room.depth))
    right = quad((half, knee + rise, 0), (half - 0.01, -rise, 0), (0, 0, room.depth))
    stage.add([left, right], "ceiling" if stage.chance(0.5) else "furniture")


def corridor(stage: Stage) -> Scenery:
    """A long narrow room with doors on both sides, pipes, a runner, and steps at its end."""
    room = Room(stage.uniform(1.3, 2.6), stage.uniform(2.2, 3.2), stage.uniform(4.5, 10.0))
    sun = build_shell(stage, room)
    for _ in range(2):
        add_lamps(stage, room, needed=sun is None)
    leaf, frame = stage.material("door"), stage.material("door")
    for wall in (room.walls[1], room.walls[3]):
        for s in np.arange(stage.uniform(0.6, 1.5), wall.length - 0.8, stage.uniform(1.4, 2.8)):
            if stage.chance(0.6):
                stage.add(box((0, 1.0, 0.01), (0.86, 2.0, 0.05)), leaf, wall.point(float(s), 0, 0), wall.turn)
                stage.add(box((0, 1.02, 0.005), (1.0, 2.08, 0.03)), frame, wall.point(float(s), 0, 0), wall.turn)
                knob = place(superellipsoid((0.12, 0.03, 0.05), (0.6, 0.6), 8), (0.33, 1.0, 0.06))
                stage.add(knob, "metal", wall.point(float(s), 0, 0), wall.turn)
                stage.sights.append(wall.point(float(s), 1.0, 0.0))
            else:
                picture(stage, wall.point(float(s), stage.uniform(1.2, 1.8), 0.0), wall.turn)
    for _ in range(int(stage.rng.integers(0, 4))):
        x, y = stage.uniform(0.08, room.width - 0.08), room.height - stage.uniform(0.06, 0.3)
        pipe = tube([(x, y, 0), (x, y, room.depth)], stage.uniform(0.02, 0.09), stage.uniform(0.02, 0.09))
        stage.add(pipe, "metal" if stage.chance(0.5) else "object")
    if stage.chance(0.5):
        stage.add(box((room.width / 2, 0.006, room.depth / 2), (room.width * 0.6, 0.012, room.depth * 0.9)), "fabric")
    if stage.chance(0.5):
        start, count = stage.uniform(0.8, 1.5), int(stage.rng.integers(3, 8))
        steps(stage, (room.width / 2, 0.0, start), 0.0, room.width * 0.9, count)
    furnish(stage, np.zeros(2), np.array([room.width, room.depth]), (0, 3), (3, 9))
    return interior(stage, room, sun, "corridor")


def steps(stage: Stage, at: Place, turn: float, width: float, count: int) -> tuple[float, float]:
    """A flight of stairs that rises backwards, solid or open below, perhaps with a rail; treads of their own material.

    Returns how high and how far back its last tread ends.
    """
    tread, rise, run = stage.material("floor"), stage.uniform(0.12, 0.2), stage.uniform(0.22, 0.34)
    riser = tread if stage.chance(0.5) else stage.material("furniture")
    bodies, boards, is_solid = [], [], stage.chance(0.5)
    for k in range(count):
        height = rise * (k + 1)
        thick = height if is_solid else rise * 1.4
        bodies += box((0, height - thick / 2, -run * (k + 0.5)), (width, thick, run))
        boards += box((0, height, -run * (k + 0.5) + 0.015), (width * 1.01, 0.03, run + 0.03))
    stage.add(bodies, riser, at, turn)
    stage.add(boards, tread, at, turn)
    if stage.chance(0.6):
        rail = tube([(0, 0.9, 0), (0, 0.9 + rise * count, -run * count)], 0.025, 0.025)
        posts = [
            post
            for k in range(count)
            for post in tube([(0, rise * k, -run * k), (0, 0.9 + rise * k, -run * k)], 0.012, 0.012, 6)
        ]
        metal = stage.material("metal" if stage.chance(0.6) else "furniture")
        for side in (-0.48, 0.48):
            stage.add(place(rail + posts, (side * width, 0, 0)), metal, at, turn)
    return rise * count, run * count


def hall(stage: Stage) -> Scenery:
    """A large room that inner walls divide, half high or with a passage, perhaps under a gallery, with panelling."""
    width, depth = stage.rng.uniform(4.5, 9.0, 2)
    room = Room(float(width), stage.uniform(2.4, 4.2), float(depth))
    sun = build_shell(stage, room)
    for _ in range(2):
        add_lamps(stage, room, needed=sun is None)
    if stage.chance(0.4):
        panelling(stage, room)
    for _ in range(int(stage.rng.integers(1, 3))):
        inner_wall(stage, room)
    if room.height > 3.1 and stage.chance(0.5):
        gallery(stage, room)
    for _ in range(int(stage.rng.integers(0, 3))):
        rug(stage, room)
    furnish(stage, np.zeros(2), np.array([width, depth]), (3, 9), (5, 15))
    hang_pictures(stage, room)
    return interior(stage, room, sun, "hall")


def panelling(stage: Stage, room: Room) -> None:
    """A band of boards or tiles along the foot of some walls, under a rail."""
    skin, up = stage.material("furniture" if stage.chance(0.5) else "wall"), stage.uniform(0.1, 1.5)
    rail = stage.material("door")
    for wall in room.walls:
        if stage.chance(0.75):
            middle = wall.length / 2
            stage.add(box((middle, up / 2, 0.012), (wall.length, up, 0.024)), skin, wall.corner, wall.turn)
            stage.add(box((middle, up, 0.02), (wall.length, 0.05, 0.04)), rail, wall.corner, wall.turn)


def inner_wall(stage: Stage, room: Room) -> None:
    """A wall from one side into the room: half high with a board on it, or to the ceiling, perhaps with a passage."""
    wall = room.walls[stage.rng.integers(4)]
    s, reach, thick = wall.length * stage.uniform(0.25, 0.75), stage.uniform(0.8, 2.4), stage.uniform(0.08, 0.25)
    skin = stage.material("wall")
    if stage.chance(0.45):
        high = stage.uniform(0.7, 1.3)
        stage.add(box((s, high / 2, reach / 2), (thick, high, reach)), skin, wall.corner, wall.turn)
        board = box((s, high + 0.015, reach / 2), (thick + 0.1, 0.03, reach + 0.05))
        stage.add(board, "furniture", wall.corner, wall.turn)
        x, y, z = wall.point(s, high + 0.03, reach / 2)
        stage.tops.append(Top((x, y, z), thick / 2))
        return
    passage = stage.uniform(0.7, 1.1) if stage.chance(0.5) else 0.0
    body = box((s, room.height / 2, reach / 2), (thick, room.height, reach))
    if passage:  # and on behind it, under a lintel
        lintel, far = room.height - stage.uniform(2.0, 2.2), stage.uniform(0.3, 1.0)
        middle = reach + passage / 2
        body += box((s, room.height - lintel / 2, middle), (thick, lintel, passage))
        body += box((s, room.height / 2, reach + passage + far / 2), (thick, room.height, far))
    stage.add(body, skin, wall.corner, wall.turn)
    stage.sights.append(wall.point(s, 1.2, reach))


def gallery(stage: Stage, room: Room) -> None:
    """A floor half way up along one wall, with a rail."""
    wall = room.walls[stage.rng.integers(4)]
    deep, under, high = stage.uniform(0.9, 2.0), stage.uniform(2.0, 2.3), stage.uniform(0.6, 0.9)
    middle = wall.length / 2
    stage.add(box((middle, under, deep / 2), (wall.length, 0.16, deep)), "furniture", wall.corner, wall.turn)
    rail = [part for y in (0.5, 1.0) for part in box((middle, under + high * y, deep), (wall.length, 0.04, 0.04))]
    for s in np.arange(0.05, wall.length, stage.uniform(0.1, 0.9)):
        rail += box((float(s), under + high / 2, deep), (0.03, high, 0.03))
    stage.add(rail, "metal" if stage.chance(0.5) else "door", wall.corner, wall.turn)


def stairwell(stage: Stage) -> Scenery:
    """Stairs that rise along a wall to a landing, in a narrow or a wide room, with panelling and pictures."""
    room = Room(stage.uniform(2.2, 5.0), stage.uniform(2.6, 4.5), stage.uniform(4.0, 7.5))
    sun = build_shell(stage, room)
    for _ in range(2):
        add_lamps(stage, room, needed=sun is None)
    if stage.chance(0.5):
        panelling(stage, room)
    wide, front = stage.uniform(0.8, 1.4), stage.uniform(2.4, 3.8)
    x = wide / 2 + 0.02 if stage.chance(0.5) else room.width - wide / 2 - 0.02
    count = int(stage.rng.integers(6, 13))
    up, back = steps(stage, (x, 0.0, front), 0.0, wide, count)
    if back < front - 0.3:  # what is left behind them
        landing = box((x, up / 2, (front - back) / 2), (wide, up, front - back))
        stage.add(landing, "wall" if stage.chance(0.5) else "furniture")
        small_thing(stage, (x, up + 0.002, (front - back) / 2), stage.uniform(0.2, 0.6))
    small_thing(stage, (x, 0.0, max(0.3, front - back * 0.9)), stage.uniform(0.3, 0.9))  # perhaps under them
    for share in (0.2, 0.7):
        stage.sights.append((x, up * share + 0.3, front - back * share))
    furnish(stage, np.zeros(2), np.array([room.width, room.depth]), (1, 5), (4, 10))
    hang_pictures(stage, room)
    if stage.chance(0.4):
        rug(stage, room)
    return interior(stage, room, sun, "stairwell")


def workshop(stage: Stage) -> Scenery:
    """A kitchen, bath or workroom: cabinets along a wall, racks, lockers, tubs, pipes; much of it of metal."""
    room = Room(stage.uniform(2.4, 6.0), stage.uniform(2.2, 3.4), stage.uniform(2.6, 6.5))
    sun = build_shell(stage, room)
    add_lamps(stage, room, needed=sun is None)
    if stage.chance(0.5):
        panelling(stage, room)
    worktop(stage, room)
    for _ in range(int(stage.rng.integers(1, 4))):
        wall = room.walls[stage.rng.integers(1, 4)]
        s = stage.uniform(0.7, wall.length - 0.7)
        (rack if stage.chance(0.6) else lockers)(stage, wall.point(s, 0.0, stage.uniform(0.25, 0.6)), wall.turn)
    for _ in range(int(stage.rng.integers(0, 4))):
        pipe_run(stage, room)
    if stage.chance(0.35):
        tub(stage, room)
    for _ in range(int(stage.rng.integers(0, 3))):
        at = (stage.uniform(0.6, room.width - 0.6), 0.0, stage.uniform(0.8, room.depth - 0.6))
        stage.add(random_solid(stage, stage.uniform(0.4, 1.2)), "metal", at, stage.uniform(0, 6.3))
        stage.sights.append((at[0], 0.5, at[2]))
    furnish(stage, np.zeros(2), np.array([room.width, room.depth]), (0, 4), (4, 12))
    hang_pictures(stage, room)
    return interior(stage, room, sun, "workshop")


def worktop(stage: Stage, room: Room) -> None:
    """Base cabinets along the front wall, what stands on them, and cupboards, boards or nothing above."""
    width, deep, high = room.width * stage.uniform(0.5, 0.98), stage.uniform(0.45, 0.65), stage.uniform(0.75, 1.0)
    x = stage.uniform(width / 2, room.width - width / 2)
    front = stage.material("metal" if stage.chance(0.25) else "door")
    handles(stage, cabinet_run(stage, (x, 0.0, deep / 2), (width, high - 0.04, deep), front))
    top = stage.material("metal" if stage.chance(0.25) else "furniture")
    stage.add(box((x, high - 0.02, deep / 2 + 0.01), (width, 0.04, deep + 0.03)), top)
    if stage.chance(0.5):
        tall, reach, base = stage.uniform(0.4, 0.7), stage.uniform(0.25, 0.4), high + stage.uniform(0.4, 0.6)
        handles(stage, cabinet_run(stage, (x, base, reach / 2), (width * 0.9, tall, reach), front))
    else:
        ledge(stage, x, high + stage.uniform(0.4, 0.7), width * stage.uniform(0.4, 0.9))
    if stage.chance(0.6):
        sink(stage, (x + stage.uniform(-0.3, 0.3) * width, high, deep / 2))
    for _ in range(int(stage.rng.integers(2, 9))):
        at = (x + stage.uniform(-0.46, 0.46) * width, high + 0.002, stage.uniform(0.12, 0.9) * deep)
        small_thing(stage, at, stage.uniform(0.08, 0.35))
    if stage.chance(0.5) and room.width - width > 0.7:  # a tall one beside them
        appliance(stage, (0.4 if x > room.width / 2 else room.width - 0.4, 0.0, 0.36), 0.0)


def rack(stage: Stage, at: Place, turn: float) -> None:
    """Boards between four posts, open all round, with boxes and vessels on them."""
    width, deep, height = stage.uniform(0.7, 1.6), stage.uniform(0.3, 0.5), stage.uniform(1.0, 2.1)
    posts = [
        face
        for x in (-1, 1)
        for z in (-1, 1)
        for face in box((x * width / 2, height / 2, z * deep / 2), (0.03, height, 0.03))
    ]
    frame = stage.material("metal" if stage.chance(0.7) else "furniture")
    board = frame if stage.chance(0.5) else stage.material("furniture")
    levels = np.linspace(stage.uniform(0.1, 0.3), height - 0.05, int(stage.rng.integers(3, 6)))
    stage.add(posts, frame, at, turn)
    stage.add([face for y in levels for face in box((0, float(y), 0), (width, 0.025, deep))], board, at, turn)
    c, s = np.cos(turn), np.sin(turn)
    gap = float(levels[1] - levels[0])
    for y in levels[:-1]:
        for x in np.arange(-0.4, 0.4, stage.uniform(0.2, 0.5)) * width:
            if stage.chance(0.7):
                spot = (at[0] + float(x) * c, at[1] + float(y) + 0.014, at[2] - float(x) * s)
                small_thing(stage, spot, stage.uniform(0.25, 0.55) * gap)


def lockers(stage: Stage, at: Place, turn: float) -> None:
    """Narrow tall doors side by side, all alike, or in two colours."""
    count, wide, height, deep = int(stage.rng.integers(2, 6)), stage.uniform(0.25, 0.45), stage.uniform(1.2, 2.0), 0.45
    skins = [stage.material("metal" if stage.chance(0.6) else "door") for _ in range(2)]
    body = box((0, height / 2, 0), (count * wide, height, deep))
    stage.add(body, skins[0], at, turn)
    for k in range(count):
        x = (k + 0.5 - count / 2) * wide
        door = box((x, height / 2, deep / 2 + 0.01), (wide - 0.02, height - 0.05, 0.02))
        stage.add(door, skins[k % 2], at, turn)
    stage.sights.append((at[0], height / 2, at[2]))


def pipe_run(stage: Stage, room: Room) -> None:
    """A pipe or a duct along a wall, under the ceiling or up from the floor."""
    wall, radius = room.walls[stage.rng.integers(4)], float(np.exp(stage.uniform(np.log(0.015), np.log(0.16))))
    if stage.chance(0.6):
        y = room.height - radius - stage.uniform(0.02, 0.3)
        ends = [(0.0, y, radius + 0.03), (wall.length, y, radius + 0.03)]
    else:
        s = stage.uniform(0.3, wall.length - 0.3)
        ends = [(s, 0.0, radius + 0.03), (s, room.height, radius + 0.03)]
    stage.add(tube(ends, radius, radius), "metal" if stage.chance(0.6) else "door", wall.corner, wall.turn)


def tub(stage: Stage, room: Room) -> None:
    """A round bath on the floor."""
    radius, high = stage.uniform(0.35, 0.7), stage.uniform(0.4, 0.65)
    outside = [(0.0, 0.0), (0.8 * radius, 0.0), (radius, high)]
    inside = [(0.92 * radius, high), (0.7 * radius, 0.08), (0.0, 0.06)]
    at = (stage.uniform(0.8, room.width - 0.8), 0.0, stage.uniform(1.2, room.depth - 0.8))
    stage.add(lathe([*outside, *inside], 1), "metal" if stage.chance(0.2) else "object", at)
    stage.sights.append((at[0], 0.4, at[2]))
