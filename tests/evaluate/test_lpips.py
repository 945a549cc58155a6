"""LPIPS: the same numbers as torchmetrics with the same weights, and words where the weights are not there."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import lpips as reference

from mvinverse_cli.evaluate import lpips
from mvinverse_cli.evaluate.lpips import ALEXNET, CHANNEL_WEIGHTS, CHANNELS, Lpips, open_lpips

RNG = np.random.default_rng(0)


@pytest.fixture
def network() -> Lpips:
    """AlexNet with random weights, and the channel weights that come with torchmetrics."""
    torch.manual_seed(0)
    made = Lpips()
    folder = Path(reference.__file__).parents[2]
    channels = torch.load(folder / CHANNEL_WEIGHTS, map_location="cpu", weights_only=True)
    made.load_state_dict({f"lin{i}": channels[f"lin{i}.model.1.weight"] for i in range(len(CHANNELS))}, strict=False)
    return made.eval()


def test_it_agrees_with_torchmetrics(network, monkeypatch):
    monkeypatch.setattr(reference, "_get_tv_model_features", lambda name, pretrained: network.features)
    monkeypatch.setattr(reference, "_TORCHVISION_AVAILABLE", True)
    wanted = reference._LPIPS(pretrained=True, net="alex", pnet_rand=True)
    truth, prediction = RNG.random((2, 64, 80, 3), dtype=np.float32)
    images = [torch.from_numpy(picture).permute(2, 0, 1)[None] for picture in (prediction, truth)]
    ours = network.between(prediction, truth)
    assert ours > 1e-3
    assert ours == pytest.approx(float(wanted(*images, normalize=True)), abs=1e-4)


def test_a_picture_is_no_distance_from_itself_and_some_from_any_other(network):
    picture = RNG.random((64, 80, 3), dtype=np.float32)
    assert network.between(picture, picture) == 0
    for other in (picture / 2, np.roll(picture, 7, axis=1), picture[:, ::-1].copy()):
        assert network.between(other, picture) > 1e-3


def test_weights_that_cannot_be_fetched_are_a_sentence(monkeypatch, caplog):
    def fetch(url, **how):
        assert how["check_hash"]
        assert how["weights_only"]
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    with caplog.at_level(logging.INFO):
        network, reason = open_lpips()
    assert network is None
    assert "cannot be had (no route to host); put them at" in reason
    assert "233 MB" in caplog.text


def test_nothing_is_fetched_offline(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda url, **how: pytest.fail("fetched"))
    network, reason = open_lpips()
    assert network is None
    assert "HF_HUB_OFFLINE forbids" in reason


def test_weights_in_the_cache_are_taken(network, monkeypatch, tmp_path):
    cached = tmp_path / "hub" / "checkpoints" / ALEXNET.rpartition("/")[2]
    cached.parent.mkdir(parents=True)
    torch.save(
        {"features." + name: value for name, value in network.features.state_dict().items()}
        | {"classifier.1.bias": torch.zeros(4096)},
        cached,
    )
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found, reason = open_lpips()
    assert reason == ""
    assert found is not None
    truth, prediction = RNG.random((2, 64, 80, 3), dtype=np.float32)
    assert found.between(prediction, truth) == network.between(prediction, truth)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"no archive at all"])
def test_damaged_weights_in_the_cache_are_a_sentence(content, monkeypatch, tmp_path):
    cached = tmp_path / "hub" / "checkpoints" / ALEXNET.rpartition("/")[2]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network, reason = open_lpips()
    assert network is None
    assert f"put them at {cached}" in reason


def test_without_torchmetrics_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(lpips, "find_spec", lambda name: None)
    assert "torchmetrics" in open_lpips().reason
