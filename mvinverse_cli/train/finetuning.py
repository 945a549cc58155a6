"""A whole fine-tuning: clips and weights in, steadier weights out, from the beginning or from where it stands.

`tuned.py` says what lies where, `finetuner.py` takes the steps, `steadiness.py` measures what they do.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import TrainingError
from ..flow import flow_source
from ..maps import MapName
from ..model.checkpoint import load_weights
from ..model.device import choose_device
from ..model.weights import Weights, choose_name, find_weights
from ..options import FinetuneOptions
from ..outputs.whole import write_whole
from .clips import Clip, Stretch, find_clips, open_clips
from .finetuner import FineTuner, draw_triplet
from .journal import LOG_EVERY, Journal, Progress
from .pictures import Panel, curves_png
from .run import CURVES, STATE, as_json, check_drawing, load_state, save_state
from .steadiness import Run, Steadiness, flattest, measure, shares
from .tuned import CHECKS, is_wanted, open_folder, origin, read_checks, run_folder, write_tuned

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of a call: how far it is, the step whose weights are in the output (None: none are written), and the
    steadiness of the clips' probes before and after."""

    step: int
    steps: int
    written: int | None
    before: Steadiness
    after: Steadiness
    licence: str | None


def finetune(
    inputs: Sequence[str | Path],
    output: Path,
    options: FinetuneOptions,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome | None:
    """Trains weights to hold still on the clips `inputs`, and writes them to `output`; None where that may be left.

    Goes on where an interrupted call stands. report: called with the losses every LOG_EVERY steps. stop: asked after
    each step; at its first yes the state is saved and the call returns, to be taken up by another.
    Where a map loses more contrast than `options` allow, the training ends early with the last weights before.
    Raises TrainingError for losses that are no numbers, with the last good weights written, and where no weights are
    good; InputError for clips that give nothing to learn from, OptionError for the run of another training, OutputError
    where a file is in the way or cannot be written.
    """
    run = run_folder(output)
    if not is_wanted(output, options):
        return None
    check_drawing()
    device = choose_device(options.device)
    shots = find_clips(inputs)
    flows = flow_source(options.flow)
    weights = find_weights(choose_name(options.model, device.type))
    max_size = options.max_size or weights.config.max_size
    clips = open_clips(shots, weights.config, max_size, flows)
    wanted = origin(weights, clips, options)
    open_folder(run, wanted)
    tuner = FineTuner(load_weights(weights, device, torch.float32), options, device)
    tuning = Tuning(run, output, tuner, weights, clips, wanted, report)
    return tuning.go(stop)


class Tuning:
    """One call's part of a fine-tuning: from the last checkpoint to its end, or to where it is told to stop."""

    def __init__(
        self,
        run: Path,
        output: Path,
        tuner: FineTuner,
        weights: Weights,
        clips: Sequence[Clip],
        wanted: dict[str, Any],
        report: Callable[[Progress], None],
    ) -> None:
        self.run, self.output = run, output
        self.tuner, self.weights, self.wanted = tuner, weights, wanted
        self.stretches = [stretch for clip in clips for stretch in clip.stretches]
        self.probes = [probe_of(stretch) for stretch in self.stretches]
        self.journal = Journal(run, tuner, report, seconds_before=load_state(run, tuner))
        self.checks = read_checks(run, tuner.step)
        if not self.checks:
            self.checks.append({"step": 0, **asdict(measure(tuner.model, self.probes))})
        self.before = self.steadiness_at(0)

    def go(self, stop: Callable[[], bool]) -> Outcome:
        """Takes the steps that are left, and writes the weights behind the last."""
        tuner, options = self.tuner, self.tuner.options
        while tuner.step < options.steps:
            triplet = draw_triplet(self.stretches, options.seed, tuner.step)
            tuner.take_step(triplet)
            self.journal.views += triplet.images.shape[1]
            stopped = stop()
            if not (stopped or tuner.step == options.steps or tuner.step % options.checkpoint_every == 0):
                if tuner.step % LOG_EVERY == 0:
                    self.look()
                continue
            self.look()
            flat = self.check()
            if flat is not None:
                self.end_early(*flat)
                break
            if stopped and tuner.step < options.steps:
                return self.outcome(None)
        self.finish()
        return self.outcome(tuner.good_step)

    def look(self) -> None:
        """Reads the losses. Where one is no number, the good weights are written and a TrainingError is raised."""
        try:
            self.journal.look()
        except TrainingError as error:
            if self.tuner.good_step == 0:
                raise TrainingError(f"{error}; no weights are written") from error
            self.finish()
            raise TrainingError(f"{error}; {self.output} holds the weights of step {self.tuner.good_step}") from error

    def check(self) -> tuple[MapName, float] | None:
        """Measures the mean weights and saves a checkpoint, or returns the map that they make too flat, and how much of
        its contrast they leave."""
        tuner = self.tuner
        with tuner.with_weights(tuner.mean) as model:
            now = measure(model, self.probes)
        self.checks.append({"step": tuner.step, **asdict(now)})
        write_whole(self.run / CHECKS, as_json(self.checks), "overwrite")
        curves = curves_png(self.journal.lines, panels_of(self.checks, tuner.options))
        write_whole(self.run / CURVES, curves, "overwrite")
        name, left = flattest(now.contrast, self.before.contrast)
        if left < tuner.options.least_contrast:
            return name, left
        tuner.keep()
        save_state(self.run, tuner, self.journal.seconds)
        return None

    def end_early(self, name: MapName, left: float) -> None:
        """Says why. Raises TrainingError where no weights are good."""
        tuner = self.tuner
        said = f"step {tuner.step}: {name} has {left:.2f} of its contrast left, under {tuner.options.least_contrast:g}"
        advice = "lower --learning-rate, or raise --anchor-weight"
        if tuner.good_step == 0:
            raise TrainingError(f"{said}; no weights are written: {advice}")
        logger.warning("%s; the weights of step %d are kept: to go further, %s", said, tuner.good_step, advice)

    def finish(self) -> None:
        """Writes the good weights; what the next step would need is needed no more."""
        write_tuned(self.output, self.tuner, self.weights, self.wanted, self.before, self.good)
        (self.run / STATE).unlink(missing_ok=True)

    @property
    def good(self) -> Steadiness:
        """Of the good weights."""
        return self.steadiness_at(self.tuner.good_step)

    def steadiness_at(self, step: int) -> Steadiness:
        """What was measured at a step."""
        check = next(check for check in self.checks if check["step"] == step)
        return Steadiness(check["flicker"], check["contrast"])

    def outcome(self, written: int | None) -> Outcome:
        """What this call has come to."""
        tuner = self.tuner
        return Outcome(tuner.step, tuner.options.steps, written, self.before, self.good, self.weights.licence)


def probe_of(stretch: Stretch) -> Run:
    """The frames of a stretch that are looked at."""
    probe = stretch.probe
    return Run(stretch.frames[probe.start : probe.stop], [stretch.flows.get(at) for at in probe[:-1]])


def panels_of(checks: Sequence[dict[str, Any]], options: FinetuneOptions) -> list[Panel]:
    """Flicker and contrast at each check, as shares of what they were."""
    steps = [check["step"] for check in checks]
    panels = []
    for figure, level in (("flicker", None), ("contrast", options.least_contrast)):
        left = [shares(check[figure], checks[0][figure]) for check in checks]
        lines: dict[str, Sequence[float]] = {name: [share[name] for share in left] for name in left[0]}
        panels.append(Panel(f"{figure} / {figure} before", steps, lines, level))
    return panels
