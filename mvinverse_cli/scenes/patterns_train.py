"""Patterns that only training scenes use; `plain` and `mottled` of `textures` serve both splits.

As in `textures`: (n, n), rows along v, columns along u, tiling (art and writing apart, which fill one square).
"""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from .textures import Draw, Pattern, bands, cells, grain, noise, pieces, plane, step


def cloudy(rng: np.random.Generator, n: int) -> Pattern:
    """Two colours in soft or hard clouds."""
    cloud = noise(rng, n, int(rng.integers(2, 12)), 5, rng.uniform(0.35, 0.7))
    return Pattern(np.clip((cloud - 0.5) * rng.uniform(1, 8) + 0.5, 0, 1), 2, None, cloud)


def checker(rng: np.random.Generator, n: int) -> Pattern:
    """Squares of two colours."""
    u, v = plane(n)
    count = 2 * int(rng.integers(1, 5))
    odd = ((u * count).astype(int) + (v * count).astype(int)) % 2
    return Pattern(odd.astype(np.float32), 2, 2 * noise(rng, n) - 1, None, None, count)


def stripes(rng: np.random.Generator, n: int) -> Pattern:
    """Bands, straight or wavering, along either axis."""
    u, _ = plane(n)
    count, parts = int(rng.integers(2, 17)), int(rng.integers(2, 5))
    place = bands(rng, count, parts, u + (rng.random() < 0.3) * 0.1 * (noise(rng, n, 2, 3) - 0.5))
    return Pattern(place if rng.random() < 0.5 else place.T, parts, 2 * noise(rng, n) - 1, None, None, count)


def wood(rng: np.random.Generator, n: int) -> Pattern:
    """One board."""
    lines = grain(rng, n)
    return Pattern(np.clip(lines * rng.uniform(0.4, 1.2), 0, 1), 2, None, lines)


def planks(rng: np.random.Generator, n: int) -> Pattern:
    """Boards along u, each with its own tone and its own piece of the grain."""
    rows = int(rng.integers(2, 9))
    index, joint, edge = pieces(rng, n, int(rng.integers(1, 3)), rows, rng.uniform(0.0, 0.04), -1)
    shifts, tones = rng.integers(0, n, 64), rng.uniform(-1, 1, 64).astype(np.float32)
    lines = grain(rng, n)[np.arange(n)[:, None], (np.arange(n) + shifts[index % 64]) % n]
    place = np.clip(lines * rng.uniform(0.3, 1), 0, 1)
    return Pattern(place, 2, tones[index % 64], 0.1 * lines + np.minimum(edge * 12, 1), joint, rows)


def brick(rng: np.random.Generator, n: int) -> Pattern:
    """Bricks in running bond, with mortar."""
    rows = 2 * int(rng.integers(2, 7))
    index, joint, edge = pieces(rng, n, max(2, rows // int(rng.integers(2, 4))), rows, rng.uniform(0.04, 0.12), 0.5)
    rough = noise(rng, n, 16, 4)
    tone = rng.uniform(-1, 1, 256).astype(np.float32)[index % 256] * 0.7 + (rough - 0.5)
    place = rng.random(256).astype(np.float32)[index % 256]
    return Pattern(place, 2, tone, np.minimum(edge * 6, 1) + 0.3 * rough, joint, rows)


def tiles(rng: np.random.Generator, n: int) -> Pattern:
    """Square or oblong tiles in a grid, with grout."""
    rows, parts = 2 * int(rng.integers(1, 5)), int(rng.choice([1, 1, 2, 4]))
    index, joint, edge = pieces(rng, n, max(1, rows // int(rng.integers(1, 3))), rows, rng.uniform(0.01, 0.06), 0)
    place = rng.integers(0, parts, 64).astype(np.float32)[index % 64]
    tone = rng.uniform(-1, 1, 64).astype(np.float32)[index % 64] * 0.6 + 0.4 * (2 * noise(rng, n) - 1)
    return Pattern(place, parts, tone, np.minimum(edge * 10, 1), joint, rows)


def dots(rng: np.random.Generator, n: int) -> Pattern:
    """Round spots in a grid, every second row moved or not, of one to three colours."""
    u, v = plane(n)
    count, parts = 2 * int(rng.integers(1, 7)), int(rng.integers(2, 5))
    row = (v * count).astype(int)
    x = u * count + 0.5 * (row % 2) * (rng.random() < 0.5)
    part = rng.integers(1, parts, (count, count + 1))[row, x.astype(int) % count]
    inside = step(rng.uniform(0.15, 0.45) - np.hypot(x % 1 - 0.5, v * count % 1 - 0.5), 1.5 * count / n)
    return Pattern(np.where(inside > 0.5, part, 0).astype(np.float32), parts, None, inside, None, count)


def weave(rng: np.random.Generator, n: int) -> Pattern:
    """Two yarns over and under each other, the first one or the second on top."""
    u, v = plane(n)
    threads = 2 * int(rng.integers(4, 17))
    over = ((u * threads).astype(int) + (v * threads).astype(int) * int(rng.choice([1, 1, 3]))) % 2
    round_u, round_v = np.sin(np.pi * (u * threads % 1)), np.sin(np.pi * (v * threads % 1))
    bulge = np.where(over == 1, round_u * np.sqrt(round_v), round_v * np.sqrt(round_u)).astype(np.float32)
    return Pattern(over.astype(np.float32), 2, 1.6 * bulge - 1 + 0.4 * noise(rng, n, 4, 3), bulge, None, threads)


def gradient(rng: np.random.Generator, n: int) -> Pattern:
    """Colours that run into each other and back."""
    u, v = plane(n)
    wave = u if rng.random() < 0.5 else v
    parts = int(rng.integers(2, 4))
    place = (parts - 1) * np.abs(2 * ((wave + rng.random() + 0.2 * (noise(rng, n, 2, 2) - 0.5)) % 1) - 1)
    return Pattern(place.astype(np.float32), parts)


def speckle(rng: np.random.Generator, n: int) -> Pattern:
    """Fine grains: granite, carpet, sand."""
    fine = noise(rng, n, int(rng.choice([24, 32, 48, 64])), 2, 0.9)
    return Pattern(np.clip((fine - rng.uniform(0.35, 0.7)) * 8 + 0.5, 0, 1), 2, 2 * noise(rng, n) - 1, fine, None, 32)


def camouflage(rng: np.random.Generator, n: int) -> Pattern:
    """Hard-edged blobs."""
    parts = int(rng.integers(2, 6))
    cloud = noise(rng, n, int(rng.integers(2, 10)), 3, 0.4)
    place = np.searchsorted(np.linspace(0.3, 0.7, parts - 1) if parts > 2 else [0.5], cloud)
    return Pattern(place.astype(np.float32), parts, None, cloud, None, 4)


def scratches(rng: np.random.Generator, n: int) -> Pattern:
    """Fine lines in all directions, or all in about one."""
    sheet = np.zeros((2 * n, 2 * n), np.uint8)
    turn, spread = rng.uniform(0, np.pi / 2), rng.choice([0.1, 1.5])
    for _ in range(int(rng.integers(10, 80))):
        start, angle = rng.integers(0, n, 2), np.clip(turn + rng.normal() * spread, 0, np.pi / 2)
        end = start + rng.uniform(0.05, 1) * (n - 1) * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(sheet, start.tolist(), end.astype(int).tolist(), int(rng.integers(80, 256)), 1, cv2.LINE_AA)
    folded = np.maximum(np.maximum(sheet[:n, :n], sheet[n:, :n]), np.maximum(sheet[:n, n:], sheet[n:, n:]))
    lines = folded.astype(np.float32) / 255
    return Pattern(lines * rng.uniform(0.2, 1), 2, None, -lines)


def leather(rng: np.random.Generator, n: int) -> Pattern:
    """Small rounded cells with creases between, or cracks in large ones."""
    count = int(rng.integers(5, 22))
    first, second, index = cells(rng, n, count)
    crease = np.clip((second - first) * 3, 0, 1)
    place = rng.random(count * count).astype(np.float32)[index] * rng.choice([0, 1])
    return Pattern(place, 2, 1.2 * crease - 1, np.sqrt(crease), None, count)


def hammered(rng: np.random.Generator, n: int) -> Pattern:
    """Shallow dents side by side."""
    count = int(rng.integers(4, 14))
    first, _, _ = cells(rng, n, count)
    return Pattern(np.zeros((n, n), np.float32), 1, None, np.minimum(first, 1) ** 2, None, count)


def art(rng: np.random.Generator, n: int) -> Pattern:
    """A collage of shapes, over a plain, graded or cloudy ground: paintings, posters, book covers."""
    parts = int(rng.integers(3, 9))
    ground = rng.choice(4)
    grounds = np.zeros((n, n)), plane(n)[1] * 1.9, noise(rng, n, 3, 4) * 1.9, noise(rng, n, 2) * (parts - 1)
    sheet = np.ascontiguousarray(grounds[ground], np.float32)
    for _ in range(int(rng.integers(0 if ground > 1 else 3, 25))):
        x, y = rng.integers(0, n, 2).tolist()
        a, b = (rng.uniform(0.02, 0.35, 2) * n).astype(int).tolist()
        part, shape = float(rng.integers(parts)), rng.integers(4)
        if shape == 0:
            cv2.ellipse(sheet, (x, y), (a, b), float(rng.uniform(0, 180)), 0, 360, part, -1)
        elif shape == 1:
            cv2.rectangle(sheet, (x - a, y - b), (x + a, y + b), part, -1)
        elif shape == 2:
            corners = np.array([x, y]) + rng.integers(-a - 3, a + 4, (int(rng.integers(3, 6)), 2))
            cv2.fillPoly(sheet, [corners.astype(np.int32)], part)
        else:
            cv2.line(sheet, (x, y), (x + a, y + b), part, int(rng.integers(1, 6)))
    return Pattern(sheet, parts, 2 * noise(rng, n, 8) - 1, noise(rng, n, 24, 3))


def writing(rng: np.random.Generator, n: int) -> Pattern:
    """Rows of marks in words, with margins and a headline."""
    u, v = plane(n)
    rows = int(rng.integers(9, 24))
    marks = rng.random((rows, 4 * rows)) < 0.65
    words = rng.random((rows, rows)) < 0.85
    row = (v * rows).astype(int)
    ink = marks[row, (u * 4 * rows).astype(int)] & words[row, (u * rows).astype(int)] & (v * rows % 1 < 0.55)
    ends = rng.uniform(0.5, 1, rows)[row] * 0.92
    ink = (ink & (u > 0.08) & (u < ends) & (v > 0.25) & (v < 0.95)) | (
        (v > 0.08) & (v < 0.17) & (np.abs(u - 0.5) < 0.3)
    )
    return Pattern(ink.astype(np.float32), 2)


def triangles(rng: np.random.Generator, n: int) -> Pattern:
    """Squares cut along a diagonal, each way at random or all alike: truchet tiles."""
    u, v = plane(n)
    count, parts = 2 * int(rng.integers(1, 6)), int(rng.integers(2, 5))
    column, row = (u * count).astype(int), (v * count).astype(int)
    ways = rng.random((count, count)) < rng.choice([0.5, 1.0])
    x, y = u * count % 1, v * count % 1
    upper = np.where(ways[row, column], x + y > 1, x > y)
    part = rng.integers(0, parts, (count, count, 2))[row, column, upper.astype(int)]
    return Pattern(part.astype(np.float32), parts, 2 * noise(rng, n) - 1, None, None, count)


def ripples(rng: np.random.Generator, n: int) -> Pattern:
    """Lines of equal height of a noise: contours, agate, water."""
    cloud = noise(rng, n, int(rng.integers(2, 6)), int(rng.integers(1, 4)), 0.4)
    wave = 0.5 + 0.5 * np.sin(cloud * rng.uniform(20, 90))
    place = step(wave - 0.5, rng.choice([0.05, 1.0])).astype(np.float32)
    return Pattern(place, 2, 2 * noise(rng, n, 4, 3) - 1, wave.astype(np.float32), None, 4)


def scales(rng: np.random.Generator, n: int) -> Pattern:
    """Round shingles that overlap, row over row."""
    u, v = plane(n)
    count, parts = 2 * int(rng.integers(2, 8)), int(rng.integers(1, 4))
    y = v * count
    best, part = np.full((n, n), -1.0, np.float32), np.zeros((n, n), int)
    paints = rng.integers(0, parts, (count, count))
    for shift in (1, 0):  # the row above lies over the one below
        row = np.floor(y).astype(int) - shift
        x = u * count + 0.5 * (row % 2)
        column = np.floor(x).astype(int)
        far = np.hypot(x - column - 0.5, (y - row - 0.5) * 0.75)
        inside = far < 0.7
        best = np.where(inside, 1 - far, best)
        part = np.where(inside, paints[row % count, column % count], part)
    return Pattern(part.astype(np.float32), parts, np.clip(2 * best, -1, 1), np.clip(best, 0, 1), None, count)


def blots(rng: np.random.Generator, n: int) -> Pattern:
    """Spatter: drops of all sizes, dense or sparse."""
    sheet = np.zeros((2 * n, 2 * n), np.uint8)
    for _ in range(int(rng.integers(8, 160))):
        x, y = rng.integers(n // 2, n // 2 + n, 2).tolist()  # none is cut by the edge of the sheet
        radius = int(np.exp(rng.uniform(0, np.log(n / 8))))
        cv2.circle(sheet, (x, y), radius, int(rng.integers(1, 4)), -1)
    folded = np.maximum(np.maximum(sheet[:n, :n], sheet[n:, :n]), np.maximum(sheet[:n, n:], sheet[n:, n:]))
    return Pattern(folded.astype(np.float32), 4, 2 * noise(rng, n) - 1, (folded > 0).astype(np.float32), None, 8)


def crackle(rng: np.random.Generator, n: int) -> Pattern:
    """Plates between cracks, or the stones of a rough wall."""
    count = int(rng.integers(2, 12))
    first, second, index = cells(rng, n, count)
    parts = int(rng.integers(1, 5))
    place = rng.integers(0, parts, count * count).astype(np.float32)[index]
    edge = second - first
    joint = (1 - step(edge - rng.uniform(0.02, 0.15), 0.05)).astype(np.float32)
    return Pattern(place, parts, 2 * noise(rng, n, 8) - 1, np.sqrt(np.minimum(edge, 1)), joint, count)


def medley(rng: np.random.Generator, n: int) -> Pattern:
    """The colours of one pattern, the tone of another and the relief of a third, perhaps in waves."""
    first, second, third = (TRAIN[PLAIN_TRAIN[rng.integers(len(PLAIN_TRAIN))]](rng, n) for _ in range(3))
    if rng.random() < 0.5:
        return Pattern(first.place, first.parts, second.tone, third.height, None, first.count)
    u, v = plane(n)
    reach = rng.uniform(0.02, 0.12)
    rows = ((v + reach * (noise(rng, n, 3, 2) - 0.5) * 4) * n).astype(int) % n
    columns = ((u + reach * (noise(rng, n, 3, 2) - 0.5) * 4) * n).astype(int) % n
    tone, height, joint = (
        None if part is None else part[rows, columns] for part in (first.tone, first.height, first.joint)
    )
    return Pattern(first.place[rows, columns], first.parts, tone, height, joint, first.count)


TRAIN: Mapping[str, Draw] = MappingProxyType(
    {
        "cloudy": cloudy,
        "checker": checker,
        "stripes": stripes,
        "wood": wood,
        "planks": planks,
        "brick": brick,
        "tiles": tiles,
        "dots": dots,
        "weave": weave,
        "gradient": gradient,
        "speckle": speckle,
        "camouflage": camouflage,
        "scratches": scratches,
        "leather": leather,
        "hammered": hammered,
        "art": art,
        "writing": writing,
        "triangles": triangles,
        "ripples": ripples,
        "scales": scales,
        "blots": blots,
        "crackle": crackle,
        "medley": medley,
    }
)
PLAIN_TRAIN = tuple(name for name in TRAIN if name not in ("medley", "art", "writing"))  # what a medley is made from
