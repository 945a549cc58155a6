"""`mvinverse evaluate PROTOCOL`: figures of a model where something is known; tables on stdout, one JSON line last."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import EvaluateOptions
from .measuring import Debug, Device, Dtype, Files, Json, Markdown, Quiet, Sheet, prepare, run

if TYPE_CHECKING:
    from ..evaluate.result import Report, Result
    from ..model.mvinverse import MVInverse

EVALUATE = EvaluateOptions()

app = typer.Typer(no_args_is_help=True, help="Score a model where something of the truth is known.")


@app.callback()
def evaluate() -> None:
    """One command for each protocol; docs/evaluation.md defines them."""


@app.command()
def scenes(
    data: Annotated[Path, typer.Option(help="Folder of scenes, as `mvinverse scenes render` writes it.")],
    model: Annotated[
        str,
        typer.Option(
            help="small, official, a .safetensors file, a folder, owner/name on the hub; none: the baselines alone."
        ),
    ] = EVALUATE.model,
    device: Device = EVALUATE.device,
    dtype: Dtype = EVALUATE.dtype,
    limit: Annotated[int | None, typer.Option(help="Take the first so many scenes.")] = EVALUATE.limit,
    json: Json = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Score rendered scenes: all five maps, their agreement across views, and what they rebuild.

    Rows: the model with all views of a scene in one pass, with one view at a time, and the baselines. Replaces the
    files named. The last line on stdout is JSON: each check of what a model must show, with its margin.
    """
    options = EvaluateOptions(model=model, device=device, dtype=dtype, limit=limit)
    files = Files(json, markdown, sheet)
    prepare(options, files, quiet=quiet, debug=debug)
    from ..evaluate.scenes import evaluate_scenes  # numpy, scipy and torch: after the arguments are known to be good
    from ..evaluate.verdicts import report as as_result

    def measure(network: "MVInverse | None", report: "Report", picks: int) -> "Result":
        return as_result(evaluate_scenes(data, options, model=network, report=report, picks=picks))

    return run(data, options, files, measure, {})
