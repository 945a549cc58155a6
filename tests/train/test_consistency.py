"""The loss of fine-tuning: nothing where maps move with the picture, and what is hidden does not count."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from mvinverse_cli.flow import warp_map
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.train.consistency import anchor_losses, consistency_losses, contrast, contrast_losses, warp
from mvinverse_cli.train.steadiness import frame_contrast
from tests.train.panning import SIZE, STEP, KnownFlow


def random_maps(seed: int, width: int = SIZE[1]) -> dict:
    generator = torch.Generator().manual_seed(seed)
    maps = {name: torch.rand(1, SIZE[0], width, SPECS[name].channels, generator=generator) for name in MAPS}
    maps["normal"] = normalize(maps["normal"] - 0.5, dim=-1)
    return maps


def test_the_warp_is_that_of_the_flow_room():
    rng = np.random.default_rng(0)
    values = rng.random((*SIZE, 3)).astype(np.float32)
    flow = rng.normal(0, 4, (*SIZE, 2)).astype(np.float32)
    warped = warp(torch.from_numpy(values)[None], torch.from_numpy(flow)[None])[0].numpy()
    assert np.abs(warped - warp_map(values, flow)).max() < 0.03  # OpenCV rounds positions to 1/32 pixel
    assert np.abs(warped - warp_map(values, flow)).mean() < 0.005


def test_maps_that_move_with_the_picture_cost_nothing_and_others_their_square():
    wide = random_maps(0, SIZE[1] + STEP)
    now = {name: values[:, :, : SIZE[1]] for name, values in wide.items()}
    later = {name: values[:, :, STEP:] for name, values in wide.items()}
    pair = KnownFlow().pair("", 0, np.empty((*SIZE, 3)), np.empty(0))
    flow, valid = torch.from_numpy(pair.forward)[None], torch.from_numpy(pair.valid)[None]
    assert max(consistency_losses(now, later, flow, valid).values()) < 1e-8
    now["albedo"] = now["albedo"] + 0.2
    assert consistency_losses(now, later, flow, valid)["albedo"].item() == pytest.approx(0.04, rel=1e-4)
    now["albedo"] = torch.where(valid, later["albedo"], 7.0)
    assert consistency_losses(now, now, torch.zeros_like(flow), valid)["albedo"] < 1e-10


def test_hidden_pixels_do_not_count_and_no_valid_pixel_is_no_loss():
    now, later = random_maps(0), random_maps(1)
    flow, valid = torch.zeros(1, *SIZE, 2), torch.ones(1, *SIZE, 1, dtype=torch.bool)
    valid[:, :, 10:] = False
    losses = consistency_losses(now, later, flow, valid)
    for name in MAPS:
        seen = (now[name] - later[name])[:, :, :10].square().mean()
        assert losses[name].item() == pytest.approx(seen.item(), rel=1e-4)
    assert all(loss == 0 for loss in consistency_losses(now, later, flow, torch.zeros_like(valid)).values())


def test_both_frames_are_pulled():
    now, later = random_maps(0), random_maps(1)
    for values in (now["albedo"], later["albedo"]):
        values.requires_grad_()
    valid = torch.ones(1, *SIZE, 1, dtype=torch.bool)
    consistency_losses(now, later, torch.full((1, *SIZE, 2), 0.4), valid)["albedo"].backward()
    assert all(values.grad is not None and values.grad.abs().max() > 0 for values in (now["albedo"], later["albedo"]))


def test_the_anchor_is_the_mean_square_of_each_map():
    before, now = random_maps(0), random_maps(1)
    losses = anchor_losses(now, before)
    for name in MAPS:
        assert losses[name].item() == pytest.approx((now[name] - before[name]).square().mean().item(), rel=1e-5)
    assert not any(anchor_losses(before, before).values())


def test_a_flatter_map_costs_the_square_of_what_it_lost_and_any_other_nothing():
    before = random_maps(0)
    middle = {name: values.mean(dim=(1, 2), keepdim=True) for name, values in before.items()}
    for share, lost in ((0.5, 0.5), (1.0, 0.0), (1.4, 0.0)):
        now = {name: middle[name] + share * (values - middle[name]) + 0.1 for name, values in before.items()}
        losses = contrast_losses(now, before)
        for name in MAPS:
            wanted = (lost * contrast(before[name]).item()) ** 2
            assert losses[name].item() == pytest.approx(wanted, rel=1e-4, abs=1e-12)


def test_contrast_is_what_the_guard_measures():
    values = random_maps(0)["albedo"]
    assert contrast(values).item() == pytest.approx(frame_contrast(values[0].numpy()), rel=1e-5)


def test_a_flat_map_can_still_learn():
    before = random_maps(0)["albedo"]
    now = torch.full_like(before, 0.5).requires_grad_()
    contrast_losses({"albedo": now}, {"albedo": before})["albedo"].backward()
    assert now.grad is not None
    assert now.grad.isfinite().all()
