"""Options: every mistake is said in the words of its flag, and every field has a flag with the same default."""

import inspect
from dataclasses import fields
from fractions import Fraction
from typing import Any

import pytest

from mvinverse_cli.cli.decompose import decompose
from mvinverse_cli.cli.values import parse_rate, split_names
from mvinverse_cli.errors import OptionError
from mvinverse_cli.options import DecomposeOptions, EvaluateOptions, WriteOptions
from mvinverse_cli.sizes import parse_bytes, show_percent

PARAMETERS = inspect.signature(decompose).parameters
FIELDS = [(options, field.name) for options in (DecomposeOptions(), WriteOptions()) for field in fields(options)]


@pytest.mark.parametrize(("options", "name"), FIELDS, ids=[name for _, name in FIELDS])
def test_every_field_has_a_flag_of_its_name_with_the_same_default(options: Any, name: str):
    default = PARAMETERS[name].default
    if isinstance(default, list):
        default = split_names(default)
    if name == "fps":
        default = parse_rate(default)
    assert default == getattr(options, name)
    declared = PARAMETERS[name].annotation.__metadata__[0].param_decls
    assert not declared or "--" + name.replace("_", "-") in declared


@pytest.mark.parametrize(
    ("options", "value", "said"),
    [
        (DecomposeOptions, {"upsample": "nearest"}, "--upsample 'nearest'"),
        (DecomposeOptions, {"window": 8}, "--window 8: must be at least 9, for 4 anchors, 4 frames of overlap"),
        (DecomposeOptions, {"window": 0, "anchors": 0, "overlap": 0}, "--window 0: must be at least 1"),
        (DecomposeOptions, {"window": "most"}, "--window 'most'"),
        (DecomposeOptions, {"anchors": -1}, "--anchors -1"),
        (DecomposeOptions, {"overlap": -2}, "--overlap -2"),
        (DecomposeOptions, {"anchors": 20}, "--anchors 20 --overlap 4: more than a window of 24 holds"),
        (DecomposeOptions, {"looks": 3}, "--looks 3: choose from 1, 2"),
        (EvaluateOptions, {"looks": 0}, "--looks 0: choose from 1, 2"),
        (DecomposeOptions, {"kv_stride": 3}, "--kv-stride 3: choose from 1, 2, 4, 9"),
        (DecomposeOptions, {"kv_mean": True}, "--kv-mean: no patch is left out"),
        (DecomposeOptions, {"size": "model", "upsample": "bilinear"}, "--upsample bilinear: maps of --size model"),
        (DecomposeOptions, {"window": "all", "anchors": 2}, "--anchors 2: --window all has one window"),
        (DecomposeOptions, {"window": "all", "overlap": 0}, "--overlap 0: --window all has one window"),
        (DecomposeOptions, {"memory": "much"}, "--memory 'much'"),
        (DecomposeOptions, {"memory": "0GiB"}, "--memory '0GiB'"),
        (DecomposeOptions, {"every": -1}, "--every -1"),
        (DecomposeOptions, {"max_size": 13}, "--max-size 13"),
        (DecomposeOptions, {"start_frame": -1}, "--start-frame -1"),
        (DecomposeOptions, {"dtype": "int8"}, "--dtype 'int8'"),
        (DecomposeOptions, {"size": "half"}, "--size 'half'"),
        (DecomposeOptions, {"maps": ("depth",)}, "'depth'"),
        (DecomposeOptions, {"albedo_transfer": "gamma"}, "--albedo-transfer 'gamma'"),
        (WriteOptions, {"format": ()}, "--format"),
        (WriteOptions, {"format": ("jpg",)}, "'jpg'"),
        (WriteOptions, {"bits": "12"}, "--bits '12'"),
        (WriteOptions, {"bits": "half"}, "--bits half"),
        (WriteOptions, {"exr_layout": "layers"}, "--exr-layout 'layers': choose from single, parts, files"),
        (WriteOptions, {"exr_layout": "parts"}, "--exr-layout parts: no EXR is written"),
        (WriteOptions, {"exr_compression": "lzw"}, "--exr-compression 'lzw'"),
        (WriteOptions, {"exr_compression": "piz"}, "--exr-compression piz: no EXR is written"),
        (WriteOptions, {"exr_rgba": "normal"}, "--exr-rgba 'normal'"),
        (WriteOptions, {"exr_rgba": "albedo"}, "--exr-rgba albedo: no EXR is written"),
        (WriteOptions, {"format": ("exr",), "exr_rgba": "source", "exr_layout": "files"}, "--exr-rgba source: with"),
        (WriteOptions, {"colorspace": "rec2020"}, "--colorspace 'rec2020'"),
        (WriteOptions, {"colorspace": "acescg"}, "--colorspace acescg: only float files hold it"),
        (WriteOptions, {"format": ("tiff",), "colorspace": "acescg"}, "--colorspace acescg: only float files hold it"),
        (WriteOptions, {"normals": "maya"}, "--normals 'maya'"),
        (WriteOptions, {"residual": True}, "--residual: only float files hold it"),
        (
            WriteOptions,
            {"format": ("exr",), "residual": True, "exr_compression": "dwaa"},
            "--residual: with --exr-compression dwaa the sum is not the plate",
        ),
        (WriteOptions, {"fps": Fraction(0)}, "--fps"),
        (WriteOptions, {"on_exists": "ask"}, "--on-exists 'ask'"),
        (WriteOptions, {"writers": 0}, "--writers 0"),
    ],
)
def test_a_value_that_cannot_be_is_said_with_its_flag(options: type, value: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        options(**value)


@pytest.mark.parametrize(
    ("text", "count"),
    [("10GiB", 10 * 2**30), ("1.5 gb", 15 * 10**8), ("800M", 8 * 10**8), ("4096", 4096), ("2 KiB", 2048)],
)
def test_a_size_is_read_in_the_units_of_memory(text: str, count: int):
    assert parse_bytes("--memory", text) == count


@pytest.mark.parametrize(
    ("share", "text"), [(1, "100%"), (0.996, "100%"), (0.124, "12%"), (0.0994, "9.9%"), (0.0031, "0.31%")]
)
def test_a_share_is_told_in_two_digits(share: float, text: str):
    assert show_percent(share) == text


def test_bits_apply_to_the_formats_that_have_them():
    options = WriteOptions(format=("png", "exr"), bits="16")
    assert options.bits_of("png") == "16"
    assert options.bits_of("exr") == "half"
    assert WriteOptions(format=("tiff",)).bits_of("tiff") == "16"


def test_a_format_named_twice_is_written_once():
    assert WriteOptions(format=("exr", "png", "exr")).format == ("exr", "png")


@pytest.mark.parametrize(
    ("text", "rate"), [("24", 24), ("12.5", Fraction(25, 2)), ("24000/1001", Fraction(24000, 1001))]
)
def test_rates_are_exact(text: str, rate: Fraction):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
    ],
)
def test_decimals_of_a_broadcast_rate_are_that_rate(text: str, rate: Fraction):
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("23.976023976", Fraction(24000, 1001)),
        ("29.97002997003", Fraction(30000, 1001)),
        ("999.99999999", Fraction(1000)),
    ],
)
def test_a_rate_of_more_digits_than_codecs_hold_is_what_it_is_meant_as(text: str, rate: Fraction):
    assert parse_rate(text) == rate
    with pytest.raises(OptionError, match=r"--fps: .* has more digits than codecs hold"):
        WriteOptions(fps=Fraction(text))


@pytest.mark.parametrize("text", ["fast", "24/0", ""])
def test_a_rate_that_is_none_is_said(text: str):
    with pytest.raises(OptionError, match="--fps"):
        parse_rate(text)


def test_a_map_that_is_not_chosen_cannot_be_shown():
    options = WriteOptions(format=("exr",), exr_rgba="albedo")
    options.check_maps(("albedo",))
    with pytest.raises(OptionError, match="--exr-rgba albedo: needs the albedo map; add it to --maps"):
        options.check_maps(("normal",))
    with pytest.raises(OptionError, match="--residual: needs the shading map; add it to --maps"):
        WriteOptions(format=("exr",), residual=True).check_maps(("albedo", "normal"))
