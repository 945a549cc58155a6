"""`mvinverse doctor`: says what of a run's needs this machine has, and what to do about the rest."""

import json as json_text
from pathlib import Path
from typing import Annotated

import typer

from .console import one_line, set_voice, write_errors_of_stdout
from .values import AN_OUTPUT

FAILED = 1  # exit code


def doctor(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder that is to be written to.", **AN_OUTPUT)
    ] = Path("out"),
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and the library's notes.")] = False,
) -> int:
    """Check device, versions, codecs, weights, cache, hub, disk and LLVM; exit 1 where something is to be done."""
    set_voice(debug=debug)
    from ..doctor import examine  # torch and codecs: after the arguments are known to be good

    code = 0
    for finding in examine(output):
        text = f"{'ok ' if finding.passed else 'RED'}  {finding.name}: {finding.said}"
        if not finding.passed:
            text, code = f"{text}; {finding.advice}", FAILED
        values = {"check": finding.name, "ok": finding.passed, "said": finding.said, "advice": finding.advice}
        with write_errors_of_stdout():
            typer.echo(json_text.dumps(values) if json else one_line(text))
    return code
