"""A pair: which way flow points, what of it is trusted, and what it becomes at another size."""

import numpy as np
import pytest

from mvinverse_cli.flow import KEPT_LEAST, PairFlow, consistent


def flat(u: float, v: float, size: tuple[int, int] = (64, 96)):
    return np.broadcast_to(np.float32([u, v]), (*size, 2)).copy()


def test_a_way_that_the_way_back_undoes_is_trusted_where_it_stays_inside():
    agrees = consistent(flat(5, -3), flat(-5, 3))
    assert agrees[3:, :-5].all()
    assert not agrees[:3].any()
    assert not agrees[:, -5:].any()


@pytest.mark.parametrize(("apart", "is_trusted"), [(0.6, True), (0.8, False)])
def test_the_check_allows_the_root_of_a_half_where_nothing_moves(apart, is_trusted):
    size = (32, 512)  # where pixels are those of the check
    assert consistent(flat(0, 0, size), flat(apart, 0, size)).any() == is_trusted


def test_the_check_means_the_same_share_of_a_picture_of_any_size():
    assert consistent(flat(0, 0, (8, 1024)), flat(1.3, 0, (8, 1024))).any()
    assert not consistent(flat(0, 0, (8, 256)), flat(0.5, 0, (8, 256))).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_trusted_nowhere(value):
    broken = flat(0, 0)
    broken[10, 10] = value
    assert not consistent(broken, flat(0, 0))[10, 10]
    assert not consistent(flat(0, 0), broken)[10, 10]
    assert consistent(broken, flat(0, 0)).mean() > 0.99


def test_a_flow_at_another_size_is_in_pixels_of_that_size():
    valid = np.ones((64, 96, 1), bool)
    valid[:32] = False
    half = PairFlow(flat(8, -4), valid).at((32, 48))
    assert half.forward.shape == (32, 48, 2)
    assert half.valid.shape == (32, 48, 1)
    assert np.allclose(half.forward, [4, -2])
    assert np.array_equal(half.valid[..., 0], np.repeat([False, True], 16)[:, None].repeat(48, axis=1))
    assert np.allclose(PairFlow(flat(8, -4), valid).at((128, 96)).forward, [8, -8])
    assert half.kept == 0.5 < KEPT_LEAST


def test_of_a_part_of_both_pictures_what_leaves_it_is_not_valid():
    part = PairFlow(flat(5, -3), np.ones((64, 96, 1), bool)).cropped(slice(10, 30), slice(40, 80))
    assert part.forward.shape == (20, 40, 2)
    assert np.array_equal(part.valid[..., 0], np.pad(np.ones((17, 35), bool), ((3, 0), (0, 5))))
