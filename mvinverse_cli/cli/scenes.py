"""`mvinverse scenes`: renders scenes to train on and to measure with."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import rich.progress
import typer

from ..options import RenderDevice, RenderOptions
from ..sizes import show_count
from .console import STDERR, emit, say, set_voice
from .progress import PLAIN_SECONDS, clock
from .values import AN_OUTPUT

app = typer.Typer(no_args_is_help=True, help="Render procedural scenes with true maps.")

RENDER = RenderOptions()


@app.callback()
def before_any_command() -> None:
    """Render procedural scenes with true maps, to train on and to measure with."""


@app.command()
def render(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of scenes; those that are there stay.", **AN_OUTPUT)
    ],
    count: Annotated[int, typer.Option("-n", "--count", help="Number of scenes, one per seed.")] = RENDER.count,
    first_seed: Annotated[int, typer.Option(help="Seed of the first scene.")] = RENDER.first_seed,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Scenes to measure with: layouts, things and patterns of their own.")
    ] = RENDER.held_out,
    samples: Annotated[int, typer.Option(help="Paths of a pixel, before denoising.")] = RENDER.samples,
    size: Annotated[
        int, typer.Option(help="Side of a square with as many pixels as a picture has; aspect ratios vary.")
    ] = RENDER.size,
    jobs: Annotated[int, typer.Option("-j", "--jobs", help="Processes; 0: one per core.")] = RENDER.jobs,
    device: Annotated[
        RenderDevice, typer.Option(help="What traces rays: cpu, or cuda, an NVIDIA GPU.")
    ] = RENDER.device,
    json: Annotated[bool, typer.Option("--json", help="JSON lines on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and the library's notes.")] = False,
) -> None:
    """Render scenes, a folder each: four views as layered EXR with albedo, metallic, roughness, normal, shading, depth.

    A seed makes the same scene again. An interrupted run goes on where it was.
    """
    set_voice(quiet=quiet, json=json, debug=debug)
    options = RenderOptions(
        count=count, first_seed=first_seed, held_out=held_out, samples=samples, size=size, jobs=jobs, device=device
    )
    from ..scenes.render import render_scenes

    began = time.monotonic()
    done = 0
    for path in told(render_scenes(output, options), count, quiet=quiet):
        done += 1
        if json:
            emit("scene", path=str(path), done=done)
    if json:
        emit("done", scenes=done, seconds=round(time.monotonic() - began, 1))
    elif not quiet:
        rendered = f"{show_count(done, 'scene')} rendered"
        there = f"{count - done} {'was' if count - done == 1 else 'were'} there"
        say(f"{output}: {rendered} in {clock(time.monotonic() - began)}, {there}")


def told(paths: Iterable[Path], count: int, *, quiet: bool) -> Iterator[Path]:
    """`paths` as they come, with a bar on a terminal and a line now and then elsewhere."""
    began = last = time.monotonic()
    with rich.progress.Progress(console=STDERR, disable=quiet or not STDERR.is_terminal) as bar:
        task = bar.add_task("scenes", total=count)
        for done, path in enumerate(paths, start=1):
            bar.update(task, advance=1, description=path.name)
            now = time.monotonic()
            if not quiet and not STDERR.is_terminal and now - last >= PLAIN_SECONDS:
                pace = f"{3600 * done / (now - began):.0f} per hour"
                say(f"Progress: scene {path.name} ({done} of at most {count})  {pace}")
                last = now
            yield path
