"""A picture of a seam: roughness around it, out of independent chunks and out of windows, and what changes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mvinverse_cli.maps import Maps

TILE, GAP, HEAD = 168, 3, 16  # pixels
AMPLIFIED = 8


def tile(values: NDArray[np.float32]) -> Image.Image:
    """(H, W, 1) in [0, 1] -> a tile."""
    pixels = np.rint(np.clip(values[..., 0], 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(pixels).resize((TILE, round(TILE * values.shape[0] / values.shape[1])), Image.Resampling.BOX)


def draw_seam(path: Path, naive: Maps, ours: Maps, *, seam: int) -> None:
    """Frames around the first of a new chunk, `seam`: two rows of roughness, the map that shows seams most, and under
    each the change since the frame before, amplified."""
    frames = range(seam - 2, seam + 5)
    rows: list[tuple[str, list[NDArray[np.float32]]]] = []
    for title, maps in (("independent chunks", naive), ("anchors, gain, overlap", ours)):
        shown = maps["roughness"][frames.start - 1 : frames.stop]
        rows.append((f"{title}: roughness, frames {frames[0]} to {frames[-1]}", list(shown[1:])))
        changed = AMPLIFIED * np.abs(np.diff(shown, axis=0))
        rows.append((f"{title}: change since the frame before, x{AMPLIFIED}", list(changed)))
    height = tile(rows[0][1][0]).height + GAP
    sheet = Image.new("L", (len(frames) * (TILE + GAP), len(rows) * (HEAD + height)), 24)
    pen = ImageDraw.Draw(sheet)
    for row, (title, pictures) in enumerate(rows):
        top = row * (HEAD + height)
        pen.text((3, top + 2), title, fill=230)
        for column, values in enumerate(pictures):
            sheet.paste(tile(values), (column * (TILE + GAP), top + HEAD))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)
