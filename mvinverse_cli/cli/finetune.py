"""`mvinverse finetune`: translates flags into options, trains weights to flicker less, says what has come of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..formats import OnExists
from ..trainings import FinetuneOptions, Optimizer, ScenesTarget, TrainDtype, TunePart
from .console import VOICE, emit, say
from .training_progress import TrainProgressMode, open_training_progress, set_training_voice, signals_noted
from .values import AN_OUTPUT, split_names

if TYPE_CHECKING:
    from ..train.finetuning import Outcome

TUNE = FinetuneOptions()
ALL_MAPS: list[str] = [",".join(TUNE.maps)]
CLIPS, NETWORK, STEPS, RUN = "Clips", "Network", "Steps", "Run"


def option(text: str, panel: str, *names: str, **more: Any) -> Any:
    """A flag with its help text, under a heading."""
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def finetune(
    clips: Annotated[list[str], typer.Argument(help="Videos, folders or numbered pictures: neighbours in time.")],
    output: Annotated[
        Path, option("The weights to be written, a .safetensors file.", CLIPS, "-o", "--output", **AN_OUTPUT)
    ],
    model: Annotated[str, option("Weights to begin with: as decompose takes them.", NETWORK)] = TUNE.model,
    maps: Annotated[
        list[str],
        option("Maps that are to hold still, separated by commas; others stay as they are.", NETWORK, "--maps"),
    ] = ALL_MAPS,
    train: Annotated[
        TunePart, option("What learns: the heads, the decoder as well (lora: a little of it), or all.", NETWORK)
    ] = TUNE.train,
    device: Annotated[str, option("auto, cuda, cuda:1, mps or cpu.", NETWORK)] = TUNE.device,
    dtype: Annotated[
        TrainDtype, option("Of matrix products; auto: bfloat16 where the hardware has it.", NETWORK)
    ] = TUNE.dtype,
    max_size: Annotated[
        int | None, option("Longest side that the network sees; where not given, as the weights ask.", CLIPS)
    ] = TUNE.max_size,
    crop: Annotated[
        int | None, option("Sides of the part of a frame that a step sees: larger, slower, steadier.", STEPS)
    ] = TUNE.crop,
    flow: Annotated[
        str | None, option("Folder of flows, .npz or .flo; where not given, OpenCV finds them.", CLIPS)
    ] = TUNE.flow,
    steps: Annotated[int, option("Length of the training.", STEPS)] = TUNE.steps,
    optimizer: Annotated[
        Optimizer, option("adamw, or muon for matrices and kernels and adamw for the rest.", STEPS)
    ] = TUNE.optimizer,
    learning_rate: Annotated[float, option("At the end of the warm-up.", STEPS)] = TUNE.learning_rate,
    anchor_weight: Annotated[
        float, option("How much it counts to stay as before, against flicker.", STEPS)
    ] = TUNE.anchor_weight,
    contrast_weight: Annotated[
        float, option("How much it counts to be no flatter than before, against flicker.", STEPS)
    ] = TUNE.contrast_weight,
    scenes: Annotated[
        str | None, option("Folder of scenes with true maps, learnt from beside the clips.", CLIPS)
    ] = TUNE.scenes,
    scenes_target: Annotated[
        ScenesTarget, option("What the maps of --scenes are to be: their truth, or as they were before.", STEPS)
    ] = TUNE.scenes_target,
    scenes_weight: Annotated[
        float, option("How much the error of --scenes counts, against flicker.", STEPS)
    ] = TUNE.scenes_weight,
    vary: Annotated[
        bool, option("Show clips at other sizes, in other colours, with other noise: for more than these clips.", CLIPS)
    ] = TUNE.vary,
    warmup: Annotated[int, option("Steps until the full learning rate.", STEPS)] = TUNE.warmup,
    weight_decay: Annotated[float, option("Of matrices and kernels.", STEPS)] = TUNE.weight_decay,
    clip: Annotated[float, option("Longest gradient.", STEPS)] = TUNE.clip,
    ema: Annotated[float, option("What the running mean of the weights keeps of itself at a step.", STEPS)] = TUNE.ema,
    seed: Annotated[int, option("One seed, one run.", STEPS)] = TUNE.seed,
    least_contrast: Annotated[
        float, option("Of any map, as a share of what it was: a flatter one is held by a firmer anchor.", RUN)
    ] = TUNE.least_contrast,
    checkpoint_every: Annotated[int, option("Steps between checkpoints, each with a look at the contrast.", RUN)] = (
        TUNE.checkpoint_every
    ),
    on_exists: Annotated[OnExists, option("Where the output is there: error, skip or overwrite.", RUN)] = (
        TUNE.on_exists
    ),
    progress: Annotated[TrainProgressMode, option("How progress is shown.", RUN)] = "auto",
    json: Annotated[bool, option("JSON lines on stdout: as --progress json.", RUN, "--json")] = False,
    quiet: Annotated[bool, option("Say nothing but errors: as --progress none.", RUN, "--quiet", "-q")] = False,
    debug: Annotated[bool, option("Show tracebacks and the library's notes.", RUN, "--debug")] = False,
) -> int:
    """Steady a network on clips of your own, so that its maps flicker less; stopped, it goes on where it was."""
    mode = set_training_voice(progress, json=json, quiet=quiet, debug=debug)
    options = FinetuneOptions(
        model=model,
        maps=split_names(maps),
        train=train,
        steps=steps,
        optimizer=optimizer,
        learning_rate=learning_rate,
        anchor_weight=anchor_weight,
        contrast_weight=contrast_weight,
        scenes=scenes,
        scenes_target=scenes_target,
        scenes_weight=scenes_weight,
        vary=vary,
        warmup=warmup,
        weight_decay=weight_decay,
        clip=clip,
        ema=ema,
        max_size=max_size,
        crop=crop,
        flow=flow,
        least_contrast=least_contrast,
        dtype=dtype,
        device=device,
        seed=seed,
        checkpoint_every=checkpoint_every,
        on_exists=on_exists,
    )
    from ..train.finetuning import finetune as run_finetuning  # torch: after the arguments are known to be good

    with signals_noted() as noted, open_training_progress(mode, steps) as report:
        outcome = run_finetuning(clips, output, options, report, lambda: bool(noted))
    if noted and outcome is not None and not outcome.written:
        from .main import Interrupted

        raise Interrupted(noted[0])
    conclude(outcome, output)
    return 0


def conclude(outcome: "Outcome | None", output: Path) -> None:
    """Says what has come of the call."""
    if outcome is None or not outcome.written:
        if VOICE.json:
            emit("done", exit=0, written=False)
        if not VOICE.quiet and outcome is None:
            say(f"{output} is there already and is left as it is")
        elif not VOICE.quiet and outcome is not None:  # as another process of this run was told to
            say(f"{output} is not written yet: stopped at step {outcome.step} of {outcome.steps}; call again to go on")
        return
    from ..train.steadiness import shares

    flicker = shares(outcome.after.flicker, outcome.before.flicker)
    contrast = shares(outcome.after.contrast, outcome.before.contrast)
    if VOICE.json:
        left = {"flicker": flicker, "contrast": contrast}
        emit("done", exit=0, written=True, kept=outcome.kept, steps=outcome.steps, **left)
    elif not VOICE.quiet:
        say(f"{output} is written")
        for name, after in outcome.after.flicker.items():
            change = f"{outcome.before.flicker[name]:.4f} -> {after:.4f} ({flicker[name]:.0%})"
            step = f"step {outcome.kept[name]} of {outcome.steps}"
            say(f"  {name}: flicker {change}, contrast {contrast[name]:.0%}, {step}")
    if not VOICE.quiet and outcome.licence is not None and "non-commercial" in outcome.licence:
        say(f"{output}: as the weights it began with, {outcome.licence}")
