"""How a training goes, to look at: the losses over the steps, and what the network makes of a few views.

matplotlib is imported inside functions: only training needs it. H, W pixels.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ..maps import MAPS, SPECS, Array, MapName, Maps

MARGINS = {"left": 0.06, "right": 0.98, "bottom": 0.08, "top": 0.94, "wspace": 0.4, "hspace": 0.4}
GRID_CELL = 160  # pixels of the longer side of a picture in the grid
LABEL = 14  # pixels of the line of text above the grid's columns
MISSING = 40  # gray of pixels without truth


@dataclass(frozen=True)
class Panel:
    """Lines to be drawn beside the losses: values (n,) over steps (n,) by name, and a level not to be crossed."""

    title: str
    steps: Sequence[int]
    lines: Mapping[str, Sequence[float]]
    level: float | None = None


def curves_png(log: Sequence[Mapping[str, Any]], beside: Sequence[Panel] = ()) -> bytes:
    """The losses of `log` (lines as `log.jsonl` has them) over the steps, as a PNG.

    One panel for each loss, with the mean over the neighbours in front of the values; one for the learning rate; and
    those `beside`.
    """
    from matplotlib.figure import Figure  # not pyplot: no window, no state

    known = ("total", *MAPS, "anchor", "contrast", "scenes")
    names = [name for name in known if any(name in line["losses"] for line in log)]
    figure = Figure(figsize=(12, 6))
    columns = (len(names) + len(beside) + 2) // 2
    panels = figure.subplots(2, columns, squeeze=False, gridspec_kw=MARGINS).flatten()
    for panel in panels[len(names) + 1 + len(beside) :]:
        panel.set_axis_off()
    for panel, name in zip(panels, names, strict=False):
        lines = [line for line in log if name in line["losses"]]
        steps = [line["step"] for line in lines]
        values = np.array([line["losses"][name] for line in lines])
        panel.plot(steps, values, color="lightgray", linewidth=0.8)
        panel.plot(steps, smoothed(values), color="black")
        panel.set(title=name, yscale="log" if values.max() > 0 else "linear", xlabel="step")
    panels[len(names)].plot([line["step"] for line in log], [line["learning_rate"] for line in log], color="black")
    panels[len(names)].set(title="learning rate", xlabel="step")
    for panel, drawn in zip(panels[len(names) + 1 :], beside, strict=False):
        for label, series in drawn.lines.items():
            panel.plot(drawn.steps, series, label=label)
        if drawn.level is not None:
            panel.axhline(drawn.level, color="black", linestyle="dotted")
        panel.set(title=drawn.title, xlabel="step")
        panel.legend(fontsize="x-small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def smoothed(values: Array) -> Array:
    """The mean of each of `values` (n,) and its neighbours, a twentieth of all on both sides: (n,)."""
    reach = max(1, len(values) // 20)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - reach, 0)
    last = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first))


@dataclass(frozen=True)
class Shown:
    """One view of the grid: picture (H, W, 3) in [0, 1], maps (H, W, C), each on the curve that it is shown on; masks
    (H, W, 1) bool, the pixels whose truth is known."""

    picture: Array
    predicted: Maps
    wanted: Maps
    masks: Maps


def views_png(views: Sequence[Shown]) -> bytes:
    """A grid, as a PNG: two rows for each view, what the network says over what is true, a column for each map."""
    rows: list[list[Image.Image]] = []
    for view in views:
        blank = np.full((*view.picture.shape[:2], 3), MISSING, np.uint8)
        above = [as_pixels(view.picture)] + [as_color(name, view.predicted[name]) for name in MAPS]
        below = [blank] + [np.where(view.masks[name], as_color(name, view.wanted[name]), MISSING) for name in MAPS]
        rows += [[cell(pixels) for pixels in above], [cell(pixels) for pixels in below]]
    heights = [max(picture.height for picture in row) for row in rows]
    grid = Image.new("RGB", (GRID_CELL * len(rows[0]), LABEL + sum(heights)))
    draw = ImageDraw.Draw(grid)
    for column, name in enumerate(("input; below: truth", *MAPS)):
        draw.text((column * GRID_CELL + 2, 1), name)
    top = LABEL
    for row, height in zip(rows, heights, strict=True):
        for column, picture in enumerate(row):
            grid.paste(picture, (column * GRID_CELL, top))
        top += height
    buffer = io.BytesIO()
    grid.save(buffer, "PNG")
    return buffer.getvalue()


def as_pixels(values: Array) -> Array:
    """(H, W, C) in [0, 1] -> (H, W, 3) uint8."""
    return np.broadcast_to(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8), (*values.shape[:2], 3))


def as_color(name: MapName, values: Array) -> Array:
    """A map (H, W, C) -> (H, W, 3) uint8; normals as n * 0.5 + 0.5."""
    return as_pixels(values * 0.5 + 0.5 if SPECS[name].kind == "vector" else values)


def cell(pixels: Array) -> Image.Image:
    """(H, W, 3) uint8 as a picture whose longer side is GRID_CELL."""
    picture = Image.fromarray(np.ascontiguousarray(pixels.astype(np.uint8)))
    scale = GRID_CELL / max(picture.size)
    return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
