"""A rendered scene as it would look in other colours, or with a lamp more: see `repaint` and `relight`.

Rendering is what training data costs, and variety is what it lacks most. All changes are solid in world space, so that
all views of a sample agree.
"""

from collections.abc import Sequence

import numpy as np

from .decoded import COLOR, PLACES, Decoded
from .relight import lit
from .repaint import repainted, whitened
from .surface import NEEDED, surface_of

PAINTED_SHARE = 0.4  # samples that get paint
WHITENED_SHARE = 0.18  # samples whose surfaces all become lighter, as in the white rooms that people live in
LIT_SHARE = 0.35  # samples that get a light


def revise(views: Sequence[Decoded], rng: np.random.Generator) -> None:
    """Gives the views of a sample, cut out and in float32, other paint and other light, or leaves them as they are.

    Views that lack depth, camera or one of the maps that are needed stay as they are.
    """
    shares = (PAINTED_SHARE, WHITENED_SHARE, LIT_SHARE)
    changes = [change for change, share in zip((repainted, whitened, lit), shares, strict=True) if rng.random() < share]
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
            (PLACES["shading"], surface.shading),
        ):
            view.pixels[picture, ..., channels] = values[first:last].reshape(*view.pixels.shape[1:3], 3)
        first = last
