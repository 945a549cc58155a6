"""A whole fine-tuning: weights that load, runs that go on, and no weights but good ones."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mvinverse_cli.errors import InputError, OptionError, OutputError, TrainingError, WeightsError
from mvinverse_cli.maps import MAPS, MapName
from mvinverse_cli.model.checkpoint import load_model, save_checkpoint
from mvinverse_cli.model.config import config_hash, config_to_dict
from mvinverse_cli.model.header import read_header
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.weights import OFFICIAL, file_hash, find_weights
from mvinverse_cli.outputs.presence import open_alone
from mvinverse_cli.train import finetuning
from mvinverse_cli.train.finetuner import FineTuner
from mvinverse_cli.train.finetuning import finetune
from mvinverse_cli.train.lora import RANK
from mvinverse_cli.trainings import FinetuneOptions
from tests.conftest import TINY
from tests.scenes.views import make_scenes
from tests.train.panning import quick_tuning, write_pan


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_tuning():
        yield


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pan(tmp_path_factory.mktemp("clips") / "shot", 5)


@pytest.fixture(scope="module")
def options(tiny_file: Path) -> FinetuneOptions:
    return FinetuneOptions(
        model=str(tiny_file), steps=2, warmup=1, checkpoint_every=1, learning_rate=1e-5, device="cpu", dtype="float32"
    )


@pytest.fixture(scope="module")
def finished(clip: Path, options: FinetuneOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a run of two steps, undisturbed: not to be changed by a test."""
    output = tmp_path_factory.mktemp("finished") / "steady.safetensors"
    finetune([clip], output, options)
    return output


def told_by(output: Path) -> dict:
    return json.loads(read_header(output).metadata["finetuning"])


def test_the_weights_load_and_differ_in_what_learnt(finished: Path, tiny_model: MVInverse):
    tuned = load_model(str(finished), device="cpu").state_dict()
    changed = {name for name, values in tiny_model.state_dict().items() if not torch.equal(values, tuned[name])}
    assert changed
    assert all("_head." in name for name in changed)


def test_the_metadata_tells_from_what_and_on_what(finished: Path, tiny_file: Path, clip: Path):
    told = told_by(finished)
    assert (told["base_sha256"], told["base_config_sha256"]) == (file_hash(tiny_file), config_hash(TINY))
    assert told["kept"] == dict.fromkeys(MAPS, 2)
    assert (told["train"], told["anchor_weight"], told["seed"]) == ("heads", 0.1, 0)
    assert [entry["name"] for entry in told["clips"]] == ["pan"]
    assert len(told["clips"][0]["sha256"]) == 64
    assert set(told["before"]["flicker"]) == set(told["after"]["contrast"])
    assert told["commit"]


def test_the_folder_beside_tells_how_it_went_and_holds_no_state(finished: Path):
    run = finished.with_suffix(".run")
    names = sorted(path.name for path in run.iterdir())
    assert names == ["checks.json", "curves.png", "log.jsonl", "options.json"]
    assert [check["step"] for check in json.loads((run / "checks.json").read_text())] == [0, 1, 2]
    assert list(finished.parent.glob("*.part")) == []


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(finished, clip, options, tmp_path: Path):
    output = tmp_path / "steady.safetensors"
    stops = iter([True])
    stopped = finetune([clip], output, options, stop=lambda: next(stops))
    assert stopped is not None
    assert (stopped.step, stopped.written) == (1, False)
    assert not output.exists()
    with pytest.raises(OptionError, match="other weights, clips or options: seed was 0 and is now 1"):
        finetune([clip], output, replace(options, seed=1))
    with pytest.raises(OptionError, match="clips was"):
        finetune([write_pan(tmp_path / "other", 5, seed=3)], output, options)
    done = finetune([clip], output, replace(options, checkpoint_every=2))
    assert done is not None
    assert done.written
    assert all(torch.equal(values, load_file(finished)[name]) for name, values in load_file(output).items())


def test_a_stop_between_checkpoints_measures_nothing_which_would_change_what_follows(clip, options, tmp_path: Path):
    def checked() -> list[int]:
        return [check["step"] for check in json.loads((tmp_path / "steady.run/checks.json").read_text())]

    output, stops = tmp_path / "steady.safetensors", iter([True])
    seldom = replace(options, checkpoint_every=2)
    finetune([clip], output, seldom, stop=lambda: next(stops))
    assert checked() == [0]
    finetune([clip], output, seldom)
    assert checked() == [0, 2]


@pytest.mark.slow
def test_the_same_weights_under_another_config_are_others(clip, options, tiny_file: Path, tmp_path: Path):
    folder, stops = tmp_path / "base", iter([True])
    folder.mkdir()
    shutil.copy(tiny_file, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config_to_dict(TINY)))
    begun = replace(options, model=str(folder))
    finetune([clip], tmp_path / "steady.safetensors", begun, stop=lambda: next(stops))
    (folder / "config.json").write_text(json.dumps(config_to_dict(replace(TINY, min_size=84))))
    with pytest.raises(OptionError, match="base_config_sha256 was"):
        finetune([clip], tmp_path / "steady.safetensors", begun)


@pytest.mark.parametrize("content", [None, b"[", b"[]", b"[7]"])
def test_a_run_whose_first_measurement_is_lost_says_so(content: bytes | None, clip, options, tmp_path: Path):
    checks, stops = tmp_path / "steady.run/checks.json", iter([True])
    finetune([clip], tmp_path / "steady.safetensors", options, stop=lambda: next(stops))
    checks.unlink()
    if content is not None:
        checks.write_bytes(content)
    with pytest.raises(WeightsError, match=r"checks\.json: damaged: .*; delete .*steady\.run to begin anew"):
        finetune([clip], tmp_path / "steady.safetensors", options)


@pytest.mark.slow
def test_scenes_are_learnt_from_beside_the_clips_and_stand_in_the_metadata(clip, options, tmp_path: Path, finished):
    scenes = make_scenes(tmp_path / "scenes", range(3))
    taught = replace(options, scenes=str(scenes), steps=4)
    finetune([clip], tmp_path / "taught.safetensors", taught)
    told = told_by(tmp_path / "taught.safetensors")
    assert told["scenes"].startswith("3 scenes, sha256 ")
    assert told_by(finished)["scenes"] is None
    lines = [json.loads(line) for line in (tmp_path / "taught.run" / "log.jsonl").read_text().splitlines()]
    assert all(line["losses"]["scenes"] > 0 for line in lines)
    calls = iter([False, True])
    finetune([clip], tmp_path / "again.safetensors", taught, stop=lambda: next(calls))
    finetune([clip], tmp_path / "again.safetensors", taught)
    weights = [load_file(tmp_path / f"{name}.safetensors") for name in ("taught", "again")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_maps_that_are_not_asked_for_stay_as_they_are(clip, options, tiny_model, tmp_path: Path):
    output = tmp_path / "albedo.safetensors"
    outcome = finetune([clip], output, replace(options, maps=("albedo",)))
    assert outcome is not None
    assert list(outcome.kept) == list(outcome.after.flicker) == ["albedo"]
    written, before = load_file(output), tiny_model.state_dict()
    changed = {name.split(".")[0] for name, values in written.items() if not torch.equal(values, before[name])}
    assert changed == {"albedo_head"}


@pytest.mark.slow
def test_additions_of_low_rank_are_added_in_when_weights_are_written(clip, options, tmp_path: Path, tiny_model):
    output = tmp_path / "lora.safetensors"
    finetune([clip], output, replace(options, train="lora", learning_rate=1e-2, least_contrast=0.0))
    written, before = load_file(output), tiny_model.state_dict()
    assert set(written) == set(before)
    added = (written["decoder.0.attn.qkv.weight"] - before["decoder.0.attn.qkv.weight"]).double()
    strengths = torch.linalg.svdvals(added)
    assert strengths[0] > 0
    assert strengths[RANK:].max() < 1e-4 * strengths[0]


def test_scenes_that_are_not_there_are_said(clip, options, tmp_path: Path):
    with pytest.raises(InputError, match="nowhere"):
        finetune([clip], tmp_path / "taught.safetensors", replace(options, scenes=str(tmp_path / "nowhere")))
    assert not (tmp_path / "taught.safetensors").exists()


def test_a_file_in_the_way_is_refused_left_or_replaced(clip, options, tmp_path: Path, finished: Path):
    output = tmp_path / "steady.safetensors"
    output.write_bytes(b"mine")
    with pytest.raises(OutputError, match="is there already; choose another name, or --on-exists"):
        finetune([clip], output, options)
    assert finetune([clip], output, replace(options, on_exists="skip")) is None
    assert output.read_bytes() == b"mine"
    late = tmp_path / "late.safetensors"
    with pytest.raises(OutputError, match="is there already"):
        finetune([clip], late, options, stop=lambda: late.write_bytes(b"mine") == 0)
    assert late.read_bytes() == b"mine"
    finetune([clip], output, replace(options, on_exists="overwrite"))
    assert output.read_bytes() == finished.read_bytes()


@pytest.mark.parametrize("on_exists", ["skip", "error"])
def test_a_run_that_another_process_ends_while_clips_are_read_is_left_as_it_is(
    on_exists, clip, options, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    output, reads = tmp_path / "steady.safetensors", finetuning.open_clips

    def meanwhile(*arguments):
        shutil.copy(finished, output)
        shutil.copytree(finished.with_suffix(".run"), tmp_path / "steady.run")
        return reads(*arguments)

    monkeypatch.setattr(finetuning, "open_clips", meanwhile)
    if on_exists == "skip":
        assert finetune([clip], output, replace(options, on_exists="skip")) is None
    else:
        with pytest.raises(OutputError, match="is there already"):
            finetune([clip], output, options)
    for path in finished.with_suffix(".run").iterdir():
        assert (tmp_path / "steady.run" / path.name).read_bytes() == path.read_bytes()


def test_a_name_that_is_none_of_weights_and_a_folder_of_other_files_are_refused(clip, options, tmp_path: Path):
    with pytest.raises(OptionError, match=r"the weights are a \.safetensors file"):
        finetune([clip], tmp_path / "steady.pt", options)
    with pytest.raises(OutputError, match="File name too long"):
        finetune([clip], tmp_path / f"{'x' * 300}.safetensors", options)
    (tmp_path / "steady.run").mkdir()
    (tmp_path / "steady.run" / "letter.txt").touch()
    with pytest.raises(OptionError, match="holds other files"):
        finetune([clip], tmp_path / "steady.safetensors", options)


def test_a_folder_in_which_another_fine_tuning_is_at_work_is_refused(clip, options, tmp_path: Path):
    with open_alone(tmp_path / "steady.run"), pytest.raises(OutputError, match="another process is at work"):
        finetune([clip], tmp_path / "steady.safetensors", options)


def test_a_clip_of_one_frame_is_refused_before_anything_is_written(options, tmp_path: Path):
    with pytest.raises(InputError, match="one frame"):
        finetune([write_pan(tmp_path / "shot", 1)], tmp_path / "steady.safetensors", options)
    assert [path.name for path in tmp_path.iterdir()] == ["shot"]


def broken_from(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the losses of a step, and of all behind it, no numbers."""
    losses_of = FineTuner.losses_of

    def broken(tuner, batch):
        losses, total = losses_of(tuner, batch)
        return losses, total * float("nan") if tuner.step >= step else total

    monkeypatch.setattr(FineTuner, "losses_of", broken)


@pytest.mark.slow
def test_losses_that_are_no_numbers_end_it_with_the_last_good_weights(clip, options, tmp_path, monkeypatch):
    broken_from(1, monkeypatch)
    output = tmp_path / "steady.safetensors"
    with pytest.raises(TrainingError, match=r"step 2: a loss is not a number .* holds the weights of step 1"):
        finetune([clip], output, options)
    assert told_by(output)["kept"] == dict.fromkeys(MAPS, 1)
    assert all(values.isfinite().all() for values in load_model(str(output), device="cpu").state_dict().values())


def test_losses_that_are_no_numbers_from_the_start_leave_no_weights(clip, options, tmp_path, monkeypatch):
    broken_from(0, monkeypatch)
    with pytest.raises(TrainingError, match=r"step 1: .*no weights are written"):
        finetune([clip], tmp_path / "steady.safetensors", options)
    assert not (tmp_path / "steady.safetensors").exists()


BEFORE, STEP_1, STEP_2, *HALVINGS = range(7)  # what is measured in a run of two steps, in this order


def flat_at(monkeypatch: pytest.MonkeyPatch, *measurements: int, names: tuple[MapName, ...] = ("roughness",)) -> None:
    """Lets the maps `names` have lost half of their contrast whenever it is one of these measurements."""
    measure = finetuning.measure
    measured = []

    def flattened(model, probes, maps=MAPS):
        measured.append(measure(model, probes, maps))
        halves = {name: measured[BEFORE].contrast[name] / 2 for name in names if name in maps}
        is_flat = len(measured) - 1 in measurements
        return replace(measured[-1], contrast={**measured[-1].contrast, **halves}) if is_flat else measured[-1]

    monkeypatch.setattr(finetuning, "measure", flattened)


def test_a_map_that_grows_flat_is_held_by_a_firmer_anchor(clip, options, tmp_path, monkeypatch, caplog):
    flat_at(monkeypatch, STEP_1)
    with caplog.at_level(logging.WARNING):
        outcome = finetune([clip], tmp_path / "steady.safetensors", options)
    assert outcome is not None
    assert outcome.kept == dict.fromkeys(MAPS, 2)
    assert caplog.messages == ["step 1: roughness has 0.50 of its contrast left; its anchor weighs 0.2 from here on"]


@pytest.mark.slow
def test_a_map_that_grows_flat_is_held_where_no_anchor_was_asked_for(clip, options, tmp_path, monkeypatch, caplog):
    flat_at(monkeypatch, STEP_1)
    with caplog.at_level(logging.WARNING):
        finetune([clip], tmp_path / "steady.safetensors", replace(options, anchor_weight=0.0))
    assert caplog.messages == ["step 1: roughness has 0.50 of its contrast left; its anchor weighs 0.05 from here on"]


@pytest.mark.slow
def test_an_anchor_is_loosened_where_there_is_contrast_again_and_never_under_what_was_asked(
    clip, options, tmp_path, monkeypatch
):
    flat_at(monkeypatch, STEP_1, STEP_2)
    weights, take = [], FineTuner.take_step

    def noted(tuner, lesson):
        weights.append(tuner.anchor_weights["roughness"])
        take(tuner, lesson)

    monkeypatch.setattr(FineTuner, "take_step", noted)
    finetune([clip], tmp_path / "steady.safetensors", replace(options, steps=7, learning_rate=1e-9))
    assert weights == pytest.approx([0.1, 0.2, 0.4, 0.2, 0.1, 0.1, 0.1])


@pytest.mark.slow
def test_a_map_that_ends_flat_goes_only_part_of_the_way(clip, options, tmp_path, monkeypatch, caplog):
    flat_at(monkeypatch, STEP_2, HALVINGS[1])
    output = tmp_path / "steady.safetensors"
    with caplog.at_level(logging.WARNING):
        outcome = finetune([clip], output, options)
    assert outcome is not None
    assert outcome.kept == dict.fromkeys(MAPS, 2)
    assert told_by(output)["ways"] == {name: 11 / 16 if name == "roughness" else 1.0 for name in MAPS}
    assert outcome.after.contrast["roughness"] == pytest.approx(outcome.before.contrast["roughness"], rel=0.1)
    assert caplog.messages[-1] == "roughness: goes 0.69 of the way, as far as it has its contrast"


@pytest.mark.slow
def test_where_no_part_of_the_way_is_good_a_map_is_kept_as_it_last_was(clip, options, tmp_path, monkeypatch, caplog):
    flat_at(monkeypatch, STEP_2, *HALVINGS)
    output = tmp_path / "steady.safetensors"
    with caplog.at_level(logging.WARNING):
        outcome = finetune([clip], output, options)
    assert outcome is not None
    assert outcome.kept == told_by(output)["kept"] == {name: 1 if name == "roughness" else 2 for name in MAPS}
    assert caplog.messages[-1] == "roughness: kept as it was at step 1, when it last had its contrast"


@pytest.mark.slow
def test_where_more_than_the_heads_learns_all_maps_go_together(clip, options, tmp_path, monkeypatch):
    flat_at(monkeypatch, STEP_2, HALVINGS[1])
    output = tmp_path / "steady.safetensors"
    outcome = finetune([clip], output, replace(options, train="decoder"))
    assert outcome is not None
    assert outcome.kept == dict.fromkeys(MAPS, 2)
    assert told_by(output)["ways"] == dict.fromkeys(MAPS, 11 / 16)


@pytest.mark.slow
def test_maps_that_are_flat_whenever_they_are_looked_at_leave_no_weights(clip, options, tmp_path, monkeypatch):
    flat_at(monkeypatch, STEP_1, STEP_2, *HALVINGS, names=MAPS)
    with pytest.raises(TrainingError, match=r"no weights are written: at no checkpoint was .* raise --anchor-weight"):
        finetune([clip], tmp_path / "steady.safetensors", options)
    assert not (tmp_path / "steady.safetensors").exists()
    firmer = replace(options, anchor_weight=0.3)  # as the line advises, under the same name
    assert finetune([clip], tmp_path / "steady.safetensors", firmer) is not None


@pytest.mark.slow
def test_types_metadata_and_licence_of_the_first_weights_are_carried_on(clip, options, tiny_model, tmp_path: Path):
    base = tmp_path / "half.safetensors"
    halves = {name: values.half() for name, values in tiny_model.state_dict().items() if values.is_floating_point()}
    save_checkpoint(tiny_model.state_dict() | halves, TINY, base, {"licence": OFFICIAL.licence, "data": "rooms"})
    outcome = finetune([clip], tmp_path / "steady.safetensors", replace(options, model=str(base)))
    assert outcome is not None
    assert outcome.licence == OFFICIAL.licence
    ours, theirs = read_header(tmp_path / "steady.safetensors"), read_header(base)
    assert ours.tensors == theirs.tensors
    assert ours.metadata["data"] == "rooms"
    assert find_weights(str(tmp_path / "steady.safetensors")).licence == OFFICIAL.licence


@pytest.mark.slow
def test_two_processes_write_one_file_and_one_speaks(clip, tiny_file: Path, tmp_path: Path):
    scenes = make_scenes(tmp_path / "scenes", range(3))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    flags = ["--scenes", scenes, "--steps", "2", "--checkpoint-every", "1", "--least-contrast", "0", "--device", "cpu"]
    here = Path(__file__).parents[2]
    done = subprocess.run(
        [
            *command,
            "mvinverse_cli",
            "finetune",
            clip,
            "-o",
            tmp_path / "steady.safetensors",
            "--model",
            tiny_file,
            *flags,
        ],
        env={**os.environ, "PYTHONPATH": str(here), "OMP_NUM_THREADS": "1"},
        cwd=here,
        check=True,
        capture_output=True,
        text=True,
    )
    assert (done.stdout + done.stderr).count("steady.safetensors is written") == 1
    assert told_by(tmp_path / "steady.safetensors")["kept"] == dict.fromkeys(MAPS, 2)
    assert len((tmp_path / "steady.run" / "log.jsonl").read_text().splitlines()) == 2
