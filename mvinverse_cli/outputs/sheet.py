"""The contact sheet: the input and its maps side by side, labelled, as people look at them. H, W pixels."""

import cv2
import numpy as np

from ..color import linear_to_srgb
from ..maps import SPECS, Array, FrameMaps, MapName
from .quantize import quantize

TILE, GAP, HEAD = 320, 4, 24  # pixels: the long side of a tile, between tiles, above them for the labels
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.5
INK, PAPER = 230, 24


def draw_sheet(frame: FrameMaps, names: tuple[MapName, ...], place: str) -> Array:
    """(H, W, 3) uint8 sRGB with even sides: the plate and the maps `names` of `frame`, clipped to what a screen shows.

    Plate and shading are shown at the exposure that the network saw: at their own they may be all white or black.
    Raises OutputError where a map holds NaN or infinity; `place` names the frame.
    """
    gain = np.float32(2**frame.exposure)
    tiles = [("input", screen_codes(linear_to_srgb(shrunk(frame.needed_plate) * gain)))]
    for name in names:
        values = shrunk(frame.maps[name])
        tiles.append((name, quantize(values * gain if name == "shading" else values, SPECS[name], 8, place).codes))
    height, width = tiles[0][1].shape[:2]
    sheet = np.full((HEAD + height + height % 2, len(tiles) * (width + GAP) - GAP, 3), PAPER, np.uint8)
    sheet = np.pad(sheet, ((0, 0), (0, sheet.shape[1] % 2), (0, 0)), constant_values=PAPER)
    for column, (label, codes) in enumerate(tiles):
        left = column * (width + GAP)
        sheet[HEAD : HEAD + height, left : left + width] = codes
        cv2.putText(sheet, label, (left + 4, HEAD - 8), FONT, FONT_SIZE, (INK,) * 3, 1, cv2.LINE_AA)
    return sheet


def shrunk(values: Array) -> Array:
    """(H, W, C) float32 -> (h, w, C) with the long side at TILE, averaged; smaller pictures stay as they are."""
    height, width = values.shape[:2]
    scale = TILE / max(height, width)
    if scale >= 1:
        return values
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA)).reshape(size[1], size[0], -1)


def screen_codes(encoded: Array) -> Array:
    """(H, W, 3) sRGB-encoded, of any range -> uint8."""
    codes: Array = np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
    return codes
