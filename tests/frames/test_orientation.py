"""The eight ways in which a picture can be stored."""

import numpy as np
import pytest

from mvinverse_cli.frames.orientation import Orientation, exif_orientation, matrix_orientation

# what each EXIF value does to [[1, 2], [3, 4]], by the drawing in EXIF 2.32
UPRIGHT = {
    1: [[1, 2], [3, 4]],
    2: [[2, 1], [4, 3]],
    3: [[4, 3], [2, 1]],
    4: [[3, 4], [1, 2]],
    5: [[1, 3], [2, 4]],
    6: [[3, 1], [4, 2]],
    7: [[4, 2], [3, 1]],
    8: [[2, 4], [1, 3]],
}


@pytest.mark.parametrize(("tag", "expected"), UPRIGHT.items())
def test_exif_values_turn_as_the_standard_draws_them(tag, expected):
    stored = np.array([[1, 2], [3, 4]])[..., None]
    assert exif_orientation(tag).apply(stored)[..., 0].tolist() == expected


@pytest.mark.parametrize("tag", [0, 9, 65535])
def test_a_meaningless_exif_value_means_upright(tag):
    assert exif_orientation(tag) == Orientation()


@pytest.mark.parametrize("quarters", range(4))
def test_a_display_matrix_turns_like_rot90(quarters):
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarters]
    unit = 1 << 16
    # counter-clockwise on a screen, whose y points down
    matrix = [cosine * unit, -sine * unit, 0, sine * unit, cosine * unit, 0, 0, 0, 1 << 30]
    stored = np.arange(24).reshape(2, 4, 3)
    upright = matrix_orientation(matrix)
    np.testing.assert_array_equal(upright.apply(stored), np.rot90(stored, quarters))
    assert upright.size(4, 2) == ((2, 4) if quarters % 2 else (4, 2))


def test_upright_pictures_are_contiguous():
    assert exif_orientation(6).apply(np.zeros((4, 6, 3), np.uint8)).flags.c_contiguous
