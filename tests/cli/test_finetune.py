"""`mvinverse finetune`: flags, words and exit codes, as a shell or a farm sees them."""

import inspect
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from mvinverse_cli.cli.finetune import finetune
from mvinverse_cli.cli.main import main
from mvinverse_cli.cli.values import split_names
from mvinverse_cli.errors import OptionError
from mvinverse_cli.maps import MAPS
from mvinverse_cli.train import finetuning
from mvinverse_cli.train.finetuning import Outcome
from mvinverse_cli.train.steadiness import Steadiness
from mvinverse_cli.trainings import FinetuneOptions
from tests.train.panning import quick_tuning, write_pan

PARAMETERS = inspect.signature(finetune).parameters
SHORT = ("--steps", "2", "--warmup", "0", "--learning-rate", "1e-6", "--device", "cpu", "--dtype", "float32")


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with quick_tuning():
        yield


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pan(tmp_path_factory.mktemp("clips") / "shot", 3)


@pytest.fixture
def run(clip: Path, tiny_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch):
    """`mvinverse finetune CLIP ARGUMENTS` of the tiny network in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, clips: tuple[Path, ...] = (clip,)) -> tuple[int, str, str]:
        capfd.readouterr()
        given = [*map(str, clips), "-o", "steady.safetensors", "--model", str(tiny_file), *SHORT]
        return main(["finetune", *given, *map(str, arguments)]), *capfd.readouterr()

    return run


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch):
    """Puts in the place of the training whatever it may come to."""

    def ends(how: Any) -> None:
        monkeypatch.setattr(finetuning, "finetune", how)

    return ends


@pytest.mark.parametrize("field", fields(FinetuneOptions), ids=lambda field: field.name)
def test_every_field_has_a_flag_of_its_name_with_the_same_default(field):
    default = PARAMETERS[field.name].default
    assert (split_names(default) if field.name == "maps" else default) == getattr(FinetuneOptions(), field.name)
    declared = PARAMETERS[field.name].annotation.__metadata__[0].param_decls
    assert not declared or "--" + field.name.replace("_", "-") in declared


def test_every_flag_reaches_the_training(run, ends):
    given = FinetuneOptions(
        model="m", maps=("normal", "albedo"), steps=7, learning_rate=0.5, anchor_weight=2.0, contrast_weight=0.3,
        warmup=3, weight_decay=0.1, clip=2.0, ema=0.5, max_size=280, crop=98, flow="flows", scenes="scenes",
        scenes_target="before", scenes_weight=0.5, vary=True, optimizer="muon", least_contrast=0.5, dtype="bfloat16",
        device="mps", seed=5, checkpoint_every=9, on_exists="skip",
    )  # fmt: skip
    same = {name for name, value in asdict(given).items() if value == getattr(FinetuneOptions(), name)}
    assert same == {"train"}  # another than the heads takes all maps
    received = []
    ends(lambda clips, output, options, report, stop: received.append(options))
    as_text = asdict(given) | {"maps": ",".join(given.maps)}
    named = {"--" + name.replace("_", "-"): value for name, value in as_text.items()}
    flags = [flag if value is True else f"{flag}={value}" for flag, value in named.items()]
    assert run(*flags)[0] == 0
    assert run("--train", "lora")[0] == 0
    assert (received[0], received[1].train) == (given, "lora")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"train": "bypass"}, "--train 'bypass': choose from heads, lora, decoder, all"),
        ({"maps": ("depth",)}, "depth"),
        ({"maps": ("albedo",), "train": "lora"}, "--maps albedo: what --train lora changes serves every map"),
        ({"optimizer": "sgd"}, "--optimizer 'sgd': choose from adamw, muon"),
        ({"scenes_target": "x"}, "--scenes-target 'x': choose from truth, before"),
        ({"scenes_target": "before"}, "--scenes-target before: there are no scenes; add --scenes"),
        ({"scenes_weight": 2.0}, "--scenes-weight 2.0: there are no scenes; add --scenes"),
        ({"steps": 0}, "--steps 0: must be at least 1"),
        ({"seed": 2**64}, "--seed 18446744073709551616: must be from 0 to 18446744073709551615"),
        ({"checkpoint_every": 0}, "--checkpoint-every 0: must be at least 1"),
        ({"anchor_weight": -0.1}, "--anchor-weight -0.1: must be from 0 on"),
        ({"anchor_weight": float("inf")}, "--anchor-weight inf: must be from 0 on"),
        ({"contrast_weight": -1.0}, "--contrast-weight -1.0: must be from 0 on"),
        ({"scenes": "s", "scenes_weight": -1.0}, "--scenes-weight -1.0: must be from 0 on"),
        ({"least_contrast": 1.1}, "--least-contrast 1.1: must be from 0 to 1"),
        ({"learning_rate": float("nan")}, "--learning-rate nan: must be more than 0"),
        ({"ema": 1.0}, "--ema 1.0: must be from 0 to less than 1"),
        ({"crop": 7}, "--crop 7: must be at least 14"),
        ({"max_size": 13}, "--max-size 13: must be at least 14"),
        ({"dtype": "float16"}, "--dtype 'float16'"),
        ({"on_exists": "ask"}, "--on-exists 'ask'"),
    ],
)
def test_a_value_that_cannot_be_is_said_with_its_flag(value: dict[str, Any], said: str):
    with pytest.raises(OptionError, match=said):
        FinetuneOptions(**value)


def test_a_run_that_another_process_stopped_is_not_called_written(run, ends):
    figures = Steadiness({}, {})
    ends(lambda *_: Outcome(3, 8, False, {}, figures, figures, None))
    code, out, err = run()
    assert (code, out) == (0, "")
    assert err == "steady.safetensors is not written yet: stopped at step 3 of 8; call again to go on\n"


def test_a_run_ends_with_its_weights_and_a_line_for_each_map(run):
    code, out, err = run()
    assert (code, out) == (0, "")
    assert "Progress: 100%  step 2/2  loss 0." in err
    lines = err.splitlines()[-6:]
    assert lines[0] == "steady.safetensors is written"
    for name, line in zip(MAPS, lines[1:], strict=True):
        assert line.startswith(f"  {name}: flicker 0.")
        assert line.endswith("contrast 100%, step 2 of 2")
    assert run()[0] == 7
    code, _, err = run("--on-exists", "skip")
    assert (code, err) == (0, "steady.safetensors is there already and is left as it is\n")


@pytest.mark.slow
def test_json_tells_losses_and_end(run):
    code, out, err = run("--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [event["event"] for event in events] == ["progress", "done"]
    assert events[0]["losses"]["anchor"] >= 0
    assert (events[1]["kept"], events[1]["steps"], events[1]["written"]) == (dict.fromkeys(MAPS, 2), 2, True)
    assert set(events[1]["flicker"]) == set(events[1]["contrast"]) == set(MAPS)


def test_a_clip_of_one_frame_is_exit_4_with_one_line(run, tmp_path: Path):
    code, out, err = run(clips=(write_pan(tmp_path / "one", 1),))
    assert (code, out) == (4, "")
    assert err.startswith("mvinverse: error: ")
    assert err.count("\n") == 1
    assert "one frame, which cannot flicker" in err


@pytest.mark.slow
def test_a_signal_ends_the_step_and_the_same_command_goes_on(run, monkeypatch: pytest.MonkeyPatch):
    taken = finetuning.FineTuner.take_step

    def interrupted(tuner, batch):
        os.kill(os.getpid(), signal.SIGTERM)
        taken(tuner, batch)

    with monkeypatch.context() as patch:
        patch.setattr(finetuning.FineTuner, "take_step", interrupted)
        code, _, err = run()
    assert code == 143
    assert "interrupted by SIGTERM" in err.splitlines()[-1]
    assert not Path("steady.safetensors").exists()
    code, _, err = run("--anchor-weight", 0.5)
    assert code == 2
    assert "anchor_weight was 0.1 and is now 0.5" in err.splitlines()[-1]
    assert run()[0] == 0
    assert Path("steady.safetensors").is_file()


def test_a_licence_that_forbids_trade_is_said_of_the_new_weights(run, ends):
    figures = Steadiness(dict.fromkeys(MAPS, 0.1), dict.fromkeys(MAPS, 0.2))
    ends(lambda *_: Outcome(2, 2, True, dict.fromkeys(MAPS, 2), figures, figures, "non-commercial use only"))
    code, _, err = run()
    assert code == 0
    assert err.splitlines()[-1] == "steady.safetensors: as the weights it began with, non-commercial use only"
    assert run("--quiet") == (0, "", "")


def test_quiet_says_nothing_of_a_file_that_is_left(run):
    Path("steady.safetensors").touch()
    assert run("--quiet", "--on-exists", "skip") == (0, "", "")
