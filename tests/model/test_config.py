"""A config as JSON: ours and the published dialect, and what no network can be built from."""

import json

import pytest
import torch

from mvinverse_cli.errors import WeightsError
from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.config import ModelConfig, config_from_dict, config_to_dict
from mvinverse_cli.model.mvinverse import MVInverse

PUBLISHED = {
    "pos_type": "rope100",
    "dec_embed_dim": 1024,
    "dec_depth": 36,
    "dec_num_heads": 16,
    "mlp_ratio": 4.0,
    "num_register_tokens": 5,
}


def test_a_config_survives_json():
    config = ModelConfig(dim=32, heads=2, decoder_depth=8, levels=(0, 1, 2, 3), albedo_transfer="linear")
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config


@pytest.mark.parametrize("maps", [(), ("normal",), ("albedo", "metallic", "roughness", "normal", "shading")])
def test_a_bypass_survives_json(maps):
    config = ModelConfig(bypass="efficientnet_lite0", bypass_maps=maps, bypass_tokens=True)
    assert config_from_dict(json.loads(json.dumps(config_to_dict(config)))) == config


def test_nothing_said_is_the_published_network():
    assert config_from_dict({}) == ModelConfig()


def test_the_published_dialect_is_understood():
    assert config_from_dict(PUBLISHED) == ModelConfig()
    assert config_from_dict({"pos_type": "rope10000"}).rope_base == 10000
    assert config_from_dict({"dec_depth": 40, "num_register_tokens": 1}) == ModelConfig(decoder_depth=40, registers=1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"window": 3}, "unknown field 'window'"),
        ({"pos_type": "rope100", "dim": 32}, "unknown field 'dim'"),
        ({"pos_type": "learned"}, "pos_type is 'learned'.*rotary"),
        ({"pos_type": 100}, "pos_type is 100"),
        ({"dec_embed_dim": 768}, "dec_embed_dim is 768.*1024 only"),
        ({"dec_num_heads": 8, "dec_embed_dim": 1024}, "dec_num_heads is 8"),
        ({"dec_depth": "36"}, "decoder_depth is '36'; wanted int"),
        ({"dim": True}, "dim is True; wanted int"),
        ({"dim": 32.0}, "dim is 32.0; wanted int"),
        ({"mlp_ratio": "4"}, "mlp_ratio is '4'; wanted float"),
        ({"mlp_ratio": 1e300}, "mlp_ratio is 1e\\+300; wanted more than 0 and less than 1e\\+06"),
        ({"mlp_ratio": 10**400}, "mlp_ratio is 10+; wanted float"),
        ({"features": 10**30}, "features is 10+; wanted 1 or more and less than 1e\\+06"),
        ({"rope_base": float("inf")}, "rope_base is inf; wanted more than 0"),
        ({"levels": [1, 2, 3]}, r"levels is \[1, 2, 3\]; wanted 4 integers"),
        ({"levels": [0, 1, 2, "3"]}, "levels is '3'; wanted int"),
        ({"albedo_transfer": "gamma"}, "albedo_transfer is 'gamma'; wanted 'srgb' or 'linear'"),
        ({"bypass": "vgg"}, "bypass is 'vgg'; wanted 'resnext' or 'efficientnet_lite0'"),
        ({"bypass_tokens": 1}, "bypass_tokens is 1; wanted bool"),
        ({"bypass_maps": "albedo"}, "bypass_maps is 'albedo'; wanted a list"),
        ({"bypass_maps": ["albedo", "depth"]}, "bypass_maps is 'depth'; wanted 'albedo' or"),
        ({"bypass_maps": ["albedo", "albedo"]}, "bypass_maps is .*each map once"),
        ({"sloped_maps": ["metallic", "metallic"]}, "sloped_maps is .*each map once"),
        ({"sloped_maps": ["normal"]}, "sloped_maps is .*as normal"),
        ({"heads": 0}, "heads is 0; wanted 1 or more"),
        ({"looks": 3}, "looks is 3; wanted 1 or 2"),
        ({"registers": -1}, "registers is -1; wanted 0 or more"),
        ({"dim": 36}, "dim is 36; wanted a multiple of 4 x heads = 64"),
        ({"levels": [3, 8, 13, 18]}, "levels is .*18 pairs of decoder blocks, rising"),
        ({"levels": [3, 3, 13, 17]}, "levels is .*rising"),
        ({"bypass_depths": [1, 0, 1, 1]}, "bypass_depths"),
        ({"bypass_groups": 3}, "bypass_groups is 3; wanted a divisor of 4 x bypass_width = 256"),
        ({"rope_base": 0}, "rope_base is 0.0; wanted more than 0"),
    ],
)
def test_a_config_without_a_network_is_refused_by_field(values, said):
    with pytest.raises(WeightsError, match=said):
        config_from_dict(values)


def test_an_accepted_config_builds():
    config = config_from_dict({"dim": 24, "heads": 3, "decoder_depth": 8, "levels": [0, 1, 2, 3], "encoder_depth": 0})
    with torch.device("meta"):
        assert MVInverse(config).config == config


def test_colours_lie_on_the_curves_of_the_config_and_numbers_on_none():
    config = ModelConfig(albedo_transfer="linear", shading_transfer="srgb")
    curves = {name: config.curve_of(name) for name in MAPS}
    assert curves == dict.fromkeys(MAPS, "linear") | {"shading": "srgb"}
    assert ModelConfig().curve_of("albedo") == "srgb"
