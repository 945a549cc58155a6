"""What `--dry-run` prints: what would be read, computed and written. Touches nothing."""

from fractions import Fraction
from typing import Any

import typer

from ..errors import WeightsNotHereError
from ..frames import fit_grid
from ..job import Plan, ShotPlan, locate_model, source_names
from ..model.config import ModelConfig
from ..windows import count_windows
from .console import VOICE, emit, one_line, write_errors_of_stdout


def print_plan(plan: Plan) -> None:
    """Prints the plan on stdout, as one JSON line where that was asked for."""
    described = describe_plan(plan)
    if VOICE.json:
        emit("plan", **described)
    else:
        with write_errors_of_stdout():
            typer.echo("\n".join(map(one_line, plan_lines(described))))


def describe_plan(plan: Plan) -> dict[str, Any]:
    """The plan as plain JSON values."""
    try:
        located = locate_model(plan.decompose, download=False)
    except WeightsNotHereError as error:
        model: dict[str, Any] = {"name": plan.decompose.model, "here": False, "note": str(error)}
        config = ModelConfig()  # the published one
    else:
        config = located.weights.config
        model = {
            "name": located.weights.name,
            "here": True,
            "path": str(located.weights.path),
            "device": str(located.device),
            "dtype": str(located.dtype).removeprefix("torch."),
        }
    return {
        "output": str(plan.output),
        "model": model,
        "maps": list(plan.decompose.maps),
        "formats": {name: plan.write.bits_of(name) for name in plan.write.format},
        "on_exists": plan.write.on_exists,
        "frames_to_do": plan.to_do,
        "shots": [describe_shot(shot, plan, config) for shot in plan.shots],
    }


def describe_shot(planned: ShotPlan, plan: Plan, config: ModelConfig) -> dict[str, Any]:
    """One shot of the plan."""
    options, shot = plan.decompose, planned.shot
    max_size = options.max_size or config.max_size
    height, width = fit_grid(shot.sizes, max_size=max_size, patch_size=config.patch_size)
    frames = planned.frames
    first, last = (frames[0], frames[-1]) if frames else ((None, None), (None, None))
    example = planned.outputs.frame_files(*(frames[0] if frames else (options.start_frame, shot.name)))
    movies = planned.outputs.movie_files().values()
    return {
        "name": shot.name,
        "kind": shot.kind,
        "sources": source_names(shot),
        "sizes": [list(size) for size in shot.sizes],
        "network_size": [width, height],
        "rate": None if shot.rate is None else str(shot.rate),
        "frames": None if frames is None else len(frames),
        "first_frame": first[0],
        "last_frame": last[0],
        "frames_to_do": planned.to_do,
        "window": options.window,
        "passes": None if frames is None else count_windows(len(frames), options.window),
        "first_files": [str(file.path) for file in example] + [str(path) for path in movies],
    }


def plan_lines(described: dict[str, Any]) -> list[str]:
    """The same for people."""
    model = described["model"]
    if model["here"]:
        lines = [f"model   {model['name']} ({model['path']}) on {model['device']} in {model['dtype']}"]
    else:
        lines = [f"model   {model['name']}: not on this machine yet: {model['note']}"]
    formats = ", ".join(f"{name} ({bits})" for name, bits in described["formats"].items())
    lines.append(f"output  {described['output']}: {', '.join(described['maps'])} as {formats}")
    for shot in described["shots"]:
        count = "an unknown number of" if shot["frames"] is None else shot["frames"]
        sizes = ", ".join(f"{width}x{height}" for width, height in shot["sizes"])
        numbers = "" if shot["first_frame"] is None else f" {shot['first_frame']}-{shot['last_frame']}"
        rate = "" if shot["rate"] is None else f" at {float(Fraction(shot['rate'])):.6g} fps"
        lines.append(f"shot    {shot['name']}: {shot['kind']}, {count} frames{numbers}, {sizes}{rate}")
        passes = "passes" if shot["passes"] is None else f"{shot['passes']} passes"
        width, height = shot["network_size"]
        lines.append(f"        {passes} of up to {shot['window']} frames at {width}x{height}")
        if shot["frames_to_do"] is not None and shot["frames_to_do"] != shot["frames"]:
            lines.append(f"        {shot['frames'] - shot['frames_to_do']} frames are there already and stay")
        lines += [f"        first: {path}" for path in shot["first_files"]]
    return lines
