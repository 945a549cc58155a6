"""`mvinverse weights`: what weights there are, fetching and checking them, and what can be made of them."""

from pathlib import Path
from typing import Annotated

import typer

from ..checks import check_at_least, check_weights_name
from ..errors import OutputError, WeightsError
from ..maps import SPECS
from .console import complain, say, tell
from .measuring import INCOMPLETE, open_progress
from .values import AN_OUTPUT, parse_numbers, split_names

app = typer.Typer(no_args_is_help=True, help="List, fetch, locate, verify, average and calibrate weights.")

Name = Annotated[str, typer.Argument(help="small, official, auto, a file, a folder, or owner/name@revision on the hub")]


@app.command("list")
def list_weights() -> None:
    """Show the named weights: on this machine or not, size, licence, where from. Makes no request."""
    from ..model.weights import KNOWN, find_weights

    rows = [("NAME", "HERE", "SIZE", "LICENCE", "FROM")]
    for known in KNOWN:
        try:
            size = find_weights(known.name, download=False).path.stat().st_size
            here = ("yes", f"{size / 1e6:.0f} MB")
        except WeightsError:
            here = ("no", "-")
        rows.append((known.name, *here, known.licence, known.source))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        tell("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def pull(
    names: Annotated[list[str] | None, typer.Argument(help="weights to fetch; official where none is named")] = None,
) -> None:
    """Fetch weights into the hub's cache, check them, and print where each file lies."""
    from ..model.weights import find_weights

    for name in names or ["official"]:
        tell(str(find_weights(named(name)).path))


@app.command()
def path(name: Name) -> None:
    """Print where the file of weights lies. Makes no request."""
    from ..model.weights import find_weights

    tell(str(find_weights(named(name), download=False).path))


@app.command()
def verify(name: Name) -> None:
    """Hash the file again, try it against the network, and look for broken numbers; a line for each check."""
    from ..model.verify import verify_weights
    from ..model.weights import find_weights

    failed = []
    for check in verify_weights(find_weights(named(name), download=False)):
        tell(f"{'ok' if check.passed else 'FAILED'}  {check.name}: {check.said}")
        if not check.passed:
            failed.append(check.name)
    if failed:
        raise WeightsError(f"weights {name}: {', '.join(failed)} failed")


@app.command()
def mean(
    names: Annotated[list[str], typer.Argument(help="two weights or more of one network, named as --model takes them")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The weights to be written, a .safetensors file.", **AN_OUTPUT)
    ],
    shares: Annotated[
        str, typer.Option(help="How much each counts, by commas, as 2,1,1; all alike where not given.")
    ] = "",
) -> None:
    """Write the mean of weights, number by number: of trainings that began alike it is often better than each."""
    check_new(output)
    counts = parse_numbers("--shares", shares)
    from ..model.mean import write_mean
    from ..model.weights import find_weights

    write_mean([find_weights(named(name), download=False) for name in names], counts, output)
    tell(str(output))


@app.command()
def calibrate(
    name: Annotated[str, typer.Argument(help="weights, named as --model takes them")],
    data: Annotated[
        Path, typer.Option(help="Folder of scenes that the weights were not trained on, nor are judged by.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The weights to be written, a .safetensors file.", **AN_OUTPUT)
    ],
    maps: Annotated[list[str] | None, typer.Option(help="Maps to calibrate, by commas; all but normal.")] = None,
    limit: Annotated[int | None, typer.Option(help="Take the first so many scenes.")] = None,
) -> int:
    """Write weights whose maps are as far from one half as scenes with true maps allow: as sure of metal, as light and
    dark. What they call metal stays nearly the same."""
    check_new(output)
    if limit is not None:
        check_at_least("--limit", limit, 1)
    from ..evaluate.calibration import CALIBRATED, check_calibrated
    from ..evaluate.calibration import calibrate as write_calibrated
    from ..model.weights import find_weights

    chosen = check_calibrated(CALIBRATED if maps is None else split_names(maps))
    weights = find_weights(named(name), download=False)
    with open_progress(quiet=False) as report:
        done = write_calibrated(weights, data, output, maps=chosen, limit=limit, report=report)
    for map_name, fit in done.fits.items():
        error, digits = ("RMSE", 4) if SPECS[map_name].kind == "data" else ("PSNR", 2)
        found = f"{error} {fit.before:.{digits}f} before, {fit.after:.{digits}f} now"
        sides = "" if fit.below == fit.above else f" under one half and {fit.above:.2f} over it"
        say(f"logits of {map_name} times {fit.below:.2f}{sides}: {found}")
    tell(str(output))
    if not done.many_broken:
        return 0
    complain(f"{len(done.broken)} of {done.scenes} scenes are broken: {done.broken[0][1]}", INCOMPLETE)
    return INCOMPLETE


def check_new(output: Path) -> None:
    """Raises OptionError where weights cannot have that name, OutputError where something has it, or where its folder
    cannot be written to."""
    check_weights_name(output)
    from ..outputs.check import check_folder
    from ..outputs.whole import write_errors

    with write_errors(output):
        is_there = output.is_symlink() or output.exists()
    if is_there:
        raise OutputError(f"{output}: is there already; choose another name, or remove it")
    check_folder(output.parent)


def named(name: str) -> str:
    """`auto` as the name it stands for on this machine; others as they are."""
    if name != "auto":
        return name
    from ..model.device import choose_device
    from ..model.weights import choose_name

    return choose_name(name, choose_device("auto").type)
