"""The program: its commands, and how errors and signals become one line on stderr and an exit code.

Exit codes: 0 all is written; 1 failure; 2 usage; 3 frames are missing; 4 input; 5 weights or hub; 6 device memory;
7 output or disk; 129 SIGHUP; 130 SIGINT; 143 SIGTERM. The last line on stderr is the cause.
"""

import os
import signal
import sys
import traceback
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from .. import __version__
from ..errors import MvInverseError
from . import decompose, doctor, evaluate, finetune, inspect, scenes, train, weights
from .console import VOICE, complain, set_voice
from .ending import ENDING

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Video or photos in, material maps out: albedo, metallic, roughness, normal and diffuse shading per frame.",
)
app.command()(decompose.decompose)
app.command()(inspect.inspect)
app.command()(doctor.doctor)
app.command()(train.train)
app.command()(finetune.finetune)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(scenes.app, name="scenes")
app.add_typer(weights.app, name="weights")


def show_version(wanted: bool) -> None:
    """Prints the version and ends."""
    if wanted:
        typer.echo(f"mvinverse {__version__}")
        raise typer.Exit


@app.callback()
def before_any_command(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


class Interrupted(BaseException):
    """A signal asks the program to end. Not an Exception, so that nothing on the way takes it for a fault."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Signal handler: unwinds the main thread, which removes unfinished files on its way, whatever signals follow."""
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted(number)


def main(arguments: list[str]) -> int:
    """Runs the command that `arguments` name and returns the exit code; what went wrong is said on stderr."""
    set_voice()
    try:
        code = app(arguments, prog_name="mvinverse", standalone_mode=False)
        return code or 0
    except typer.TyperException as error:
        said = error.format_message().replace("Value error, ", "") or "no command given"
        context = getattr(error, "ctx", None)  # of the command whose options these are
        complain(f"{said} (see {context.command_path if context else 'mvinverse'} --help)", error.exit_code)
        return error.exit_code
    except (MvInverseError, Interrupted) as error:
        if VOICE.debug:
            traceback.print_exc()
        interrupted = isinstance(error, Interrupted)
        complain(f"interrupted by {error}; every file is whole" if interrupted else str(error), error.exit_code)
        return error.exit_code
    except Exception as error:  # a defect
        if VOICE.debug:
            raise
        complain(f"defect: {type(error).__name__}: {error}; please report it with what --debug shows", 1)
        return 1


def run() -> NoReturn:
    """The console script."""
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere  # closed by whoever started the program
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # names that the locale has no letters for
        for number in ENDING:
            signal.signal(number, interrupt)
        code = main(sys.argv[1:])
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
    # not sys.exit: it would wait for a network pass that an interrupt has left behind in its thread
    os._exit(code)
