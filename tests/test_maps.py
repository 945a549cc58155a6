"""The vocabulary of maps."""

import pytest

from mvinverse_cli.errors import OptionError
from mvinverse_cli.maps import MAPS, SPECS, check_map_names


def test_names_come_in_the_house_order_each_once():
    assert check_map_names(["normal", "albedo", "normal"]) == ("albedo", "normal")


@pytest.mark.parametrize("names", [["depth"], ["albedo", "Normal"], []])
def test_a_name_that_is_no_map_is_an_option_error_that_lists_them(names: list[str]):
    with pytest.raises(OptionError, match="albedo, metallic, roughness, normal, shading"):
        check_map_names(names)


def test_data_channels_never_end_in_a_colour():
    """A reader that sees .R .G .B converts them, and DWAA compresses .Y with loss in a part of colours."""
    for name in MAPS:
        if SPECS[name].kind != "color":
            assert not set(SPECS[name].exr_channels) & {"R", "G", "B"}
