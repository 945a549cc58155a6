"""The run folder: whole after every end, taken up where it stands, refused to another training."""

import json
import re
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path

import cv2
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from mvinverse_cli.errors import DeviceMemoryError, InputError, OptionError, OutputError, TrainingError, WeightsError
from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.checkpoint import load_model, save_checkpoint
from mvinverse_cli.model.config import config_to_dict
from mvinverse_cli.model.initial import initialize
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.presets import PRESETS
from mvinverse_cli.model.weights import carried_licence
from mvinverse_cli.outputs.presence import open_alone
from mvinverse_cli.scenes.record import view_path
from mvinverse_cli.scenes.store import find_scenes
from mvinverse_cli.train.data import Batch, Samples
from mvinverse_cli.train.run import MAY_DIFFER, find_config
from mvinverse_cli.train.trainer import Trainer
from mvinverse_cli.train.training import start, train
from mvinverse_cli.trainings import TrainOptions
from tests.conftest import TINY
from tests.scenes.views import make_scenes

CONFIG = replace(TINY, dim=16, features=8, bypass_width=4, bypass_groups=2)
CPU = torch.device("cpu")
OPTIONS = TrainOptions(
    steps=4, warmup=1, min_side=28, max_side=42, pixels=4000, dtype="float32", device="cpu", checkpoint_every=2
)
FILES = ["config.json", "curves.png", "log.jsonl", "options.json", "scenes.txt", "state.pt", "views.png"]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenes(tmp_path_factory.mktemp("scenes"), range(4), views=2)


@pytest.fixture(scope="module")
def finished(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four steps, undisturbed: not to be changed by a test."""
    run = tmp_path_factory.mktemp("finished") / "run"
    train(scenes, run, CONFIG, OPTIONS)
    return run


@pytest.fixture(scope="module", autouse=True)
def no_curves() -> Iterator[None]:
    """Drawing takes longer than training here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mvinverse_cli.train.training.curves_png", lambda log: b"curves")
        yield


def log_of(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def step_of(run: Path) -> int:
    return torch.load(run / "state.pt", weights_only=True)["step"]


def test_a_finished_run_holds_all_that_it_should(finished: Path):
    assert sorted(path.name for path in finished.iterdir()) == [*FILES, "weights.safetensors"]
    assert json.loads((finished / "config.json").read_text())["dim"] == CONFIG.dim
    assert step_of(finished) == 4
    line = log_of(finished)[-1]
    assert (line["step"], line["steps"]) == (4, 4)
    assert set(line["losses"]) == {*MAPS, "total", "gradient"}
    assert cv2.imread(str(finished / "views.png")).shape[1] == 6 * 160


def test_the_weights_are_the_running_mean_in_half_precision_and_load(finished: Path):
    path = finished / "weights.safetensors"
    mean = torch.load(finished / "state.pt", weights_only=True)["mean"]
    model = load_model(str(path), device="cpu")
    assert model.config == CONFIG
    for parameter, wanted in zip(model.parameters(), mean, strict=True):
        assert torch.equal(parameter, wanted.half().float())
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        kinds = {file.get_slice(name).get_dtype() for name, _ in model.named_parameters()}
    assert kinds == {"F16"}
    assert metadata["step"] == "4 of 4"
    assert json.loads(metadata["training"])["seed"] == 0
    assert metadata["data"].startswith("4 scenes, sha256 ")
    assert metadata["commit"]


def test_a_run_told_to_stop_and_called_again_ends_in_the_same_bytes(finished: Path, scenes: Path, tmp_path: Path):
    asked = iter([False, False, True])
    outcome = train(scenes, tmp_path / "run", CONFIG, OPTIONS, stop=lambda: next(asked))
    assert (outcome.step, outcome.steps) == (3, 4)
    assert step_of(tmp_path / "run") == 3
    assert train(scenes, tmp_path / "run", CONFIG, OPTIONS).step == 4
    assert (tmp_path / "run/weights.safetensors").read_bytes() == (finished / "weights.safetensors").read_bytes()
    assert [line["step"] for line in log_of(tmp_path / "run")] == [2, 3, 4]


def test_minutes_end_a_call_and_not_the_run(scenes: Path, tmp_path: Path):
    assert train(scenes, tmp_path / "run", CONFIG, replace(OPTIONS, minutes=1e-6)).step == 1
    assert train(scenes, tmp_path / "run", CONFIG, replace(OPTIONS, steps=2)).step == 2


def test_a_finished_run_called_again_changes_nothing(finished: Path, scenes: Path):
    before = {path.name: path.stat().st_mtime_ns for path in finished.glob("*.[ps]*") if path.name != "scenes.txt"}
    assert train(scenes, finished, CONFIG, OPTIONS).step == 4
    assert {name: (finished / name).stat().st_mtime_ns for name in before} == before


@pytest.fixture(scope="module")
def stopped(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    asked = iter([False, True])
    run = tmp_path_factory.mktemp("stopped") / "run"
    train(scenes, run, CONFIG, OPTIONS, stop=lambda: next(asked))
    return run


@pytest.fixture
def begun(stopped: Path, tmp_path: Path) -> Path:
    """A run that stopped after two of its four steps, for a test to go on with."""
    return Path(shutil.copytree(stopped, tmp_path / "begun"))


@pytest.mark.parametrize("cut_short", ['{"step": 4, "los', '{"step": 4, "losses": {"total": 0.5}'])
def test_steps_that_a_killed_run_logged_after_its_checkpoint_are_taken_back(cut_short, begun: Path, scenes: Path):
    with (begun / "log.jsonl").open("a") as file:
        file.write(json.dumps({**log_of(begun)[0], "step": 3}) + "\n" + cut_short)
    train(scenes, begun, CONFIG, OPTIONS)
    assert [line["step"] for line in log_of(begun)] == [2, 4]


def test_a_folder_of_another_training_is_refused_by_what_differs(begun: Path, scenes: Path, tmp_path: Path):
    before = {path: path.read_bytes() for path in begun.iterdir()}
    for config, options, said in (
        (replace(CONFIG, dim=32), OPTIONS, "another network: dim was 16 and is now 32"),
        (CONFIG, replace(OPTIONS, seed=3, gain=True), "gain was False and is now True, seed was 0 and is now 3"),
    ):
        with pytest.raises(OptionError, match=said):
            train(scenes, begun, config, options)
    make_scenes(tmp_path / "others", range(2, 9), views=2)
    with pytest.raises(OptionError, match=r"2 of the 4 scenes of this run are not there \(00000000; 00000001\)"):
        train(tmp_path / "others", begun, CONFIG, OPTIONS)
    make_scenes(tmp_path / "same names", range(4), views=3)
    said = "4 of the 4 scenes of this run are others by now (00000000 was 2 views of 56x42, train, noise, generator 1;"
    with pytest.raises(OptionError, match=re.escape(said)):
        train(tmp_path / "same names", begun, CONFIG, OPTIONS)
    shutil.copytree(scenes, tmp_path / "damaged")
    damaged = view_path(tmp_path / "damaged" / "00000002", 0)
    damaged.write_bytes(b"")
    said = f"1 of the 4 scenes of this run are broken by now ({damaged}: not a whole view"
    with pytest.raises(OptionError, match=re.escape(said) + ".*; render them again, or choose a new folder with -o"):
        train(tmp_path / "damaged", begun, CONFIG, OPTIONS)
    assert {path: path.read_bytes() for path in begun.iterdir()} == before


def test_a_run_that_ended_before_its_first_checkpoint_may_begin_again_otherwise(scenes: Path, tmp_path: Path):
    with pytest.raises(WeightsError, match="nope"):
        train(scenes, tmp_path / "run", CONFIG, replace(OPTIONS, weights="nope"))
    options = replace(OPTIONS, steps=1, pixels=3000)
    assert train(scenes, tmp_path / "run", CONFIG, options).step == 1
    (tmp_path / "run" / "state.pt").unlink()
    with pytest.raises(OptionError, match="pixels was 3000 and is now 4000"):  # its weights are there
        train(scenes, tmp_path / "run", CONFIG, OPTIONS)


def test_weights_whose_checkpoint_is_gone_are_not_trained_over(scenes: Path, tmp_path: Path):
    run, options = tmp_path / "run", replace(OPTIONS, steps=1)
    train(scenes, run, CONFIG, options)
    (run / "state.pt").unlink()
    before = {path: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(OptionError, match=r"holds trained weights \(weights.safetensors\) without the state.pt"):
        train(scenes, run, CONFIG, options)
    assert {path: path.read_bytes() for path in run.iterdir()} == before
    (run / "weights.safetensors").unlink()
    assert train(scenes, run, CONFIG, options).step == 1


def test_samples_of_more_views_than_any_scene_has_are_refused(scenes: Path, tmp_path: Path, caplog):
    with pytest.raises(OptionError, match="--min-views 3: no scene has more than 2; lower it"):
        train(scenes, tmp_path / "run", CONFIG, replace(OPTIONS, min_views=3, max_views=4))
    assert not (tmp_path / "run").exists()
    shutil.copytree(scenes, tmp_path / "mixed")
    make_scenes(tmp_path / "mixed", (9,), views=1)
    train(tmp_path / "mixed", tmp_path / "run", CONFIG, replace(OPTIONS, steps=1))
    assert "1 scene of fewer views than --min-views 2: not seen" in caplog.text


def test_a_run_whose_first_checkpoint_a_full_disk_kept_from_it_may_begin_again_otherwise(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr("mvinverse_cli.train.training.save_state", fails)
        with pytest.raises(OutputError, match="no space left"):
            train(scenes, tmp_path / "run", CONFIG, replace(OPTIONS, steps=1, pixels=3000))
    assert train(scenes, tmp_path / "run", CONFIG, replace(OPTIONS, steps=1)).step == 1


def test_a_network_that_no_memory_holds_is_said(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def too_large(config):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000000 bytes")

    monkeypatch.setattr("mvinverse_cli.train.training.MVInverse", too_large)
    with pytest.raises(DeviceMemoryError, match=r"for a network of this config.*--config"):
        train(scenes, tmp_path / "run", CONFIG, OPTIONS)


def test_scenes_may_be_added_and_how_long_and_where_may_change(begun: Path, tmp_path: Path):
    assert set(MAY_DIFFER) < {field.name for field in fields(TrainOptions)}
    more = make_scenes(tmp_path / "more", range(6), views=2)
    options = replace(OPTIONS, steps=3, device="auto", minutes=60.0, picture_every=1, held_out=str(more))
    assert train(more, begun, CONFIG, options).step == 3
    assert len((begun / "scenes.txt").read_text().splitlines()) == 6


def test_a_run_of_an_earlier_version_whose_scenes_are_names_alone_goes_on(begun: Path, scenes: Path):
    (begun / "scenes.txt").write_text("".join(f"{name:08d}\n" for name in range(4)))
    assert train(scenes, begun, CONFIG, OPTIONS).step == 4


def test_fewer_steps_than_are_taken_are_refused(begun: Path, scenes: Path):
    with pytest.raises(OptionError, match="--steps 1: this run has taken 2"):
        train(scenes, begun, CONFIG, replace(OPTIONS, steps=1))


def test_a_run_that_ends_before_its_last_weights_are_written_writes_them_when_called_again(
    finished: Path, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wanted = (finished / "weights.safetensors").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("mvinverse_cli.train.training.write_weights", fails)
        with pytest.raises(OutputError):
            train(scenes, tmp_path / "run", CONFIG, replace(OPTIONS, checkpoint_every=4))
    train(scenes, tmp_path / "run", CONFIG, OPTIONS)
    assert (tmp_path / "run/weights.safetensors").read_bytes() == wanted
    (tmp_path / "run/weights.safetensors").unlink()
    train(scenes, tmp_path / "run", CONFIG, OPTIONS)
    assert (tmp_path / "run/weights.safetensors").read_bytes() == wanted


def fails(*arguments: object) -> None:
    raise OutputError("no space left")


def test_a_run_whose_first_files_a_full_disk_cut_short_can_begin_again(scenes: Path, tmp_path: Path):
    (tmp_path / "options.json").write_text("{")
    (tmp_path / ".mvinverse-0123456789ab.part").write_bytes(b"half")
    assert train(scenes, tmp_path, CONFIG, replace(OPTIONS, steps=1)).step == 1


def test_a_run_that_is_at_work_keeps_others_out_of_its_folder(begun: Path, scenes: Path):
    state = (begun / "state.pt").read_bytes()
    with open_alone(begun), pytest.raises(OutputError, match="another process is at work"):
        train(scenes, begun, CONFIG, OPTIONS)
    assert (begun / "state.pt").read_bytes() == state


def test_a_file_is_no_folder_of_a_run(scenes: Path, tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match=r"letter\.txt: cannot write: Not a directory"):
        train(scenes, tmp_path / "letter.txt", CONFIG, OPTIONS)


def test_a_folder_of_something_else_is_left_alone(scenes: Path, tmp_path: Path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(OptionError, match="holds other files"):
        train(scenes, tmp_path, CONFIG, OPTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"no archive at all"])
def test_a_damaged_checkpoint_is_said(content: bytes, begun: Path, scenes: Path):
    (begun / "state.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"state\.pt: damaged"):
        train(scenes, begun, CONFIG, OPTIONS)


@pytest.mark.parametrize("content", [[1, 2], {"model": 3}, torch.zeros(2)])
def test_a_file_of_torch_that_is_no_checkpoint_is_said(content: object, begun: Path, scenes: Path):
    torch.save(content, begun / "state.pt")
    with pytest.raises(WeightsError, match=r"state\.pt: damaged"):
        train(scenes, begun, CONFIG, OPTIONS)


def test_damaged_lines_of_the_log_are_left_out_when_a_run_goes_on(begun: Path, scenes: Path):
    log = begun / "log.jsonl"
    whole = log.read_text().splitlines(keepends=True)
    damaged = b'\xff{\n[]\n{"step": 2}\n{"step": 2, "losses": 1, "learning_rate": 1}\n'
    log.write_bytes(damaged + "".join(whole).encode() + b'{"step": 1')
    train(scenes, begun, CONFIG, OPTIONS)
    assert log.read_text().splitlines(keepends=True)[: len(whole)] == whole
    log.unlink()
    log.mkdir()
    with pytest.raises(OutputError, match=r"log\.jsonl: cannot write: Is a directory"):
        train(scenes, begun, CONFIG, replace(OPTIONS, steps=5))


def test_another_number_of_processes_is_told(begun: Path, scenes: Path, caplog):
    state = torch.load(begun / "state.pt")
    torch.save(state | {"processes": 2}, begun / "state.pt")
    train(scenes, begun, CONFIG, OPTIONS)
    assert "trained by 2 processes so far and by 1 from here on" in caplog.text


def test_a_checkpoint_that_the_device_has_no_room_for_is_not_called_damaged(begun: Path, scenes: Path, monkeypatch):
    def out_of_memory(*values, **options):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "load", out_of_memory)
    with pytest.raises(DeviceMemoryError, match=r"out of memory while .*state\.pt is read; .* checkpoint is whole"):
        train(scenes, begun, CONFIG, OPTIONS)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A write past `size` bytes fails for the block, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_last_checkpoint_whole(begun: Path, scenes: Path):
    before = (begun / "state.pt").read_bytes()
    with (
        pytest.raises(OutputError, match=r"state\.pt: cannot write: File too large"),
        files_of_at_most(len(before) // 2),
    ):
        train(scenes, begun, CONFIG, OPTIONS)
    assert (begun / "state.pt").read_bytes() == before
    assert not list(begun.glob(".*"))
    assert train(scenes, begun, CONFIG, OPTIONS).step == 4


def test_what_a_killed_run_left_half_written_is_removed(begun: Path, scenes: Path):
    (begun / ".mvinverse-0123456789ab.part").write_bytes(b"half")
    train(scenes, begun, CONFIG, OPTIONS)
    assert not list(begun.glob(".*"))


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_its_checkpoint(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    drawn = Samples.batch

    def poisoned(self: Samples, step: int) -> Batch:
        batch = drawn(self, step)
        return replace(batch, images=batch.images * float("nan"), names=("00000666",)) if step == 2 else batch

    monkeypatch.setattr(Samples, "batch", poisoned)
    with pytest.raises(TrainingError, match=r"step 3: a loss is not a number .* on 00000666"):
        train(scenes, tmp_path / "run", CONFIG, OPTIONS)
    assert step_of(tmp_path / "run") == 2


def test_broken_scenes_are_named_and_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    folder = make_scenes(tmp_path / "scenes", range(5), views=2)
    view_path(folder / "00000001", 0).unlink()
    body = view_path(folder / "00000003", 1)
    body.write_bytes(body.read_bytes()[:-500])  # its header is whole
    outcome = train(folder, tmp_path / "run", CONFIG, OPTIONS)
    assert {path.name for path, _ in outcome.broken} == {"00000001", "00000003"}
    assert (outcome.step, outcome.scenes, outcome.many_broken) == (4, 5, True)
    assert "skipped: " in caplog.text
    assert not replace(outcome, scenes=20).many_broken


def test_a_folder_without_scenes_is_said(tmp_path: Path):
    (tmp_path / "scenes").mkdir()
    with pytest.raises(InputError, match="holds no train scenes"):
        train(tmp_path / "scenes", tmp_path / "run", CONFIG, OPTIONS)
    assert not (tmp_path / "run").exists()


def test_without_matplotlib_one_line_says_what_to_install(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mvinverse_cli.train.run.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r'matplotlib: pip install "mvinverse\[train\]"'):
        train(scenes, tmp_path / "run", CONFIG, OPTIONS)


def test_a_run_may_start_from_the_weights_of_another(finished: Path, scenes: Path, tmp_path: Path):
    begun_from = str(finished / "weights.safetensors")
    options = replace(OPTIONS, weights=begun_from, bypass_rate=0)
    model = MVInverse(CONFIG)
    start(model, options, CPU)
    wanted = load_model(begun_from, device="cpu", dtype="float32").state_dict()
    assert all(torch.equal(value, wanted[name]) for name, value in model.state_dict().items())
    train(scenes, tmp_path / "run", CONFIG, options)
    made = load_model(str(tmp_path / "run" / "weights.safetensors"), device="cpu", dtype="float32").state_dict()
    moved = {name for name, value in made.items() if not torch.equal(value, wanted[name])}
    assert any(name.startswith("decoder") for name in moved)
    assert not any(name.startswith("res_encoder") for name in moved)  # whose rate is 0


@pytest.mark.parametrize("is_half", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_run_of_heads_leaves_all_else_to_the_bit_and_goes_on(is_half, finished: Path, scenes: Path, tmp_path: Path):
    begun = finished / "weights.safetensors"
    if not is_half:
        model = MVInverse(CONFIG)
        initialize(model, torch.Generator().manual_seed(1))
        begun = tmp_path / "whole.safetensors"
        save_checkpoint(model.state_dict(), CONFIG, begun)
    options = replace(OPTIONS, weights=str(begun), train="heads", maps=("metallic",))
    run = tmp_path / "run"
    train(scenes, run, CONFIG, options, stop=lambda: True)
    train(scenes, run, CONFIG, options)
    assert step_of(run) == 4
    before, after = load_file(begun), load_file(run / "weights.safetensors")
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"metallic_head"}
    with pytest.raises(OptionError, match="maps was \\['metallic'\\] and is now \\['roughness'\\]"):
        train(scenes, run, CONFIG, replace(options, maps=("roughness",)))


def test_the_licence_of_the_weights_a_run_starts_from_stays_with_what_comes_of_them(scenes: Path, tmp_path: Path):
    origin, made = tmp_path / "origin.safetensors", tmp_path / "run" / "weights.safetensors"
    save_checkpoint(MVInverse(CONFIG).state_dict(), CONFIG, origin, {"licence": "X: non-commercial use only"})
    options = replace(OPTIONS, weights=str(origin), steps=2)
    train(scenes, tmp_path / "run", CONFIG, options, stop=lambda: True)
    for _ in range(2):
        assert carried_licence(made) == "X: non-commercial use only"
        made.unlink()
        origin.unlink(missing_ok=True)
        train(scenes, tmp_path / "run", CONFIG, options)


def test_imagenet_and_weights_are_two_bypasses(finished: Path):
    options = replace(OPTIONS, weights=str(finished / "weights.safetensors"), imagenet=True)
    with pytest.raises(OptionError, match=r"--imagenet: --weights .* brings a bypass of its own; leave one out"):
        start(MVInverse(CONFIG), options, CPU)


def test_weights_of_another_network_are_no_start(finished: Path, caplog: pytest.LogCaptureFixture):
    other = MVInverse(replace(CONFIG, registers=CONFIG.registers + 1))
    with pytest.raises(OptionError, match=r"weights of another network \(registers\)"):
        start(other, replace(OPTIONS, weights=str(finished / "weights.safetensors")), CPU)
    shown = MVInverse(replace(CONFIG, min_size=280, max_size=700))
    options = replace(OPTIONS, weights=str(finished / "weights.safetensors"))
    start(shown, options, CPU)
    said = f"min_size 280 instead of {CONFIG.min_size}, max_size 700 instead of {CONFIG.max_size}"
    assert f"the config asks for {said}; it decides" in caplog.text
    with pytest.raises(OptionError, match=f"--config: {said} of --weights .*, whose other maps are to stay"):
        start(shown, replace(options, train="heads"), CPU)


def test_auto_are_the_weights_that_it_is_for_decompose(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def noted(name):
        asked.append(name)
        raise WeightsError("noted")

    monkeypatch.setattr("mvinverse_cli.train.training.find_weights", noted)
    with pytest.raises(WeightsError, match="noted"):
        start(MVInverse(CONFIG), replace(OPTIONS, weights="auto"), CPU)
    assert asked == ["small"]


def test_a_run_goes_on_where_pictures_are_to_be_shown_at_another_size(begun: Path, scenes: Path):
    assert train(scenes, begun, replace(CONFIG, max_size=700), OPTIONS).step == 4
    assert load_model(str(begun / "weights.safetensors"), device="cpu").config.max_size == 700


def test_heads_without_a_truth_in_any_scene_are_no_training(scenes: Path):
    options = replace(OPTIONS, weights="w", train="heads", maps=("roughness", "normal"))
    trainer = Trainer(MVInverse(CONFIG), options, CPU)
    batch = Samples(find_scenes(scenes).scenes, CONFIG, options).batch(0)
    batch.masks["roughness"].zero_()
    for _ in range(9):
        trainer.losses_of(batch)
    with pytest.raises(TrainingError, match="no scene of 10 steps knows roughness; leave it out"):
        trainer.losses_of(batch)


def test_pictures_for_which_there_is_no_memory_do_not_end_the_training(
    finished: Path, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(session):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("mvinverse_cli.train.training.Session.look_at_views", full)
    assert train(scenes, tmp_path / "run", CONFIG, OPTIONS).step == 4
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == (finished / "weights.safetensors").read_bytes()
    assert "out of memory for views.png; show smaller pictures with --held-out; the training goes on" in caplog.text


@pytest.mark.parametrize("has_options", [False, True])
def test_a_folder_of_something_else_with_a_config_is_left_alone(has_options, scenes: Path, tmp_path: Path):
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", *(["options.json", "scenes.txt"] if has_options else [])):
        (folder / name).write_text("{}")
    with pytest.raises(OptionError, match="holds other files than a training's"):
        train(scenes, folder, CONFIG, OPTIONS)
    assert (folder / "config.json").read_text() == "{}"


def test_what_an_earlier_version_did_not_record_was_as_usual(begun: Path, scenes: Path):
    recorded = json.loads((begun / "options.json").read_text())
    del recorded["optimizer"], recorded["shapes"]
    (begun / "options.json").write_text(json.dumps(recorded))
    with pytest.raises(OptionError, match="optimizer was adamw and is now muon"):
        train(scenes, begun, CONFIG, replace(OPTIONS, optimizer="muon"))
    assert json.loads((begun / "options.json").read_text()) == recorded
    assert train(scenes, begun, CONFIG, OPTIONS).step == 4


def test_a_config_is_a_preset_or_a_file(tmp_path: Path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(config_to_dict(CONFIG)))
    assert find_config(str(path)) == CONFIG
    assert {name: find_config(name) for name in PRESETS} == PRESETS
    for content, said in (
        ("{", "JSON"),
        ("[]", "object"),
        ('{"depth": 3}', "--config .*mine.json: unknown field 'depth'"),
        ('{"dim": 7}', "--config .*mine.json: dim is 7; wanted a multiple of"),
        ("[" * 100_000, "--config .*mine.json: not readable as JSON"),
    ):
        path.write_text(content)
        with pytest.raises(OptionError, match=said):
            find_config(str(path))
    with pytest.raises(OptionError, match="--config large: no such file; choose one, or from small"):
        find_config("large")


def test_an_option_that_a_later_version_adds_does_not_refuse_an_older_run(begun: Path, scenes: Path):
    options = json.loads((begun / "options.json").read_text())
    asked = {name: value for name, value in asdict(OPTIONS).items() if name not in MAY_DIFFER}
    assert options == json.loads(json.dumps(asked))
    del options["gain"]
    (begun / "options.json").write_text(json.dumps(options))
    assert train(scenes, begun, CONFIG, OPTIONS).step == 4
