"""Views of made scenes as the loader cuts them out, for what changes their paint and their light."""

from dataclasses import replace

import numpy as np

from mvinverse_cli.scenes.record import View
from mvinverse_cli.train.decoded import decode
from tests.scenes.views import make_view

WHOLE = slice(None)
DRAWS = range(12)


def cut_views(count=2, **changes):
    """Views without metal, in float32 as the loader has them."""
    views = []
    for seed in range(count):
        view = make_view(seed)
        maps = {**view.maps, "metallic": np.zeros_like(view.maps["metallic"])}
        view = View(view.color, maps, view.depth, view.mask, view.camera)
        views.append(replace(decode(view).cut(WHOLE, WHOLE), **changes))
    return views


def picture(view, place):
    return view.pixels[place[0], ..., place[1]]
