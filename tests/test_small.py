"""The model in the box: small, open about itself, and better than what needs no network."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from mvinverse_cli.evaluate.scenes import Evaluation, evaluate_scenes
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.model.config import config_from_dict
from mvinverse_cli.model.presets import PRESETS
from mvinverse_cli.model.weights import find_weights
from mvinverse_cli.options import EvaluateOptions

SCENES = Path(__file__).parent / "data" / "scenes"  # two held-out ones, rendered small


def test_it_is_at_most_24_mb_in_half_precision_and_says_what_it_is():
    path = find_weights("small", download=False).path
    assert path.stat().st_size <= 24e6
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        kinds = {file.get_slice(name).get_dtype() for name in [*file.keys()]}
    assert kinds <= {"F16", "F32", "I64"}
    assert config_from_dict(json.loads(metadata["config"])) == PRESETS["small"]
    for key in ("commit", "data", "training"):
        assert metadata[key], key


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """At one look, which has to do: the second makes it better, and twice as long."""
    model = load_model("small", device="cpu", dtype="float32")
    return evaluate_scenes(SCENES, EvaluateOptions(device="cpu", dtype="float32", looks=1), model=model)


@pytest.mark.parametrize("figure", ["albedo_psnr", "shading_psnr"])
def test_its_colours_beat_every_baseline_on_scenes_of_another_vocabulary(evaluation: Evaluation, figure: str):
    rows = {name: values[figure] for name, values in evaluation.rows.items() if figure in values}
    own = rows.pop("model, views together")
    rows.pop("model, one view at a time")
    assert len(rows) >= 6
    assert own > max(rows.values()) + 1.0  # dB


def test_its_normals_beat_facing_the_camera(evaluation: Evaluation):
    rows = {name: values.get("normal_mean_deg") for name, values in evaluation.rows.items()}
    facing, own = rows["normal (0, 0, 1)"], rows["model, views together"]
    assert facing is not None
    assert own is not None
    assert own < facing - 2
