"""Named networks: what `small` may weigh."""

import torch

from mvinverse_cli.model.config import ModelConfig, check_config, config_from_dict, config_to_dict
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.presets import PRESETS


def test_presets_can_be_built_and_written_down():
    for config in PRESETS.values():
        check_config(config)
        assert config_from_dict(config_to_dict(config)) == config


def test_published_is_the_default():
    assert PRESETS["published"] == ModelConfig()


def test_small_takes_at_most_24_megabytes_in_half_precision():
    with torch.device("meta"):
        state = MVInverse(PRESETS["small"]).state_dict()
    assert sum(value.numel() for value in state.values()) * 2 < 24e6
