"""Fine-tuned weights and the folder of the run that makes them: `-o shot.safetensors` has `shot.run/` beside it.

    options.json   what is trained from which weights, on what     log.jsonl     losses, a line per LOG_EVERY steps
    checks.json    flicker and contrast at each checkpoint         curves.png    all of it over the steps
    state.pt       everything the next step needs; gone when the weights are written

A run goes on where its `state.pt` stands, if it is the same run.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ..checks import check_weights_name
from ..errors import OptionError, OutputError, WeightsError
from ..model.checkpoint import DTYPE_NAMES, open_state, save_checkpoint
from ..model.config import config_hash
from ..model.header import read_header
from ..model.weights import PICKLE_SUFFIXES, Weights, hash_of
from ..outputs.whole import remove_parts, write_errors, write_whole
from ..scenes.store import SceneList
from ..trainings import FinetuneOptions
from .clips import Clip
from .finetuner import FineTuner
from .lora import plain_state
from .run import LOG, OPTIONS, STATE, as_json, check_same, code_version
from .steadiness import Steadiness

CHECKS = "checks.json"

# Where a run works and what becomes of a file in its way may change from call to call.
MAY_DIFFER = ("device", "checkpoint_every", "on_exists", "model")


def run_folder(output: Path) -> Path:
    """The folder beside `output`. Raises OptionError where its name is none of a file of weights."""
    check_weights_name(output)
    return output.with_suffix(".run")


def is_wanted(output: Path, options: FinetuneOptions) -> bool:
    """Whether `output` is to be written; not where it is there and may be left. Raises OutputError where it may not."""
    with write_errors(output):
        is_there = output.exists()
    if not is_there or options.on_exists == "overwrite":
        return True
    if options.on_exists == "skip":
        return False
    raise OutputError(f"{output}: is there already; choose another name, or --on-exists overwrite or skip")


def origin(
    weights: Weights, clips: Sequence[Clip], scenes: SceneList | None, options: FinetuneOptions
) -> dict[str, Any]:
    """What the weights will come from: those they began with, clips, scenes and options; the same in every call of a
    run."""
    return {
        "base": weights.repository or weights.name,
        "base_sha256": hash_of(weights),
        "base_config_sha256": config_hash(weights.config),
        "clips": [{"name": clip.name, "sha256": clip.sha256} for clip in clips],
        **{name: value for name, value in asdict(options).items() if name not in MAY_DIFFER},
        "maps": list(options.maps),
        "scenes": None if scenes is None else f"{len(scenes.scenes)} scenes, sha256 {scenes.digest()}",
    }


def open_folder(run: Path, wanted: Mapping[str, Any]) -> None:
    """Makes the folder `run` for the training that `wanted` describes, or checks that it holds this very one, begun.

    Raises OptionError naming what differs, OutputError where the folder cannot be written.
    """
    with write_errors(run):
        is_begun = (run / STATE).exists()
        if not is_begun and run.exists() and any(run.iterdir()) and not (run / OPTIONS).exists():
            raise OptionError(
                f"{run}: holds other files, where this run would keep its own; choose another name with -o"
            )
        if is_begun:
            usual = {**asdict(FinetuneOptions()), "maps": list(FinetuneOptions().maps)}
            check_same(run / OPTIONS, wanted, "other weights, clips or options", usual)
        else:
            for name in (LOG, CHECKS):
                (run / name).unlink(missing_ok=True)  # of a run that was never saved, or has ended
        remove_parts([run])  # of a run that was killed while it wrote
    write_whole(run / OPTIONS, as_json(wanted), "overwrite")


def read_checks(run: Path, last_step: int) -> list[dict[str, Any]]:
    """The checks up to `last_step`, of which the first was made before the first step; none where none was taken.

    Raises WeightsError where they cannot be read: what the network did before cannot be measured any more.
    """
    path = run / CHECKS
    if last_step == 0:
        return []
    try:
        checks = [check for check in json.loads(path.read_text("utf-8")) if check["step"] <= last_step]
        if not checks:
            raise ValueError("empty")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: damaged: {error}; delete {run} to begin anew") from error
    return checks


def write_tuned(
    output: Path, tuner: FineTuner, weights: Weights, wanted: Mapping[str, Any], before: Steadiness, after: Steadiness
) -> None:
    """Writes the good weights of `tuner` to `output`, each tensor in the type that the file of `weights` has.

    The metadata carries on that of `weights`, with its licence. Raises OutputError where it cannot be written.
    """
    with open_state(weights.path) as (entries, _):
        types = {name: entry.dtype for name, entry in entries.items()}
    by_name = {dtype_name: dtype for dtype, dtype_name in DTYPE_NAMES.items()}
    with tuner.with_weights(tuner.good) as model:
        state = plain_state(model)
    typed = {name: values.to("cpu", by_name.get(types[name], torch.float32)) for name, values in state.items()}
    carried = {} if weights.path.suffix in PICKLE_SUFFIXES else dict(read_header(weights.path).metadata)
    if weights.licence is not None:
        carried["licence"] = weights.licence
    told = {
        **wanted,
        "kept": tuner.good_steps,
        "ways": tuner.ways,
        "commit": code_version(),
        "before": asdict(before),
        "after": asdict(after),
    }
    save_checkpoint(typed, weights.config, output, {**carried, "finetuning": json.dumps(told)})
