"""Random materials: a pattern gets colours, roughness, metal and relief. What the network can learn is set here.

Every map is (n, n, C) float32, rows along v and columns along u. Colours change with and without roughness, roughness
with and without colour; about a third of the materials have relief.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..color import srgb_to_linear
from ..maps import Array
from .patterns_held_out import HELD_OUT
from .patterns_train import TRAIN
from .recipe import (
    COLOR_SHARES,
    COLORS,
    METAL_SHARE,
    METALS,
    NATURAL_COLORS,
    OTHER_SIZE,
    PATTERN_SHARES,
    ROUGHNESS_CHANGE,
    RUST,
    SIZES,
    Shares,
    Use,
    finishes_of,
    pick,
)
from .textures import SHARED, Draw, Pattern, noise, relief, step

__all__ = ["PATTERNS", "Material", "Split", "Use", "random_material"]

Split = Literal["train", "held-out"]

PATTERNS: Mapping[Split, Mapping[str, Draw]] = {"train": {**SHARED, **TRAIN}, "held-out": {**SHARED, **HELD_OUT}}


@dataclass(frozen=True)
class Material:
    """A square of a surface, for GGX metallic-roughness shading.

    base_color: (n, n, 3) linear Rec.709 in [0.02, 0.95]. roughness: (n, n, 1) perceptual, in [0.05, 1].
    metallic: (n, n, 1) in [0, 1]. normal: (n, n, 3) unit vectors, +x along u (columns), +y along v (rows), +z out of
    the surface; None where flat. repeats: squares per metre that look right for the use (a picture fills one square).
    """

    base_color: Array
    roughness: Array
    metallic: Array
    normal: Array | None
    repeats: float


def random_color(rng: np.random.Generator, choices: Shares) -> Array:
    """A colour of one of the families in `COLORS`: (3,) float32 linear Rec.709."""
    hue, saturation, value = (rng.uniform(*bounds) for bounds in COLORS[pick(rng, choices, COLORS)])
    sector = (np.array([5, 3, 1]) + hue * 6) % 6
    return srgb_to_linear(value - value * saturation * np.clip(np.minimum(sector, 4 - sector), 0, 1))


def palette(rng: np.random.Generator, parts: int, choices: Shares) -> Array:
    """Colours that go with each other or not: (parts, 3) float32 linear in [0.02, 0.95]."""
    colors = [random_color(rng, choices)]
    kin = rng.random() + 0.3 * (parts > 3)  # many parts in one hue make a dull picture
    for _ in range(parts - 1):
        if kin < 0.4:  # the same hue, deeper or lighter
            depth = rng.uniform(0.15, 0.8) if rng.random() < 0.5 else rng.uniform(1.2, 4)
            colors.append(colors[0] * depth)
        else:
            colors.append(random_color(rng, choices if kin < 0.7 else {"any": 1}))
    return np.clip(np.array(colors, np.float32), 0.02, 0.95)


def spread(values: Array, place: Array) -> Array:
    """(parts, C) values over a pattern's places (n, n): (n, n, C) float32."""
    low = np.minimum(place.astype(int), max(0, len(values) - 2))
    high = np.minimum(low + 1, len(values) - 1)
    blend = (place - low)[..., None]
    return np.asarray(values[low] * (1 - blend) + values[high] * blend, np.float32)


def worn(rng: np.random.Generator, n: int) -> Array:
    """Where a surface is worn, wet, smeared or streaked: (n, n) float32 in [0, 1]."""
    cloud = noise(rng, n, int(rng.integers(2, 9)), 4, 0.6, int(rng.choice([1, 1, 1, 8, 16])))
    return step(cloud - rng.uniform(0.35, 0.65), rng.choice([0.02, 0.2, 1.0]))


def random_roughness(rng: np.random.Generator, use: Use, name: str, pattern: Pattern) -> Array:
    """(n, n) float32: even, or changing with the colours, the tone, the joints, or on its own."""
    finishes = finishes_of(use, name)
    low, high = finishes[int(rng.choice(len(finishes), p=[share for share, _ in finishes]))][1]
    rough = np.full(pattern.place.shape, rng.uniform(low, high), np.float32)
    if rng.random() < 0.3:
        return rough
    if pattern.parts > 1 and rng.random() < 0.45:
        rough += spread(rng.uniform(-ROUGHNESS_CHANGE, ROUGHNESS_CHANGE, (pattern.parts, 1)), pattern.place)[..., 0]
    if pattern.tone is not None and rng.random() < 0.5:
        rough += np.float32(rng.uniform(-0.12, 0.12)) * pattern.tone
    if rng.random() < 0.35:
        rough += rng.uniform(-ROUGHNESS_CHANGE, ROUGHNESS_CHANGE) * worn(rng, len(rough))
    if pattern.joint is not None and rng.random() < 0.85:  # mortar and grout are rough
        rough += (rng.uniform(0.6, 1) - rough) * pattern.joint
    return rough


def sheet_metal(rng: np.random.Generator, pattern: Pattern) -> tuple[Array, Array]:
    """Colour (n, n, 3) and roughness (n, n) of bare metal: polished, brushed, smeared, of one or more alloys."""
    n = len(pattern.place)
    tint = np.array(METALS[rng.integers(len(METALS))]) * rng.uniform(0.75, 1)
    color = np.broadcast_to(random_color(rng, {"any": 1}) if rng.random() < 0.12 else tint, (n, n, 3))
    rough = np.full((n, n), rng.uniform(0.08, 0.6), np.float32)
    surface = rng.random()
    if surface < 0.4:
        streaks = noise(rng, n, int(rng.choice([16, 32, 64])), 3, 0.9, int(rng.choice([16, 32]))) - 0.5
        rough += rng.uniform(0.1, 0.6) * streaks
        color = color * (1 + rng.uniform(0, 0.3) * streaks)[..., None]
    elif surface < 0.7:
        rough += rng.uniform(-0.2, 0.3) * worn(rng, n)
    if pattern.parts > 1 and rng.random() < 0.7:
        color = color * spread(rng.uniform(0.3, 1, (pattern.parts, 1)), pattern.place)
    if pattern.tone is not None:
        color = color * (1 + 0.08 * pattern.tone)[..., None]
    return color, np.clip(rough, 0.05, 0.7)


def metal_cover(rng: np.random.Generator, pattern: Pattern) -> Array:
    """Where a partly metallic surface is metal, (n, n) float32 in [0, 1]: all over, in patches, or in some parts."""
    n = len(pattern.place)
    if rng.random() < 0.75:
        cover = np.ones((n, n), np.float32)
    elif pattern.parts > 1 and rng.random() < 0.5:
        cover = spread(rng.permutation(np.arange(pattern.parts) % 2)[:, None], pattern.place)[..., 0]
    else:
        cover = step(noise(rng, n, int(rng.integers(2, 10)), 5, 0.6) - rng.uniform(0.3, 0.6), 0.05)
    return cover if pattern.joint is None else cover * (1 - pattern.joint)


def random_material(rng: np.random.Generator, use: Use, split: Split, n: int = 128) -> Material:
    """A material for a use, (n, n) texels, from the patterns of a split; equal generator states give equal ones."""
    name = pick(rng, PATTERN_SHARES[use], PATTERNS[split])
    pattern = PATTERNS[split][name](rng, n)
    choices = NATURAL_COLORS[name] if name in NATURAL_COLORS and rng.random() < 0.8 else COLOR_SHARES[use]
    base = spread(palette(rng, pattern.parts, choices), pattern.place)
    if pattern.tone is not None:
        base *= (1 + rng.uniform(0, 0.12 if name == "mottled" else 0.35) * pattern.tone)[..., None]
    if pattern.joint is not None:
        dark = name in ("planks", "herringbone") and rng.random() < 0.85  # gaps between boards, not mortar
        joint = base * rng.uniform(0.1, 0.6) if dark else random_color(rng, {"neutral": 1})
        base += (joint - base) * pattern.joint[..., None]
    rough = random_roughness(rng, use, name, pattern)
    metallic = np.zeros((n, n), np.float32)
    if rng.random() < METAL_SHARE[use]:
        metallic = metal_cover(rng, pattern)
        color, sheen = sheet_metal(rng, pattern)
        if metallic.min() < 1 and rng.random() < 0.4:
            base, rough = spread(palette(rng, 2, RUST), noise(rng, n, 8)), np.full_like(rough, rng.uniform(0.7, 1))
        base = base + (color - base) * metallic[..., None]
        rough = rough + (sheen - rough) * metallic
    bumpy = pattern.height is not None and rng.random() < 0.55
    normal = relief(pattern.height, 2 + 22 * rng.random() ** 1.5) if bumpy and pattern.height is not None else None
    size = rng.uniform(*SIZES.get(name, OTHER_SIZE)) * pattern.count
    if use in ("object", "metal"):  # small things show several features, too
        size *= rng.uniform(0.15, 0.5)
    return Material(
        np.clip(base, 0.02, 0.95).astype(np.float32),
        np.clip(rough, 0.05, 1)[..., None].astype(np.float32),
        metallic[..., None].astype(np.float32),
        normal,
        1.0 if use == "picture" else float(np.clip(1 / size, 0.2, 12)),
    )
