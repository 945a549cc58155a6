"""The protocol `scenes`, from files to figures."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from mvinverse_cli.errors import InputError, OutputError
from mvinverse_cli.evaluate import scenes as protocol
from mvinverse_cli.evaluate.baselines import BASELINES
from mvinverse_cli.evaluate.metrics import BY_KEY, Tally
from mvinverse_cli.evaluate.result import JOINT, SINGLE, TRUTH
from mvinverse_cli.evaluate.sample import sample_of
from mvinverse_cli.evaluate.scenes import evaluate_scenes, predict, score
from mvinverse_cli.maps import MAPS
from mvinverse_cli.options import EvaluateOptions
from mvinverse_cli.scenes.record import write_scene
from tests.evaluate.planes import make_camera, make_view
from tests.scenes.views import make_scenes

OPTIONS = EvaluateOptions(model="none")


def write_walls(folder: Path, count: int, split="held-out") -> Path:
    for seed in range(count):
        views = [make_view(make_camera(0.3 * i + 0.05 * seed, 3 * i), box=seed % 2 == 1) for i in range(4)]
        write_scene(folder, seed, views, layout="wall", split=split, generator=1)
    return folder


@pytest.fixture(scope="module")
def walls(tmp_path_factory) -> Path:
    return write_walls(tmp_path_factory.mktemp("walls"), 2)


@pytest.fixture
def truth_as_model(monkeypatch):
    """The model's rows are made of the true maps, those of single views with an error."""

    def make(change):
        def predicted(model, sample, *, together, looks):
            return {name: values if together else change(name, values) for name, values in sample.maps.items()}

        monkeypatch.setattr(protocol, "predict", predicted)

    return make


def test_a_perfect_prediction_scores_perfectly():
    views = [make_view(make_camera(0.3 * i, 3 * i)) for i in range(4)]
    sample = sample_of("wall", views, 14)
    tally = Tally()
    assert score(sample.maps, sample, tally) == dict.fromkeys(range(4), 100.0)
    for key, value in tally.figures().items():
        metric = BY_KEY[key]
        if key != "input_psnr":  # the picture has 8 bits
            perfect = 100.0 if "psnr" in key else 1.0 if metric.better == "higher" else 0.0
            assert value == pytest.approx(perfect, abs=2e-2), key


def test_rows_are_the_model_twice_and_every_baseline(walls, tiny_model):
    result = evaluate_scenes(walls, EvaluateOptions(), model=tiny_model)
    assert tuple(result.rows) == (JOINT, SINGLE, *BASELINES, TRUTH)
    assert (result.scenes, result.pictures, result.training_scenes, result.broken) == (2, 8, 0, ())
    assert result.rows[JOINT].keys() - result.rows[SINGLE].keys() == set()
    assert result.rows[JOINT]["albedo_psnr"] != result.rows[SINGLE]["albedo_psnr"]
    assert {f"cross_view_{name}" for name in MAPS} <= result.rows[JOINT].keys()
    assert "albedo_psnr" not in result.rows[TRUTH]
    assert result.rows[TRUTH]["cross_view_albedo"] < 0.01


def test_one_view_at_a_time_is_that_view_alone(walls, tiny_model):
    views = [make_view(make_camera(0.3 * i)) for i in range(2)]
    single = predict(tiny_model, sample_of("both", views, 14), together=False)
    alone = predict(tiny_model, sample_of("first", views[:1], 14), together=True)
    joint = predict(tiny_model, sample_of("both", views, 14), together=True)
    for name in MAPS:
        assert single[name][0] == pytest.approx(alone[name][0], abs=1e-5)
    assert any(np.abs(single[name] - joint[name]).max() > 1e-3 for name in MAPS)


@pytest.mark.slow
def test_each_picture_is_seen_as_often_as_asked_for(walls, tiny_model):
    once, twice = (
        evaluate_scenes(walls, EvaluateOptions(limit=1, looks=looks), model=tiny_model).rows for looks in (1, 2)
    )
    assert once == evaluate_scenes(walls, EvaluateOptions(limit=1), model=tiny_model).rows
    for row in (JOINT, SINGLE):
        assert once[row]["albedo_psnr"] != twice[row]["albedo_psnr"]


@pytest.mark.slow
def test_the_same_folder_gives_the_same_figures(walls, tiny_model):
    first, second = (evaluate_scenes(walls, EvaluateOptions(limit=1), model=tiny_model) for _ in range(2))
    assert first.rows == second.rows
    assert first.scenes == 1


def test_a_prediction_at_half_the_light_is_seen(walls, truth_as_model, tiny_model):
    truth_as_model(lambda name, values: values / 2 if name == "albedo" else values)
    rows = evaluate_scenes(walls, EvaluateOptions(limit=1), model=tiny_model).rows
    assert rows[JOINT]["albedo_psnr"] == 100
    assert rows[SINGLE]["albedo_psnr"] < 25
    assert rows[SINGLE]["albedo_psnr_scaled"] > 95
    assert rows[SINGLE]["normal_mean_deg"] == pytest.approx(0, abs=1e-3)


@pytest.mark.slow
def test_pictures_are_picked_by_the_views_together(walls, tiny_model):
    result = evaluate_scenes(walls, EvaluateOptions(), model=tiny_model, picks=1)
    assert len(result.picks) == 2
    assert result.picks[0].goodness <= result.rows[JOINT]["albedo_psnr"] <= result.picks[1].goodness
    assert result.picks[0].predicted["albedo"].shape == (56, 70, 3)


def test_broken_scenes_are_named_and_the_rest_is_scored(tmp_path, caplog):
    write_walls(tmp_path, 3)
    (tmp_path / "00000001" / "view_2.exr").write_bytes(b"no picture")
    picture = tmp_path / "00000002" / "view_0.exr"
    picture.write_bytes(picture.read_bytes()[:-2000])  # its header is whole
    with caplog.at_level(logging.WARNING):
        result = evaluate_scenes(tmp_path, OPTIONS, model=None)
    assert result.scenes == 1
    assert [path.name for path, _ in result.broken] == ["00000001", "00000002"]
    assert result.too_many_broken
    assert [record.getMessage().count("scene left out: ") for record in caplog.records] == [1, 1]


def test_few_broken_scenes_are_not_many(tmp_path):
    make_scenes(tmp_path, range(10), views=1, size=(14, 28))
    (tmp_path / "00000003" / "view_0.exr").unlink()
    assert not evaluate_scenes(tmp_path, OPTIONS, model=None).too_many_broken


def test_broken_scenes_past_the_limit_do_not_count(tmp_path):
    make_scenes(tmp_path, range(3), views=1, size=(14, 28))
    (tmp_path / "00000002" / "view_0.exr").unlink()
    result = evaluate_scenes(tmp_path, EvaluateOptions(model="none", limit=2), model=None)
    assert (result.scenes, result.broken) == (2, ())


def test_a_folder_of_broken_scenes_is_an_error(tmp_path):
    write_walls(tmp_path, 1)
    picture = tmp_path / "00000000" / "view_2.exr"
    picture.write_bytes(picture.read_bytes()[:-2000])  # its header is whole
    with pytest.raises(InputError, match=r"no scene can be evaluated: .*view_2"):
        evaluate_scenes(tmp_path, OPTIONS, model=None)


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="holds no scenes"):
        evaluate_scenes(tmp_path, OPTIONS, model=None)


def test_maps_that_scenes_lack_have_no_figures(tmp_path):
    make_scenes(tmp_path, range(2), maps=("albedo", "normal", "shading"))
    rows = evaluate_scenes(tmp_path, OPTIONS, model=None).rows
    assert not any(key.startswith(("roughness", "metallic")) for figures in rows.values() for key in figures)
    assert "albedo_psnr" in rows["constants"]


def test_scenes_for_training_are_told_apart(tmp_path):
    write_walls(tmp_path, 1, split="train")
    assert evaluate_scenes(tmp_path, OPTIONS, model=None).training_scenes == 1


def test_a_network_that_makes_no_numbers_is_an_error(walls, tiny):
    with torch.no_grad():
        tiny.register_token.fill_(float("nan"))
    with pytest.raises(OutputError, match="00000000: the albedo map holds NaN"):
        evaluate_scenes(walls, EvaluateOptions(limit=1), model=tiny)
