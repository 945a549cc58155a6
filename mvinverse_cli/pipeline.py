"""The arrow: frames in, maps out, one window of frames after another. The border between numpy and torch.

Three things go on at once: a thread decodes and resizes the next frames, a thread runs the network on the next window,
and the caller's thread brings the maps of the last one back to the source's size. N frames of a window, H W pixels of
the source, h w pixels of the network.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from .ahead import ahead, overlapped
from .color import Transfer, convert
from .errors import DeviceMemoryError
from .frames import Fit, Frame, Shot, as_float, find_shots, fit_grid, fit_pixels, fit_to, open_shot, restore_map
from .maps import SPECS, Array, FrameMaps, MapName, Maps
from .model.checkpoint import load_model
from .model.config import ModelConfig, with_transfers
from .model.mvinverse import MVInverse
from .options import DecomposeOptions
from .windows import window_of

logger = logging.getLogger(__name__)

MOST_AHEAD = 32  # frames decoded before they are needed: enough to hide the decoder, whatever the window

# Pixels that encoder, bypass and heads take at once: enough to fill the device, few enough to stay lean
# (on the CPU larger batches are no faster: benchmarks/forward.py).
BATCH_PIXELS = {"cpu": 2**16, "cuda": 2**21, "mps": 2**20}


@dataclass(frozen=True)
class Prepared:
    """A frame as the network sees it: pixels (h, w, 3) float32 in [0, 1] on the network's input curve."""

    pixels: Array
    fit: Fit
    index: int
    number: int
    name: str
    time: Fraction | None
    source: Path


def decompose(
    inputs: str | Path | Sequence[str | Path],
    options: DecomposeOptions | None = None,
    *,
    model: MVInverse | None = None,
) -> Generator[FrameMaps, None, None]:
    """Yields the maps of every frame of every shot among `inputs` (videos, folders, images), in their order.

    model: a network from `load_model`, to serve several calls; loaded as the options say where it is left out.
    Frames that cannot be read are left out, with a warning in the log. Raises a subclass of MvInverseError.
    """
    options = options or DecomposeOptions()
    shots = find_shots([inputs] if isinstance(inputs, str | Path) else inputs, allow_gaps=options.allow_gaps)
    if model is None:
        model = load_model(options.model, device=options.device, dtype=options.dtype)
    for shot in shots:
        with open_shot(shot, frames=options.frames, every=options.every, start_frame=options.start_frame) as reader:
            yield from decompose_frames(reader, shot, model, options)
        for fault in reader.faults:
            which = "frames are" if fault.number is None else f"frame {fault.number} is"
            logger.warning("%s: %s left out: %s", fault.source, which, fault.reason)


def decompose_frames(
    frames: Iterable[Frame],
    shot: Shot,
    model: MVInverse,
    options: DecomposeOptions,
    *,
    wanted: Callable[[int], bool] = lambda number: True,
) -> Generator[FrameMaps, None, None]:
    """The frames of one shot -> the maps of those whose number is `wanted`, in the same order.

    The others still take part in the windows of their neighbours, so that those get the numbers of an undisturbed run.
    """
    config = with_transfers(model.config, options)
    max_size = options.max_size or config.max_size
    grid = fit_grid(shot.sizes, max_size=max_size, patch_size=config.patch_size)
    prepared = ahead((prepare(frame, grid, config, max_size) for frame in frames), min(options.window, MOST_AHEAD))
    with closing(prepared):
        groups = groupby(prepared, key=lambda item: window_of(item.index, options.window).start)
        windows = (list(members) for _, members in groups)
        needed = (window for window in windows if any(wanted(item.number) for item in window))
        passes = overlapped(lambda window: infer(model, [item.pixels for item in window], options.maps), needed)
        with closing(passes):
            for window, maps in passes:
                for i, item in enumerate(window):
                    if wanted(item.number):
                        yield restore(item, {name: maps[name][i] for name in options.maps}, shot, config, options)


def prepare(frame: Frame, grid: tuple[int, int], config: ModelConfig, max_size: int) -> Prepared:
    """A decoded frame on the network's curve and grid. Light outside [0, 1] is clipped first, as in a camera: a
    highlight of 50 must not outshine its neighbours when they are averaged."""
    height, width = frame.pixels.shape[:2]
    fit = fit_to((width, height), grid, max_size=max_size, patch_size=config.patch_size)
    pixels = fit_pixels(np.clip(as_float(frame.pixels), 0, 1), fit)
    pixels = convert(pixels, frame.transfer, config.input_transfer)
    return Prepared(pixels, fit, frame.index, frame.number, frame.name, frame.time, frame.source)


def frame_batch(images: torch.Tensor) -> int:
    """How many frames of `images` (1, N, 3, h, w) the parts that see each frame alone take at once."""
    return max(1, BATCH_PIXELS[images.device.type] // (images.shape[-1] * images.shape[-2]))


def infer(model: MVInverse, views: list[Array], maps: Sequence[MapName]) -> Maps:
    """N views (h, w, 3) on the model's input curve, seen together -> (N, h, w, C) float32 for each map."""
    device = model.image_mean.device
    images = torch.from_numpy(np.stack(views)).to(device).permute(0, 3, 1, 2)[None]  # (1, N, 3, h, w)
    try:
        with torch.inference_mode():
            outputs = model(images, maps=maps, frame_batch=frame_batch(images))
            return {name: value[0].cpu().numpy() for name, value in outputs.items()}
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceMemoryError(
            f"{device}: out of memory with {len(views)} frames of {images.shape[-1]}x{images.shape[-2]} in one pass; "
            "lower --window or --max-size"
        ) from error


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device ran out of memory; on the CPU and on Apple's GPUs only the message tells."""
    words = ("can't allocate memory", "out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


def restore(item: Prepared, maps: Maps, shot: Shot, config: ModelConfig, options: DecomposeOptions) -> FrameMaps:
    """What the network made of one frame, (h, w, C) each -> scene-linear colour at the size that is wanted."""
    curves: dict[MapName, Transfer] = {"albedo": config.albedo_transfer, "shading": config.shading_transfer}
    restored = {}
    for name, values in maps.items():
        values = convert(values, curves.get(name, "linear"), "linear")
        if options.size == "source":
            values = restore_map(values, item.fit, unit_vectors=SPECS[name].kind == "vector")
        else:
            values = np.ascontiguousarray(values[: item.fit.inner[0], : item.fit.inner[1]])
        restored[name] = values
    return FrameMaps(restored, shot.name, item.index, item.number, item.name, item.time, str(item.source))
