"""Frames on the network's grid and curve before a pass, maps at the source's size behind it.

H W pixels of the source, h w pixels of the network.
"""

import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..color import convert
from ..errors import InputError
from ..frames import Fit, Frame, ResizeRule, as_float, fit_pixels, restore_guided, restore_map
from ..maps import SPECS, Array, FrameMaps, Maps
from ..options import DecomposeOptions
from ..timecode import Timecode
from .ahead import ahead
from .layout import Layout
from .passes import Network
from .plates import fit_plate, linear_light

logger = logging.getLogger(__name__)

MOST_AHEAD = 32  # frames decoded before they are needed: enough to hide the decoder, whatever the window


@dataclass(frozen=True)
class Origin:
    """Where a frame comes from, and how its maps are brought back to its size."""

    fit: Fit
    index: int
    number: int
    name: str
    time: Fraction | None
    source: Path
    timecode: Timecode | None = None


@dataclass(frozen=True)
class Prepared:
    """A frame as the network sees it: pixels (h, w, 3) float32 in [0, 1] on the network's input curve."""

    pixels: Array
    origin: Origin


class Held:
    """Frames of a stream in ascending order, from which ever later stretches are taken."""

    def __init__(self, stream: Iterator[Prepared]) -> None:
        self._stream = stream
        self._held: dict[int, Prepared] = {}

    def take(self, positions: range, keep_from: int) -> dict[int, Prepared]:
        """The frames at `positions` that are in the stream; of all so far, only those from `keep_from` on are kept."""
        last = max(self._held, default=-1)
        while last < positions[-1] and (item := next(self._stream, None)) is not None:
            last = item.origin.index
            self._held[last] = item
        taken = {at: item for at, item in self._held.items() if at in positions}
        self._held = {at: item for at, item in self._held.items() if at >= keep_from}
        return taken


def prepare_ahead(
    frames: Iterable[Frame], layout: Layout, network: Network, options: DecomposeOptions
) -> Generator[Prepared, None, None]:
    """Decoded frames on the network's curve and grid, made in a thread."""
    rule = layout.resize_rule(network.config, options)
    grid = layout.network_size(network.config, options)
    gain = 2**layout.exposure
    return ahead((prepare(frame, rule, grid, network, gain) for frame in frames), MOST_AHEAD)


def if_readable(frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames, none where not one can be read: of anchors, that is told by the reader of the frames themselves."""
    try:
        yield from frames
    except InputError as error:
        logger.info("no anchor can be read: %s", error)


def prepare(frame: Frame, rule: ResizeRule, grid: tuple[int, int], network: Network, gain: float) -> Prepared:
    """A decoded frame, its light times `gain`, on the network's curve and `grid`, which `rule` made."""
    height, width = frame.pixels.shape[:2]
    fit = rule.fit((width, height), grid)
    pixels = convert(on_grid(frame, fit, gain), frame.transfer, network.config.input_transfer)
    origin = Origin(fit, frame.index, frame.number, frame.name, frame.time, frame.source, frame.timecode)
    return Prepared(pixels, origin)


def on_grid(frame: Frame, fit: Fit, gain: float) -> Array:
    """A decoded frame, its light times `gain`, as (h, w, 3) float32 in [0, 1] on its own curve."""
    return fit_pixels(exposed(frame, gain), fit)


def exposed(frame: Frame, gain: float) -> Array:
    """A decoded frame, its light times `gain`, (H, W, 3) on its own curve: integers as they are, or float32 in [0, 1].

    Light outside [0, 1] is clipped before it is resized, as in a camera: a highlight of 50 must not outshine its
    neighbours when they are averaged.
    """
    pixels = frame.pixels
    if gain != 1:
        light = convert(as_float(pixels), frame.transfer, "linear") * np.float32(gain)
        pixels = convert(light, "linear", frame.transfer)
    return np.clip(pixels, 0, 1) if pixels.dtype == np.float32 else pixels


def is_guided(origin: Origin, options: DecomposeOptions) -> bool:
    """Whether the frame's own picture is needed to bring its maps to the source's size."""
    return options.size == "source" and options.upsample == "guided" and origin.fit.is_coarser


def restore(
    origin: Origin, maps: Maps, picture: Frame | None, layout: Layout, options: DecomposeOptions, *, with_plate: bool
) -> FrameMaps:
    """What the network made of one frame, (h, w, C) each, scene-linear -> the size that is wanted, and shading in the
    plate's own light, where it may exceed 1.

    picture: the frame once more, where its maps follow it (`is_guided`) or come with it (`with_plate`).
    """
    fit = origin.fit
    if options.size == "model":
        restored = {name: np.ascontiguousarray(values[: fit.inner[0], : fit.inner[1]]) for name, values in maps.items()}
    elif picture is not None and is_guided(origin, options):
        shown = convert(exposed(picture, 2**layout.exposure), picture.transfer, "srgb")
        restored = restore_guided(maps, shown, fit)
    else:
        restored = {
            name: restore_map(values, fit, unit_vectors=SPECS[name].kind == "vector") for name, values in maps.items()
        }
    if "shading" in restored and layout.exposure:
        restored["shading"] = restored["shading"] * np.float32(2**-layout.exposure)
    plate = None
    if picture is not None and with_plate:
        plate = linear_light(picture)
        plate = fit_plate(plate, fit) if options.size == "model" else plate
    return FrameMaps(
        restored,
        layout.shot.name,
        origin.index,
        origin.number,
        origin.name,
        origin.time,
        str(origin.source),
        plate,
        origin.timecode,
        layout.exposure,
    )
