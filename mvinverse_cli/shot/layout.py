"""From a shot and the options to passes: the positions of its frames, its cuts, and how many frames fit in a pass.

A layout is a function of the shot and the options, never of the frames that happen to be asked for.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..frames import Choice, ResizeRule, Shot, choose, choose_grid, meter_shot, parse_cuts, survey_shot
from ..maps import MAPS, MapName, have_gain
from ..options import DecomposeOptions
from ..sizes import AUTO_WINDOW, parse_bytes, show_bytes, show_count
from ..windows import Windows, least_window

if TYPE_CHECKING:  # at run time torch waits until the options are known to be good
    import torch

    from ..model.config import ModelConfig

logger = logging.getLogger(__name__)

FREE_SHARE = 0.8  # of the memory that the device has free: others want some, and pages do not fit exactly


@dataclass(frozen=True)
class Layout:
    """One shot: its frames by position, the positions that begin a new scene, and how bright the network sees it."""

    shot: Shot
    choice: Choice
    cuts: tuple[int, ...]
    exposure: float  # EV: the network is shown 2**exposure times the light of the plate
    is_cut_short: bool = False  # as far as it was looked at: a video that ends before its promised end

    @property
    def lacks_end(self) -> bool:
        """Whether the last frame is asked for of a shot that is known to break off."""
        return self.is_cut_short and self.choice.wanted[-1] == self.choice.count - 1

    def largest_pass(self, windows: Windows) -> int:
        """Frames of the largest pass that `windows` make of the shot."""
        return max(scene.largest for scene in windows.plan(self.choice.count, self.cuts))

    def count_passes(self, windows: Windows, maps: Sequence[MapName] = MAPS) -> int:
        """How many passes of these `windows` it takes for the frames and `maps` asked for."""
        wanted, has_gain = frozenset(self.choice.wanted), have_gain(maps)
        scenes = windows.plan(self.choice.count, self.cuts)
        return sum(len([*scene.needed(wanted, has_gain=has_gain)]) for scene in scenes)

    def resize_rule(self, config: "ModelConfig", options: DecomposeOptions) -> ResizeRule:
        """How large the network sees the pictures of the shot."""
        return rule_of(config, options.max_size, self.shot.pixel_aspect)

    def network_size(self, config: "ModelConfig", options: DecomposeOptions) -> tuple[int, int]:
        """(height, width) of the pictures that the network sees."""
        return self.resize_rule(config, options).grid(self.shot.sizes)


@dataclass(frozen=True)
class PassPlan:
    """How large the passes of a shot are; `peak_bytes` is what the device is expected to hold of weights and pass.

    is_short: what the heads read waits in half precision on the host.
    """

    windows: Windows
    is_short: bool
    peak_bytes: int


def rule_of(config: "ModelConfig", max_size: int | None = None, pixel_aspect: float = 1.0) -> ResizeRule:
    """How large a network sees pictures. max_size: of the long side, where it is not that of `config`."""
    return ResizeRule(max_size or config.max_size, config.patch_size, config.min_size, pixel_aspect)


def is_length_known(shot: Shot) -> bool:
    """Whether the frames of a shot can be counted without decoding it."""
    return shot.kind != "video" or shot.frame_count is not None


def is_looked_at(shot: Shot, options: DecomposeOptions) -> bool:
    """Whether a layout takes a look at the pictures of a shot: for its length, its cuts or its exposure."""
    seeks = options.cuts == "auto" and shot.kind == "video"
    return seeks or options.exposure == "auto" or not is_length_known(shot)


def lay_out(shot: Shot, options: DecomposeOptions, *, find_cuts: bool = True) -> Layout:
    """Finds the frames and, unless `find_cuts` is false, the cuts and the exposure of a shot.

    A video is decoded once where its length is not known, or its cuts are to be found, and once more to be metered.

    Raises OptionError where `frames` or `cuts` do not fit the shot.
    """
    frames, every, start_frame = options.frames, options.every, options.start_frame
    grid = choose_grid(shot, frames=frames, every=every, start_frame=start_frame)
    seeks = find_cuts and options.cuts == "auto" and shot.kind == "video"
    if seeks:
        logger.info("%s: looking for cuts", shot.name)
    survey = survey_shot(shot, every=grid.every, phase=grid.phase, cuts=seeks)
    choice = choose(shot, frames=frames, every=every, start_frame=start_frame, count=survey.count)
    listed = options.cuts not in ("auto", "off")
    cuts = parse_cuts(options.cuts, shot, choice) if listed else survey.cuts
    if options.exposure != "auto":
        return Layout(shot, choice, cuts, float(options.exposure), survey.is_cut_short)
    return Layout(shot, choice, cuts, meter_shot(shot) if find_cuts else 0.0, survey.is_cut_short)


def wanted_windows(options: DecomposeOptions) -> Windows:
    """The windows that the options ask for, whatever the memory."""
    sizes = {"all": None, "auto": AUTO_WINDOW}
    window = sizes[options.window] if isinstance(options.window, str) else options.window
    return Windows(window, options.anchors, options.overlap)


def plan_passes(
    layout: Layout,
    config: "ModelConfig",
    device: "torch.device",
    dtype: "torch.dtype",
    options: DecomposeOptions,
    *,
    is_loaded: bool = False,
) -> PassPlan:
    """The largest passes that are asked for and fit the memory; `is_loaded`: the weights are on the device already.

    Raises OptionError where `--memory` is less than the passes asked for, or than the smallest ones, take.
    """
    from ..model.device import free_bytes
    from ..model.memory import weights_bytes

    if options.memory:
        limit = parse_bytes("--memory", options.memory)
    else:
        limit = int(FREE_SHARE * free_bytes(device)) + is_loaded * weights_bytes(config, dtype.itemsize)
    expected = pass_cost(layout, config, device, dtype, options)
    windows = wanted_windows(options)
    frames = layout.largest_pass(windows)
    if expected(frames, False) <= limit:
        return PassPlan(windows, False, expected(frames, False))
    if expected(frames, True) <= limit:
        said = "" if options.memory else "; on a farm pass one --memory to all"
        logger.warning("%s: half precision between layers, to fit %s%s", layout.shot.name, show_bytes(limit), said)
        return PassPlan(windows, True, expected(frames, True))
    least = frames if options.window != "auto" else min(frames, least_window(options.anchors, options.overlap))
    for is_short in (False, True):
        fitting = [count for count in range(least, frames) if expected(count, is_short) <= limit]
        if not fitting:
            continue
        smaller = windows.at_most(fitting[-1])
        logger.warning(
            "%s: passes of %s instead of %d, which is what %s of memory hold; on a farm pass one --window or "
            "--memory to all",
            layout.shot.name,
            show_count(fitting[-1], "frame"),
            frames,
            show_bytes(limit),
        )
        return PassPlan(smaller, is_short, expected(layout.largest_pass(smaller), is_short))
    least_bytes = min(expected(least, False), expected(least, True))
    needed = f"one pass of {show_count(least, 'frame')} takes about {show_bytes(least_bytes)}"
    if options.memory:
        raise OptionError(f"--memory {options.memory}: {needed}; raise it, or lower --window or --max-size")
    logger.warning("%s: %s and %s is free; trying all the same", layout.shot.name, needed, show_bytes(limit))
    return PassPlan(windows if least == frames else windows.at_most(least), True, expected(least, True))


def pass_cost(
    layout: Layout, config: "ModelConfig", device: "torch.device", dtype: "torch.dtype", options: DecomposeOptions
) -> Callable[[int, bool], int]:
    """Expected peak bytes, weights included, of a pass by its number of frames and whether memory is short."""
    from ..model.memory import pass_bytes, weights_bytes
    from .passes import frame_batch

    size = layout.network_size(config, options)
    weights = weights_bytes(config, dtype.itemsize)
    short_bytes = 2 if device.type == "cpu" else 0  # elsewhere what waits is on the host

    def expected(frames: int, is_short: bool) -> int:
        return weights + pass_bytes(
            config,
            frames=frames,
            size=size,
            frame_batch=frame_batch(size, device.type),
            element_bytes=dtype.itemsize,
            kv_stride=options.kv_stride,
            looks=options.looks or config.looks,
            read_maps=options.maps,
            levels_bytes=short_bytes if is_short else None,
        )

    return expected
