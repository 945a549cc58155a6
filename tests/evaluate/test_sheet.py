"""The contact sheet: a row for each picture, each map beside the true one."""

import numpy as np

from mvinverse_cli.evaluate.result import Pick
from mvinverse_cli.evaluate.sheet import GAP, HEAD, TILE_WIDTH, draw_sheet
from mvinverse_cli.maps import MAPS, SPECS


def make_pick(size=(28, 56), maps=MAPS):
    made = {name: np.full((*size, SPECS[name].channels), 0.25, np.float32) for name in MAPS}
    true = {name: made[name] for name in maps}
    return Pick("00000007", "00000007 view 2", "17.3 dB", 17.25, np.ones((*size, 3), np.float32), made, true)


def tile(sheet, column, row=0):
    left, top = column * (TILE_WIDTH + GAP), HEAD + row * (TILE_WIDTH // 2 + GAP)
    return sheet[top : top + TILE_WIDTH // 2, left : left + TILE_WIDTH]


def test_maps_are_shown_as_their_8_bit_files_show_them():
    sheet = draw_sheet([make_pick()])
    assert sheet.dtype == np.uint8
    shown = {name: tile(sheet, 1 + 2 * i)[10, 10].tolist() for i, name in enumerate(MAPS)}
    assert shown["albedo"] == [137, 137, 137]  # 0.25 in sRGB
    assert shown["roughness"] == [64, 64, 64]
    assert shown["normal"] == [159, 159, 159]
    for i in range(len(MAPS)):
        assert (tile(sheet, 1 + 2 * i) == tile(sheet, 2 + 2 * i)).all()


def test_pictures_of_other_sizes_fit_under_each_other():
    sheet = draw_sheet([make_pick(), make_pick((56, 28))])
    assert sheet.shape == (HEAD + 80 + GAP + 320 + GAP, 11 * TILE_WIDTH + 10 * GAP, 3)


def test_a_map_without_truth_has_an_empty_tile():
    sheet = draw_sheet([make_pick(maps=("albedo",))])
    assert (tile(sheet, 2) == 137).all()
    assert len(np.unique(tile(sheet, 4))) == 1


def test_the_caption_can_be_read_on_white():
    bar = tile(draw_sheet([make_pick()]), 0)[:HEAD]
    assert bar.max() - np.median(bar) > 100
