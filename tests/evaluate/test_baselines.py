"""Baselines: each splits the picture that it is right about, and what is fitted is the best there is."""

import numpy as np
import pytest

from mvinverse_cli.evaluate.baselines import (
    BASELINES,
    CONSTANTS,
    FACING,
    GAINS,
    ROWS,
    SPLITS,
    Fitting,
    colour_retinex,
    gaussian_shading,
)
from mvinverse_cli.evaluate.metrics import encoded, psnr, rmse
from mvinverse_cli.maps import MAPS, SPECS

SIZE = (56, 70)
MASKS = [np.random.default_rng(i).random(SIZE) < 0.7 for i in range(5)]


def random_maps(seed):
    """Pictures of a random mean, as the pictures of a set are."""
    rng = np.random.default_rng(seed)
    return {name: (rng.random() * rng.random((*SIZE, SPECS[name].channels))).astype(np.float32) for name in MAPS}


@pytest.fixture(scope="module")
def truths():
    return [random_maps(seed) for seed in range(5)]


@pytest.fixture(scope="module")
def fitted(truths):
    fitting = Fitting()
    for truth, mask in zip(truths, MASKS, strict=True):
        fitting.add(truth["albedo"] * truth["shading"], truth, mask)
    return fitting.fitted()


@pytest.mark.parametrize("name", ["albedo", "shading", "metallic", "roughness"])
def test_no_other_constant_is_better(fitted, truths, name):
    def figure(constant):
        scores = []
        for truth, mask in zip(truths, MASKS, strict=True):
            inside = truth[name][mask]
            if SPECS[name].kind == "color":
                scores.append(psnr(np.broadcast_to(constant, inside.shape), encoded(inside)))
            else:
                scores.append(-rmse(np.broadcast_to(constant, inside.shape), inside))
        return np.mean(scores)

    constant = fitted.constants[name]
    constant = encoded(constant) if SPECS[name].kind == "color" else constant
    best = figure(constant)
    for channel in range(len(constant)):
        for step in (-0.01, 0.01):
            assert figure(constant + step * (np.arange(len(constant)) == channel)) < best


def test_gains_are_the_best_of_the_grid(fitted, truths):
    name, split = "guided-filter shading", SPLITS["guided-filter shading"]
    few = [slice(None, None, -(-np.count_nonzero(mask) // 1000)) for mask in MASKS]

    def figure(gain):
        parts = [split(truth["albedo"] * truth["shading"])[0] for truth in truths]
        return np.mean(
            [
                psnr(encoded(part[mask][every] * np.float32(gain)), encoded(truth["albedo"][mask][every]))
                for part, truth, mask, every in zip(parts, truths, MASKS, few, strict=True)
            ]
        )

    best = fitted.gains[name][0]
    assert best == GAINS[np.argmax([figure(gain) for gain in GAINS])]


@pytest.mark.parametrize(("known", "place"), [("albedo", 0), ("shading", 1)])
def test_gains_of_a_map_are_fitted_where_the_other_is_not_there(fitted, truths, known, place):
    fitting = Fitting()
    for truth, mask in zip(truths, MASKS, strict=True):
        fitting.add(truth["albedo"] * truth["shading"], {known: truth[known]}, mask)
    for split, gains in fitting.fitted().gains.items():
        assert gains[place] == fitted.gains[split][place]
        assert gains[1 - place] == 1


def test_every_baseline_predicts_maps_of_the_right_shape(fitted, truths):
    light = np.stack([truth["albedo"] * truth["shading"] for truth in truths])
    predicted = dict(fitted.predict(light))
    assert tuple(predicted) == BASELINES
    for maps in predicted.values():
        for name, values in maps.items():
            assert values.shape == (5, *SIZE, SPECS[name].channels)
            assert values.dtype == np.float32
            assert np.isfinite(values).all()
    assert predicted[CONSTANTS].keys() == set(MAPS) - {"normal"}
    assert (predicted[FACING]["normal"] == (0, 0, 1)).all()
    assert np.linalg.norm(predicted[ROWS]["normal"], axis=-1) == pytest.approx(1, abs=1e-6)


def test_the_mean_normal_of_a_row_is_that_of_the_row():
    normal = np.zeros((*SIZE, 3), np.float32)
    normal[:28, :, 1], normal[28:, :, 2] = 1, 1
    fitting = Fitting()
    fitting.add(np.ones((*SIZE, 3), np.float32), {"normal": normal}, np.ones(SIZE, bool))
    predicted = dict(fitting.fitted().predict(np.ones((1, *SIZE, 3), np.float32)))
    assert (predicted[ROWS]["normal"][0] == normal).all()


@pytest.mark.parametrize("name", SPLITS)
def test_a_black_picture_has_a_split(name):
    for part in SPLITS[name](np.zeros((*SIZE, 3), np.float32)):
        assert np.isfinite(part).all()


def two_patches_under_smooth_light():
    """Albedo with one edge of colour; shading that fades from left to right."""
    albedo = np.full((*SIZE, 3), (0.8, 0.4, 0.4), np.float32)
    albedo[20:40] = (0.2, 0.2, 0.5)
    shading = np.linspace(0.9, 0.3, SIZE[1], dtype=np.float32)[None, :, None]
    return albedo, np.broadcast_to(shading, albedo.shape)


def si_error(part, truth):
    return rmse(part * (part * truth).sum() / (part * part).sum(), truth)


def test_retinex_gives_edges_to_albedo_and_slopes_to_shading():
    albedo, shading = two_patches_under_smooth_light()
    found_albedo, found_shading = colour_retinex(albedo * shading)
    assert si_error(found_albedo, albedo) < 0.02
    assert si_error(found_shading, shading) < 0.02
    assert si_error(gaussian_shading(albedo * shading)[0], albedo) > 0.05


def test_retinex_keeps_the_brightness_of_the_picture():
    albedo, shading = two_patches_under_smooth_light()
    light = albedo * shading
    parts = colour_retinex(light)
    brightness = np.exp(np.log(light + 1e-3).mean(axis=-1))
    assert np.exp(np.log(parts[0] * parts[1]).mean(axis=-1)) == pytest.approx(brightness, rel=1e-3)
