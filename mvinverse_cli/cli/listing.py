"""`--print-outputs`: the path of every file of a run on stdout, one a line, as soon as it is complete."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import MvInverseError
from .console import write_errors_of_stdout
from .progress import Report

if TYPE_CHECKING:  # the job brings the codecs with it, which --help does without
    from ..job.planning import Plan
    from ..job.run import Progress


@contextmanager
def listed(plan: "Plan", report: Report) -> Iterator[Report]:
    """`report` with a listing beside it, for the block: what is kept first, once a frame is done or all of them are
    kept (a run that is refused keeps nothing of its own), the files of a frame when it is done, the movies of a shot
    when they have their names."""
    names = {planned.shot.name: dict(planned.frames) for planned in plan.shots}
    outputs = {planned.shot.name: planned.outputs for planned in plan.shots}
    movies = [(planned, file) for planned in plan.shots for file in planned.outputs.movie_files()]
    kept_movies = {file.path for planned, file in movies if file.format in planned.standing.movies_done}
    listed_movies = set(kept_movies)
    earlier = {file.path: look(file.path) for _, file in movies}
    is_kept_listed = False

    def list_kept() -> None:
        nonlocal is_kept_listed
        if is_kept_listed:
            return
        is_kept_listed = True
        for planned in plan.shots:
            for number, name in planned.frames:
                if not planned.standing.needs(number):
                    print_paths(file.path for file in planned.outputs.frame_files(number, name))
        print_paths(file.path for _, file in movies if file.path in kept_movies)

    def list_movies() -> None:
        """Those that were named since: one of an earlier run may lie where this run came to nothing."""
        for _, file in movies:
            if file.path not in listed_movies and look(file.path) not in (None, earlier[file.path]):
                listed_movies.add(file.path)
                print_paths([file.path])

    def report_and_list(progress: "Progress") -> None:
        list_kept()
        list_movies()
        files = outputs[progress.shot].frame_files(progress.number, names[progress.shot][progress.number])
        print_paths(file.path for file in files)
        report(progress)

    try:
        yield report_and_list
    except BaseException:
        with suppress(MvInverseError):  # what ended the run is the news
            list_movies()
        raise
    list_kept()
    list_movies()


def look(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of its name; None where there is none."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns


def print_paths(paths: Iterable[Path]) -> None:
    """Names as the disk has them, whatever the locale."""
    with write_errors_of_stdout():
        for path in paths:
            typer.echo(os.fsencode(path) + b"\n", nl=False)
