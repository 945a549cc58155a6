"""A rendered scene as it would look in other colours, of another finish, or with a lamp more: see `repaint`, `refinish`
and `relight`.

Rendering is what training data costs, and variety is what it lacks most. All changes are solid in world space, so that
all views of a sample agree.
"""

from collections.abc import Sequence

import numpy as np

from .decoded import COLOR, PLACES, Decoded
from .refinish import lacquered, matted
from .relight import lit
from .repaint import repainted, tinged, whitened
from .surface import NEEDED, surface_of

PAINTED_SHARE = 0.4  # samples that get paint
WHITENED_SHARE = 0.18  # samples whose surfaces all become lighter, as in the white rooms that people live in
TINGED_SHARE = 0.15  # samples whose surfaces all take one hue, which is not that of the light
LACQUERED_SHARE, MATTED_SHARE = 0.3, 0.2  # samples some of whose metals get paint, some of whose gloss goes
LIT_SHARE = 0.35  # samples that get a light


def revise(views: Sequence[Decoded], rng: np.random.Generator) -> None:
    """Gives the views of a sample, cut out and in float32, another finish, paint or light, or leaves them as they are.

    Views that lack depth, camera or one of the maps that are needed stay as they are.
    """
    shares = (
        (lacquered, LACQUERED_SHARE),
        (matted, MATTED_SHARE),
        (repainted, PAINTED_SHARE),
        (whitened, WHITENED_SHARE),
        (tinged, TINGED_SHARE),
        (lit, LIT_SHARE),
    )
    changes = [change for change, share in shares if rng.random() < share]
    if not changes or any(view.points is None or not view.present >= NEEDED for view in views):
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
