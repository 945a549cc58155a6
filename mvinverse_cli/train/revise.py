"""A rendered scene as it would look in other colours, of another finish, or with a lamp more: see `repaint`, `refinish`
and `relight`.

Rendering is what training data costs, and variety is what it lacks most. All changes are solid in world space, so that
all views of a sample agree.
"""

from collections.abc import Sequence

import numpy as np

from .decoded import COLOR, PLACES, Decoded
from .refinish import coated, lacquered, matted
from .relight import lit
from .repaint import repainted, tinged, whitened
from .surface import NEEDED, surface_of

PAINTED_SHARE = 0.5  # samples that get paint
WHITENED_SHARE = 0.18  # samples whose surfaces all become lighter, as in the white rooms that people live in
TINGED_SHARE = 0.15  # samples whose surfaces all take one hue, which is not that of the light
# Samples some of whose small things get a coat, some of whose metals get paint, some of whose gloss goes.
COATED_SHARE, LACQUERED_SHARE, MATTED_SHARE = 0.4, 0.3, 0.1
LIT_SHARE = 0.35  # samples that get a light
PAINT_NEEDS = NEEDED - {"roughness"}  # paint keeps what is mirrored as it is, a coat has its own


def revise(views: Sequence[Decoded], rng: np.random.Generator) -> None:
    """Gives the views of a sample, cut out and in float32, another finish, paint or light, or leaves them as they are.

    Views that lack depth, camera or one of the maps that a change needs do not get it.
    """
    shares = (
        (coated, COATED_SHARE, PAINT_NEEDS),
        (lacquered, LACQUERED_SHARE, NEEDED),
        (matted, MATTED_SHARE, NEEDED),
        (repainted, PAINTED_SHARE, PAINT_NEEDS),
        (whitened, WHITENED_SHARE, PAINT_NEEDS),
        (tinged, TINGED_SHARE, PAINT_NEEDS),
        (lit, LIT_SHARE, NEEDED),
    )
    present = frozenset.intersection(*(view.present for view in views))
    changes = [change for change, share, needed in shares if rng.random() < share and present >= needed]
    if not changes or any(view.points is None for view in views):
        return
    surface = surface_of(views)
    for change in changes:
        surface = change(surface, rng)
    first = 0
    for view in views:
        last = first + view.pixels[0, ..., 0].size
        for (picture, channels), values in (
            (COLOR, surface.color),
            (PLACES["albedo"], surface.albedo),
            (PLACES["metallic"], surface.metallic),
            (PLACES["roughness"], surface.roughness),
            (PLACES["shading"], surface.shading),
        ):
            view.pixels[picture, ..., channels] = values[first:last].reshape(*view.pixels.shape[1:3], -1)
        first = last
