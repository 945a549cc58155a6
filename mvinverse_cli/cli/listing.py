"""`--print-outputs`: the path of every file of a run on stdout, one a line, as soon as it is complete."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .console import write_errors_of_stdout
from .progress import Report

if TYPE_CHECKING:  # the job brings the codecs with it, which --help does without
    from ..job.planning import Plan
    from ..job.run import Progress


@contextmanager
def listed(plan: "Plan", report: Report) -> Iterator[Report]:
    """`report` with a listing beside it, for the block: files that are kept first, those of a frame when it is done,
    movies at the end."""
    names = {planned.shot.name: dict(planned.frames) for planned in plan.shots}
    outputs = {planned.shot.name: planned.outputs for planned in plan.shots}
    for planned in plan.shots:
        for number, name in planned.frames:
            if not planned.standing.needs(number):
                print_paths(file.path for file in planned.outputs.frame_files(number, name))

    def report_and_list(progress: "Progress") -> None:
        files = outputs[progress.shot].frame_files(progress.number, names[progress.shot][progress.number])
        print_paths(file.path for file in files)
        report(progress)

    yield report_and_list
    for shot in outputs.values():
        print_paths(file.path for file in shot.movie_files() if file.path.exists())


def print_paths(paths: Iterable[Path]) -> None:
    """Names as the disk has them, whatever the locale."""
    with write_errors_of_stdout():
        for path in paths:
            typer.echo(os.fsencode(path) + b"\n", nl=False)
