"""How far weights go with their maps: fitted by error, folded into last layers, and without a say in what is metal."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.errors import InputError, OptionError
from mvinverse_cli.evaluate import calibration
from mvinverse_cli.evaluate.calibration import (
    CALIBRATED,
    FACTORS,
    Fit,
    best_factor,
    best_slopes,
    calibrate,
    seen_of,
    steeper,
)
from mvinverse_cli.evaluate.metrics import rmse
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
def sloped(tmp_path, tiny_model):
    """The same, with slopes on both sides of metallic."""
    config = replace(tiny_model.config, sloped_maps=("metallic",))
    state = tiny_model.state_dict() | {"metallic_slopes": torch.tensor([1.25, 0.5])}
    save_checkpoint(state, config, tmp_path / "sloped.safetensors", {})
    return find_weights(str(tmp_path / "sloped.safetensors"))


@pytest.fixture
def scenes(tmp_path):
    return make_scenes(tmp_path / "scenes", (1, 2), views=2)


@pytest.fixture(scope="module")
def calibrated():
    """How sure of metal one may be, and where it is, in four pictures."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (4, 20_000)).astype(np.float32)
    share = 1 / (1 + np.exp(-logits))
    return share, (rng.random(share.shape) < share).astype(np.float32)


def test_the_factor_that_was_lost_is_found_again(calibrated):
    share, metal = calibrated
    fit = best_factor("metallic", list(zip(steeper(share, 1 / 2.5, 1 / 2.5), metal, strict=True)), "linear")
    assert fit.below == fit.above == pytest.approx(2.5, rel=0.1)
    assert fit.after < 0.97 * fit.before


def test_the_slopes_that_were_lost_are_found_again(calibrated):
    share, metal = calibrated
    pictures = list(zip(steeper(share, 1 / 2.5, 1 / 0.6), metal, strict=True))
    fit = best_slopes(pictures)
    assert (fit.below, fit.above) == (pytest.approx(2.5, rel=0.1), pytest.approx(0.6, rel=0.1))
    assert fit.after < best_factor("metallic", pictures, "linear").after


def test_no_pair_of_factors_is_better_than_the_one_found(monkeypatch):
    rng = np.random.default_rng(1)
    pictures = [
        (values, (values + rng.normal(0, 0.3, values.shape) > 0.6).astype(np.float32))
        for values in rng.uniform(0, 1, (3, 50, 1)).astype(np.float32)
    ]
    pictures.append((np.full((7, 1), 0.2, np.float32), np.zeros((7, 1), np.float32)))  # nothing is over one half
    monkeypatch.setattr(calibration, "FACTORS", FACTORS[::8])
    errors = {
        (below, above): float(np.mean([rmse(steeper(values, below, above), true) for values, true in pictures]))
        for below in FACTORS[::8]
        for above in FACTORS[::8]
    }
    fit = best_slopes(pictures)
    assert errors[fit.below, fit.above] == min(errors.values())
    assert fit.after == pytest.approx(min(errors.values()), rel=1e-5)
    assert fit.before == pytest.approx(float(np.mean([rmse(*picture) for picture in pictures])), rel=1e-4)


@pytest.mark.parametrize(("name", "better"), [("albedo", 1), ("shading", 1), ("roughness", -1)])
def test_a_map_that_was_drawn_to_the_middle_goes_back(name, better):
    true = np.random.default_rng(0).uniform(0.05, 0.95, (3, 5000, 1)).astype(np.float32)
    fit = best_factor(name, [(steeper(values, 1 / 1.5, 1 / 1.5), values) for values in true], "srgb")
    assert fit.below == fit.above == pytest.approx(1.5, rel=0.06)
    assert better * fit.after > better * fit.before


def test_colours_count_in_srgb_whatever_curve_the_network_has():
    rng = np.random.default_rng(0)
    coded = rng.uniform(0.1, 0.9, (2, 1000, 3)).astype(np.float32)
    off = np.clip(coded + rng.normal(0, 0.05, coded.shape), 0, 1).astype(np.float32)
    wanted = best_factor("albedo", list(zip(off, coded, strict=True)), "srgb").before
    linear = list(zip(srgb_to_linear(off), srgb_to_linear(coded), strict=True))
    assert best_factor("albedo", linear, "linear").before == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("maps", [CALIBRATED, ("metallic",), ("shading", "albedo", "shading")])
def test_the_weights_written_go_as_far_and_are_otherwise_the_same(tmp_path, weights, scenes, maps):
    done = calibrate(weights, scenes, tmp_path / "out.safetensors", maps=maps)
    assert set(done.fits) == set(maps)
    assert (done.scenes, done.broken) == (2, ())
    factors = {name: fit.below for name, fit in done.fits.items()}
    images = torch.rand(1, 2, 3, 28, 42)
    plain, written = (
        load_model(name, device="cpu")(images) for name in (weights.name, str(tmp_path / "out.safetensors"))
    )
    for name, values in plain.items():
        expected = steeper(values.numpy(), factors[name], factors[name]) if name in factors else values.numpy()
        np.testing.assert_allclose(written[name].numpy(), expected, atol=2e-5)
    told = read_header(tmp_path / "out.safetensors").metadata
    assert told["licence"] == "none"
    assert json.loads(told["calibrated"]) == {
        "factors": {name: pytest.approx(factor, abs=1e-4) for name, factor in factors.items()},
        "pictures": 4,
        "data": find_scenes(scenes).digest(),
        "of": hash_of(weights),
    }


def test_slopes_are_written_where_the_network_has_them_times_those_it_had(tmp_path, sloped, scenes, monkeypatch):
    output = tmp_path / "out.safetensors"
    fit = Fit(2.25, 0.8, 0.2, 0.1)
    monkeypatch.setattr(calibration, "best_slopes", lambda pictures: fit)
    assert calibrate(sloped, scenes, output, maps=("metallic",)).fits == {"metallic": fit}
    model, written = load_model(sloped.name, device="cpu"), load_model(str(output), device="cpu")
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, written.state_dict()[name])]
    assert changed == ["metallic_slopes"]
    assert written.metallic_slopes.tolist() == pytest.approx([1.25 * fit.below, 0.5 * fit.above], rel=1e-6)
    told = json.loads(read_header(output).metadata["calibrated"])["factors"]
    assert told == {"metallic": pytest.approx([fit.below, fit.above], abs=1e-4)}
    images = torch.rand(1, 2, 3, 28, 42)
    expected = steeper(model(images)["metallic"].numpy(), fit.below, fit.above)
    np.testing.assert_allclose(written(images)["metallic"].numpy(), expected, atol=2e-5)


def test_no_map_gets_worse(weights, scenes, tmp_path):
    fits = calibrate(weights, scenes, tmp_path / "out.safetensors").fits
    for name in ("metallic", "roughness"):
        assert fits[name].after <= fits[name].before
    for name in ("albedo", "shading"):
        assert fits[name].after >= fits[name].before


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
    seen = seen_of(model, scenes, limit=1)
    assert {name: len(pictures) for name, pictures in seen.pictures.items()} == dict.fromkeys(CALIBRATED, 2)
    assert seen.scenes == 1
    assert seen.digest == find_scenes(make_scenes(tmp_path / "one", (1,), views=2)).digest()


def test_what_is_broken_past_the_limit_does_not_count(weights, scenes, tmp_path):
    (scenes / "00000009").mkdir()
    (scenes / "00000010").symlink_to(tmp_path / "not mounted")
    done = calibrate(weights, scenes, tmp_path / "out.safetensors", limit=2)
    assert (done.scenes, done.broken) == (2, ())


def test_the_licence_stays_with_what_comes_of_them(tmp_path, weights, scenes):
    calibrate(replace(weights, licence="non-commercial"), scenes, tmp_path / "out.safetensors")
    assert read_header(tmp_path / "out.safetensors").metadata["licence"] == "non-commercial"


def test_scenes_without_a_map_serve_for_the_others(tmp_path, weights):
    without = make_scenes(tmp_path / "without", (1,), views=2, maps=("albedo", "normal", "shading"))
    with pytest.raises(InputError, match="no scene has a true metallic; leave it out of --maps"):
        calibrate(weights, without, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
    calibrate(weights, without, tmp_path / "out.safetensors", maps=("albedo",))


def test_scenes_without_metal_are_an_input_error(tmp_path, weights, scenes, monkeypatch):
    monkeypatch.setattr(calibration, "METAL", 1.5)
    with pytest.raises(InputError, match="no scene shows metal"):
        calibrate(weights, scenes, tmp_path / "out.safetensors")


@pytest.mark.parametrize("maps", [("normal",), ("depth",), ()])
def test_maps_that_have_no_logits_are_an_option_error(tmp_path, weights, scenes, maps):
    with pytest.raises(OptionError, match="--maps"):
        calibrate(weights, scenes, tmp_path / "out.safetensors", maps=maps)
