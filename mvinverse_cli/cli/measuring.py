"""What all commands of `mvinverse evaluate` share: flags, the network, progress, and where a result goes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import rich.progress
import typer

from ..color import Transfer
from ..errors import EvaluationError, OptionError, OutputError
from ..options import DtypeName, EvaluateOptions
from ..protocols import MeasureOptions
from .console import STDERR, VOICE, complain, emit, say, set_voice, tell
from .progress import counting_bar

if TYPE_CHECKING:
    from ..evaluate.result import Report, Result
    from ..model.mvinverse import MVInverse

INCOMPLETE = 3  # exit code: what was left out leaves less than was asked for
PICKS = 4  # worst pictures on the contact sheet, and as many best
NO_MODEL = "none"
PACKAGES = {"skimage": "scikit-image", "scipy": "scipy"}

Device = Annotated[str, typer.Option(help="auto, cuda, cuda:1, mps or cpu.")]
Dtype = Annotated[DtypeName, typer.Option(help="auto: half on a GPU, float32 on the CPU.")]
Model = Annotated[str, typer.Option(help="small, official, a .safetensors file, a folder, owner/name on the hub.")]
MaxSize = Annotated[
    int | None, typer.Option(help="Long side in pixels that the network sees; else as its weights say.")
]
Looks = Annotated[
    int | None, typer.Option(help="1, or 2: each picture smaller and mirrored as well; else as its weights say.")
]
InputTransfer = Annotated[
    Transfer | None, typer.Option(help="What the network is shown: srgb or linear; else as its weights say.")
]
Json = Annotated[Path | None, typer.Option("--json", help="File for every figure, as JSON.")]
Markdown = Annotated[Path | None, typer.Option(help="File for the tables, as Markdown.")]
Sheet = Annotated[Path | None, typer.Option(help="PNG file for the worst and the best pictures.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks and the library's notes.")]


@dataclass(frozen=True)
class Files:
    """Where a result goes besides stdout; a file that is there is replaced."""

    json: Path | None
    markdown: Path | None
    sheet: Path | None

    def check(self) -> None:
        """Raises OptionError where two are one, OutputError where one cannot be written: before hours of measuring, not
        after."""
        from ..outputs.check import check_folder
        from ..outputs.whole import write_errors

        paths = [path for path in (self.json, self.markdown, self.sheet) if path is not None]
        for path in paths:
            if paths.count(path) > 1:
                raise OptionError(f"{path}: one file for two of --json, --markdown and --sheet; choose another for one")
            check_folder(path.parent)
            with write_errors(path):
                is_folder = path.is_dir()
            if is_folder:
                raise OutputError(f"{path}: is a folder, and the name of a file is wanted; choose another")


def prepare(
    options: EvaluateOptions, files: Files, *, quiet: bool, debug: bool, needs: Mapping[str, str] | None = None
) -> None:
    """Chooses what is said, and finds what stands in the way before anything slow is imported.

    needs: packages that this protocol needs beside those that all do, by their modules.
    """
    set_voice(quiet=quiet, debug=debug)
    if options.model == NO_MODEL and files.sheet is not None:
        raise OptionError(f"--sheet {files.sheet}: shows what a model made, and --model is none")
    if options.model == NO_MODEL and isinstance(options, MeasureOptions):
        raise OptionError("--model none: there is nothing to measure without a model; only `scenes` has baselines")
    files.check()
    wanted = PACKAGES | dict(needs or {})
    missing = [package for module, package in wanted.items() if find_spec(module) is None]
    if missing:
        raise EvaluationError(f"{', '.join(missing)}: not installed; run pip install 'mvinverse[evaluate]'")


def run(data: Path, options: EvaluateOptions, files: Files, measure: Callable[..., "Result"]) -> int:
    """Loads the network, measures, prints and writes what came of it; returns the exit code.

    measure: a protocol, called with `data`, `options`, and by name with `model`, `report` and `picks`.
    """
    network, about = (None, {"model": NO_MODEL}) if options.model == NO_MODEL else load(options)
    with open_progress(VOICE.quiet) as report:
        picks = PICKS if files.sheet is not None else 0
        result = measure(named(data), options, model=network, report=report, picks=picks)
    show(result, {"protocol": result.protocol, "data": str(data), **asdict(options), **about}, files)
    return conclude(result)


def named(data: Path) -> Path:
    """`data` under a name of its own: clips and scenes are called by that of their folder, and `.` has none."""
    return data.resolve() if data.name in ("", "..") else data


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
def open_progress(quiet: bool) -> Iterator["Report"]:
    """A bar on a terminal, nothing elsewhere: what is to be told the stage, how many are done and their number."""
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


def show(result: "Result", about: Mapping[str, Any], files: Files) -> None:
    """The tables on stdout, and the files that are asked for, whether or not anybody reads the tables to their end."""
    from ..evaluate.table import as_terminal

    try:
        tell(as_terminal(result))
    finally:
        write_files(files, result, about)


def write_files(files: Files, result: "Result", about: Mapping[str, Any]) -> None:
    """Writes the files that are asked for."""
    from ..evaluate.table import as_json, as_markdown
    from ..outputs.whole import write_whole

    if files.json is not None:
        write_whole(files.json, as_json(result, about).encode(), "overwrite")
    if files.markdown is not None:
        write_whole(files.markdown, as_markdown(result, about).encode(), "overwrite")
    if files.sheet is not None:
        write_sheet(files.sheet, result)


def write_sheet(path: Path, result: "Result") -> None:
    """Writes the contact sheet as PNG."""
    from io import BytesIO

    from PIL import Image

    from ..evaluate.sheet import draw_sheet
    from ..outputs.whole import write_whole

    if not result.picks:
        say(f"mvinverse: {path}: not written, for there is no picture to show")
        return
    buffer = BytesIO()
    Image.fromarray(draw_sheet(result.picks, result.beside)).save(buffer, "PNG")
    write_whole(path, buffer.getvalue(), "overwrite")


def conclude(result: "Result") -> int:
    """Prints the result as one JSON line, says what came of the run and returns the exit code."""
    missed = [check.name for check in result.checks if not check.passed]
    if result.protocol == "scenes":
        told = [check.told() for check in result.checks]
        emit("checks", scenes=result.counts["scenes"], missed=len(missed), checks=told)
    else:
        left_out = {"broken": len(result.broken), "lost": len(result.lost)}
        emit("figures", protocol=result.protocol, **result.counts, **left_out, rows=result.rows)
    if result.is_incomplete:
        count, measured = len(result.broken), result.counts[result.unit]
        path, reason = [*result.broken, *result.lost][0]
        said = f"{count} of {measured + count} {result.unit} are broken" if count else "frames are left out"
        why = reason if count else f"{path}: {reason}"  # what is broken says so in errors, which name the file
        complain(f"{said}: {why}", INCOMPLETE)
        return INCOMPLETE
    if result.checks and not VOICE.quiet:
        say(
            f"{len(result.checks) - len(missed)} of {len(result.checks)} checks met"
            + (f"; missed: {', '.join(missed)}" if missed else "")
        )
    return 0
