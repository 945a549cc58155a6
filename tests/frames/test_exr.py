"""EXR plates: scene-linear, in the display window, from the part and layer that is the picture."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from mvinverse_cli.color import REC709, to_acescg
from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import find_shots
from mvinverse_cli.frames.pictures import probe_picture, read_picture

RANDOM = np.random.default_rng(0)
PLATE = RANDOM.random((6, 8, 3)).astype(np.float32) * 20 - 1  # light below 0 and above 1


def window(left: int, top: int, right: int, bottom: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([left, top], np.int32), np.array([right, bottom], np.int32)


def part(channels: dict[str, np.ndarray], name: str = "main", **header) -> OpenEXR.Part:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage} | header
    return OpenEXR.Part(header, {key: np.ascontiguousarray(value) for key, value in channels.items()}, name=name)


def write(path: Path, *parts: OpenEXR.Part) -> Path:
    OpenEXR.File(list(parts)).write(str(path))
    return path


def rgb(values: np.ndarray = PLATE, prefix: str = "") -> dict[str, np.ndarray]:
    return {prefix + name: values[..., i] for i, name in enumerate("RGB")}


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), None])
def test_a_sequence_has_the_rate_that_its_first_plate_names(rate, tmp_path):
    named = {} if rate is None else {"framesPerSecond": rate}
    for number in (1001, 1002):
        write(tmp_path / f"plate.{number}.exr", part(rgb(), **named))
    (shot,) = find_shots([tmp_path / "plate.####.exr"], allow_gaps=False)
    assert shot.rate == rate


@pytest.mark.parametrize(("said", "meant"), [(2.0, 2.0), (None, 1.0), (1e6, 1.0)])
def test_plates_tell_how_wide_their_pixels_are(said, meant, tmp_path, caplog):
    named = {} if said is None else {"pixelAspectRatio": said}
    for number in (1001, 1002):
        write(tmp_path / f"plate.{number}.exr", part(rgb(), **named))
    assert find_shots([tmp_path / "plate.####.exr"], allow_gaps=False)[0].pixel_aspect == meant
    write(tmp_path / "square.exr", part(rgb()))
    one, both = ([tmp_path / "plate.1001.exr", *more] for more in ([], [tmp_path / "square.exr"]))
    assert find_shots(one, allow_gaps=False)[0].pixel_aspect == meant
    assert not caplog.messages
    assert find_shots(both, allow_gaps=False)[0].pixel_aspect == 1.0
    assert ("(width over height: 1, 2), all taken as square" in caplog.text) == (meant == 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("compression", ["NO", "ZIP", "PIZ"])
def test_float_and_half_plates_are_linear_and_exact(dtype, compression, tmp_path):
    stored = PLATE.astype(dtype)
    header = {"compression": getattr(OpenEXR, compression + "_COMPRESSION")}
    path = write(tmp_path / "a.exr", part(rgb(stored), **header))
    picture = read_picture(path)
    assert probe_picture(path).size == (8, 6)
    assert picture.transfer == "linear"
    assert picture.pixels.dtype == np.float32
    np.testing.assert_array_equal(picture.pixels, stored.astype(np.float32))


def test_tiled_files_are_read(tmp_path):
    tiles = OpenEXR.TileDescription()
    path = write(tmp_path / "a.exr", part(rgb(), type=OpenEXR.tiledimage, tiles=tiles))
    np.testing.assert_array_equal(read_picture(path).pixels, PLATE)


def test_the_only_layer_is_the_picture(tmp_path):
    channels = rgb(prefix="beauty.") | {"depth.Z": PLATE[..., 0], "crypto.r": PLATE[..., 1]}
    np.testing.assert_array_equal(read_picture(write(tmp_path / "a.exr", part(channels))).pixels, PLATE)


def test_plain_channels_win_over_layers(tmp_path):
    channels = rgb() | rgb(PLATE * 0, "diffuse.") | rgb(PLATE * 0, "specular.")
    np.testing.assert_array_equal(read_picture(write(tmp_path / "a.exr", part(channels))).pixels, PLATE)


def test_two_layers_and_no_plain_channels_are_ambiguous(tmp_path):
    path = write(tmp_path / "a.exr", part(rgb(prefix="diffuse.") | rgb(prefix="specular.")))
    with pytest.raises(InputError, match=r"several layers could be the picture \(diffuse, specular\)"):
        probe_picture(path)


def test_of_several_layers_the_one_that_is_called_the_picture_is_read(tmp_path):
    channels = rgb(PLATE * 0, "ViewLayer.DiffCol.") | rgb(prefix="ViewLayer.Combined.") | rgb(PLATE, "ViewLayer.Env.")
    path = write(tmp_path / "a.exr", part(channels))
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, PLATE)
    assert "holds pictures of 3 layers; ViewLayer.Combined is read" in picture.notes
    two = write(tmp_path / "b.exr", part(rgb(prefix="fg.Combined.") | rgb(prefix="bg.Combined.")))
    with pytest.raises(InputError, match="several layers could be the picture"):
        probe_picture(two)


def test_luminance_and_chroma_are_called_so(tmp_path):
    path = write(tmp_path / "a.exr", part({"Y": PLATE[..., 0], "RY": PLATE[..., 1], "BY": PLATE[..., 2]}))
    with pytest.raises(InputError, match=r"a\.exr: luminance and chroma \(Y, RY, BY\), not R, G, B"):
        probe_picture(path)


def test_a_single_luminance_channel_becomes_gray(tmp_path):
    path = write(tmp_path / "a.exr", part({"Y": PLATE[..., 0]}))
    np.testing.assert_array_equal(read_picture(path).pixels, np.repeat(PLATE[..., :1], 3, axis=-1))


def test_no_picture_channels_is_an_error_that_lists_them(tmp_path):
    path = write(tmp_path / "a.exr", part({"Z": PLATE[..., 0], "N.X": PLATE[..., 1]}))
    with pytest.raises(InputError, match=r"a\.exr: no R, G, B or Y channels, only N\.X, Z"):
        probe_picture(path)


@pytest.mark.parametrize("beauty_first", [True, False])
def test_the_first_part_with_a_picture_is_read(beauty_first, tmp_path):
    parts = [part(rgb(), "beauty"), part({"Z": PLATE[..., 0]}, "depth")]
    path = write(tmp_path / "a.exr", *(parts if beauty_first else parts[::-1]))
    np.testing.assert_array_equal(read_picture(path).pixels, PLATE)


@pytest.mark.parametrize(
    ("data", "display"),
    [
        (window(2, 1, 9, 6), window(0, 0, 11, 9)),  # smaller
        (window(-2, -1, 5, 4), window(0, 0, 3, 2)),  # larger
        (window(3, 2, 10, 7), window(0, 0, 5, 4)),  # across
        (window(20, 20, 27, 25), window(0, 0, 5, 4)),  # elsewhere
        (window(100, 50, 107, 55), window(100, 50, 107, 55)),  # away from 0
    ],
)
def test_the_display_window_is_the_picture(data, display, tmp_path):
    path = write(tmp_path / "a.exr", part(rgb(), dataWindow=data, displayWindow=display))
    pixels = read_picture(path).pixels
    width, height = (display[1] - display[0] + 1).tolist()
    assert probe_picture(path).size == (width, height)
    assert pixels.shape == (height, width, 3)
    for y in range(height):
        for x in range(width):
            column, row = (display[0] + [x, y] - data[0]).tolist()
            inside = 0 <= column < 8 and 0 <= row < 6
            np.testing.assert_array_equal(pixels[y, x], PLATE[row, column] if inside else 0)


def test_colour_is_divided_by_alpha(tmp_path):
    alpha = np.full((6, 8), 0.5, np.float32)
    alpha[0] = 0
    picture = read_picture(write(tmp_path / "a.exr", part(rgb() | {"A": alpha})))
    assert picture.alpha == "multiplied"
    np.testing.assert_allclose(picture.pixels[1:], PLATE[1:] * 2)
    np.testing.assert_array_equal(picture.pixels[0], PLATE[0])
    assert picture.notes == ["colours are divided by their alpha, which is dropped"]


def test_a_trace_of_alpha_makes_no_infinity(tmp_path, recwarn):
    alpha = np.full((6, 8), 1e-39, np.float32)
    picture = read_picture(write(tmp_path / "a.exr", part(rgb() | {"A": alpha})))
    np.testing.assert_array_equal(picture.pixels, PLATE)
    assert not recwarn


def test_a_plate_with_a_thumbnail_is_read(tmp_path):
    path = write(tmp_path / "a.exr", part(rgb(), preview=OpenEXR.PreviewImage(2, 2)))
    np.testing.assert_array_equal(read_picture(path).pixels, PLATE)


def test_whole_numbers_are_light_as_they_stand(tmp_path):
    counts = RANDOM.integers(0, 9, (6, 8, 3)).astype(np.uint32)
    np.testing.assert_array_equal(read_picture(write(tmp_path / "a.exr", part(rgb(counts)))).pixels, counts)


@pytest.mark.parametrize(("names", "read"), [(("diffuse", "rgba"), 1), (("left", "right"), 0), (("Beauty", "rgb"), 0)])
def test_of_several_parts_the_picture_is_that_of_a_plain_name(names, read, tmp_path):
    planes = [rgb(), {name: plane[::-1] for name, plane in rgb().items()}]
    path = write(tmp_path / "a.exr", *(part(values, name) for values, name in zip(planes, names, strict=True)))
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels[..., 0], planes[read]["R"])
    assert picture.notes == (["holds pictures of 2 parts; left is read"] if names == ("left", "right") else [])


def test_of_several_views_the_first_is_read_and_said(tmp_path):
    path = write(tmp_path / "a.exr", part(rgb() | rgb(PLATE[::-1], "right."), multiView=["left", "right"]))
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, PLATE)
    assert picture.notes == ["holds the views left, right; left is read"]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_header_text_in_another_encoding_harms_nothing(parts, tmp_path):
    beauty = [part(rgb(), name, owner="Jurgen", comments="für") for name in ("beauty", "other")[:parts]]
    path = write(tmp_path / "a.exr", *beauty)
    data = path.read_bytes()
    assert data.count(b"Jurgen") == parts
    path.write_bytes(data.replace(b"Jurgen", b"J\xfcrgen"))
    assert probe_picture(path).size == (8, 6)
    np.testing.assert_array_equal(read_picture(path).pixels, PLATE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_counted_and_located(value, tmp_path):
    plate = PLATE.copy()
    plate[2, 5, 1] = plate[4, 0] = value
    path = write(tmp_path / "a.exr", part(rgb(plate)))
    with pytest.raises(InputError, match=r"a\.exr: 2 of 48 pixels .* first at x 5, y 2; repair the plate"):
        read_picture(path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_truncated_file_is_told_and_writes_nothing_to_stdout(share, tmp_path, capfd):
    noise = RANDOM.random((64, 64, 3)).astype(np.float32)
    path = write(tmp_path / "a.exr", part(rgb(noise)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"a\.exr: "):
        read_picture(path)
    assert capfd.readouterr().out == ""


def test_deep_data_is_no_picture(tmp_path):
    samples = np.empty((6, 8), object)
    for index in np.ndindex(samples.shape):
        samples[index] = np.ones(2, np.float32)
    deep = part(dict.fromkeys("RGB", samples), type=OpenEXR.deepscanline, compression=OpenEXR.ZIPS_COMPRESSION)
    with pytest.raises(InputError, match="deep pixels; flatten it"):
        probe_picture(write(tmp_path / "a.exr", deep))


AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"chromaticities": AP1}, "from lin_ap1_scene to Rec.709"),
        ({"colorInteropID": "lin_ap1_scene"}, "from lin_ap1_scene to Rec.709"),
        ({"colorInteropID": "lin_ap1_scene", "chromaticities": REC709}, "from lin_ap1_scene to Rec.709"),
        ({"chromaticities": (0.7, 0.3, *AP1[2:])}, "from those in its header to Rec.709"),
    ],
)
def test_plates_of_other_primaries_come_in_rec709_and_say_so(header, said, tmp_path):
    picture = read_picture(write(tmp_path / "a.exr", part(rgb(to_acescg(PLATE)), **header)))
    assert said in picture.notes[0]
    close = np.allclose(picture.pixels, PLATE, atol=2e-5)
    assert close == ("lin_ap1" in said)
    assert not np.allclose(picture.pixels, to_acescg(PLATE), atol=1e-2)


@pytest.mark.parametrize("header", [{}, {"chromaticities": REC709}, {"colorInteropID": "lin_rec709_scene"}])
def test_plates_of_rec709_come_as_they_are(header, tmp_path):
    picture = read_picture(write(tmp_path / "a.exr", part(rgb(), **header)))
    assert np.array_equal(picture.pixels, PLATE)
    assert picture.notes == []


@pytest.mark.parametrize(("space", "is_said"), [("srgb_rec709_scene", True), ("unknown", False), ("data", False)])
def test_a_plate_of_another_space_is_read_as_scene_linear_and_says_so(space, is_said, tmp_path):
    picture = read_picture(write(tmp_path / "a.exr", part(rgb(), colorInteropID=space)))
    assert np.array_equal(picture.pixels, PLATE)
    assert picture.notes == [f"is tagged {space}, which is read as if it were lin_rec709_scene"][: int(is_said)]


def test_chromaticities_that_are_none_are_ignored_and_said(tmp_path):
    picture = read_picture(write(tmp_path / "a.exr", part(rgb(), chromaticities=(0.3,) * 8)))
    assert np.array_equal(picture.pixels, PLATE)
    assert "are ignored" in picture.notes[0]


def test_a_gray_plate_has_no_primaries(tmp_path):
    picture = read_picture(write(tmp_path / "a.exr", part({"Y": PLATE[..., 0]}, chromaticities=AP1)))
    assert np.array_equal(picture.pixels, np.repeat(PLATE[..., :1], 3, axis=-1))
    assert picture.notes == []
