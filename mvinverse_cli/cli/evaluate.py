"""`mvinverse evaluate PROTOCOL`: figures of a model beside those of baselines; tables on stdout, checks last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import rich.progress
import typer

from ..errors import EvaluationError, OptionError
from ..options import DtypeName, EvaluateOptions
from .console import STDERR, VOICE, complain, emit, say, set_voice
from .progress import counting_bar

if TYPE_CHECKING:
    from ..evaluate.scenes import Evaluation
    from ..model.mvinverse import MVInverse

INCOMPLETE = 3  # exit code: many scenes are broken
PICKS = 4  # worst pictures on the contact sheet, and as many best
NO_MODEL = "none"
PACKAGES = {"skimage": "scikit-image", "scipy": "scipy"}

EVALUATE = EvaluateOptions()

app = typer.Typer(no_args_is_help=True, help="Score a model and the baselines where the truth is known.")


@app.callback()
def evaluate() -> None:
    """One command for each protocol."""


@app.command()
def scenes(
    data: Annotated[Path, typer.Option(help="Folder of scenes, as `mvinverse scenes render` writes it.")],
    model: Annotated[
        str,
        typer.Option(
            help="small, official, a .safetensors file, a folder, owner/name on the hub; none: the baselines alone."
        ),
    ] = EVALUATE.model,
    device: Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")] = EVALUATE.device,
    dtype: Annotated[DtypeName, typer.Option(help="auto: half on a GPU, float32 on the CPU.")] = EVALUATE.dtype,
    limit: Annotated[int | None, typer.Option(help="Take the first so many scenes.")] = EVALUATE.limit,
    json: Annotated[Path | None, typer.Option(help="File for every figure, as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="File for the tables, as Markdown.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="PNG file for the worst and the best pictures.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and the library's notes.")] = False,
) -> int:
    """Score rendered scenes: all five maps, their agreement across views, and what they rebuild.

    Rows: the model with all views of a scene in one pass, with one view at a time, and the baselines. Replaces the
    files named. The last line on stdout is JSON: each check of what a model must show, with its margin.
    """
    set_voice(quiet=quiet, debug=debug)
    options = EvaluateOptions(model=model, device=device, dtype=dtype, limit=limit)
    if sheet is not None and model == NO_MODEL:
        raise OptionError(f"--sheet {sheet}: shows what a model made, and --model is none")
    check_packages()
    from ..evaluate.scenes import evaluate_scenes  # numpy, scipy and torch: after the arguments are known to be good
    from ..evaluate.table import as_json, as_markdown, as_terminal
    from ..outputs.whole import write_whole

    network, about = (None, {"model": NO_MODEL}) if model == NO_MODEL else load(options)
    about = {"protocol": "scenes", "data": str(data), "limit": limit, **about}
    with open_progress(quiet) as report:
        evaluation = evaluate_scenes(
            data, options, model=network, report=report, picks=PICKS if sheet is not None else 0
        )
    typer.echo(as_terminal(evaluation))
    if json is not None:
        write_whole(json, as_json(evaluation, about).encode(), "overwrite")
    if markdown is not None:
        write_whole(markdown, as_markdown(evaluation, about).encode(), "overwrite")
    if sheet is not None:
        write_sheet(sheet, evaluation)
    return conclude(evaluation)


def check_packages() -> None:
    """Raises EvaluationError where a package that only evaluation needs is missing."""
    missing = [package for module, package in PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise EvaluationError(f"{', '.join(missing)}: not installed; run pip install 'mvinverse[evaluate]'")


def load(options: EvaluateOptions) -> tuple["MVInverse", dict[str, Any]]:
    """The network, and what identifies it."""
    from ..model.checkpoint import load_weights
    from ..model.device import choose_device, choose_dtype
    from ..model.weights import choose_name, find_weights, hash_of

    device = choose_device(options.device)
    weights = find_weights(choose_name(options.model, device.type))
    dtype = choose_dtype(options.dtype, device)
    about = {
        "model": weights.name,
        "revision": weights.revision,
        "sha256": hash_of(weights),
        "device": device.type,
        "dtype": str(dtype).removeprefix("torch."),
    }
    return load_weights(weights, device, dtype), about


@contextmanager
def open_progress(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, nothing elsewhere: what is to be told the stage, the scenes done and their number."""
    if quiet or not STDERR.is_terminal:
        yield lambda stage, done, total: None
        return
    with counting_bar() as bar:
        tasks: dict[str, rich.progress.TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage)
            bar.update(tasks[stage], completed=done, total=total)

        yield report


def write_sheet(path: Path, evaluation: "Evaluation") -> None:
    """Writes the contact sheet as PNG."""
    from io import BytesIO

    from PIL import Image

    from ..evaluate.sheet import draw_sheet
    from ..outputs.whole import write_whole

    buffer = BytesIO()
    Image.fromarray(draw_sheet(evaluation.picks)).save(buffer, "PNG")
    write_whole(path, buffer.getvalue(), "overwrite")


def conclude(evaluation: "Evaluation") -> int:
    """Prints the checks as one JSON line, says what came of the run and returns the exit code."""
    from ..evaluate.verdicts import check_all

    checks = check_all(evaluation)
    missed = [check.name for check in checks if not check.passed]
    emit("checks", scenes=evaluation.scenes, missed=len(missed), checks=[check.told() for check in checks])
    if evaluation.too_many_broken:
        path, reason = evaluation.broken[0]
        total = evaluation.scenes + len(evaluation.broken)
        complain(f"{len(evaluation.broken)} of {total} scenes are broken: {path}: {reason}", INCOMPLETE)
        return INCOMPLETE
    if checks and not VOICE.quiet:
        say(
            f"{len(checks) - len(missed)} of {len(checks)} checks met"
            + (f"; missed: {', '.join(missed)}" if missed else "")
        )
    return 0
