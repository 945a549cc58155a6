"""Furniture: each function puts one thing on a stage, at a place on the floor and turned around +Y.

Sizes are metres. What carries other things adds a `Top`.
"""

from collections.abc import Callable

from .shapes import Lattice, box, cylinder, drape, place, superellipsoid, tube
from .stage import Place, Stage, Top


def table(stage: Stage, at: Place, turn: float) -> None:
    """A top on four legs, round or square, sometimes with a runner."""
    width, depth, height = stage.uniform(0.6, 1.7), stage.uniform(0.5, 1.0), stage.uniform(0.4, 0.8)
    thick, leg = stage.uniform(0.02, 0.06), stage.uniform(0.03, 0.08)
    if stage.chance(0.25):
        top = place(cylinder(depth / 2, thick), (0, height - thick, 0))
        width = depth
        feet: list[Lattice] = place(cylinder(leg, height - thick), (0, 0, 0)) + cylinder(depth / 3, 0.03)
    else:
        top = box((0, height - thick / 2, 0), (width, thick, depth))
        inset = leg * 0.7
        feet = [
            face
            for x in (-1, 1)
            for z in (-1, 1)
            for face in box(
                (x * (width / 2 - inset), (height - thick) / 2, z * (depth / 2 - inset)), (leg, height - thick, leg)
            )
        ]
    stage.add(top, "furniture", at, turn)
    stage.add(feet, "metal" if stage.chance(0.4) else "furniture", at, turn)
    if stage.chance(0.25):
        cloth = drape(stage.uniform(0.25, 0.5) * width, depth * 0.9, stage.uniform(0.1, 0.3), stage.uniform(2, 4))
        stage.add(place(cloth, (0, height, depth / 2)), "fabric", at, turn)
    stage.tops.append(Top((at[0], at[1] + height, at[2]), min(width, depth) * 0.38))


def cabinet(stage: Stage, at: Place, turn: float) -> None:
    """A box with doors or drawers and their handles."""
    width, depth, height = stage.uniform(0.5, 1.5), stage.uniform(0.3, 0.6), stage.uniform(0.4, 2.0)
    stage.add(box((0, height / 2, 0), (width, height, depth)), "furniture", at, turn)
    door, knob = (
        stage.material("metal" if stage.chance(0.15) else "door"),
        stage.material("metal" if stage.chance(0.7) else "object"),
    )
    columns, rows = int(stage.rng.integers(1, 4)), int(stage.rng.integers(1, 4))
    fronts, knobs = [], []
    for i in range(columns):
        for j in range(rows):
            x, y = width * ((i + 0.5) / columns - 0.5), height * (j + 0.5) / rows
            fronts += box((x, y, depth / 2 + 0.01), (width / columns * 0.94, height / rows * 0.94, 0.02))
            knobs += place(
                superellipsoid((0.1, 0.025, 0.03), (0.5, 0.5), 8), (x, y + height / rows * 0.3, depth / 2 + 0.03)
            )
    stage.add(fronts, door, at, turn)
    stage.add(knobs, knob, at, turn)
    stage.tops.append(Top((at[0], at[1] + height, at[2]), min(width, depth) * 0.38))


def shelf(stage: Stage, at: Place, turn: float) -> None:
    """Open boards between two sides, with rows of books."""
    width, depth, height = stage.uniform(0.6, 1.4), stage.uniform(0.22, 0.35), stage.uniform(0.9, 2.1)
    boards = int(stage.rng.integers(3, 6))
    faces = [face for x in (-1, 1) for face in box((x * width / 2, height / 2, 0), (0.025, height, depth))]
    for k in range(boards):
        faces += box((0, height * (k + 0.3) / boards, 0), (width, 0.025, depth))
    if stage.chance(0.6):
        faces += box((0, height / 2, -depth / 2 - 0.01), (width, height, 0.015))
    stage.add(faces, "furniture", at, turn)
    covers = [stage.material("object") for _ in range(4)]
    rows: list[list[Lattice]] = [[] for _ in covers]
    for k in range(boards - 1):
        x, end = -width / 2 + 0.04, width / 2 * stage.uniform(-0.2, 0.9)
        while x < end:
            thick, tall = stage.uniform(0.015, 0.06), stage.uniform(0.5, 0.85) * height / boards
            deep = depth * stage.uniform(0.6, 0.95)
            y = height * (k + 0.3) / boards + 0.0125 + tall / 2
            rows[stage.rng.integers(len(rows))] += box((x + thick / 2, y, 0), (thick * 0.95, tall, deep))
            x += thick
    for row, cover in zip(rows, covers, strict=True):
        if row:
            stage.add(row, cover, at, turn)
    stage.tops.append(Top((at[0], at[1] + height, at[2]), depth * 0.3))


def sofa(stage: Stage, at: Place, turn: float) -> None:
    """Seat, back, arms and cushions of cloth."""
    width, depth = stage.uniform(0.7, 2.1), stage.uniform(0.7, 0.95)
    soft = (stage.uniform(0.15, 0.4), stage.uniform(0.15, 0.4))
    seat = place(superellipsoid((width, 0.42, depth), soft), (0, 0.25, 0))
    back = place(superellipsoid((width, 0.75, 0.26), soft), (0, 0.55, -depth / 2 + 0.1))
    arms = [
        side
        for x in (-1, 1)
        for side in place(superellipsoid((0.2, 0.55, depth), soft), (x * (width / 2 - 0.05), 0.38, 0))
    ]
    stage.add(seat + back + arms, "fabric", at, turn)
    for _ in range(int(stage.rng.integers(0, 4))):
        size = stage.uniform(0.3, 0.5)
        cushion = superellipsoid((size, size, size * 0.35), (0.6, 0.7))
        spot = (stage.uniform(-0.4, 0.4) * width, 0.45 + size / 2, stage.uniform(-0.2, 0.2) * depth)
        stage.add(place(cushion, spot, stage.uniform(-0.6, 0.6)), "fabric", at, turn)


def bed(stage: Stage, at: Place, turn: float) -> None:
    """A frame, a mattress under a cover, pillows."""
    width, depth, height = stage.uniform(0.9, 1.8), stage.uniform(1.8, 2.1), stage.uniform(0.3, 0.55)
    stage.add(box((0, height * 0.3, 0), (width * 1.04, height * 0.6, depth * 1.03)), "furniture", at, turn)
    stage.add(place(superellipsoid((width, height, depth), (0.2, 0.2)), (0, height * 0.7, 0)), "fabric", at, turn)
    stage.add(box((0, height * 1.1, -depth / 2 - 0.04), (width * 1.08, height * 2.2, 0.06)), "furniture", at, turn)
    for x in (-0.25, 0.25):
        pillow = superellipsoid((width * 0.4, 0.16, 0.4), (0.6, 0.5))
        stage.add(place(pillow, (x * width, height * 1.25, -depth * 0.38)), "fabric", at, turn)


def chair(stage: Stage, at: Place, turn: float) -> None:
    """Four legs, a seat and a back."""
    seat, height = stage.uniform(0.38, 0.5), stage.uniform(0.42, 0.5)
    thick = stage.uniform(0.02, 0.06)
    stage.add(box((0, height, 0), (seat, thick, seat)), "fabric" if stage.chance(0.4) else "furniture", at, turn)
    stage.add(box((0, height + 0.3, -seat / 2 + 0.02), (seat, 0.35, 0.03)), "furniture", at, turn)
    legs = [
        tube([(x * seat * 0.5, 0, z * seat * 0.5), (x * seat * 0.42, height, z * seat * 0.42)], 0.014, 0.02, 8)
        for x in (-1, 1)
        for z in (-1, 1)
    ]
    stage.add([leg for pair in legs for leg in pair], "metal" if stage.chance(0.5) else "furniture", at, turn)


def appliance(stage: Stage, at: Place, turn: float) -> None:
    """A metal-fronted box with a bar handle: fridge, oven, locker."""
    width, depth, height = stage.uniform(0.5, 0.9), stage.uniform(0.45, 0.7), stage.uniform(0.8, 1.9)
    skin = stage.material("metal" if stage.chance(0.75) else "door")
    stage.add(box((0, height / 2, 0), (width, height, depth)), skin, at, turn)
    bar = tube(
        [(width * 0.35, height * 0.3, depth / 2 + 0.05), (width * 0.35, height * 0.8, depth / 2 + 0.05)], 0.015, 0.015
    )
    stage.add(bar, "metal", at, turn)
    stage.tops.append(Top((at[0], at[1] + height, at[2]), min(width, depth) * 0.4))


def crate(stage: Stage, at: Place, turn: float) -> None:
    """A plain block: plinth, box, step."""
    size = stage.rng.uniform(0.25, 0.9, 3)
    stage.add(box((0, size[1] / 2, 0), size.tolist()), "object", at, turn)
    stage.tops.append(Top((at[0], at[1] + float(size[1]), at[2]), float(min(size[0], size[2])) * 0.35))


FURNITURE: tuple[Callable[[Stage, Place, float], None], ...] = (
    table, table, cabinet, cabinet, shelf, sofa, sofa, bed, chair, chair, appliance, appliance, crate,
)  # fmt: skip
