"""Many places of a picture."""

import cv2
import numpy as np
import pytest

from mvinverse_cli.train import lookup
from mvinverse_cli.train.lookup import looked_up

PICTURE = np.random.default_rng(0).random((5, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("border", [cv2.BORDER_WRAP, cv2.BORDER_REPLICATE])
def test_the_middle_of_a_pixel_is_its_colour(border):
    rows, columns = (at.ravel() for at in np.mgrid[:5, :8])
    assert np.allclose(looked_up(PICTURE, rows + 0.5, columns + 0.5, border), PICTURE[rows, columns], atol=1e-6)


def test_between_two_middles_lies_their_mean_and_past_the_edge_what_the_border_says():
    row, edge = np.array([2.5]), np.array([8.0])
    assert np.allclose(looked_up(PICTURE, row, np.array([4.0]), cv2.BORDER_WRAP), PICTURE[2, 3:5].mean(0), atol=1e-6)
    around = (PICTURE[2, 7] + PICTURE[2, 0]) / 2
    assert np.allclose(looked_up(PICTURE, row, edge, cv2.BORDER_WRAP), around, atol=1e-6)
    assert np.allclose(looked_up(PICTURE, row, edge, cv2.BORDER_REPLICATE), PICTURE[2, 7], atol=1e-6)


def test_however_many_places_there_are(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(1)
    rows, columns = rng.uniform(0, 5, 700), rng.uniform(0, 8, 700)
    whole = looked_up(PICTURE, rows, columns, cv2.BORDER_WRAP)
    monkeypatch.setattr(lookup, "AT_ONCE", 99)
    assert np.array_equal(looked_up(PICTURE, rows, columns, cv2.BORDER_WRAP), whole)
    assert looked_up(PICTURE, rows[:0], columns[:0], cv2.BORDER_WRAP).shape == (0, 3)
