"""Tables: what is best is marked, what is missing is a dash, and JSON holds everything."""

import json
from pathlib import Path

import numpy as np

from mvinverse_cli.evaluate.baselines import Fitted
from mvinverse_cli.evaluate.result import JOINT, TRUTH
from mvinverse_cli.evaluate.scenes import Evaluation
from mvinverse_cli.evaluate.table import as_json, as_markdown, as_terminal
from mvinverse_cli.evaluate.verdicts import result_of

ROWS = {
    JOINT: {"albedo_psnr": 18.0, "albedo_si_rmse": 0.1, "cross_view_albedo": 0.03, "cross_view_albedo_relative": 0.2},
    "constants": {"albedo_psnr": 10.0, "cross_view_albedo": 0.0, "roughness_rmse": 0.2},
    TRUTH: {"cross_view_albedo": 0.001, "cross_view_albedo_relative": 0.01},
}
FITTED = Fitted({"albedo": np.float32([0.5, 0.4, 0.3])}, {"chromaticity": (0.5, 2.0)}, np.zeros((1, 3)))
RESULT = result_of(Evaluation(ROWS, 2, 8, 1, 0.1, ((Path("sc/00000003"), "no view"),), FITTED))


def line_of(text, start, section="ALBEDO"):
    block = next(block for block in text.split("\n\n") if block.startswith(section))
    return next(line for line in block.splitlines() if line.startswith(start))


def test_the_best_figure_is_marked_and_a_missing_one_is_a_dash():
    text = as_terminal(RESULT)
    assert "18.00*" in line_of(text, JOINT)
    assert line_of(text, "constants").split()[1:] == ["10.00", "-", "-", "-", "-", "-"]


def test_lines_of_a_table_have_their_columns_under_each_other():
    block = as_terminal(RESULT).split("\n\n")[0].splitlines()
    ends = {line.index(figure) + len(figure) for line, figure in zip(block[1:], ("18.00", "10.00"), strict=True)}
    assert len(ends) == 1


def test_true_maps_are_no_rival_and_a_constant_wins_nothing_across_views():
    text = as_terminal(RESULT)
    assert "*" not in next(block for block in text.split("\n\n") if block.startswith("CROSS-VIEW "))
    assert "0.200*" in line_of(text, JOINT, "CROSS-VIEW / STD")


def test_sections_without_figures_are_left_out():
    assert "NORMAL" not in as_terminal(RESULT)
    assert "MATERIAL" in as_terminal(RESULT)


def test_notes_tell_what_is_broken_and_how_metal_is_beaten():
    text = as_terminal(RESULT)
    assert "1 broken scenes left out: 00000003" in text
    assert "F1 of 0.182" in text
    assert "1 of the scenes are for training" in text


def test_markdown_is_a_table_of_one_width():
    text = as_markdown(RESULT, {"protocol": "scenes", "model": "small", "revision": None})
    assert text.startswith("protocol: `scenes`, model: `small`\n\n| albedo | PSNR dB")
    assert f"| {JOINT} | **18.00** |" in text
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1
    assert "| albedo_psnr_over_best_baseline | 8 | >= 1 | met | constants |" in text


def test_json_holds_every_figure():
    content = json.loads(as_json(RESULT, {"protocol": "scenes"}))
    assert content["rows"] == ROWS
    assert content["protocol"] == "scenes"
    assert content["broken"] == [{"path": "sc/00000003", "reason": "no view"}]
    assert content["fitted"]["gains"]["chromaticity"] == {"albedo": 0.5, "shading": 2.0}
    assert content["metrics"]["albedo_psnr"]["better"] == "higher"
    assert content["checks"][0]["passed"] is True
