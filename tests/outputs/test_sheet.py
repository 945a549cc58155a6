"""Contact sheets, opened again: every tile at its place, labelled."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from mvinverse_cli.errors import OptionError, OutputError
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.outputs import About, open_writers
from mvinverse_cli.outputs.sheet import GAP, HEAD, PAPER, TILE, draw_sheet

ABOUT = About("mvinverse 0.1.0", "small", None, "ab", "clip.mov", "srgb", "srgb", "srgb")
# of flat maps, as their 8-bit files hold them
LEVELS = {"albedo": 188, "metallic": 128, "roughness": 64, "normal": 255, "shading": 0}


def flat(size, plate=0.5):
    """Maps whose codes are `LEVELS`, and a plate of one light."""
    values = {"albedo": 0.5, "metallic": 128 / 255, "roughness": 64 / 255, "normal": 1.0, "shading": 0.0}
    maps = {name: np.full((*size, SPECS[name].channels), value, np.float32) for name, value in values.items()}
    return {"maps": maps, "plate": np.full((*size, 3), plate, np.float32)}


def tile(sheet, column, shape):
    height, width = shape
    left = column * (width + GAP)
    return sheet[HEAD : HEAD + height, left : left + width]


@pytest.mark.parametrize("size", [(180, 320), (360, 640), (90, 160), (640, 360), (33, 47)])
def test_input_and_maps_stand_side_by_side_with_a_label_each(make_frame, size):
    sheet = draw_sheet(make_frame(**flat(size, plate=9.0)), MAPS, "")
    scale = min(1, TILE / max(size))
    shape = (round(size[0] * scale), round(size[1] * scale))
    assert sheet.dtype == np.uint8
    assert (sheet.shape[0] % 2, sheet.shape[1] % 2) == (0, 0)
    assert (tile(sheet, 0, shape) == 255).all()  # light above 1 is white on a screen
    for column, name in enumerate(MAPS, 1):
        assert (tile(sheet, column, shape) == LEVELS[name]).all(), name
        head = sheet[:HEAD, column * (shape[1] + GAP) :][:, : shape[1]]
        assert head.max() > PAPER, name


@pytest.mark.parametrize("stops", [-3, 2])
def test_plate_and_shading_are_shown_at_the_exposure_that_the_network_saw(make_frame, stops):
    fields = flat((8, 10), plate=0.5 * 2.0**-stops)
    fields["maps"]["shading"] = np.full((8, 10, 3), 0.5 * 2.0**-stops, np.float32)
    sheet = draw_sheet(make_frame(**fields, exposure=stops), ("albedo", "shading"), "")
    for column in range(3):
        assert (tile(sheet, column, (8, 10)) == LEVELS["albedo"]).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (5000, 3)])
def test_a_sheet_can_be_drawn_of_every_size(make_frame, size):
    sheet = draw_sheet(make_frame(**flat(size)), ("albedo",), "")
    assert max(sheet.shape) <= 2 * TILE + 2 * GAP + HEAD


def test_a_sheet_without_its_plate_is_refused(make_frame):
    with pytest.raises(OptionError, match="its plate is not there"):
        draw_sheet(make_frame(), MAPS, "")


def test_nan_never_reaches_a_sheet(make_frame):
    fields = flat((6, 8))
    fields["maps"]["normal"][0] = np.nan
    with pytest.raises(OutputError, match="clip: the normal map holds NaN"):
        draw_sheet(make_frame(**fields), MAPS, "clip")


def test_stills_have_a_png_each_beside_their_maps(make_shot, make_frame, files_under):
    shot = make_shot(stills=True, sheet=True, maps=("albedo", "normal"))
    with open_writers(shot, ABOUT) as writers:
        for index, size in enumerate([(90, 160), (160, 90)]):
            writers.write(make_frame(index, time=None, **flat(size)))
    assert [name for name in files_under(shot.folder) if "sheet" in name] == [
        "sheet/view0_sheet.png",
        "sheet/view1_sheet.png",
    ]
    sheet = cv2.imread(str(shot.folder / "sheet/view1_sheet.png"))
    assert (tile(sheet, 0, (160, 90)) == 188).all()
    assert (tile(sheet, 1, (160, 90)) == LEVELS["albedo"]).all()
    assert (tile(sheet, 2, (160, 90)) == LEVELS["normal"]).all()


def test_a_shot_has_a_movie_that_keeps_its_times(make_shot, make_frame, files_under):
    shot = make_shot(format=("mkv",), sheet=True, maps=("albedo",), rate=Fraction(24))
    times = [Fraction(tick, 1000) for tick in (0, 41, 500)]
    with open_writers(shot, ABOUT) as writers:
        for index, time in enumerate(times):
            writers.write(make_frame(index, time=time, **flat((90, 160), plate=index / 2)))
    assert files_under(shot.folder) == ["clip_albedo.mkv", "clip_sheet.mp4"]
    with av.open(str(shot.folder / "clip_sheet.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [frame.pts * frame.time_base for frame in frames] == times
    for frame, level in zip(frames, (0, 188, 255), strict=True):
        middle = tile(frame.to_ndarray(format="rgb24"), 0, (90, 160))[20:-20, 20:-20].astype(int)
        assert np.abs(middle - level).max() <= 2


def test_normals_of_directx_are_shown_as_they_are_written(make_shot, make_frame):
    fields = flat((90, 160))
    fields["maps"]["normal"][...] = (0, 1, 0)
    shot = make_shot(stills=True, sheet=True, maps=("normal",), normals="directx")
    with open_writers(shot, ABOUT) as writers:
        writers.write(make_frame(**fields))
    sheet = cv2.imread(str(shot.folder / "sheet/view0_sheet.png"))[..., ::-1]
    assert (tile(sheet, 1, (90, 160)) == (128, 0, 128)).all()
