"""Transfer curves: the piecewise sRGB curve of IEC 61966-2-1, both ways."""

import numpy as np
import PyOpenColorIO
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mvinverse_cli.color import (
    INTEROP_PRIMARIES,
    REC709,
    REC709_TO_AP1,
    convert,
    linear_to_srgb,
    srgb_to_linear,
    to_acescg,
    to_rec709,
    to_rec709_matrix,
)


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


def test_acescg_is_what_opencolorio_makes_of_it():
    config = PyOpenColorIO.Config.CreateFromBuiltinConfig("ocio://default")
    theirs = config.getProcessor("Linear Rec.709 (sRGB)", "ACEScg").getDefaultCPUProcessor()
    colours = np.random.default_rng(0).uniform(-0.5, 20, (500, 3)).astype(np.float32)
    expected = colours.copy()
    theirs.applyRGB(expected)
    assert np.allclose(to_acescg(colours), expected, rtol=2e-6, atol=2e-6)


def test_acescg_keeps_neutral_light_neutral():
    assert np.allclose(np.sum(REC709_TO_AP1, axis=1), 1, atol=1e-9)
    assert to_acescg(np.full((2, 4, 3), 0.18, np.float32)) == pytest.approx(0.18, abs=1e-7)


def test_acescg_is_derived_from_its_primaries():
    """Primaries of ITU-R BT.709 and of AP1 (S-2014-004), whites D65 and ACES, adapted by Bradford."""

    def to_xyz(red, green, blue, white):
        columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (red, green, blue)]).T
        x, y = white
        white_xyz = np.array([x / y, 1, (1 - x - y) / y])
        return columns * np.linalg.solve(columns, white_xyz), white_xyz

    rec709, d65 = to_xyz((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
    ap1, aces_white = to_xyz((0.713, 0.293), (0.165, 0.830), (0.128, 0.044), (0.32168, 0.33767))
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    gains = np.diag((bradford @ aces_white) / (bradford @ d65))
    derived = np.linalg.inv(ap1) @ np.linalg.inv(bradford) @ gains @ bradford @ rec709
    assert np.allclose(derived, REC709_TO_AP1, atol=1e-9)


OCIO_NAMES = {
    "lin_ap0_scene": "ACES2065-1",
    "lin_ap1_scene": "ACEScg",
    "lin_p3d65_scene": "Linear P3-D65",
    "lin_rec2020_scene": "Linear Rec.2020",
}


@pytest.mark.parametrize(("name", "theirs"), OCIO_NAMES.items())
def test_light_of_other_primaries_becomes_what_opencolorio_makes_of_it(name, theirs):
    config = PyOpenColorIO.Config.CreateFromBuiltinConfig("ocio://default")
    processor = config.getProcessor(theirs, "Linear Rec.709 (sRGB)").getDefaultCPUProcessor()
    colours = np.random.default_rng(0).uniform(0, 20, (500, 3)).astype(np.float32)
    expected = colours.copy()
    processor.applyRGB(expected)
    assert np.allclose(to_rec709(colours, INTEROP_PRIMARIES[name]), expected, rtol=1e-4, atol=2e-3)


def test_acescg_and_back_is_the_same_light():
    colours = np.random.default_rng(0).uniform(-0.5, 20, (500, 3)).astype(np.float32)
    assert np.allclose(to_rec709(to_acescg(colours), INTEROP_PRIMARIES["lin_ap1_scene"]), colours, atol=1e-5, rtol=1e-5)
    assert np.allclose(to_rec709_matrix(REC709), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    "primaries",
    [(0,) * 8, (0.3,) * 8, (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0), (float("nan"),) * 8],
)
def test_primaries_that_span_no_colours_are_said(primaries):
    with pytest.raises(ValueError, match="span no colours"):
        to_rec709(np.zeros((2, 3), np.float32), primaries)
