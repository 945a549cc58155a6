"""The run folder: what is trained, on what, how far it is, and what has come of it.

    config.json           the network                          options.json   how it is trained
    scenes.txt            its scenes, a line each              log.jsonl      losses, a line per LOG_EVERY steps
    state.pt              everything the next step needs       curves.png     the losses over the steps
    weights.safetensors   the running mean, half precision     views.png      what it makes of scenes

A run goes on where its `state.pt` stands. It must be the same run: another network, other options, scenes that have
gone or that are others of the same name are refused; scenes may be added, and MAY_DIFFER says which options may change.
A run that ended before its first checkpoint has nothing to lose, and may begin again as any other.
"""

import json
import logging
import pickle
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..errors import OptionError, TrainingError, WeightsError
from ..model.checkpoint import save_checkpoint
from ..model.config import SHOWN_AT, ModelConfig, config_from_dict, config_to_dict
from ..model.presets import PRESETS
from ..outputs.whole import PART_NAME, WholeFile, remove_parts, write_errors, write_whole
from ..scenes.store import SceneList
from ..sizes import show_count
from ..trainings import TrainOptions
from .loop import Loop, memory_errors
from .trainer import Trainer

logger = logging.getLogger(__name__)

CONFIG, OPTIONS, SCENES, LOG = "config.json", "options.json", "scenes.txt", "log.jsonl"
STATE, WEIGHTS, CURVES, VIEWS = "state.pt", "weights.safetensors", "curves.png", "views.png"

# What reading something else as the state of a training ends in.
NO_STATE = (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError)

# Where and for how long a run works and what it shows may change from call to call. So may `steps`: what is left of the
# schedule is then that of the new length.
MAY_DIFFER = ("steps", "minutes", "device", "held_out", "checkpoint_every", "picture_every")


def find_config(name: str) -> ModelConfig:
    """The network called `name`: a preset, or a JSON file. Raises OptionError."""
    if name in PRESETS:
        return PRESETS[name]
    try:
        values = json.loads(Path(name).read_text("utf-8"))
    except FileNotFoundError as error:
        raise OptionError(f"--config {name}: no such file; choose one, or from {', '.join(PRESETS)}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise OptionError(f"--config {name}: not readable as JSON: {error}") from error
    if not isinstance(values, dict):
        raise OptionError(f"--config {name}: must be a JSON object")
    try:
        return config_from_dict(values)
    except WeightsError as error:
        raise OptionError(f"--config {name}: {str(error).removeprefix('config: ')}") from error


def check_drawing() -> None:
    """Raises TrainingError where the package that draws the curves is missing: before hours of work, not after."""
    if find_spec("matplotlib") is None:
        raise TrainingError('pictures of the training need matplotlib: pip install "mvinverse[train]"')


def open_run(run: Path, config: ModelConfig, options: TrainOptions, found: SceneList) -> None:
    """Makes the folder `run` for this training, or checks that what has come of a training in it is this very one's.

    Raises OptionError naming what differs, OutputError where the folder cannot be written.
    """
    described = {scene.name: scene.described for scene in found.scenes}
    wanted_config = json.loads(json.dumps(config_to_dict(config)))
    wanted_options = lasting(options)
    if not (run / STATE).exists() and not (run / WEIGHTS).exists():
        check_unused(run)
    else:
        of_network = {name: value for name, value in wanted_config.items() if name not in SHOWN_AT}
        check_same(run / CONFIG, of_network, "another network")
        check_same(run / OPTIONS, wanted_options, "other options", lasting(TrainOptions()))
        check_scenes(run / SCENES, described, {path.stem: reason for path, reason in found.broken})
        if not (run / STATE).exists():
            raise OptionError(
                f"-o {run}: holds trained weights ({WEIGHTS}) without the {STATE} to go on from; choose a new folder, "
                f"with --weights {run / WEIGHTS} to train on from these, or remove them to begin anew"
            )
    with write_errors(run):
        remove_parts([run])  # of a run that was killed while it wrote
    write_whole(run / OPTIONS, as_json(wanted_options), "overwrite")
    lines = [f"{name}\t{description}\n" for name, description in sorted(described.items())]
    write_whole(run / SCENES, "".join(lines).encode(), "overwrite")
    write_whole(run / CONFIG, as_json(wanted_config), "overwrite")  # last: a folder with a config is complete


def check_unused(run: Path) -> None:
    """Raises OptionError where `run` holds what is not of a training, OutputError where it is no folder."""
    with write_errors(run):
        held = {path.name for path in run.iterdir()} if run.exists() else set()
    begun = {OPTIONS, SCENES}  # of a run whose first writing was cut short, on a full disk
    if held >= {CONFIG, *begun}:  # of one that ended before its first checkpoint
        begun |= {CONFIG, LOG, CURVES, VIEWS}
    if any(name not in begun and not PART_NAME.fullmatch(name) for name in held):
        raise OptionError(f"-o {run}: holds other files than a training's; choose a new folder, or one of a training")


def lasting(options: TrainOptions) -> dict[str, Any]:
    """Those of `options` that are the same in every call of a run."""
    kept = {name: value for name, value in asdict(options).items() if name not in MAY_DIFFER}
    return {**kept, "maps": list(options.maps)}


def check_same(path: Path, wanted: Mapping[str, Any], whose: str, usual: Mapping[str, Any] | None = None) -> None:
    """Raises OptionError where the values recorded in the file `path` are others than those `wanted`.

    usual: those that hold where the file, of an earlier version, does not tell; what is not there either is not asked.
    """
    try:
        recorded = {**(usual or {}), **json.loads(path.read_text("utf-8"))}
        differing = [name for name in wanted if name in recorded and recorded[name] != wanted[name]]
    except (OSError, ValueError, TypeError) as error:
        raise OptionError(f"{path}: not readable: {error}; choose a new folder with -o") from error
    if differing:
        said = ", ".join(f"{name} was {recorded[name]} and is now {wanted[name]}" for name in differing)
        raise OptionError(
            f"-o {path.parent}: holds a training of {whose}: {said}; give what it was begun with, or a new folder"
        )


def check_scenes(path: Path, described: Mapping[str, str], broken: Mapping[str, str]) -> None:
    """Raises OptionError where scenes that the run was trained on are gone, broken, or others by now; new ones are
    welcome.

    described: the scenes that are there, by name; broken: why others that are there cannot be read.
    """
    try:
        lines = [line.partition("\t") for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise OptionError(f"{path}: not readable: {error}; choose a new folder with -o") from error
    missing = [name for name, _, _ in lines if name not in described]
    gone = [name for name in missing if name not in broken]
    unreadable = [broken[name] for name in missing if name in broken]
    # a run of an earlier version recorded the names alone
    other = [f"{name} was {was}" for name, _, was in lines if was and described.get(name, was) != was]
    begun = "give the folder it was begun with"
    for which, said, remedy in (
        (gone, "not there", begun),
        (unreadable, "broken by now", "render them again"),
        (other, "others by now", begun),
    ):
        if which:
            raise OptionError(
                f"--data: {len(which)} of the {len(lines)} scenes of this run are {said} ({'; '.join(which[:3])}"
                f"{'; ...' if len(which) > 3 else ''}); {remedy}, or choose a new folder with -o"
            )
    if len(described) > len(lines):
        logger.info("%s: %d scenes, %d more than before", path.parent, len(described), len(described) - len(lines))


def as_json(values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bytes:
    """JSON to be read by people."""
    return (json.dumps(values, indent=2) + "\n").encode()


def save_state(run: Path, trainer: Loop[Any, Any], seconds: float) -> None:
    """Writes `state.pt`, whole: a full disk or a kill leaves the one before. Raises OutputError."""
    path = run / STATE
    with write_errors(path):
        whole = WholeFile(path, "overwrite")
        try:
            torch.save({**trainer.state(), "seconds": seconds}, whole.file)
            whole.commit()
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # what the zip writer of torch complains of is its own file
                raise error.__context__ from error
            raise
        finally:
            whole.discard()


def load_state(run: Path, trainer: Loop[Any, Any]) -> float:
    """Brings `trainer` to where `state.pt` stands, if there is one; returns the seconds trained so far.

    Raises WeightsError where it is damaged, DeviceMemoryError.
    """
    path = run / STATE
    if not path.exists():
        return 0.0
    try:
        with memory_errors(trainer.device, f"while {path} is read", "make room there; the checkpoint is whole"):
            state = torch.load(path, map_location=trainer.device, weights_only=True)
            trainer.load_state(state)
            seconds = float(state["seconds"])
    except (OSError, EOFError, pickle.UnpicklingError, *NO_STATE) as error:
        raise WeightsError(
            f"{path}: damaged: {error}; delete it and {WEIGHTS} to begin anew, or choose a new folder"
        ) from error
    processes = state.get("processes", trainer.ranks.world)  # earlier versions did not keep it
    if processes != trainer.ranks.world and trainer.ranks.leads:
        logger.warning(
            "%s: trained by %s so far and by %d from here on: batches are others",
            run,
            show_count(processes, "process"),
            trainer.ranks.world,
        )
    return seconds


def write_weights(run: Path, trainer: Trainer, data: str) -> None:
    """Writes `weights.safetensors`: the running mean in half precision; buffers as they are, and parameters that do not
    learn to the bit. Raises OutputError.

    data: which scenes it was trained on, in a word.
    """
    state = trainer.model.state_dict()
    state |= dict(zip(trainer.names, trainer.mean, strict=True))
    learning = set(trainer.names)
    halves = {name: state[name].half() for name, _ in trainer.model.named_parameters()}
    halves = {
        name: half if name in learning or torch.equal(half.float(), state[name]) else state[name]
        for name, half in halves.items()
    }
    metadata = {
        "training": json.dumps(lasting(trainer.options)),
        "step": f"{trainer.step} of {trainer.options.steps}",
        "commit": code_version(),
        "data": data,
    }
    if trainer.licence is not None:
        metadata["licence"] = trainer.licence
    save_checkpoint(
        {name: value.cpu() for name, value in (state | halves).items()}, trainer.model.config, run / WEIGHTS, metadata
    )


def code_version() -> str:
    """The commit of the checkout that this code runs from, or the version of the package where it is installed."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return __version__
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return __version__


def read_log(run: Path, last_step: int) -> list[dict[str, Any]]:
    """The lines of the log up to `last_step`, but for damaged ones: a kill or a full disk cuts the last one short."""
    path = run / LOG
    with write_errors(path):
        if not path.exists():
            return []
        texts = path.read_text("utf-8", "replace").splitlines(keepends=True)
    lines = []
    for number, text in enumerate(texts, start=1):
        try:
            line = json.loads(text)
            figures = [line["learning_rate"], *line["losses"].values()]
            whole = text.endswith("\n") and all(isinstance(figure, int | float) for figure in figures)
            if whole and line["step"] <= last_step:
                lines.append(line)
        except (ValueError, KeyError, TypeError, AttributeError):
            logger.info("%s: line %d is damaged, and left out", path, number)
    return lines


def write_log(run: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Writes the log anew: after a kill it holds steps that the last checkpoint does not."""
    write_whole(run / LOG, "".join(json.dumps(line) + "\n" for line in lines).encode(), "overwrite")


def append_log(run: Path, line: Mapping[str, Any]) -> None:
    """One line more. Raises OutputError."""
    with write_errors(run / LOG), (run / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
