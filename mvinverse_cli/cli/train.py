"""`mvinverse train`: translates flags into options, trains, says how far it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..sizes import show_count
from ..trainings import GradientLoss, Optimizer, PictureLoss, TrainDtype, TrainOptions, TrainPart
from .console import VOICE, complain, emit, say
from .training_progress import TrainProgressMode, open_training_progress, set_training_voice, signals_noted
from .values import AN_OUTPUT, split_names

INCOMPLETE = 3  # exit code: many scenes are broken

if TYPE_CHECKING:
    from ..train.training import Outcome

TRAIN = TrainOptions()
ALL_MAPS: list[str] = [",".join(TRAIN.maps)]
DATA, NETWORK, STEPS, SAMPLES, LOSSES, RUN = "Data", "Network", "Steps", "Samples", "Losses", "Run"


def option(text: str, panel: str, *names: str, **more: Any) -> Any:
    """A flag with its help text, under a heading."""
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def train(
    data: Annotated[Path, option("Folder of scenes, as `mvinverse scenes render` writes it.", DATA)],
    output: Annotated[
        Path, option("Folder of the run; a run that is there goes on.", DATA, "-o", "--output", **AN_OUTPUT)
    ] = Path("run"),
    held_out: Annotated[
        str | None, option("Scenes to show pictures of; where not given, the first of --data.", DATA)
    ] = TRAIN.held_out,
    config: Annotated[str, option("A preset, as small, or a config.json.", NETWORK)] = "small",
    device: Annotated[str, option("auto, cuda, cuda:1, mps or cpu.", NETWORK)] = TRAIN.device,
    dtype: Annotated[
        TrainDtype, option("Of matrix products; auto: bfloat16 where the hardware has it.", NETWORK)
    ] = TRAIN.dtype,
    steps: Annotated[int, option("Length of the whole training.", STEPS)] = TRAIN.steps,
    minutes: Annotated[float | None, option("Stop after so long, to go on when called again.", STEPS)] = TRAIN.minutes,
    optimizer: Annotated[
        Optimizer, option("adamw, or muon for matrices and kernels and adamw for the rest.", STEPS)
    ] = TRAIN.optimizer,
    learning_rate: Annotated[float, option("At the end of the warm-up.", STEPS)] = TRAIN.learning_rate,
    weights: Annotated[
        str | None, option("Weights to start from, as decompose's --model takes them; else from nothing.", NETWORK)
    ] = TRAIN.weights,
    train: Annotated[TrainPart, option("What learns: all, or the heads of --weights alone.", NETWORK)] = TRAIN.train,
    maps: Annotated[
        list[str],
        option("Maps whose heads learn, separated by commas; others stay as they are.", NETWORK, "--maps"),
    ] = ALL_MAPS,
    imagenet: Annotated[bool, option("Start the bypass from ImageNet weights.", NETWORK)] = TRAIN.imagenet,
    bypass_rate: Annotated[
        float, option("Share of the learning rate for a bypass of --imagenet or --weights; at 0 it stays.", NETWORK)
    ] = TRAIN.bypass_rate,
    warmup: Annotated[int, option("Steps until the full learning rate.", STEPS)] = TRAIN.warmup,
    weight_decay: Annotated[float, option("Of matrices and kernels.", STEPS)] = TRAIN.weight_decay,
    clip: Annotated[float, option("Longest gradient.", STEPS)] = TRAIN.clip,
    ema: Annotated[float, option("What the running mean of the weights keeps of itself at a step.", STEPS)] = TRAIN.ema,
    seed: Annotated[int, option("One seed, one run.", STEPS)] = TRAIN.seed,
    min_views: Annotated[int, option("Fewest views of a sample.", SAMPLES)] = TRAIN.min_views,
    max_views: Annotated[int, option("Most views of a sample.", SAMPLES)] = TRAIN.max_views,
    min_side: Annotated[int, option("Pixels of a view's shortest side.", SAMPLES)] = TRAIN.min_side,
    max_side: Annotated[int, option("Pixels of a view's longest side.", SAMPLES)] = TRAIN.max_side,
    pixels: Annotated[int, option("Pixels of a step, over all its views, in each process.", SAMPLES)] = TRAIN.pixels,
    shapes: Annotated[
        int, option("Most shapes of batches, each of which a GPU needs seconds to get ready for; 0: any.", SAMPLES)
    ] = TRAIN.shapes,
    gradient_loss: Annotated[GradientLoss, option("Of differences between neighbours.", LOSSES)] = TRAIN.gradient_loss,
    picture_loss: Annotated[
        PictureLoss, option("Over pictures: mean, or log, under which hard ones do not rule.", LOSSES)
    ] = TRAIN.picture_loss,
    gain: Annotated[
        bool, option("Albedo and shading may be off by a gain per picture and channel.", LOSSES)
    ] = TRAIN.gain,
    metal_weight: Annotated[
        float, option("Most that a metallic pixel counts for, against its rarity.", LOSSES)
    ] = TRAIN.metal_weight,
    checkpoint_every: Annotated[int, option("Steps between checkpoints.", RUN)] = TRAIN.checkpoint_every,
    picture_every: Annotated[int, option("Steps between pictures.", RUN)] = TRAIN.picture_every,
    progress: Annotated[TrainProgressMode, option("How progress is shown.", RUN)] = "auto",
    json: Annotated[bool, option("JSON lines on stdout: as --progress json.", RUN, "--json")] = False,
    quiet: Annotated[bool, option("Say nothing but errors: as --progress none.", RUN, "--quiet", "-q")] = False,
    debug: Annotated[bool, option("Show tracebacks and the library's notes.", RUN, "--debug")] = False,
) -> int:
    """Train a network on rendered scenes; stopped, it goes on where it was."""
    mode = set_training_voice(progress, json=json, quiet=quiet, debug=debug)
    options = TrainOptions(
        steps=steps,
        optimizer=optimizer,
        learning_rate=learning_rate,
        weights=weights,
        train=train,
        maps=split_names(maps),
        imagenet=imagenet,
        bypass_rate=bypass_rate,
        warmup=warmup,
        weight_decay=weight_decay,
        clip=clip,
        ema=ema,
        min_views=min_views,
        max_views=max_views,
        min_side=min_side,
        max_side=max_side,
        pixels=pixels,
        shapes=shapes,
        gradient_loss=gradient_loss,
        picture_loss=picture_loss,
        gain=gain,
        metal_weight=metal_weight,
        dtype=dtype,
        device=device,
        seed=seed,
        minutes=minutes,
        held_out=held_out,
        checkpoint_every=checkpoint_every,
        picture_every=picture_every,
    )
    from ..train.run import find_config  # torch: after the arguments are known to be good
    from ..train.training import train as run_training

    network = find_config(config)
    with signals_noted() as noted, open_training_progress(mode, steps) as report:
        outcome = run_training(data, output, network, options, report, lambda: bool(noted))
    if noted and outcome.step < outcome.steps:
        from .main import Interrupted

        raise Interrupted(noted[0])
    return conclude(outcome, output)


def conclude(outcome: "Outcome", output: Path) -> int:
    """Says what came of the call and returns the exit code."""
    code = INCOMPLETE if outcome.many_broken else 0
    left = outcome.steps - outcome.step
    said = f"{output / 'weights.safetensors'} is trained"
    if left:
        said = f"{show_count(left, 'step')} {'is' if left == 1 else 'are'} left, call again to go on"
    if VOICE.json:
        emit("done", exit=code, step=outcome.step, steps=outcome.steps, broken=len(outcome.broken))
    if code:
        _, reason = outcome.broken[0]
        lost = f"{len(outcome.broken)} of {outcome.scenes} scenes were broken and left out: {reason}"
        complain(f"{said}, but {lost}", code)
    elif not VOICE.quiet:
        say(f"step {outcome.step}: {said}")
    return code
