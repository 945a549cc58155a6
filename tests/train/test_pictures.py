"""Pictures of a training: they show what they are given."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.train.pictures import GRID_CELL, LABEL, MISSING, Shown, curves_png, smoothed, views_png


def decoded(content: bytes) -> np.ndarray:
    """(H, W, 3) RGB."""
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)


def line(step, **losses):
    return {"step": step, "losses": losses, "learning_rate": 1e-3}


def test_curves_are_drawn_of_one_line_as_of_many_and_of_losses_that_are_nothing():
    many = [line(step, total=1 / step, albedo=0.0) for step in range(1, 100)]
    few = decoded(curves_png(many[:1]))
    assert few.shape == decoded(curves_png(many)).shape == (600, 1200, 3)
    assert (few < 128).any()


@given(st.lists(st.floats(0, 10), min_size=1, max_size=100))
def test_a_smoothed_curve_stays_within_its_values(values):
    curve = smoothed(np.array(values))
    assert len(curve) == len(values)
    assert min(values) - 1e-9 <= curve.min() <= curve.max() <= max(values) + 1e-9


def test_the_grid_shows_input_and_maps_over_their_truth_and_nothing_where_none_is_known():
    def flat(name, value):
        return np.full((20, 40, SPECS[name].channels), value, np.float32)

    predicted = {name: flat(name, 0.2) for name in MAPS}
    wanted = {name: flat(name, 0.6) for name in MAPS}
    masks = {name: np.full((20, 40, 1), name != "roughness") for name in MAPS}
    grid = decoded(views_png([Shown(np.full((20, 40, 3), 0.4, np.float32), predicted, wanted, masks)] * 2))
    height = GRID_CELL // 2
    assert grid.shape == (LABEL + 4 * height, 6 * GRID_CELL, 3)
    middles = grid[LABEL + height // 2 :: height, GRID_CELL // 2 :: GRID_CELL, 0].tolist()
    above = [102] + [153 if name == "normal" else 51 for name in MAPS]  # normals as n * 0.5 + 0.5
    below = [MISSING] + [{"normal": 204, "roughness": MISSING}.get(name, 153) for name in MAPS]
    assert middles == [above, below] * 2
