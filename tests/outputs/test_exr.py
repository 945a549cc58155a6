"""EXR files, read back with OpenEXR's new and old interface."""

import io
from fractions import Fraction

import numpy as np
import OpenEXR
import pytest

from mvinverse_cli.errors import OutputError
from mvinverse_cli.maps import MAPS, SPECS, FrameMaps
from mvinverse_cli.outputs.exr import encode_exr
from mvinverse_cli.outputs.light import float_maps

CHANNELS = sorted(f"{name}.{suffix}" for name in MAPS for suffix in SPECS[name].exr_channels)


def encode(maps, chosen=MAPS, bits="half", number=1001, rate=None, attributes=None, colorspace="srgb-linear", **more):
    frame = FrameMaps(maps, "clip", 0, number, "", None, "clip.mov")
    pixels = float_maps(frame, chosen, bits, colorspace, "clip: frame 1001")
    return encode_exr(pixels, attributes or {}, number=number, rate=rate, colorspace=colorspace, **more)


def read(content):
    """(header, {channel: (H, W) array})."""
    file = OpenEXR.File(io.BytesIO(content), separate_channels=True)
    return file.header(), {name: channel.pixels for name, channel in file.channels().items()}


def plane(maps, channel):
    name, suffix = channel.split(".")
    return maps[name][..., SPECS[name].exr_channels.index(suffix)]


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (3, 500), (500, 3), (33, 17)])
@pytest.mark.parametrize(("bits", "dtype"), [("half", np.float16), ("float", np.float32)])
def test_every_channel_comes_back_as_it_was(make_frame, bits, dtype, size):
    maps = make_frame(size=size).maps
    _, channels = read(encode(maps, bits=bits))
    assert sorted(channels) == CHANNELS
    for name, pixels in channels.items():
        assert pixels.dtype == dtype
        assert np.array_equal(pixels, plane(maps, name).astype(dtype)), name


@pytest.mark.parametrize(("number", "told"), [(2**31 - 1, 2**31 - 1), (2**31, None), (20260131120000, None)])
def test_a_number_that_the_header_cannot_hold_is_left_out_of_it(make_frame, number: int, told: int | None):
    header, _ = read(encode(make_frame().maps, number=number))
    assert header.get("imageCounter") == told


def test_no_data_channel_is_taken_for_colour():
    colours = {name.split(".")[0] for name in CHANNELS if name[-1] in "RGB"}
    assert colours == {"albedo", "shading"}


def test_views_in_strange_memory_orders_come_back_as_they_were(make_frame):
    maps = {name: np.asfortranarray(values[::-1, ::-1]) for name, values in make_frame().maps.items()}
    _, channels = read(encode(maps, bits="float"))
    assert all(np.array_equal(pixels, plane(maps, name)) for name, pixels in channels.items())


def test_only_the_chosen_maps_are_written(make_frame):
    _, channels = read(encode(make_frame().maps, chosen=("normal", "metallic")))
    assert sorted(channels) == ["metallic.V", "normal.X", "normal.Y", "normal.Z"]


def test_the_header_tells_where_the_frame_comes_from(make_frame, about):
    content = encode(make_frame().maps, rate=Fraction(24000, 1001), attributes=about.attributes("plate.1001.exr"))
    header, _ = read(content)
    assert header["software"] == "mvinverse 0.1.0"
    assert header["imageCounter"] == 1001
    assert header["framesPerSecond"] == Fraction(24000, 1001)
    assert header["mvinverse/model"] == "small"
    assert header["mvinverse/revision"] == "50e7bd08"
    assert header["mvinverse/sha256"] == "ab" * 32
    assert header["mvinverse/source"] == "plate.1001.exr"
    assert header["mvinverse/inputTransfer"] == "srgb"
    assert header["mvinverse/shadingTransfer"] == "linear"
    assert "OpenGL" in header["mvinverse/normalConvention"]
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION


@pytest.mark.parametrize(("chosen", "space"), [(MAPS, "lin_rec709_scene"), (("normal", "roughness"), "data")])
def test_the_colour_space_is_named_by_its_interop_id_alone(make_frame, chosen, space):
    header, _ = read(encode(make_frame().maps, chosen=chosen))
    assert header["colorInteropID"] == space
    assert "chromaticities" not in header


def test_stills_have_no_frame_rate(make_frame):
    assert "framesPerSecond" not in read(encode(make_frame().maps))[0]


def test_both_windows_are_the_size_of_the_source(make_frame):
    header, _ = read(encode(make_frame(size=(7, 11)).maps))
    for window in ("displayWindow", "dataWindow"):
        first, last = header[window]
        assert (*first, *last) == (0, 0, 10, 6)


def test_light_above_one_is_kept(make_frame):
    maps = {**make_frame().maps, "shading": np.full((6, 8, 3), 7.5, np.float32)}
    assert (read(encode(maps))[1]["shading.G"] == 7.5).all()


def test_values_beyond_half_stay_finite(make_frame):
    maps = {**make_frame().maps, "shading": np.full((6, 8, 3), 70000, np.float32)}
    assert (read(encode(maps))[1]["shading.R"] == 65504).all()
    assert (read(encode(maps, bits="float"))[1]["shading.R"] == 70000).all()


@pytest.mark.parametrize("bits", ["half", "float"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_never_reaches_a_file(make_frame, bits, bad):
    values = np.zeros((6, 8, 3), np.float32)
    values[-1, -1, -1] = bad
    with pytest.raises(OutputError, match="clip: frame 1001: the normal map holds NaN or infinity"):
        encode({**make_frame().maps, "normal": values}, bits=bits)


def test_a_name_outside_ascii_is_kept(make_frame):
    header, _ = read(encode(make_frame().maps, attributes={"mvinverse/source": "küche/写真.exr"}))
    assert header["mvinverse/source"] == "küche/写真.exr"


def test_an_exr_made_twice_is_the_same(make_frame):
    assert encode(make_frame(size=(70, 90)).maps) == encode(make_frame(size=(70, 90)).maps)


def test_the_old_interface_reads_the_same_halves(make_frame, tmp_path):
    maps = make_frame().maps
    path = tmp_path / "a.exr"
    path.write_bytes(encode(maps))
    file = OpenEXR.InputFile(str(path))
    assert sorted(file.header()["channels"]) == CHANNELS
    pixels = np.frombuffer(file.channel("normal.Y"), np.float16).reshape(6, 8)
    file.close()
    assert np.array_equal(pixels, maps["normal"][..., 1].astype(np.float16))
