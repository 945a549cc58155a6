"""A whole training: a folder of scenes in, a run folder out, from its beginning or from where it stands.

`run.py` says what lies in the folder, `loop.py` takes the steps.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import DeviceMemoryError, InputError, OptionError, OutputError
from ..model.checkpoint import load_weights
from ..model.config import SHOWN_AT, ModelConfig, network_differences
from ..model.device import choose_device
from ..model.initial import initialize
from ..model.mvinverse import MVInverse
from ..model.weights import choose_name, find_weights
from ..outputs.presence import open_alone
from ..outputs.whole import write_whole
from ..scenes.store import Broken, SceneList, ScenePath, find_scenes
from ..sizes import show_count
from ..trainings import TrainOptions
from .ahead import most_workers
from .data import Batch, Samples, views_batch
from .journal import LOG_EVERY, Journal, Progress
from .loop import memory_errors
from .pictures import Shown, curves_png, views_png
from .pretrained import load_imagenet
from .ranks import Ranks, join_ranks, local_device
from .run import (
    CURVES,
    STATE,
    VIEWS,
    WEIGHTS,
    check_drawing,
    load_state,
    open_run,
    save_state,
    write_weights,
)
from .trainer import Trainer

logger = logging.getLogger(__name__)

MOST_BROKEN = 0.1  # share of the scenes that may be broken before the training is not what was asked for
SCENES_SHOWN = 6  # in `views.png`, each by its first view
VIEWS_TOGETHER = 2  # that the network sees of each


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    step: int
    steps: int
    scenes: int  # in the folder
    broken: tuple[Broken, ...]  # those that were skipped

    @property
    def many_broken(self) -> bool:
        """Whether so many scenes were broken that this is not the training that was asked for."""
        return len(self.broken) > MOST_BROKEN * self.scenes


def train(
    data: Path,
    run: Path,
    config: ModelConfig,
    options: TrainOptions,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Trains the network of `config` on the scenes in `data` and keeps all in the folder `run`.

    Goes on where `run` stands. report: called with the losses every LOG_EVERY steps. stop: asked after each step; at
    its first yes, as after `options.minutes`, the state is saved and the call returns, to be taken up by another.
    Raises OptionError for another run's folder, InputError without scenes, TrainingError for losses that are no
    numbers, OutputError where the folder cannot be written; the last checkpoint stays whole in every case.
    """
    check_drawing()
    device = choose_device(local_device(options.device))
    found = find_scenes(data, "train")
    for _, reason in found.broken:
        logger.warning("skipped: %s", reason)
    check_views(found, options)
    with join_ranks(device) as ranks, ExitStack() as held:
        ranks.lead(lambda: held.enter_context(open_alone(run)))
        ranks.lead(lambda: open_run(run, config, options, found))
        with memory_errors(torch.device("cpu"), "for a network of this config", "choose a smaller one with --config"):
            model = MVInverse(config)
            initialize(model, torch.Generator().manual_seed(options.seed))
        licence = None if (run / STATE).exists() else start(model, options, device)
        trainer = Trainer(model, options, device, ranks, licence=licence)
        session = Session(run, trainer, found, report)
        samples = Samples(found.scenes, config, options, abreast=ranks.world)
        session.go(samples, stop)
        met = gathered(samples, ranks)
    return Outcome(trainer.step, options.steps, len(found.scenes) + len(found.broken), (*found.broken, *met))


def check_views(found: SceneList, options: TrainOptions) -> None:
    """Raises OptionError where no scene has as many views as a sample is to have at least."""
    views = [scene.views for scene in found.scenes]
    fewer = sum(count < options.min_views for count in views)
    if views and fewer == len(views):
        raise OptionError(f"--min-views {options.min_views}: no scene has more than {max(views)}; lower it")
    if fewer:
        logger.warning("%s of fewer views than --min-views %d: not seen", show_count(fewer, "scene"), options.min_views)


def gathered(samples: Samples, ranks: Ranks) -> tuple[Broken, ...]:
    """The scenes that any process has found to be broken when it read them; those of the others are logged here."""
    met = {index: broken for found in ranks.gather(samples.broken) for index, broken in found.items()}
    for index in sorted(met.keys() - samples.broken.keys()):
        logger.warning("skipped: %s", met[index][1])
    return tuple(met[index] for index in sorted(met))


def start(model: MVInverse, options: TrainOptions, device: torch.device) -> str | None:
    """Fills `model` with the weights that the options start from, where they name any; returns their licence.

    device: decides which weights `auto` stands for. Raises OptionError where those are of another network, or where
    heads alone are to learn and the other maps would be of pictures shown at another size; WeightsError where they
    cannot be had.
    """
    if options.weights is not None:
        if options.imagenet:
            raise OptionError(f"--imagenet: --weights {options.weights} brings a bypass of its own; leave one out")
        weights = find_weights(choose_name(options.weights, device.type))
        other = network_differences(model.config, weights.config)
        shown = [
            f"{name} {getattr(model.config, name)} instead of {getattr(weights.config, name)}"
            for name in SHOWN_AT
            if getattr(model.config, name) != getattr(weights.config, name)
        ]
        if not other and shown and options.train == "heads":
            raise OptionError(
                f"--config: {', '.join(shown)} of --weights {options.weights}, whose other maps are to stay as they are"
            )
        if not other and shown:
            logger.warning("%s: the config asks for %s; it decides", options.weights, ", ".join(shown))
        if other:
            raise OptionError(
                f"--weights {options.weights}: weights of another network ({', '.join(other)}); see --config"
            )
        begun = load_weights(weights, torch.device("cpu"), torch.float32)
        model.load_state_dict(begun.state_dict())
        return weights.licence
    if options.imagenet:
        load_imagenet(model)
    return None


class Session:
    """One call's part of a training: from the last checkpoint to the last step, or to where it is told to stop."""

    def __init__(self, run: Path, trainer: Trainer, scenes: SceneList, report: Callable[[Progress], None]):
        self.run = run
        self.trainer = trainer
        seconds_before = load_state(run, trainer)
        if trainer.step > trainer.options.steps:
            raise OptionError(
                f"--steps {trainer.options.steps}: this run has taken {trainer.step}; ask for as many, or a new folder"
            )
        self.journal = Journal(run, trainer, report, seconds_before=seconds_before)
        held_out = trainer.options.held_out
        shown = scenes if held_out is None else find_scenes(Path(held_out))
        self.shown = open_shown(shown.scenes, trainer.model.config)
        self.data = f"{len(scenes.scenes)} scenes, sha256 {scenes.digest()}"

    def go(self, samples: Samples, stop: Callable[[], bool]) -> None:
        """Takes the steps that are left; writes the weights of a finished run that has lost them."""
        trainer, journal, options = self.trainer, self.journal, self.trainer.options
        world = trainer.ranks.world
        if trainer.step == options.steps and trainer.ranks.any(not (self.run / WEIGHTS).exists()):
            self.save()
        steps = range(trainer.step * world + trainer.ranks.rank, options.steps * world, world)
        with closing(samples.batches(steps, workers=most_workers(trainer.device, options.pixels, world))) as batches:
            for batch in batches:
                trainer.take_step(batch)
                journal.views += batch.images.shape[0] * batch.images.shape[1] * trainer.ranks.world
                late = options.minutes is not None and time.monotonic() - journal.began > 60 * options.minutes
                last = trainer.ranks.any(late or stop()) or trainer.step == options.steps
                if last or trainer.step % LOG_EVERY == 0:
                    journal.look()
                if last or trainer.step % options.checkpoint_every == 0:
                    self.save()
                if last or trainer.step % options.picture_every == 0:
                    trainer.ranks.lead(self.show)
                if last:
                    break

    def save(self) -> None:
        """Writes a checkpoint and the weights, after a look: never those that a broken loss has made."""
        if self.trainer.unread:
            self.journal.look()
        self.trainer.ranks.lead(self.write)

    def write(self) -> None:
        """The weights and the checkpoint, which comes last: who goes on from it finds the weights written."""
        is_first = not (self.run / STATE).exists()
        write_weights(self.run, self.trainer, self.data)
        try:
            save_state(self.run, self.trainer, self.journal.seconds)
        except OutputError:
            if is_first:  # weights without a checkpoint would be those of a run that may not begin anew
                with suppress(OSError):
                    (self.run / WEIGHTS).unlink()
            raise

    def show(self) -> None:
        """Draws the curves, and views, which may fail where there is little memory beside the training's own."""
        write_whole(self.run / CURVES, curves_png(self.journal.lines), "overwrite")
        if not self.shown:
            return
        try:
            with memory_errors(self.trainer.device, f"for {VIEWS}", "show smaller pictures with --held-out"):
                shown = self.look_at_views()
        except DeviceMemoryError as error:
            logger.warning("%s; the training goes on without it", error)
        else:
            write_whole(self.run / VIEWS, views_png(shown), "overwrite")

    def look_at_views(self) -> list[Shown]:
        """What the mean weights make of the first view of each scene in `shown`, seen beside another."""
        seen = []
        with self.trainer.with_mean_weights() as model, torch.inference_mode():
            for batch in self.shown:
                outputs = model(batch.images.to(self.trainer.device))
                predicted = {name: value[0, 0].cpu().numpy() for name, value in outputs.items()}
                wanted = {name: value[0, 0].numpy() for name, value in batch.maps.items()}
                masks = {name: value[0, 0].numpy() for name, value in batch.masks.items()}
                seen.append(Shown(batch.images[0, 0].permute(1, 2, 0).numpy(), predicted, wanted, masks))
        return seen


def open_shown(scenes: Sequence[ScenePath], config: ModelConfig) -> list[Batch]:
    """The first views of the first few `scenes`, whole, at their size in whole patches."""
    shown = []
    for scene in scenes:
        height, width = (max(1, side // config.patch_size) * config.patch_size for side in scene.size)
        try:
            views = scene.read(range(min(VIEWS_TOGETHER, scene.views)))
        except InputError as error:
            logger.warning("not shown: %s", error)
            continue
        shown.append(views_batch(views, config, (height, width), name=scene.name))
        if len(shown) == SCENES_SHOWN:
            break
    return shown
