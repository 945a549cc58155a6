"""A layout is the shot's alone; passes are as large as was asked for and as memory holds."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mvinverse_cli import DecomposeOptions, OptionError
from mvinverse_cli.frames import find_shots
from mvinverse_cli.model.memory import weights_bytes
from mvinverse_cli.model.presets import PRESETS
from mvinverse_cli.shot.layout import FREE_SHARE, Layout, lay_out, pass_cost, plan_passes, wanted_windows
from mvinverse_cli.sizes import show_bytes
from mvinverse_cli.windows import Windows
from tests.frames.media import write_numbered

SMALL = PRESETS["small"]
CPU = torch.device("cpu")


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    return write_numbered(tmp_path / "long.mkv", 60, "ffv1", pix_fmt="yuv444p")


def layout_of(path: Path, **choices: object) -> Layout:
    options = DecomposeOptions(**({"cuts": "off"} | choices))
    (shot,) = find_shots([path], allow_gaps=False)
    return lay_out(shot, options)


def planned(layout: Layout, **choices: object):
    return plan_passes(layout, SMALL, CPU, torch.float32, DecomposeOptions(**choices))


def bytes_of(layout: Layout, frames: int, *, is_short: bool = False, **choices: object) -> int:
    return pass_cost(layout, SMALL, CPU, torch.float32, DecomposeOptions(**choices))(frames, is_short)


def test_a_range_changes_neither_positions_nor_cuts(long_clip: Path):
    whole, part = layout_of(long_clip, cuts="21,41"), layout_of(long_clip, cuts="21,41", frames="30-35")
    assert (part.choice.count, part.cuts) == (whole.choice.count, whole.cuts) == (60, (20, 40))
    assert part.choice.wanted == (29, 30, 31, 32, 33, 34)


def test_only_the_passes_of_the_range_are_counted(long_clip: Path):
    windows = Windows(12, 4, 4)  # 4 new frames each
    assert layout_of(long_clip).count_passes(windows) == 14
    part = layout_of(long_clip, frames="41-42")
    assert part.count_passes(windows) == 3  # the first, and the two that share them
    assert part.count_passes(windows, ("normal", "roughness")) == 2  # which have no gain of the first


@pytest.mark.parametrize(("window", "expected"), [("all", None), ("auto", 24), (12, 12)])
def test_the_windows_are_those_asked_for(window: int | str, expected: int | None):
    windows = wanted_windows(DecomposeOptions(window=window))
    assert (windows.window, windows.anchors, windows.overlap) == (expected, 4, 4)


def test_with_enough_memory_nothing_is_made_smaller(long_clip: Path):
    layout = layout_of(long_clip)
    passes = planned(layout, memory="100GiB", window="all")
    assert (passes.windows.window, passes.is_short) == (None, False)
    assert passes.peak_bytes == bytes_of(layout, 60)


def test_where_memory_is_short_what_the_heads_read_waits_in_half_precision_and_it_is_said(
    long_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    layout = layout_of(long_clip)
    less = bytes_of(layout, 60) - 1
    passes = planned(layout, window="all", memory=str(less))
    assert (passes.windows.window, passes.is_short) == (None, True)
    assert "half precision between layers, to fit" in caplog.text
    assert "--memory" not in caplog.text
    monkeypatch.setattr("mvinverse_cli.model.device.free_bytes", lambda device: less / FREE_SHARE)
    assert planned(layout, window="all").is_short
    assert "on a farm pass one --memory to all" in caplog.text


def test_less_memory_makes_smaller_windows_and_says_so(long_clip: Path, caplog: pytest.LogCaptureFixture):
    layout = layout_of(long_clip)
    with caplog.at_level(logging.WARNING):
        passes = planned(layout, memory=str(bytes_of(layout, 14)))
    assert layout.largest_pass(passes.windows) == 14
    assert passes.peak_bytes <= bytes_of(layout, 14)
    assert "passes of 14 frames instead of 24" in caplog.text


def test_windows_are_made_smaller_before_memory_is_said_to_be_too_little(long_clip: Path):
    layout = layout_of(long_clip)
    layout = replace(layout, shot=replace(layout.shot, sizes=((1920, 1080),)))
    what_it_takes = bytes_of(layout, 9, is_short=True)  # as the refusal of less says
    assert what_it_takes < bytes_of(layout, 9)
    passes = planned(layout, memory=str(what_it_takes))
    assert (layout.largest_pass(passes.windows), passes.is_short) == (9, True)


@pytest.mark.parametrize("window", ["auto", "all", 30])
def test_memory_under_the_least_plan_is_refused_with_what_it_takes(long_clip: Path, window: int | str):
    layout = layout_of(long_clip)
    least = {"auto": 9, "all": 60, 30: 30}[window]
    with pytest.raises(OptionError, match=rf"--memory 1MB: one pass of {least} frames takes about \d+ MiB"):
        planned(layout, window=window, memory="1MB")


def test_a_device_that_seems_too_small_is_tried_all_the_same(
    long_clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("mvinverse_cli.model.device.free_bytes", lambda device: 2**20)
    passes = planned(layout_of(long_clip))
    assert passes.windows.window == 9
    assert "trying all the same" in caplog.text


@pytest.mark.parametrize("window", [64, "all"])
def test_windows_that_were_asked_for_stay_so_where_the_device_seems_too_small(
    long_clip: Path, monkeypatch: pytest.MonkeyPatch, window: int | str
):
    """The folder's manifest holds them, and a run with the same options is to go on there."""
    monkeypatch.setattr("mvinverse_cli.model.device.free_bytes", lambda device: 2**20)
    passes = planned(layout_of(long_clip), window=window)
    assert passes.windows == wanted_windows(DecomposeOptions(window=window))


def test_weights_that_are_loaded_are_not_counted_twice(long_clip: Path, monkeypatch: pytest.MonkeyPatch):
    layout = layout_of(long_clip)
    free = 1.01 / FREE_SHARE * (bytes_of(layout, 24) - weights_bytes(SMALL, 4))
    monkeypatch.setattr("mvinverse_cli.model.device.free_bytes", lambda device: free)
    loaded, to_load = (
        plan_passes(layout, SMALL, CPU, torch.float32, DecomposeOptions(), is_loaded=is_loaded)
        for is_loaded in (True, False)
    )
    assert (loaded.windows.window, loaded.peak_bytes) == (24, bytes_of(layout, 24))
    assert to_load.peak_bytes < loaded.peak_bytes


def test_thinned_keys_and_fewer_maps_take_no_more_memory(long_clip: Path):
    layout = layout_of(long_clip)
    assert bytes_of(layout, 24, kv_stride=4) <= bytes_of(layout, 24)
    assert bytes_of(layout, 24, maps=("normal",)) <= bytes_of(layout, 24)


def test_the_network_size_follows_the_weights_unless_it_is_asked_for(long_clip: Path):
    layout = replace(layout_of(long_clip))
    layout = replace(layout, shot=replace(layout.shot, sizes=((1920, 1080),)))
    assert layout.network_size(SMALL, DecomposeOptions()) == (280, 518)
    assert layout.network_size(SMALL, DecomposeOptions(max_size=252)) == (140, 252)
    squeezed = replace(layout, shot=replace(layout.shot, sizes=((960, 1080),), pixel_aspect=2.0))
    assert squeezed.network_size(SMALL, DecomposeOptions()) == (280, 518)


@pytest.mark.parametrize(("count", "text"), [(10 * 2**20, "10 MiB"), (3 * 2**29, "1.5 GiB")])
def test_bytes_are_shown_in_the_units_of_memory(count: int, text: str):
    assert show_bytes(count) == text
