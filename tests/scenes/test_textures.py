"""Patterns: in range, seamless, and never shared by the two splits."""

import numpy as np
import pytest

from mvinverse_cli.scenes.patterns_held_out import HELD_OUT
from mvinverse_cli.scenes.patterns_train import TRAIN
from mvinverse_cli.scenes.textures import SHARED, cells, noise, relief

PATTERNS = {**SHARED, **TRAIN, **HELD_OUT}
FILL_ONE_SQUARE = {"art", "writing", "hills"}


def jumps(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean change from each row (or column) to the next; the last is the change across the seam."""
    return np.abs(values - np.roll(values, -1, axis)).mean(1 - axis)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("n", [16, 50, 64])
def test_every_field_keeps_its_range(name: str, n: int):
    for seed in range(4):
        pattern = PATTERNS[name](np.random.default_rng(seed), n)
        assert pattern.place.shape == (n, n)
        assert 0 <= pattern.place.min() <= pattern.place.max() <= pattern.parts - 1 + 1e-6
        assert pattern.count >= 1
        for field, low, high in ((pattern.tone, -1.6, 1.6), (pattern.height, -1, 1.6), (pattern.joint, 0, 1)):
            if field is not None:
                assert field.shape == (n, n)
                assert low <= field.min() <= field.max() <= high


@pytest.mark.parametrize("name", sorted(set(PATTERNS) - FILL_ONE_SQUARE))
@pytest.mark.parametrize("axis", [0, 1])
def test_the_seam_is_no_harder_than_the_edges_within(name: str, axis: int):
    for seed in range(6):
        pattern = PATTERNS[name](np.random.default_rng(seed), 64)
        for field in (pattern.place, pattern.tone, pattern.height, pattern.joint):
            if field is not None:
                steps = jumps(field, axis)
                assert steps[-1] <= 1.3 * steps[:-1].max() + 0.02


def test_the_splits_share_no_pattern_of_their_own():
    assert not set(TRAIN) & set(HELD_OUT)
    assert not set(TRAIN.values()) & set(HELD_OUT.values())
    assert set(SHARED) == {"plain", "mottled"}


@pytest.mark.parametrize("stretch", [1, 8])
def test_noise_is_centred_and_seamless(stretch: int):
    values = noise(np.random.default_rng(0), 64, 4, 5, 0.5, stretch)
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(0.5, abs=0.02)
    assert values.std() == pytest.approx(0.22, abs=0.03)
    for axis in (0, 1):
        assert jumps(values, axis)[-1] <= 1.3 * jumps(values, axis)[:-1].max()


def test_every_cell_holds_its_nearest_point():
    first, second, index = cells(np.random.default_rng(0), 48, 5)
    assert (first <= second).all()
    assert set(np.unique(index)) <= set(range(25))


def test_a_slope_up_along_u_leans_the_normal_back_along_u():
    u = np.arange(32) / 32
    ramp = np.broadcast_to(np.abs(u - 0.5), (32, 32))
    normal = relief(ramp, 10)
    assert normal is not None
    assert normal[16, 24, 0] < -0.05  # rising towards +u
    assert normal[16, 8, 0] > 0.05
    assert np.abs(normal[..., 1]).max() == 0
    turned = relief(ramp.T, 10)
    assert turned is not None
    assert turned[24, 16, 1] < -0.05  # rows are +v


def test_tilts_end_at_30_degrees():
    steps = np.random.default_rng(0).random((32, 32))
    normal = relief(steps, 80)
    assert normal is not None
    assert np.degrees(np.arccos(normal[..., 2])).max() == pytest.approx(30, abs=0.1)
    assert np.linalg.norm(normal, axis=-1) == pytest.approx(np.ones((32, 32)), abs=1e-5)


def test_an_even_field_has_no_relief():
    assert relief(np.full((8, 8), 0.3), 10) is None
