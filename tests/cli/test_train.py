"""`mvinverse train`: flags, words and exit codes, as a shell or a farm sees them."""

import errno
import inspect
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from mvinverse_cli.cli.console import write_errors_of_stdout
from mvinverse_cli.cli.main import main
from mvinverse_cli.cli.train import signals_noted, train
from mvinverse_cli.cli.values import split_names
from mvinverse_cli.errors import OptionError, TrainingError
from mvinverse_cli.model.config import config_to_dict
from mvinverse_cli.scenes.record import view_path
from mvinverse_cli.train.journal import Progress
from mvinverse_cli.train.training import Outcome
from mvinverse_cli.trainings import TrainOptions
from tests.conftest import TINY
from tests.scenes.views import make_scenes

PARAMETERS = inspect.signature(train).parameters
SMALL = ("--steps", "2", "--min-side", "28", "--max-side", "28", "--pixels", "1500", "--device", "cpu")


@pytest.fixture(scope="module", autouse=True)
def no_curves() -> Iterator[None]:
    """Drawing takes longer than training here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mvinverse_cli.train.training.curves_png", lambda log: b"curves")
        yield


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenes(tmp_path_factory.mktemp("scenes"), range(2), views=2)


@pytest.fixture
def run(scenes: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """`mvinverse train ARGUMENTS` of a tiny network in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    config = replace(TINY, dim=16, features=8, bypass_width=4, bypass_groups=2)
    Path("tiny.json").write_text(json.dumps(config_to_dict(config)))

    def run(*arguments: object, data: Path = scenes) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["train", "--data", str(data), "--config", "tiny.json", *SMALL, *map(str, arguments)])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch):
    """Puts in the place of the training whatever it may come to."""

    def ends(how: Any) -> None:
        monkeypatch.setattr("mvinverse_cli.train.training.train", how)

    return ends


@pytest.mark.parametrize("field", fields(TrainOptions), ids=lambda field: field.name)
def test_every_field_has_a_flag_of_its_name_with_the_same_default(field):
    default = PARAMETERS[field.name].default
    assert (split_names(default) if field.name == "maps" else default) == getattr(TrainOptions(), field.name)
    declared = PARAMETERS[field.name].annotation.__metadata__[0].param_decls
    assert not declared or "--" + field.name.replace("_", "-") in declared


def test_every_flag_reaches_the_training(run, ends):
    given = TrainOptions(
        steps=7, learning_rate=0.5, weights="w", imagenet=True, warmup=3, weight_decay=0.1, clip=2.0,
        ema=0.5, min_views=1, max_views=3, min_side=42, max_side=84, pixels=9000, gradient_loss="absolute", gain=True,
        picture_loss="log", metal_weight=2.0, dtype="float32", device="cpu", seed=5, minutes=3.5, held_out="x",
        checkpoint_every=9, picture_every=8, optimizer="muon", shapes=6, train="heads", maps=("roughness", "metallic"),
    )  # fmt: skip
    same = {name for name, value in asdict(given).items() if value == getattr(TrainOptions(), name)}
    assert same == {"bypass_rate"}  # heads see the bypass as it is
    received = []

    def noted(data, output, config, options, report, stop):
        received.append(options)
        return Outcome(7, 7, 1, ())

    ends(noted)
    as_text = asdict(given) | {"maps": ",".join(given.maps)}
    flags = [
        part
        for name, value in as_text.items()
        for part in (["--" + name.replace("_", "-")] if value is True else ["--" + name.replace("_", "-"), value])
    ]
    assert run(*flags)[0] == 0
    assert received == [given]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"steps": 0}, "--steps 0: must be at least 1"),
        ({"min_side": 13}, "--min-side 13"),
        ({"shapes": -1}, "--shapes -1: must be at least 0"),
        ({"seed": -1}, "--seed -1: must be from 0 to 18446744073709551615"),
        ({"seed": 2**64}, "--seed 18446744073709551616: must be from 0 to 18446744073709551615"),
        ({"learning_rate": 0.0}, "--learning-rate 0.0: must be more than 0"),
        ({"learning_rate": float("nan")}, "--learning-rate nan"),
        ({"minutes": -1.0}, "--minutes -1.0"),
        ({"bypass_rate": 1.5}, "--bypass-rate 1.5: must be from 0 to 1"),
        ({"ema": 1.0}, "--ema 1.0"),
        ({"metal_weight": 0.5}, "--metal-weight 0.5"),
        ({"min_views": 5}, "--min-views 5: must not be more than --max-views 4"),
        ({"max_side": 56}, "--min-side 112: must not be more than --max-side 56"),
        ({"picture_loss": "sum"}, "--picture-loss 'sum': choose from mean, log"),
        ({"gradient_loss": "cubed"}, "--gradient-loss 'cubed': choose from squared, absolute"),
        ({"dtype": "float16"}, "--dtype 'float16'"),
        ({"maps": ("depth",)}, "depth"),
        ({"maps": ("albedo",)}, "--maps albedo: what --train all changes serves every map; leave --maps out"),
        ({"train": "heads"}, "--train heads: there is nothing yet that heads could read; add --weights"),
        ({"train": "heads", "weights": "w", "bypass_rate": 0.1}, "--bypass-rate 0.1: with --train heads it stays"),
        ({"train": "lora", "weights": "w"}, "--train 'lora': choose from heads, all"),
    ],
)
def test_a_value_that_cannot_be_is_said_with_its_flag(value: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        TrainOptions(**value)


def test_a_training_ends_with_its_weights_and_is_told_in_lines(run):
    code, out, err = run()
    assert (code, out) == (0, "")
    assert "Progress: 100%  step 2/2  loss 0." in err
    assert err.splitlines()[-1] == "step 2: run/weights.safetensors is trained"
    assert Path("run/weights.safetensors").is_file()
    code, out, err = run("--seed", 1)
    assert code == 2
    assert err.splitlines()[-1].startswith("mvinverse: error: -o run: holds a training of other options: seed was 0")


def test_json_tells_losses_and_end(run):
    code, out, err = run("--json", "-o", "other")
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "step 2: other/weights.safetensors is trained\n")
    assert [event["event"] for event in events] == ["progress", "done"]
    assert events[0]["step"] == 2
    assert events[0]["losses"]["total"] > 0
    assert events[1] == {"event": "done", "exit": 0, "step": 2, "steps": 2, "broken": 0}


def test_quiet_says_nothing(run):
    assert run("--quiet") == (0, "", "")


def test_many_broken_scenes_are_exit_3_after_the_training(run, tmp_path: Path):
    folder = make_scenes(tmp_path / "scenes", range(3), views=2)
    view_path(folder / "00000001", 1).unlink()
    code, _, err = run(data=folder)
    assert code == 3
    assert "warning: skipped: " in err
    assert "weights.safetensors is trained, but 1 of 3 scenes were broken and left out: " in err.splitlines()[-1]
    assert Path("run/weights.safetensors").is_file()


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_step_and_keeps_the_run(run, number, expected, monkeypatch: pytest.MonkeyPatch):
    from mvinverse_cli.train.trainer import Trainer

    taken = Trainer.take_step

    def interrupted(trainer, batch):
        os.kill(os.getpid(), number)
        taken(trainer, batch)

    before = signal.getsignal(number)
    monkeypatch.setattr("mvinverse_cli.cli.training_progress.ENDING", [number])  # SIGHUP is none under nohup
    monkeypatch.setattr(Trainer, "take_step", interrupted)
    code, _, err = run()
    assert code == expected
    assert "interrupted by SIG" in err.splitlines()[-1]
    assert signal.getsignal(number) == before
    assert json.loads(Path("run/log.jsonl").read_text())["step"] == 1


def test_a_signal_in_the_last_step_interrupts_nothing(run, ends):
    def late(data, output, config, options, report, stop):
        os.kill(os.getpid(), signal.SIGTERM)
        return Outcome(2, 2, 1, ())

    ends(late)
    code, _, err = run()
    assert (code, err.splitlines()) == (0, ["step 2: run/weights.safetensors is trained"])


def test_a_reader_of_events_that_goes_away_ends_no_training(run, monkeypatch):
    def gone(event, **values):
        with write_errors_of_stdout():
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("mvinverse_cli.cli.training_progress.emit", gone)
    code, _, err = run("--json", "-o", "run")
    assert code == 0
    assert "mvinverse: warning: stdout cannot be written: Broken pipe; going on without events" in err.splitlines()
    assert Path("run/weights.safetensors").is_file()


def test_a_second_signal_does_not_wait():
    def at_once(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, at_once)
    try:
        with signals_noted() as noted:
            os.kill(os.getpid(), signal.SIGINT)
            assert noted == [signal.SIGINT]
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_that_is_not_finished_says_how_to_go_on(run, ends):
    def half(data, output, config, options, report, stop):
        report(Progress(1, 2, {"total": 0.25}, 1e-3, 7.0, 60.0))
        return Outcome(1, 2, 1, ())

    ends(half)
    code, _, err = run()
    assert code == 0
    assert err.splitlines() == [
        "Progress: 50%  step 1/2  loss 0.2500  7.0 views/s",
        "step 1: 1 step is left, call again to go on",
    ]


def test_a_broken_loss_is_exit_1_with_its_cause(run, ends):
    def broken(*_):
        raise TrainingError("step 3: a loss is not a number")

    ends(broken)
    code, _, err = run()
    assert (code, err.splitlines()) == (1, ["mvinverse: error: step 3: a loss is not a number"])


def test_a_bar_is_drawn_on_a_terminal(run):
    code, _, err = run("--progress", "bar")
    assert code == 0
    assert "2/2" in err
