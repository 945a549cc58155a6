"""Pictures of any size: the network's grid and back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mvinverse_cli.errors import DeviceMemoryError
from mvinverse_cli.evaluate.prediction import network_of, predict_views, run_passes
from mvinverse_cli.frames import Fit, fit_pixels, restore_map
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.protocols import MeasureOptions
from mvinverse_cli.shot.passes import Network

RNG = np.random.default_rng(0)
WHOLE = RNG.random((42, 56, 3), dtype=np.float32)  # of whole patches


def test_pictures_of_whole_patches_are_seen_as_they_are(tiny_model):
    network = network_of(tiny_model, MeasureOptions())
    (maps,) = predict_views(network, [WHOLE], "a", together=False)
    direct = run_passes(network, [WHOLE], "a", together=False)
    for name in MAPS:
        assert maps[name] == pytest.approx(direct[name][0], abs=1e-6), name


def test_every_picture_has_its_maps_at_its_own_size_and_in_their_range(tiny_model):
    network = network_of(tiny_model, MeasureOptions(max_size=56))
    pictures = [RNG.random((*size, 3), dtype=np.float32) for size in ((60, 100), (45, 33))]
    for together in (True, False):
        for picture, maps in zip(pictures, predict_views(network, pictures, "a", together=together), strict=True):
            for name, values in maps.items():
                assert values.shape == (*picture.shape[:2], SPECS[name].channels)
            assert np.linalg.norm(maps["normal"], axis=-1) == pytest.approx(1, abs=1e-5)
            assert 0 <= maps["albedo"].min() <= maps["albedo"].max() <= 1


def test_a_small_picture_is_seen_as_large_as_the_config_asks_for(tiny_model):
    network = network_of(tiny_model, MeasureOptions())
    larger = replace(network, config=replace(network.config, min_size=112))
    (maps,) = predict_views(larger, [WHOLE], "a", together=False)
    fit = Fit((56, 42), (84, 112), (84, 112))
    direct = run_passes(network, [fit_pixels(WHOLE, fit)], "a", together=False)
    for name in MAPS:
        assert maps[name].shape[:2] == (42, 56)
        expected = restore_map(direct[name][0], fit, unit_vectors=name == "normal")
        assert maps[name] == pytest.approx(np.clip(expected, -1, 1), abs=1e-5), name


def test_a_pass_without_numbers_is_made_again_in_float32(tiny_model, monkeypatch, caplog):
    read_out = Network.read_out

    def overflowing(self, attended, part, maps):
        return {
            name: values if self.is_exact else values * np.nan
            for name, values in read_out(self, attended, part, maps).items()
        }

    network = network_of(tiny_model, MeasureOptions())
    (expected,) = predict_views(network, [WHOLE], "a", together=False)
    monkeypatch.setattr(Network, "may_overflow", property(lambda self: not self.is_exact))
    monkeypatch.setattr(Network, "read_out", overflowing)
    (maps,) = predict_views(network, [WHOLE], "room", together=False)
    assert "room: NaN or infinity in half precision; again in float32" in caplog.messages
    assert np.array_equal(maps["albedo"], expected["albedo"])


def test_a_device_that_is_full_is_said(tiny_model, monkeypatch):
    def out_of_memory(*values, **options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(MVInverse, "read_out", out_of_memory)
    with pytest.raises(DeviceMemoryError, match="out of memory with 2 frames of 56x42 in one pass; lower --max-size"):
        predict_views(network_of(tiny_model, MeasureOptions()), [WHOLE, WHOLE], "a", together=True)


def test_alone_is_alone_and_together_is_not(tiny_model):
    network = network_of(tiny_model, MeasureOptions())
    other = RNG.random((42, 56, 3), dtype=np.float32)
    (alone,) = predict_views(network, [WHOLE], "a", together=True)
    first, _ = predict_views(network, [WHOLE, other], "a", together=False)
    joint, _ = predict_views(network, [WHOLE, other], "a", together=True)
    assert first["albedo"] == pytest.approx(alone["albedo"], abs=1e-5)
    assert np.abs(joint["albedo"] - alone["albedo"]).max() > 1e-3


def test_the_curve_that_is_asked_for_is_what_the_network_sees(tiny_model):
    shown = [
        predict_views(network_of(tiny_model, MeasureOptions(input_transfer=curve)), [WHOLE], "a", together=False)[0]
        for curve in (None, "srgb", "linear")
    ]
    assert np.array_equal(shown[0]["albedo"], shown[1]["albedo"])
    assert not np.allclose(shown[0]["albedo"], shown[2]["albedo"], atol=1e-3)
