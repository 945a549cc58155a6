"""Checks: margins have the right sign, and what is asked depends on the set."""

import numpy as np
import pytest

from mvinverse_cli.evaluate.baselines import CONSTANTS, FACING, Fitted
from mvinverse_cli.evaluate.result import JOINT, SINGLE
from mvinverse_cli.evaluate.scenes import Evaluation
from mvinverse_cli.evaluate.verdicts import check_all

ROWS = {
    JOINT: {
        "albedo_psnr": 18.0,
        "roughness_rmse": 0.2,
        "metallic_rmse": 0.1,
        "metallic_f1": 0.6,
        "normal_mean_deg": 21.0,
        "cross_view_albedo": 0.03,
    },
    SINGLE: {
        "albedo_psnr": 17.0,
        "roughness_rmse": 0.19,
        "metallic_rmse": 0.1,
        "metallic_f1": 0.5,
        "normal_mean_deg": 23.0,
        "cross_view_albedo": 0.04,
    },
    CONSTANTS: {"albedo_psnr": 10.0, "roughness_rmse": 0.25, "metallic_rmse": 0.3},
    "chromaticity": {"albedo_psnr": 12.5},
    FACING: {"normal_mean_deg": 50.0},
}


def evaluation(rows):
    return Evaluation(rows, 2, 8, 0, 0.1, (), Fitted({}, {}, np.zeros((1, 3))))


def checks(rows):
    return {check.name: check for check in check_all(evaluation(rows))}


def test_margins_are_over_the_best_baseline():
    check = checks(ROWS)["albedo_psnr_over_best_baseline"]
    assert (check.value, check.asked, check.against, check.passed) == (5.5, 5.0, "chromaticity", True)
    assert checks(ROWS)["normal_mean_deg_over_best_baseline"].value == 29


def test_targets_are_those_of_the_issue():
    found = checks(ROWS)
    assert found["normal_mean_deg"].told()["passed"] is True
    assert found["roughness_rmse_share_under_constant"].value == pytest.approx(0.2)
    assert found["metallic_f1"].asked == 0.5
    worse = {**ROWS, JOINT: {**ROWS[JOINT], "normal_mean_deg": 22.1, "metallic_f1": 0.4}}
    assert not checks(worse)["normal_mean_deg"].passed
    assert not checks(worse)["metallic_f1"].passed


def test_rooms_without_material_are_asked_for_less():
    rows = {
        name: {key: value for key, value in figures.items() if not key.startswith(("rough", "metal"))}
        for name, figures in ROWS.items()
    }
    found = checks(rows)
    assert found["albedo_psnr_over_best_baseline"].asked == 1
    assert found["normal_mean_deg"].asked == 35
    assert "metallic_f1" not in found


def test_together_is_measured_against_single():
    found = checks(ROWS)
    assert found["albedo_psnr_together_over_single"].passed
    assert found["cross_view_albedo_together_over_single"].value == pytest.approx(0.01)
    assert not found["roughness_rmse_together_over_single"].passed


def test_a_margin_that_the_table_does_not_show_is_none():
    assert not checks(ROWS)["metallic_rmse_together_over_single"].passed
    nearly = {**ROWS, SINGLE: {**ROWS[JOINT], "albedo_psnr": 17.999}}
    assert not checks(nearly)["albedo_psnr_together_over_single"].passed


def test_metal_never_found_is_a_miss_and_not_a_gap():
    rows = {**ROWS, JOINT: {key: value for key, value in ROWS[JOINT].items() if key != "metallic_f1"}}
    assert checks(rows)["metallic_f1"].value == 0


def test_without_a_model_there_is_nothing_to_check():
    assert check_all(evaluation({CONSTANTS: ROWS[CONSTANTS]})) == []
