"""EXR layouts, compressions and colour spaces, read back with OpenEXR and with OpenImageIO."""

from fractions import Fraction

import numpy as np
import OpenEXR
import OpenImageIO
import pytest

from mvinverse_cli.maps import MAPS, SPECS, FrameMaps
from mvinverse_cli.outputs.exr import COMPRESSIONS, encode_exr
from mvinverse_cli.outputs.light import float_maps, float_plate

LOSSY = 0.02  # what DWAA makes of a ramp at its usual level
SIZE = (33, 47)


def write(path, frame, *, chosen=MAPS, bits="half", colorspace="srgb-linear", rgb=None, **more):
    """Encodes `frame` to `path` and returns the pixels that went in."""
    pixels = float_maps(frame, chosen, bits, colorspace, "clip: frame 1001")
    attributes = {"software": "mvinverse 0.1.0", "mvinverse/source": "küche.mov"}
    rate = Fraction(24000, 1001)
    content = encode_exr(pixels, attributes, colorspace=colorspace, rgb=rgb, number=1001, rate=rate, **more)
    path.write_bytes(content)
    return pixels


def with_openexr(path):
    """[(part name, header, {channel: (H, W)})]."""
    parts = OpenEXR.File(str(path), separate_channels=True).parts
    return [(p.name(), p.header, {name: channel.pixels for name, channel in p.channels.items()}) for p in parts]


def with_openimageio(path):
    """The same: [(part name, spec, {channel: (H, W)})]."""
    source = OpenImageIO.ImageInput.open(str(path))
    assert source, OpenImageIO.geterror()
    parts = []
    while source.seek_subimage(len(parts), 0):
        spec = source.spec()
        pixels = source.read_image(len(parts), 0, 0, spec.nchannels, spec.format)  # (H, W, C)
        planes = {name: pixels[..., place] for place, name in enumerate(spec.channelnames)}
        parts.append((spec.getattribute("oiio:subimagename"), spec, planes))
    source.close()
    return parts


def planes_of(pixels):
    return {
        f"{name}.{suffix}": values[..., place]
        for name, values in pixels.items()
        for place, suffix in enumerate(SPECS[name].exr_channels)
    }


@pytest.mark.parametrize("reader", [with_openexr, with_openimageio])
@pytest.mark.parametrize("bits", ["half", "float"])
@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
@pytest.mark.parametrize("layout", ["single", "parts"])
def test_every_channel_comes_back_in_every_layout_and_compression(
    make_frame, tmp_path, layout, compression, bits, reader
):
    pixels = write(tmp_path / "a.exr", make_frame(size=SIZE), bits=bits, layout=layout, compression=compression)
    read = {name: plane for _, _, planes in reader(tmp_path / "a.exr") for name, plane in planes.items()}
    expected = planes_of(pixels)
    assert sorted(read) == sorted(expected)
    for name, plane in expected.items():
        assert read[name].dtype == plane.dtype
        if compression == "dwaa" and name[-1] in "RGB":
            assert np.abs(read[name].astype(float) - plane).max() < LOSSY, name
        else:
            assert np.array_equal(read[name], plane), name


@pytest.mark.parametrize("reader", [with_openexr, with_openimageio])
def test_a_part_for_each_map_is_named_by_it_and_says_what_it_holds(make_frame, tmp_path, reader):
    write(tmp_path / "a.exr", make_frame(), layout="parts")
    parts = reader(tmp_path / "a.exr")
    assert [name for name, _, _ in parts] == list(MAPS)
    for (name, header, planes), spec in zip(parts, SPECS.values(), strict=False):
        ours = header["colorInteropID"]
        assert ours == ("lin_rec709_scene" if spec.kind == "color" else "data")
        assert sorted(planes) == sorted(f"{name}.{suffix}" for suffix in spec.exr_channels)


@pytest.mark.parametrize("reader", [with_openexr, with_openimageio])
@pytest.mark.parametrize("layout", ["single", "parts"])
def test_every_part_has_the_whole_header(make_frame, tmp_path, layout, reader):
    write(tmp_path / "a.exr", make_frame(), layout=layout)
    software = "software" if reader is with_openexr else "Software"
    for _, header, _ in reader(tmp_path / "a.exr"):
        assert header[software] == "mvinverse 0.1.0"
        assert header["mvinverse/source"] == "küche.mov"
        assert header["imageCounter"] == 1001
        rate = header["framesPerSecond"]
        assert (Fraction(rate[0], rate[1]) if isinstance(rate, tuple) else rate) == Fraction(24000, 1001)


def test_a_file_of_one_part_has_no_part_name(make_frame, tmp_path):
    write(tmp_path / "a.exr", make_frame())
    ((name, header, _),) = with_openexr(tmp_path / "a.exr")
    assert name == ""
    assert "name" not in header


@pytest.mark.parametrize(("compression", "code"), [(name, code.value) for name, code in COMPRESSIONS.items()])
def test_the_compression_is_the_one_asked_for(make_frame, tmp_path, compression, code):
    write(tmp_path / "a.exr", make_frame(), chosen=("albedo",), compression=compression)
    ((_, header, _),) = with_openexr(tmp_path / "a.exr")
    assert header["compression"].value == code


@pytest.mark.parametrize("layout", ["single", "parts"])
def test_dwaa_is_for_colour_and_zip_for_all_else(make_frame, tmp_path, layout):
    write(tmp_path / "a.exr", make_frame(), layout=layout, compression="dwaa")
    parts = with_openexr(tmp_path / "a.exr")
    assert [name for name, _, _ in parts] == (["color", "data"] if layout == "single" else list(MAPS))
    for _, header, planes in parts:
        is_color = any(name[-1] in "RGB" for name in planes)
        assert header["compression"] == (OpenEXR.DWAA_COMPRESSION if is_color else OpenEXR.ZIP_COMPRESSION)
        assert header["colorInteropID"] == ("lin_rec709_scene" if is_color else "data")


def test_dwaa_leaves_a_file_of_normals_alone_whatever_its_channels_are_called(make_frame, tmp_path):
    pixels = write(tmp_path / "a.exr", make_frame(), chosen=("normal",), layout="files", compression="dwaa")
    ((_, header, planes),) = with_openexr(tmp_path / "a.exr")
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION
    assert all(np.array_equal(planes[name], pixels["normal"][..., "RGB".index(name)]) for name in "RGB")


@pytest.mark.parametrize("reader", [with_openexr, with_openimageio])
@pytest.mark.parametrize("name", MAPS)
def test_a_file_for_each_map_has_plain_channels(make_frame, tmp_path, name, reader):
    pixels = write(tmp_path / "a.exr", make_frame(size=SIZE), chosen=(name,), layout="files")[name]
    ((_, header, planes),) = reader(tmp_path / "a.exr")
    expected = "RGB" if SPECS[name].channels == 3 else "Y"
    assert sorted(planes) == sorted(expected)
    assert all(np.array_equal(planes[channel], pixels[..., place]) for place, channel in enumerate(expected))
    assert header["colorInteropID"] == ("lin_rec709_scene" if SPECS[name].kind == "color" else "data")


@pytest.mark.parametrize("layout", ["single", "parts"])
def test_a_picture_for_thumbnails_stands_at_the_top(make_frame, tmp_path, layout):
    frame = make_frame(size=SIZE)
    rgb = float_plate(frame.maps["albedo"] * 3, "half", "srgb-linear")
    write(tmp_path / "a.exr", frame, layout=layout, rgb=rgb)
    name, header, planes = with_openexr(tmp_path / "a.exr")[0]
    assert name == ("rgb" if layout == "parts" else "")
    assert header["colorInteropID"] == "lin_rec709_scene"
    assert all(np.array_equal(planes[channel], rgb[..., place]) for place, channel in enumerate("RGB"))
    buffer = OpenImageIO.ImageBuf(str(tmp_path / "a.exr"))  # what a viewer without layers shows
    assert np.array_equal(buffer.get_pixels(OpenImageIO.FLOAT)[..., :3], rgb.astype(np.float32))


@pytest.mark.parametrize("reader", [with_openexr, with_openimageio])
def test_acescg_is_named_and_leaves_data_alone(make_frame, tmp_path, reader):
    frame = make_frame(size=SIZE)
    write(tmp_path / "a.exr", frame, layout="parts", bits="float", colorspace="acescg")
    parts = {name: (header, planes) for name, header, planes in reader(tmp_path / "a.exr")}
    for name in MAPS:
        header, planes = parts[name]
        is_color = SPECS[name].kind == "color"
        assert header["colorInteropID"] == ("lin_ap1_scene" if is_color else "data")
        read = np.stack([planes[f"{name}.{suffix}"] for suffix in SPECS[name].exr_channels], axis=-1)
        assert np.array_equal(read, frame.maps[name]) is not is_color


def test_openimageio_knows_the_colour_spaces_by_their_names(make_frame, tmp_path):
    for colorspace in ("srgb-linear", "acescg"):
        write(tmp_path / "a.exr", make_frame(), chosen=("albedo",), colorspace=colorspace)
        ((_, spec, _),) = with_openimageio(tmp_path / "a.exr")
        config = OpenImageIO.ColorConfig("ocio://default")
        theirs = {"srgb-linear": "lin_rec709_scene", "acescg": "lin_ap1_scene"}[colorspace]
        assert config.equivalent(spec.getattribute("oiio:ColorSpace"), theirs)


def test_both_windows_are_the_size_of_the_source_in_every_part(make_frame, tmp_path):
    write(tmp_path / "a.exr", FrameMaps(make_frame(size=(7, 11)).maps, "", 0, 1, "", None, ""), layout="parts")
    for _, spec, _ in with_openimageio(tmp_path / "a.exr"):
        assert (spec.x, spec.y, spec.width, spec.height) == (0, 0, 11, 7)
        assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 11, 7)
