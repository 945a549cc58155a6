"""Transfer curves: the piecewise sRGB curve of IEC 61966-2-1, both ways."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvinverse_cli.color import convert, linear_to_srgb, srgb_to_linear


@pytest.mark.parametrize(
    ("encoded", "linear"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.2140411), (0.04045, 0.0031308), (0.02, 0.02 / 12.92)]
)
def test_known_values_of_the_standard(encoded: float, linear: float):
    assert srgb_to_linear(np.float32([encoded])) == pytest.approx([linear], abs=1e-6)
    assert linear_to_srgb(np.float32([linear])) == pytest.approx([encoded], abs=1e-4)


@given(hnp.arrays(np.float32, (2, 3), elements=st.floats(-4, 4, width=32)))
def test_there_and_back_is_where_it_began_also_outside_the_unit_range(values: np.ndarray):
    assert np.allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-5)


def test_every_8_bit_code_survives_linear_light():
    codes = np.arange(256, dtype=np.float32) / 255
    assert np.array_equal(np.rint(linear_to_srgb(srgb_to_linear(codes)) * 255), np.arange(256))


def test_equal_curves_leave_the_array_alone():
    values = np.zeros(3, np.float32)
    assert convert(values, "srgb", "srgb") is values
    assert convert(values + 0.5, "srgb", "linear")[0] == pytest.approx(0.2140411)
    assert convert(values + 0.5, "linear", "srgb")[0] == pytest.approx(0.7353569)
    assert convert(values, "linear", "srgb").dtype == np.float32
