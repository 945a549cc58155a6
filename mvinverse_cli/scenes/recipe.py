"""What each use of a material is made from: shares of patterns and colours, sizes, roughness, metals.

All are choices, not measurements: walls mostly light and matte, wood varnished or bare, objects anything.
"""

from collections.abc import Container, Mapping
from typing import Literal

import numpy as np

Use = Literal["wall", "ceiling", "floor", "furniture", "fabric", "object", "picture", "ground", "metal", "door"]
Range = tuple[float, float]
Shares = Mapping[str, float]


def shares(text: str) -> Shares:
    """Shares by name, from "name share name share ..."."""
    words = text.split()
    return {name: float(share) for name, share in zip(words[::2], words[1::2], strict=True)}


def pick(rng: np.random.Generator, choices: Shares, known: Container[str]) -> str:
    """A name drawn by its share among those known."""
    names = [name for name in choices if name in known]
    edges = np.cumsum([choices[name] for name in names])
    return names[int(np.searchsorted(edges, rng.random() * edges[-1], "right"))]


# Those of the other split drop out of the draw.
PATTERN_SHARES: Mapping[Use, Shares] = {
    "wall": shares(
        "plain 24 mottled 34 cloudy 4 stripes 6 brick 9 tiles 8 checker 2 dots 3 planks 4 gradient 2 speckle 2 art 2 "
        "hexagons 8 marble 6 plaid 4 kilim 6 herringbone 5 terrazzo 3 "
        "medley 10 crackle 3 triangles 2 ripples 2 scales 1"
    ),
    "ceiling": shares("plain 50 mottled 35 planks 8 tiles 7 hexagons 5 herringbone 5 marble 3 medley 5"),
    "floor": shares(
        "plain 8 mottled 8 planks 34 tiles 15 checker 8 speckle 10 weave 5 cloudy 5 stripes 4 camouflage 2 art 3 "
        "herringbone 35 hexagons 12 terrazzo 12 marble 12 kilim 10 plaid 4 "
        "medley 14 crackle 6 triangles 6 ripples 3 blots 2"
    ),
    "furniture": shares(
        "plain 28 mottled 6 wood 30 planks 6 cloudy 4 checker 3 stripes 4 gradient 3 leather 5 scratches 4 dots 2 "
        "speckle 3 tiles 2 herringbone 14 marble 18 terrazzo 14 plaid 6 kilim 8 hexagons 4 "
        "medley 18 ripples 5 triangles 3 blots 3 crackle 2"
    ),
    "fabric": shares(
        "plain 16 mottled 8 weave 24 stripes 14 checker 7 dots 7 cloudy 5 speckle 4 camouflage 5 leather 7 art 3 "
        "plaid 36 kilim 36 medley 18 triangles 5 ripples 4 scales 3 blots 4"
    ),
    "object": shares(
        "plain 24 mottled 6 cloudy 6 checker 6 stripes 8 wood 7 dots 5 gradient 5 speckle 5 camouflage 6 scratches 5 "
        "leather 5 hammered 3 art 5 writing 3 brick 2 tiles 3 weave 3 planks 2 "
        "hexagons 10 herringbone 7 marble 14 terrazzo 14 plaid 12 kilim 14 hills 5 "
        "medley 22 triangles 4 ripples 5 scales 4 blots 5 crackle 4"
    ),
    "picture": shares("art 80 writing 14 gradient 3 camouflage 3 hills 70 kilim 15 plaid 5 marble 5"),
    "ground": shares(
        "plain 5 mottled 30 cloudy 15 brick 12 tiles 12 speckle 20 camouflage 8 "
        "terrazzo 20 hexagons 20 herringbone 15 marble 5 medley 12 crackle 10 ripples 3"
    ),
    "metal": shares(
        "plain 40 mottled 20 scratches 12 hammered 10 cloudy 6 dots 4 stripes 4 tiles 4 hexagons 12 plaid 6 marble 10 "
        "medley 12 scales 4 ripples 4 triangles 2 blots 3"
    ),
    "door": shares(
        "plain 35 mottled 15 wood 30 planks 12 stripes 3 gradient 3 scratches 2 herringbone 15 marble 8 plaid 5 "
        "medley 8"
    ),
}

# Hue, saturation and value of sRGB colours.
COLORS: Mapping[str, tuple[Range, Range, Range]] = {
    "white": ((0, 1), (0, 0.06), (0.86, 0.98)),
    "light": ((0, 1), (0, 0.22), (0.68, 0.95)),
    "warm": ((0.05, 0.17), (0.05, 0.38), (0.6, 0.95)),
    "pastel": ((0, 1), (0.1, 0.42), (0.6, 0.95)),
    "neutral": ((0, 1), (0, 0.12), (0.12, 0.95)),
    "dark": ((0, 1), (0, 0.8), (0.12, 0.38)),
    "black": ((0, 1), (0, 0.4), (0.05, 0.2)),
    "vivid": ((0, 1), (0.6, 1), (0.4, 0.95)),
    "any": ((0, 1), (0, 1), (0.1, 0.98)),
    "wood": ((0.03, 0.11), (0.25, 0.75), (0.18, 0.9)),
    "earth": ((0.02, 0.13), (0.2, 0.7), (0.2, 0.75)),
    "clay": ((0, 0.08), (0.35, 0.75), (0.3, 0.75)),
    "stone": ((0.05, 0.15), (0, 0.2), (0.3, 0.9)),
    "green": ((0.17, 0.38), (0.25, 0.75), (0.15, 0.6)),
}
COLOR_SHARES: Mapping[Use, Shares] = {
    "wall": shares("white 25 light 28 warm 15 pastel 12 neutral 6 vivid 8 dark 6"),
    "ceiling": shares("white 60 light 20 warm 10 pastel 4 neutral 4 dark 2"),
    "floor": shares("wood 20 stone 20 neutral 15 earth 10 any 15 dark 10 light 10"),
    "furniture": shares("wood 20 white 10 neutral 15 any 25 dark 10 vivid 10 pastel 6 black 4"),
    "fabric": shares("any 30 vivid 15 neutral 15 warm 10 pastel 10 dark 12 light 8"),
    "object": shares("any 40 vivid 20 neutral 10 white 7 black 7 dark 6 pastel 5 earth 5"),
    "picture": shares("any 55 vivid 15 warm 10 light 10 dark 10"),
    "ground": shares("stone 25 earth 25 green 25 neutral 20 any 5"),
    "metal": shares("any 40 neutral 30 vivid 20 white 10"),
    "door": shares("white 30 wood 25 light 12 any 15 neutral 10 dark 8"),
}
# Patterns that mostly come in colours of their own, whatever the use.
NATURAL_COLORS: Mapping[str, Shares] = {
    "wood": shares("wood 85 neutral 8 any 7"),
    "planks": shares("wood 80 neutral 10 white 5 any 5"),
    "herringbone": shares("wood 60 clay 10 stone 15 any 15"),
    "brick": shares("clay 45 neutral 20 stone 15 earth 10 white 10"),
    "marble": shares("stone 30 white 30 black 15 green 8 clay 7 any 10"),
}
RUST = shares("clay 60 earth 40")

# Metres that one feature of a pattern takes in a room; others take `OTHER_SIZE`.
SIZES: Mapping[str, Range] = {
    "planks": (0.07, 0.2),
    "wood": (0.5, 1.2),
    "brick": (0.06, 0.12),
    "tiles": (0.1, 0.5),
    "hexagons": (0.06, 0.3),
    "herringbone": (0.05, 0.12),
    "weave": (0.004, 0.03),
    "speckle": (0.006, 0.03),
    "leather": (0.01, 0.05),
    "hammered": (0.02, 0.06),
    "stripes": (0.03, 0.2),
    "dots": (0.04, 0.2),
    "terrazzo": (0.02, 0.08),
    "plaid": (0.02, 0.1),
    "kilim": (0.05, 0.3),
    "camouflage": (0.05, 0.3),
    "marble": (0.4, 1.5),
    "triangles": (0.05, 0.4),
    "ripples": (0.1, 0.5),
    "scales": (0.03, 0.2),
    "blots": (0.05, 0.3),
    "crackle": (0.04, 0.4),
    "checker": (0.05, 0.4),
    "plain": (0.8, 1.5),
    "mottled": (0.6, 1.5),
}
OTHER_SIZE: Range = (0.15, 1)

# Roughness before the pattern changes it: shares of ranges. It follows what a thing is made of, as charts of materials
# have it (create.roblox.com/docs/art/modeling/material-reference: glossy and worn wood 0.2-0.3 and 0.7-0.9, cotton and
# wool 0.8-1, leather 0.2-0.7, marble 0.4, plastics 0.1 and 0.4, painted metal 0.3); the shares are choices.
Finishes = tuple[tuple[float, Range], ...]
WOOD: Finishes = ((0.5, (0.15, 0.4)), (0.5, (0.5, 0.9)))  # varnished, bare
GLAZE: Finishes = ((0.8, (0.05, 0.3)), (0.2, (0.35, 0.65)))
POLISH: Finishes = ((0.75, (0.06, 0.4)), (0.25, (0.4, 0.7)))
CLOTH: Finishes = ((0.92, (0.7, 1)), (0.08, (0.35, 0.65)))  # cotton and wool, silk
STONE: Finishes = ((1, (0.7, 1)),)
# By pattern; outdoors all are weathered, and the use alone counts.
PATTERN_ROUGHNESS: Mapping[str, Finishes] = {
    "wood": WOOD,
    "planks": WOOD,
    "herringbone": WOOD,
    "tiles": GLAZE,
    "hexagons": GLAZE,
    "marble": POLISH,
    "terrazzo": POLISH,
    "weave": CLOTH,
    "plaid": CLOTH,
    "kilim": CLOTH,
    "brick": STONE,
    "crackle": STONE,
    "leather": ((1, (0.25, 0.7)),),
}
# Cloth, walls and pictures have such patterns, too; of what stands and is walked on they make granite and onyx.
STONE_PATTERNS = ("speckle", "cloudy")
STONE_USES: tuple[Use, ...] = ("floor", "furniture", "object")
ROUGHNESS: Mapping[Use, Finishes] = {  # of other patterns
    "wall": ((0.85, (0.6, 1)), (0.15, (0.25, 0.6))),  # emulsion, satin
    "ceiling": ((0.92, (0.65, 1)), (0.08, (0.3, 0.6))),
    "floor": ((0.45, (0.08, 0.35)), (0.55, (0.4, 0.95))),  # polished stone and vinyl, carpet and concrete
    "furniture": ((0.55, (0.15, 0.5)), (0.45, (0.5, 0.95))),  # lacquer, matt paint
    "fabric": CLOTH,
    "object": ((0.4, (0.06, 0.35)), (0.25, (0.35, 0.6)), (0.35, (0.6, 1))),  # glaze, plastics, clay and paper
    "picture": ((0.75, (0.6, 1)), (0.25, (0.08, 0.3))),  # paper and canvas, varnish
    "ground": ((0.9, (0.65, 1)), (0.1, (0.1, 0.6))),  # dry, wet
    "metal": ((1, (0.08, 0.6)),),
    "door": ((0.75, (0.2, 0.55)), (0.25, (0.6, 0.95))),
}
ROUGHNESS_CHANGE = 0.25  # within a surface, at most, from colour to colour or from worn to whole


def finishes_of(use: Use, pattern: str) -> Finishes:
    """The roughness that a pattern can have in a use."""
    if pattern in STONE_PATTERNS and use in STONE_USES:
        return POLISH
    return ROUGHNESS[use] if use == "ground" else PATTERN_ROUGHNESS.get(pattern, ROUGHNESS[use])


METAL_SHARE: Mapping[Use, float] = {
    "wall": 0.01,
    "ceiling": 0.005,
    "floor": 0.01,
    "furniture": 0.12,
    "fabric": 0.01,
    "object": 0.2,
    "picture": 0.03,
    "ground": 0.01,
    "metal": 1,
    "door": 0.05,
}
# Linear Rec.709 reflectance at normal incidence, rounded; the common values of shading handbooks.
METALS: tuple[tuple[float, float, float], ...] = (
    (1, 0.71, 0.29),  # gold
    (0.95, 0.64, 0.54),  # copper
    (0.89, 0.75, 0.42),  # brass
    (0.71, 0.5, 0.28),  # bronze
    (0.95, 0.93, 0.88),  # silver
    (0.55, 0.56, 0.55),  # chrome
    (0.91, 0.92, 0.92),  # aluminium
    (0.56, 0.57, 0.58),  # iron
    (0.66, 0.61, 0.55),  # nickel
    (0.4, 0.4, 0.41),  # steel
    (0.06, 0.06, 0.065),  # black
)
