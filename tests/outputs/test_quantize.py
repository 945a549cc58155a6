"""Rounding: nearest, clamped, and never from what is no number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvinverse_cli.color import linear_to_srgb, srgb_to_linear
from mvinverse_cli.errors import OutputError
from mvinverse_cli.maps import SPECS
from mvinverse_cli.outputs.quantize import quantize

depths = st.sampled_from([8, 16])


def top(depth):
    return 2**depth - 1


@given(hnp.arrays(np.float32, (3, 4, 1), elements=st.floats(0, 1, width=32)), depths)
def test_data_comes_back_within_half_a_step(values, depth):
    back = quantize(values, SPECS["roughness"], depth, "frame 1").codes / top(depth)
    assert np.abs(back - values).max() <= 0.5 / top(depth) + 1e-7


@given(hnp.arrays(np.float32, (3, 4, 3), elements=st.floats(-1, 1, width=32)), depths)
def test_a_normal_comes_back_within_half_a_step(values, depth):
    back = quantize(values, SPECS["normal"], depth, "frame 1").codes / top(depth) * 2 - 1
    assert np.abs(back - values).max() <= 1 / top(depth) + 2e-7  # a step of [-1, 1] is 2 / top


@given(hnp.arrays(np.float32, (3, 4, 3), elements=st.floats(0, 1, width=32)), depths)
def test_colour_comes_back_within_half_a_step_of_the_srgb_curve(values, depth):
    back = quantize(values, SPECS["albedo"], depth, "frame 1").codes / top(depth)
    assert np.abs(back - linear_to_srgb(values)).max() <= 0.5 / top(depth) + 2e-7


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", ["metallic", "normal", "albedo"])
def test_every_code_survives_decoding_and_quantizing_again(name, depth):
    spec = SPECS[name]
    codes = np.arange(2**depth).reshape(-1, 1, 1).repeat(spec.channels, axis=2)
    unit = (codes / top(depth)).astype(np.float32)
    values = srgb_to_linear(unit) if spec.kind == "color" else unit * (spec.high - spec.low) + spec.low
    assert np.array_equal(quantize(values.astype(np.float32), spec, depth, "frame 1").codes, codes)


@pytest.mark.parametrize(("depth", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_the_dtype_holds_the_depth(depth, dtype):
    assert quantize(np.ones((2, 2, 1), np.float32), SPECS["metallic"], depth, "frame 1").codes.dtype == dtype


def test_values_are_rounded_and_not_cut_off():
    values = np.array([0.9, 1.4, 1.6], np.float32).reshape(1, 3, 1) / 255
    assert quantize(values, SPECS["metallic"], 8, "frame 1").codes.ravel().tolist() == [1, 1, 2]


def test_values_outside_the_range_are_clamped_and_counted():
    values = np.array([-0.5, 0.0, 1.0, 7.0], np.float32).reshape(2, 2, 1)
    codes, clipped = quantize(values, SPECS["roughness"], 8, "frame 1")
    assert codes.ravel().tolist() == [0, 0, 255, 255]
    assert clipped == 0.5


def test_a_rounding_error_of_a_unit_vector_does_not_count_as_clipped():
    values = np.array([1.0000001, -1.0000001, 0.0], np.float32).reshape(1, 1, 3)
    assert quantize(values, SPECS["normal"], 16, "frame 1").clipped == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", SPECS)
def test_what_is_no_number_is_refused_by_map_and_frame(name, bad):
    values = np.full((4, 4, SPECS[name].channels), 0.5, np.float32)
    values[2, 1, 0] = bad
    with pytest.raises(OutputError, match=f"clip: frame 1007: the {name} map .* weights verify"):
        quantize(values, SPECS[name], 8, "clip: frame 1007")


def test_the_maps_in_memory_stay_as_they_are():
    values = np.full((2, 2, 3), 1.5, np.float32)
    quantize(values, SPECS["shading"], 8, "frame 1")
    assert (values == 1.5).all()
