"""Where words go. stdout carries data only; notes, warnings and errors are single lines on stderr."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console

from ..errors import OutputError


@dataclass
class Voice:
    """How the command under way wants to be told of things."""

    quiet: bool = False  # errors alone
    json: bool = False  # events as JSON lines on stdout as well
    debug: bool = False  # tracebacks and the library's own notes


class WordsConsole(Console):
    """stderr, where words go for as long as somebody takes them: they are no reason to end a run."""

    def on_broken_pipe(self) -> None:
        """The reader has gone. Rich itself would close stdout as well, and exit."""
        self.quiet = True

    def _check_buffer(self) -> None:
        """Writes what there is, a bar's lines too. Rich lets other errors than that one through: a terminal that was
        closed, a full disk."""
        try:
            super()._check_buffer()
        except OSError:
            self.quiet = True


VOICE = Voice()
STDERR = WordsConsole(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def one_line(text: str) -> str:
    """`text` on a single line; a file name may hold a newline."""
    return "\\n".join(text.splitlines())


def say(text: str) -> None:
    """A note on stderr; a progress bar that is up makes room for it. Where stderr cannot be written, nothing is said
    any more."""
    STDERR.print(one_line(text))


def complain(message: str, exit_code: int) -> None:
    """The last line on stderr: why the program ends with `exit_code`."""
    if VOICE.json:
        with suppress(OutputError):  # that stdout cannot be written is not the cause
            emit("error", exit=exit_code, message=message)
    say(f"mvinverse: error: {message}")


@contextmanager
def write_errors_of_stdout() -> Iterator[None]:
    """Turns what goes wrong on stdout, a full disk behind it or a reader that has gone, into an OutputError."""
    try:
        yield
    except OSError as error:
        VOICE.json = False  # there is nobody to tell
        raise OutputError(f"stdout cannot be written: {error.strerror or error}") from error


def tell(text: str) -> None:
    """Data on stdout, and a newline."""
    with write_errors_of_stdout():
        typer.echo(text)


def emit(event: str, **values: Any) -> None:
    """One JSON line on stdout."""
    tell(json.dumps({"event": event, **values}))


class LogLines(logging.Handler):
    """The library's log as lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Notes as they are, warnings by name."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        say(f"mvinverse: {level}{record.getMessage()}")


def set_voice(*, quiet: bool = False, json: bool = False, debug: bool = False) -> None:
    """Chooses what is said from now on."""
    VOICE.quiet, VOICE.json, VOICE.debug = quiet, json, debug
    level = logging.DEBUG if debug else logging.ERROR if quiet else logging.INFO
    package = logging.getLogger("mvinverse_cli")
    package.setLevel(level)
    package.handlers = [LogLines()]
    # tifffile names each odd tag of a file, several times over; whether the picture can be read is said once, by us
    logging.getLogger("tifffile").setLevel(logging.DEBUG if debug else logging.CRITICAL)
