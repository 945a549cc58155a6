"""Metrics: known answers, agreement with scikit-image, and pixels outside the mask that never count."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mvinverse_cli.color import linear_to_srgb
from mvinverse_cli.evaluate.metrics import (
    BY_KEY,
    METRICS,
    Detection,
    Tally,
    angles_deg,
    detect_metal,
    psnr,
    rmse,
    score_maps,
    score_reconstruction,
    ssim,
)
from mvinverse_cli.maps import MAPS, SPECS

RNG = np.random.default_rng(0)
SIZE = (40, 50)
ALL = np.ones(SIZE, bool)
TOP = ALL & (np.arange(40) < 30)[:, None]


def random_maps(seed=0):
    rng = np.random.default_rng(seed)
    maps = {name: rng.random((*SIZE, SPECS[name].channels), dtype=np.float32) for name in MAPS}
    maps["normal"] = maps["normal"] * 2 - 1
    maps["normal"] /= np.linalg.norm(maps["normal"], axis=-1, keepdims=True)
    return maps


def test_psnr_and_ssim_agree_with_scikit_image():
    truth, prediction = RNG.random((2, *SIZE, 3), dtype=np.float32)
    assert psnr(prediction, truth) == pytest.approx(peak_signal_noise_ratio(truth, prediction, data_range=1), abs=1e-4)
    wanted = structural_similarity(
        truth, prediction, channel_axis=-1, data_range=1, gaussian_weights=True, use_sample_covariance=False, full=True
    )[1]
    assert ssim(prediction, truth, ALL) == pytest.approx(wanted.mean(), abs=1e-4)


def test_a_perfect_prediction_scores_perfectly():
    maps = random_maps()
    scores = score_maps(maps, maps, ALL)
    for key, score in scores.items():
        perfect = 100.0 if "psnr" in key else 1.0 if BY_KEY[key].better == "higher" else 0.0
        assert score == pytest.approx(perfect, abs=1e-6), key
    assert detect_metal(maps["metallic"], maps["metallic"], ALL).figures() == {
        "metallic_precision": 1,
        "metallic_recall": 1,
        "metallic_f1": 1,
    }


def test_a_wrong_scale_costs_psnr_and_nothing_once_aligned():
    truth = random_maps()
    scores = score_maps({"albedo": truth["albedo"] / 2}, truth, ALL)
    assert scores["albedo_psnr"] < 20
    assert scores["albedo_psnr_scaled"] == 100
    assert scores["albedo_si_rmse"] == pytest.approx(0, abs=1e-6)


def test_a_tint_costs_one_scale_and_not_a_scale_for_each_channel():
    truth = random_maps()
    scores = score_maps({"albedo": truth["albedo"] * np.float32([1, 0.8, 0.5])}, truth, ALL)
    assert scores["albedo_si_rmse"] > 0.05
    assert scores["albedo_si_rmse_channel"] == pytest.approx(0, abs=1e-6)


def test_psnr_of_a_known_difference_is_known_and_in_srgb():
    truth = np.full((*SIZE, 3), 0.5, np.float32)
    scores = score_maps({"albedo": truth * 0.5}, {"albedo": truth}, ALL)
    difference = linear_to_srgb(np.float32(0.5)) - linear_to_srgb(np.float32(0.25))
    assert scores["albedo_psnr"] == pytest.approx(-20 * np.log10(difference), abs=1e-4)


def test_pixels_outside_the_mask_never_count():
    truth, prediction = random_maps(0), random_maps(1)
    broken = {name: np.where(TOP[..., None], values, 0.123) for name, values in prediction.items()}
    other = {name: np.where(TOP[..., None], values, 0.9) for name, values in truth.items()}
    assert score_maps(prediction, truth, TOP) == pytest.approx(score_maps(broken, other, TOP), abs=1e-9)
    assert detect_metal(broken["metallic"], other["metallic"], TOP) == detect_metal(
        prediction["metallic"], truth["metallic"], TOP
    )
    light = truth["albedo"] * truth["shading"]
    shown, hidden = (
        score_reconstruction(maps, truth, light, np.where(TOP[..., None], light, value), TOP)
        for maps, value in ((prediction, 0), (broken, 1))
    )
    assert shown == pytest.approx(hidden)
    assert shown.keys() == {"diffuse_psnr", "input_psnr"}


@pytest.mark.parametrize("angle", [0.01, 11, 90, 180])
def test_angles_are_right_near_zero_and_at_a_flip(angle):
    turned = np.array([[np.sin(np.radians(angle)), 0, np.cos(np.radians(angle))]], np.float32)
    assert angles_deg(turned, np.array([[0, 0, 1]], np.float32))[0] == pytest.approx(angle, rel=1e-4)


def test_flipped_normals_are_180_degrees_off():
    normal = random_maps()["normal"]
    scores = score_maps({"normal": -normal}, {"normal": normal}, ALL)
    assert scores["normal_mean_deg"] == pytest.approx(180)
    assert scores["normal_under_30"] == 0


def test_a_vector_without_direction_is_90_degrees_off():
    somewhere, nowhere = np.array([[0, 0, 1.0]]), np.zeros((1, 3))
    assert angles_deg(nowhere, somewhere).tolist() == angles_deg(somewhere, nowhere).tolist() == [90]


@pytest.mark.parametrize(("size", "has_ssim"), [((10, 50), False), ((11, 50), True)])
def test_pictures_smaller_than_the_window_of_ssim_have_their_other_figures(size, has_ssim):
    maps = {name: values[: size[0], : size[1]] for name, values in random_maps().items()}
    scores = score_maps(maps, maps, np.ones(size, bool))
    assert scores["albedo_psnr"] == 100
    assert ("albedo_ssim" in scores, "shading_ssim_scaled" in scores) == (has_ssim, has_ssim)


def test_maps_that_either_side_lacks_have_no_figure():
    maps = random_maps()
    assert score_maps({"normal": maps["normal"]}, {"albedo": maps["albedo"]}, ALL) == {}
    assert score_reconstruction({"albedo": maps["albedo"]}, maps, maps["albedo"], maps["albedo"], ALL) == {}


def test_the_input_is_compared_on_rough_surfaces_that_are_not_metal():
    truth = random_maps()
    truth["roughness"][:], truth["metallic"][:] = 0.9, 0.0
    truth["metallic"][20:] = 1.0
    light = truth["albedo"] * truth["shading"]
    light[20:] = 0  # what metal shows is not albedo x shading
    scores = score_reconstruction(truth, truth, light, light, ALL)
    assert scores["input_psnr"] == 100
    assert scores["diffuse_psnr"] < 30


def test_metal_is_counted_at_a_half():
    prediction, truth = np.float32([[0.5, 0.4, 0.9, 0.0]])[..., None], np.float32([[1, 1, 0, 0]])[..., None]
    found = detect_metal(prediction, truth, np.ones((1, 4), bool))
    assert found == Detection(hits=1, false_alarms=1, misses=1)
    assert found.figures()["metallic_f1"] == pytest.approx(0.5)


def test_metal_is_pooled_over_pictures():
    tally = Tally()
    tally.metal += Detection(hits=98, misses=2)
    tally.metal += Detection(false_alarms=100)
    assert tally.figures()["metallic_f1"] == pytest.approx(2 * 98 / (2 * 98 + 102))


def test_where_nothing_is_metal_and_nothing_found_there_is_no_f1():
    assert Detection().figures() == {}


def test_rmse_is_over_all_values():
    assert rmse(np.float32([0, 0, 2, 0]), np.zeros(4, np.float32)) == 1


def test_every_metric_has_a_direction_and_a_key_of_its_own():
    assert len(BY_KEY) == len(METRICS)
    for metric in METRICS:
        assert metric.gain(2, 1) == (1 if metric.better == "higher" else -1)
