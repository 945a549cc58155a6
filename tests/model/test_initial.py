"""Where training starts: the same for the same generator, near the middle of the maps, and able to learn."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import mse_loss
from torch.testing import assert_close

from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.initial import initialize
from mvinverse_cli.model.mvinverse import MVInverse
from tests.conftest import TINY

LIGHT = replace(TINY, bypass="efficientnet_lite0", bypass_maps=MAPS, bypass_tokens=True)


@pytest.mark.parametrize("config", [TINY, LIGHT], ids=["resnext", "efficientnet_lite0"])
def test_every_parameter_comes_from_the_generator(config):
    states = []
    for _ in range(2):
        model = MVInverse(config)
        for value in model.parameters():
            torch.nn.init.constant_(value, torch.nan)
        initialize(model, torch.Generator().manual_seed(7))
        states.append(model.state_dict())
    assert all(bool(value.isfinite().all()) for value in states[0].values())
    assert_close(states[0], states[1], rtol=0, atol=0)


@pytest.mark.parametrize("config", [TINY, LIGHT], ids=["resnext", "efficientnet_lite0"])
def test_maps_start_near_their_middle(config):
    model = MVInverse(config)
    initialize(model, torch.Generator().manual_seed(0))
    outputs = model.eval()(torch.rand(1, 2, 3, 112, 84, generator=torch.Generator().manual_seed(1)))
    for name in ("albedo", "roughness", "shading"):
        assert 0.3 < outputs[name].mean() < 0.7, name
    assert 0.05 < outputs["metallic"].mean() < 0.25
    assert outputs["normal"][..., 2].mean() > 0.8
    for name in MAPS:
        assert 0.001 < outputs[name].std(dim=(1, 2, 3)).mean() < 0.3, name  # not flat, and far from its ends


def lit_discs(generator: torch.Generator) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Two views of a coloured ball before a wall, under light that falls off: images and the maps that made them."""
    side = 56
    y, x = torch.meshgrid(torch.linspace(1, -1, side), torch.linspace(-1, 1, side), indexing="ij")
    albedos, shadings, normals = [], [], []
    for shift in (-0.2, 0.3):
        u, v = (x - shift) / 0.6, y / 0.6
        depth = (1 - u * u - v * v).clamp(min=0)
        ball = (depth > 0)[..., None]
        wall = torch.tensor([0.0, 0.0, 1.0]).expand(side, side, 3)
        normals.append(torch.where(ball, torch.stack([u, v, depth.sqrt()], dim=-1), wall))
        front, back = torch.rand(2, 3, generator=generator) * 0.8 + 0.1
        albedos.append(torch.where(ball, front, back))
        shadings.append((0.6 + 0.3 * x)[..., None].expand(side, side, 3))
    maps = {
        name: torch.stack(values)[None]
        for name, values in zip(("albedo", "shading", "normal"), (albedos, shadings, normals), strict=True)
    }
    images = (maps["albedo"] * maps["shading"]).permute(0, 1, 4, 2, 3)
    maps["metallic"] = torch.zeros(1, 2, side, side, 1)
    maps["roughness"] = torch.full((1, 2, side, side, 1), 0.5)
    return images, maps


@pytest.mark.slow
def test_a_fresh_network_learns():
    generator = torch.Generator().manual_seed(0)
    model = MVInverse(LIGHT)
    initialize(model, generator)
    model.eval()  # batch norms keep their statistics, as in training
    images, maps = lit_discs(generator)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    losses = []
    for _ in range(40):
        outputs = model(images, frame_batch=2)
        loss = sum(mse_loss(outputs[name], maps[name]) for name in MAPS)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) / 5 < 0.25 * losses[0]
