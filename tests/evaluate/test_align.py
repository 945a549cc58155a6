"""Alignment: the gain that is left out of the error."""

import numpy as np
import pytest

from mvinverse_cli.evaluate.align import gain_of

TRUTH = np.random.default_rng(0).random((200, 3), dtype=np.float32)


def test_a_known_scale_is_found():
    assert gain_of(TRUTH / 4, TRUTH, "scale") == pytest.approx([4, 4, 4])


def test_a_known_gain_of_each_channel_is_found():
    assert gain_of(TRUTH / [1, 2, 5], TRUTH, "channel") == pytest.approx([1, 2, 5], rel=1e-5)


def test_no_alignment_is_a_gain_of_one():
    assert gain_of(TRUTH / 4, TRUTH, "none").tolist() == [1, 1, 1]


def test_no_other_gain_has_a_smaller_squared_error():
    prediction = np.random.default_rng(1).random(TRUTH.shape, dtype=np.float32)
    best = gain_of(prediction, TRUTH, "channel")
    error = np.square(prediction * best - TRUTH).sum()
    for other in (0.98, 1.02):
        assert np.square(prediction * best * other - TRUTH).sum() > error


def test_a_black_prediction_stays_black():
    assert gain_of(np.zeros_like(TRUTH), TRUTH, "scale").tolist() == [1, 1, 1]
