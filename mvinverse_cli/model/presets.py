"""Networks with a name: what `--config` of training takes beside a file."""

from collections.abc import Mapping

from ..maps import MAPS
from .config import ModelConfig

PRESETS: Mapping[str, ModelConfig] = {
    "small": ModelConfig(
        dim=192,
        heads=3,
        encoder_depth=2,
        position_grid=16,
        decoder_depth=8,
        levels=(0, 1, 2, 3),
        features=32,
        head_slope=0.1,
        sloped_maps=("metallic",),  # training counts what is rare of it for more than it is
        bypass="efficientnet_lite0",
        bypass_maps=MAPS,
        bypass_detail=True,
        bypass_tokens=True,
        min_size=378,  # things in smaller ones are smaller than those that it has learnt
        max_size=518,  # it was trained on small pictures
        looks=2,  # what it was trained on is little, and each look is wrong in other places
    ),
    "published": ModelConfig(),
}
