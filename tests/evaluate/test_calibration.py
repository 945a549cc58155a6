"""How sure weights are of metal: fitted by error, folded into the last layer, and without a say in what is metal."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate.calibration import best_factor, calibrate, metal_of, steepened
from mvinverse_cli.model.checkpoint import load_model, load_weights, save_checkpoint
from mvinverse_cli.model.header import read_header
from mvinverse_cli.model.weights import find_weights, hash_of
from mvinverse_cli.scenes.store import find_scenes
from tests.scenes.views import make_scenes


@pytest.fixture
def weights(tmp_path, tiny_model):
    save_checkpoint(tiny_model.state_dict(), tiny_model.config, tmp_path / "tiny.safetensors", {"licence": "none"})
    return find_weights(str(tmp_path / "tiny.safetensors"))


@pytest.fixture
def scenes(tmp_path):
    return make_scenes(tmp_path / "scenes", (1, 2), views=2)


def test_one_half_stays_and_all_else_is_surer():
    values = np.array([0, 0.2, 0.5, 0.8, 1], np.float32)
    surer = steepened(values, 2.0)
    assert surer == pytest.approx([0, 1 / 17, 0.5, 16 / 17, 1], abs=1e-5)
    assert steepened(surer, 0.5) == pytest.approx(values, abs=2e-3)


def test_the_factor_that_was_lost_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (4, 20_000)).astype(np.float32)
    share = 1 / (1 + np.exp(-logits))
    metal = (rng.random(share.shape) < share).astype(np.float32)  # calibrated as it is
    hazy = steepened(share, 1 / 2.5)
    factor, before, after = best_factor(list(zip(hazy, metal, strict=True)))
    assert factor == pytest.approx(2.5, rel=0.1)
    assert after < 0.97 * before


def test_the_weights_written_are_as_sure_and_otherwise_the_same(tmp_path, weights, scenes):
    done = calibrate(weights, scenes, tmp_path / "out.safetensors")
    factor = done.factor
    assert done.after <= done.before
    assert (done.scenes, done.broken) == (2, ())
    images = torch.rand(1, 2, 3, 28, 42)
    plain, written = (
        load_model(name, device="cpu")(images) for name in (weights.name, str(tmp_path / "out.safetensors"))
    )
    for name, values in plain.items():
        expected = steepened(values.numpy(), factor) if name == "metallic" else values.numpy()
        np.testing.assert_allclose(written[name].numpy(), expected, atol=1e-5)
    told = read_header(tmp_path / "out.safetensors").metadata
    assert told["licence"] == "none"
    assert json.loads(told["calibrated"]) == {
        "factor": pytest.approx(factor, abs=1e-4),
        "pictures": 4,
        "data": find_scenes(scenes).digest(),
        "of": hash_of(weights),
    }


def test_scenes_that_are_broken_are_named_and_left_out(weights, scenes, tmp_path, caplog):
    make_scenes(scenes, (3,), views=2)
    torn, lacking = next(scenes.glob("*1/view_1.exr")), next(scenes.glob("*2/view_0.exr"))
    torn.write_bytes(torn.read_bytes()[:-200])  # its header is whole
    lacking.unlink()
    done = calibrate(weights, scenes, tmp_path / "out.safetensors")
    assert (done.scenes, len(done.broken), done.many_broken) == (3, 2, True)
    assert str(torn) in caplog.text
    assert str(lacking) in caplog.text


def test_so_many_scenes_are_taken_and_told(weights, scenes, tmp_path):
    model = load_weights(weights, torch.device("cpu"), torch.float32)
    seen = metal_of(model, scenes, limit=1)
    assert (len(seen.pictures), seen.scenes) == (2, 1)
    assert seen.digest == find_scenes(make_scenes(tmp_path / "one", (1,), views=2)).digest()


def test_the_licence_stays_with_what_comes_of_them(tmp_path, weights, scenes):
    calibrate(replace(weights, licence="non-commercial"), scenes, tmp_path / "out.safetensors")
    assert read_header(tmp_path / "out.safetensors").metadata["licence"] == "non-commercial"


def test_scenes_without_metallic_are_an_input_error(tmp_path, weights):
    without = make_scenes(tmp_path / "without", (1,), views=2, maps=("albedo", "normal", "shading"))
    with pytest.raises(InputError, match="no scene shows metal"):
        calibrate(weights, without, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
