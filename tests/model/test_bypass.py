"""The bypass: either kind behind one interface, and its levels among the tokens."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.bypass import build_bypass, bypass_channels
from mvinverse_cli.model.checkpoint import load_model, save_checkpoint
from mvinverse_cli.model.config import BypassName, ModelConfig
from mvinverse_cli.model.efficientnet import PaddedConv
from mvinverse_cli.model.initial import initialize
from mvinverse_cli.model.mvinverse import MVInverse
from tests.conftest import TINY

LIGHT = replace(TINY, bypass="efficientnet_lite0", bypass_maps=MAPS, bypass_tokens=True)


@pytest.fixture
def light() -> MVInverse:
    """A seeded network whose bypass is the light one and joins the tokens."""
    model = MVInverse(LIGHT)
    initialize(model, torch.Generator().manual_seed(0))
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """One scene of three views, 4 x 5 patches."""
    return torch.rand(1, 3, 3, 56, 70, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("bypass", ["resnext", "efficientnet_lite0"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 80), (112, 64)])
def test_levels_meet_the_token_grid_at_4_2_1_and_half_pixels(bypass: BypassName, height: int, width: int):
    config = replace(TINY, bypass=bypass)
    pyramid = build_bypass(config).eval()(torch.rand(2, 3, height, width))
    assert [level.shape[1] for level in pyramid] == list(bypass_channels(config))
    sizes = [(height // 4, width // 4), (height // 8, width // 8), (height // 16, width // 16)]
    assert [level.shape[-2:] for level in pyramid] == [*sizes, (-(-height // 32), -(-width // 32))]


@pytest.mark.parametrize(("side", "first"), [(8, 0), (7, -1)])
def test_padding_puts_the_odd_pixel_right_and_below(side: int, first: int):
    conv = PaddedConv(1, 1, 3, stride=2)
    with torch.no_grad():
        conv.weight.zero_()[0, 0, 0, 0] = 1  # shows which pixel each window begins at
    picture = torch.arange(1.0, side * side + 1).view(1, 1, side, side)
    expected = torch.nn.functional.pad(picture, (-first, 0, -first, 0))[..., :side:2, :side:2]
    assert_close(conv(picture), expected)


@pytest.mark.parametrize("frame_batch", [1, 2, 100])
def test_frame_batches_do_not_change_the_numbers(light: MVInverse, images: torch.Tensor, frame_batch: int):
    assert_close(light(images, frame_batch=frame_batch), light(images, frame_batch=3), rtol=0, atol=1e-5)


def test_fewer_maps_are_the_same_maps(light: MVInverse, images: torch.Tensor):
    assert_close(light(images, maps=("normal",))["normal"], light(images)["normal"], rtol=0, atol=0)


@pytest.mark.parametrize("tokens", [True, False])
def test_the_bypass_sees_each_frame_once(images: torch.Tensor, tokens: bool):
    model = MVInverse(replace(LIGHT, bypass_tokens=tokens)).eval()
    seen = []
    model.res_encoder.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    model(images, frame_batch=2)
    assert seen == [2, 1]


@pytest.mark.parametrize("tokens", [True, False])
def test_a_head_without_bypass_sees_it_through_the_tokens_alone(images: torch.Tensor, tokens: bool):
    model = MVInverse(replace(LIGHT, bypass_tokens=tokens, bypass_maps=("albedo",)))
    initialize(model, torch.Generator().manual_seed(0))
    before = model.eval()(images)
    with torch.no_grad():
        model.res_encoder._conv_stem.weight.neg_()
    after = model(images)
    assert not torch.equal(before["albedo"], after["albedo"])
    assert torch.equal(before["normal"], after["normal"]) is not tokens


def test_heads_see_the_bypass_as_the_config_says():
    with torch.device("meta"):
        names = MVInverse(replace(TINY, bypass_maps=("normal", "metallic"))).state_dict()
    seeing = {name.split("_head.")[0] for name in names if ".fuse_projects." in name}
    assert seeing == {"normal", "metallic"}


@pytest.mark.parametrize(("height", "width"), [(14, 14), (42, 28), (154, 14)])
def test_odd_and_tiny_grids_come_back_at_their_size(light: MVInverse, height: int, width: int):
    assert light(torch.rand(1, 2, 3, height, width))["shading"].shape == (1, 2, height, width, 3)


def test_gradients_reach_every_parameter(light: MVInverse, images: torch.Tensor):
    light.requires_grad_(True)
    sum(values.square().sum() for values in light(images).values()).backward()
    assert [name for name, value in light.named_parameters() if value.grad is None] == []


def test_a_saved_network_comes_back_the_same(light: MVInverse, images: torch.Tensor, tmp_path: Path):
    path = tmp_path / "light.safetensors"
    save_checkpoint(light.state_dict(), LIGHT, path)
    loaded = load_model(str(path), device="cpu")
    assert loaded.config == LIGHT
    assert_close(loaded(images), light(images), rtol=0, atol=0)


def test_the_published_network_knows_nothing_of_it():
    config = ModelConfig()
    assert (config.bypass, config.bypass_maps, config.bypass_tokens) == ("resnext", ("albedo", "shading"), False)
    assert bypass_channels(config) == (256, 512, 1024, 2048)
