"""Fixtures shared by every wing."""

import copy
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mvinverse_cli.model.checkpoint import save_checkpoint
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.mvinverse import MVInverse
from tests.frames.media import write_numbered, write_png

TINY = ModelConfig(
    dim=32,
    heads=2,
    encoder_depth=2,
    position_grid=5,
    decoder_depth=8,
    levels=(0, 1, 2, 3),
    features=8,
    bypass_depths=(1, 1, 1, 1),
    bypass_width=8,
    bypass_groups=4,
)


@pytest.fixture(autouse=True)
def voice() -> Iterator[None]:
    """The command chooses what the library's log says, and to whom: for its own test alone."""
    package = logging.getLogger("mvinverse_cli")
    level, handlers = package.level, package.handlers
    yield
    package.setLevel(level)
    package.handlers = handlers


@pytest.fixture(scope="session")
def tiny_model() -> MVInverse:
    """A seeded network of every part in which every part shows: not to be changed by a test."""
    generator = torch.Generator().manual_seed(0)
    model = MVInverse(TINY)
    for name, value in model.state_dict().items():
        if name.startswith("image_") or not value.is_floating_point():
            continue
        noise = torch.rand(value.shape, generator=generator) - 0.5
        fan_in = value[0].numel() if value.ndim > 1 else 0
        # weights of unit gain; norms, layer scales and variances near one; biases and means small
        value.copy_(noise * (12 / fan_in) ** 0.5 if fan_in else noise / 5 + (not name.endswith(("bias", "mean"))))
    return model.eval().requires_grad_(False)


@pytest.fixture
def tiny(tiny_model: MVInverse) -> MVInverse:
    """A copy of `tiny_model` that a test may change."""
    return copy.deepcopy(tiny_model)


@pytest.fixture(scope="session")
def tiny_file(tiny_model: MVInverse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network as a file for `--model`."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(tiny_model.state_dict(), TINY, path)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of 64x48, each another gray, at 25 frames per second."""
    return write_numbered(tmp_path_factory.mktemp("clip") / "clip.mp4", 10)


@pytest.fixture
def stills(tmp_path: Path) -> list[Path]:
    """Three views that keep their names, the second of another size."""
    folder = tmp_path / "views"
    folder.mkdir()
    sizes = {"left": (64, 48), "middle": (40, 60), "right": (64, 48)}
    return [write_png(folder / f"{name}.png", 60 * i + 40, size) for i, (name, size) in enumerate(sizes.items())]
