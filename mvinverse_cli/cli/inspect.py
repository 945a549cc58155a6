"""`mvinverse inspect`: prints what a file or an output folder holds."""

import json as json_text
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .console import one_line, set_voice, write_errors_of_stdout


def inspect(
    path: Annotated[
        Path,
        typer.Argument(
            help="An output folder, an EXR, PNG or TIFF, a movie, or weights (.safetensors).", show_default=False
        ),
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and the library's notes.")] = False,
) -> None:
    """Show what a file or an output folder holds: maps, ranges, colour contract, model, options, missing frames."""
    set_voice(debug=debug)
    from ..inspection import inspect_path  # codecs: after the arguments are known to be good

    found = inspect_path(path)
    text = json_text.dumps(found) if json else "\n".join(map(one_line, lines_of(found)))
    with write_errors_of_stdout():
        typer.echo(text)


def lines_of(values: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Names and values, one a line, indented where they lie in each other; what is empty is `-`."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield f"{indent}{name}"
            yield from lines_of(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, entry in enumerate(value, 1):
                yield f"{indent}{name} {place}"
                yield from lines_of(entry, indent + "  ")
        else:
            shown = " ".join(map(str, value)) if isinstance(value, list) else value
            yield f"{indent}{name}: {'-' if shown in (None, '', {}) else shown}"
