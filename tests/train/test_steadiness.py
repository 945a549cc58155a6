"""Flicker and contrast of maps that are known."""

import numpy as np
import pytest
import torch
from torch import nn

from mvinverse_cli.errors import DeviceMemoryError
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.train.steadiness import Run, frame_contrast, measure, run_flicker, shares
from tests.train.panning import SIZE, make_stretch


class Painter(nn.Module):
    """Gives every map of frame i the picture's first channels, plus i % 2 times `jump`."""

    def __init__(self, jump: float) -> None:
        super().__init__()
        self.register_token = nn.Parameter(torch.zeros(1))
        self.jump = jump

    def forward(self, images, maps):
        odd = torch.arange(images.shape[1]) % 2
        seen = images.permute(0, 1, 3, 4, 2) + self.jump * odd[:, None, None, None]
        return {name: seen[..., : SPECS[name].channels] for name in maps}


def run_of(count: int = 4) -> Run:
    stretch = make_stretch(count)
    return Run(stretch.frames, [stretch.flows[at] for at in range(count - 1)])


def test_frames_too_large_for_the_device_are_said():
    class Greedy(Painter):
        def forward(self, images, maps):
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceMemoryError, match=r"cpu: out of memory while flicker is measured; lower --max-size"):
        measure(Greedy(0), [run_of()])


def test_maps_that_move_with_the_picture_do_not_flicker_and_a_jump_is_seen_by_as_much():
    still, jumping = measure(Painter(0), [run_of()]), measure(Painter(0.25), [run_of()])
    for name in MAPS:
        if name != "normal":  # which are normalised behind the warp
            assert still.flicker[name] < 1e-3
            assert jumping.flicker[name] == pytest.approx(0.25, abs=1e-3)
            assert jumping.contrast[name] == pytest.approx(still.contrast[name], abs=1e-3)


def test_contrast_is_the_deviation_inside_a_frame():
    halves = np.zeros((*SIZE, 1), np.float32)
    halves[:, SIZE[1] // 2 :] = 0.6
    assert frame_contrast(halves) == pytest.approx(0.3)
    assert frame_contrast(np.full((*SIZE, 3), 0.4, np.float32)) == pytest.approx(0, abs=1e-6)


def test_pairs_without_flow_do_not_count():
    stretch = make_stretch(3)
    values = np.stack([np.full((*SIZE, 1), value, np.float32) for value in (0, 0.1, 0.9)])
    assert run_flicker("metallic", values, [stretch.flows[0], None]) == pytest.approx(0.1, abs=1e-6)


def test_shares_are_of_what_was_and_nothing_stays_nothing():
    assert shares({"albedo": 0.19, "metallic": 0.0}, {"albedo": 0.2, "metallic": 0.0}) == {
        "albedo": pytest.approx(0.95),
        "metallic": 1,
    }
