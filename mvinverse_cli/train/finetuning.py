"""A whole fine-tuning: clips and weights in, steadier weights out, from the beginning or from where it stands.

`tuned.py` says what lies where, `finetuner.py` takes the steps, `steadiness.py` measures what they do.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import TrainingError
from ..flow import check_names, flow_source
from ..maps import MapName
from ..model.checkpoint import load_weights
from ..model.device import choose_device
from ..model.weights import Weights, choose_name, find_weights
from ..outputs.presence import open_alone
from ..outputs.whole import write_whole
from ..trainings import FinetuneOptions
from .clips import Stretch, find_clips, flow_name, open_clips
from .finetuner import FineTuner
from .journal import LOG_EVERY, Journal, Progress
from .lessons import Lessons, open_scenes
from .pictures import Panel, curves_png
from .ranks import join_ranks, local_device
from .run import CURVES, STATE, as_json, check_drawing, load_state, save_state
from .steadiness import Run, Steadiness, measure, shares
from .tuned import CHECKS, is_wanted, open_folder, origin, read_checks, run_folder, write_tuned

logger = logging.getLogger(__name__)

BATCHES_WEIGHED = 8  # of scenes, to know how large their losses are before the first step
MORE = 1.05  # of its flicker, from which on a map has not grown steadier
HALVINGS = 4  # of the way from the weights it began with, for maps that are flat at the end: to a sixteenth of it
FIRMER = 2.0  # times which the anchor of a map counts when it is found to grow flat
FIRM_LEAST = 0.05  # what it counts then at least, where little or none was asked for
AMPLE = 0.03  # of its contrast above the least: with more than that its anchor is loosened again


@dataclass(frozen=True)
class Outcome:
    """What came of a call: how far it is, whether the output is written, of which step each map is, and the steadiness
    of the clips' probes before and after."""

    step: int
    steps: int
    written: bool
    kept: Mapping[MapName, int]
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
    Where a map loses more contrast than `options` allow, its anchor counts more from there on, and what is written is
    of the last checkpoint at which it had enough: map by map where the heads alone learn.
    Raises TrainingError for losses that are no numbers, with the last good weights written, and where no weights are
    good; InputError for clips that give nothing to learn from, OptionError for the run of another training, OutputError
    where a file is in the way or cannot be written.
    """
    run = run_folder(output)
    if not is_wanted(output, options):
        return None
    check_drawing()
    device = choose_device(local_device(options.device))
    shots = find_clips(inputs)
    if options.flow is not None:
        check_names((flow_name(shot), shot.paths[0]) for shot in shots)
    flows = flow_source(options.flow)
    weights = find_weights(choose_name(options.model, device.type))
    max_size = options.max_size or weights.config.max_size
    clips = open_clips(shots, weights.config, max_size, flows)
    scenes = None if options.scenes is None else open_scenes(Path(options.scenes))
    wanted = origin(weights, clips, scenes, options)
    with join_ranks(device) as ranks, ExitStack() as held:
        ranks.lead(lambda: held.enter_context(open_alone(run)))
        left: list[bool] = []  # another process may have written it while clips were read here
        ranks.lead(lambda: left.append(not is_wanted(output, options)))
        if ranks.any(any(left)):
            return None
        ranks.lead(lambda: open_folder(run, wanted))
        tuner = FineTuner(load_weights(weights, device, torch.float32), options, device, ranks)
        lessons = Lessons(clips, scenes, weights.config, options, sharers=ranks.world)
        return Tuning(run, output, tuner, weights, lessons, wanted, report).go(stop)


class Tuning:
    """One call's part of a fine-tuning: from the last checkpoint to its end, or to where it is told to stop."""

    def __init__(
        self,
        run: Path,
        output: Path,
        tuner: FineTuner,
        weights: Weights,
        lessons: Lessons,
        wanted: dict[str, Any],
        report: Callable[[Progress], None],
    ) -> None:
        self.run, self.output = run, output
        self.tuner, self.weights, self.lessons, self.wanted = tuner, weights, lessons, wanted
        self.probes = [probe_of(stretch) for stretch in lessons.stretches]
        self.journal = Journal(run, tuner, report, seconds_before=load_state(run, tuner))
        self.checks = read_checks(run, tuner.step)
        if not self.checks:
            self.checks.append({"step": 0, **asdict(measure(tuner.model, self.probes, tuner.maps))})
        self.before = Steadiness(self.checks[0]["flicker"], self.checks[0]["contrast"])
        if lessons.samples is not None and tuner.step == 0:
            tuner.balance(self.before.flicker, map(lessons.samples.batch, range(BATCHES_WEIGHED)))

    def go(self, stop: Callable[[], bool]) -> Outcome:
        """Takes the steps that are left, and writes the good weights behind the last."""
        tuner, options = self.tuner, self.tuner.options
        ranks = tuner.ranks
        while tuner.step < options.steps:
            lesson = self.lessons.lesson(tuner.step * ranks.world + ranks.rank)
            tuner.take_step(lesson)
            self.journal.views += lesson.views * ranks.world
            stopped = ranks.any(stop())
            is_due = tuner.step == options.steps or tuner.step % options.checkpoint_every == 0
            if stopped or is_due:
                self.look()
                if is_due:  # a check changes what follows, and an undisturbed run has none where this one is stopped
                    self.check()
                else:
                    ranks.lead(self.write_checks)
                ranks.lead(lambda: save_state(self.run, tuner, self.journal.seconds))
            elif tuner.step % LOG_EVERY == 0:
                self.look()
            if stopped and tuner.step < options.steps:
                return self.outcome(written=False)
        return self.outcome(written=self.finish())

    def look(self) -> None:
        """Reads the losses. Where one is no number, the good weights are written and a TrainingError is raised."""
        try:
            self.journal.look()
        except TrainingError as error:
            if not any(self.tuner.good_steps.values()):
                self.drop_state()
                raise TrainingError(f"{error}; no weights are written") from error
            self.finish()
            step = max(self.tuner.good_steps.values())
            held = f"{self.output} holds the weights of step {step}"
            raise TrainingError(f"{error}; {held}, and --on-exists overwrite begins anew") from error

    def check(self) -> None:
        """Measures the mean weights, keeps what is good, and holds maps that grow flat by a firmer anchor."""
        tuner, options = self.tuner, self.tuner.options
        with tuner.with_weights(tuner.mean) as model:
            now = measure(model, self.probes, tuner.maps)
        left = shares(now.contrast, self.before.contrast)
        flat = [name for name in tuner.maps if left[name] < options.least_contrast]
        for name in tuner.maps:
            if name in flat:
                tuner.anchor_weights[name] = max(FIRMER * tuner.anchor_weights[name], FIRM_LEAST)
                self.warn_of(name, left[name])
            elif left[name] > options.least_contrast + AMPLE:
                tuner.anchor_weights[name] = max(options.anchor_weight, tuner.anchor_weights[name] / FIRMER)
        tuner.keep({name: 1.0 for name in tuner.maps if name not in flat})
        if flat and tuner.step == options.steps:
            now = self.go_back(now, flat)
        self.checks.append({"step": tuner.step, **asdict(now)})
        tuner.ranks.lead(self.write_checks)

    def warn_of(self, name: MapName, left: float) -> None:
        """Says that a map has become flat: `left` is what it has of its contrast."""
        tuner = self.tuner
        goes_on = f"its anchor weighs {tuner.anchor_weights[name]:g} from here on"
        what = goes_on if tuner.step < tuner.options.steps else "it will go part of the way"
        logger.warning("step %d: %s has %.2f of its contrast left; %s", tuner.step, name, left, what)

    def write_checks(self) -> None:
        """What was measured, as figures and drawn."""
        write_whole(self.run / CHECKS, as_json(self.checks), "overwrite")
        curves = curves_png(self.journal.lines, panels_of(self.checks, self.tuner.options))
        write_whole(self.run / CURVES, curves, "overwrite")

    def go_back(self, now: Steadiness, flat: Sequence[MapName]) -> Steadiness:
        """Keeps, of each map that is flat at the end, the weights farthest on the way from those it began with to those
        now that leave it its contrast, found by halving; all maps go together where more than the heads learns.

        Returns the steadiness with theirs instead of `now`.
        """
        tuner, options = self.tuner, self.tuner.options
        moved = list(flat) if options.train == "heads" else list(tuner.maps)
        ways = dict.fromkeys(moved, 0.5)
        for halving in range(HALVINGS):
            with tuner.with_weights(tuner.part_way(ways)) as model:
                then = measure(model, self.probes, moved)
            share = shares(then.contrast, {name: self.before.contrast[name] for name in moved})
            good = [name for name in moved if share[name] >= options.least_contrast]
            if options.train != "heads" and len(good) < len(moved):
                good = []
            tuner.keep({name: ways[name] for name in good})
            now = Steadiness(
                now.flicker | {name: then.flicker[name] for name in good},
                now.contrast | {name: then.contrast[name] for name in good},
            )
            step = 0.5 ** (halving + 2)
            ways = {name: way + step if name in good else way - step for name, way in ways.items()}
        return now

    def finish(self) -> bool:
        """Writes the good weights; what the next step would need is needed no more. False where a file has meanwhile
        appeared that may be left.

        Raises TrainingError where no weights are good: with other options it may then be begun anew. OutputError where
        a file has meanwhile appeared in their way; the state then stays.
        """
        steps = self.tuner.good_steps
        if not any(steps.values()):
            self.drop_state()
            raise TrainingError(
                f"no weights are written: at no checkpoint was {self.tuner.options.least_contrast:g} of the contrast "
                "left; raise --anchor-weight or lower --learning-rate"
            )
        for name, step in steps.items():
            if step < self.tuner.step:
                logger.warning("%s: kept as it was at step %d, when it last had its contrast", name, step)
            elif self.tuner.ways[name] < 1:
                logger.warning("%s: goes %.2g of the way, as far as it has its contrast", name, self.tuner.ways[name])
        for name, share in shares(self.good.flicker, self.before.flicker).items():
            if share > MORE:
                logger.warning("%s: flickers %.3g times as much as before; lower --learning-rate", name, share)
        if self.tuner.ranks.any(not is_wanted(self.output, self.tuner.options)):
            return False
        self.tuner.ranks.lead(self.write)
        return True

    def drop_state(self) -> None:
        """What the next step would need is of no use: as a run of other options may be begun in its folder."""
        self.tuner.ranks.lead(lambda: (self.run / STATE).unlink(missing_ok=True))

    def write(self) -> None:
        """The good weights."""
        write_tuned(self.output, self.tuner, self.weights, self.wanted, self.before, self.good)
        (self.run / STATE).unlink(missing_ok=True)

    @property
    def good(self) -> Steadiness:
        """Of the good weights: of each map, what was measured when it was kept."""
        by_step = {check["step"]: check for check in self.checks}
        kept = self.tuner.good_steps.items()
        return Steadiness(*({name: by_step[step][key][name] for name, step in kept} for key in ("flicker", "contrast")))

    def outcome(self, *, written: bool) -> Outcome:
        """What this call has come to."""
        tuner = self.tuner
        good_steps = dict(tuner.good_steps)
        return Outcome(
            tuner.step, tuner.options.steps, written, good_steps, self.before, self.good, self.weights.licence
        )


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
