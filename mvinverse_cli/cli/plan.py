"""What `--dry-run` prints: what would be read, computed and written. Touches nothing."""

from fractions import Fraction
from typing import Any

import typer

from ..errors import WeightsNotHereError
from ..job.locate import Located, locate_model
from ..job.planning import Plan, ShotPlan
from ..job.run import open_books
from ..model.config import ModelConfig
from ..options import DecomposeOptions
from ..outputs import load_manifest
from ..shot.layout import PassPlan, plan_passes
from ..sizes import show_bytes, show_count
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
    """The plan as plain JSON values. Raises OutputError where the run would be refused for what is there."""
    options = plan.decompose
    located: Located | None = None
    try:
        located = locate_model(options, download=False)
    except WeightsNotHereError as error:
        from ..model.device import choose_device, choose_dtype  # torch, which other commands do without

        model: dict[str, Any] = {"name": options.model, "here": False, "note": str(error)}
        config, device = ModelConfig(), choose_device(options.device)  # the published one
        dtype = choose_dtype(options.dtype, device)
    else:
        config, device, dtype = located.weights.config, located.device, located.dtype
        model = {
            "name": located.weights.name,
            "here": True,
            "path": str(located.weights.path),
            "device": str(located.device),
            "dtype": str(located.dtype).removeprefix("torch."),
        }
    passes = [plan_passes(shot.layout, config, device, dtype, options) for shot in plan.shots]
    if located is not None and not plan.is_stream:
        open_books(plan, located, passes, load_manifest(plan.output))  # what the run would refuse
    return {
        "output": str(plan.output),
        "model": model,
        "maps": list(plan.decompose.maps),
        "formats": {"nut" if plan.is_stream else name: plan.write.bits_of(name) for name in plan.write.format},
        "on_exists": plan.write.on_exists,
        "frames_to_do": plan.to_do,
        "shots": [
            describe_shot(shot, options, config, sizes) | ({"first_files": []} if plan.is_stream else {})
            for shot, sizes in zip(plan.shots, passes, strict=True)
        ],
    }


def describe_shot(
    planned: ShotPlan, options: DecomposeOptions, config: ModelConfig, passes: PassPlan
) -> dict[str, Any]:
    """One shot of the plan."""
    shot, layout, frames = planned.shot, planned.layout, planned.frames
    height, width = layout.network_size(config, options)
    example = planned.outputs.frame_files(*frames[0])
    movies = planned.outputs.movie_files()
    return {
        "name": shot.name,
        "kind": shot.kind,
        "sources": list(map(str, shot.sources)),
        "sizes": [list(size) for size in shot.sizes],
        "pixel_aspect": shot.pixel_aspect,
        "network_size": [width, height],
        "rate": None if shot.rate is None else str(shot.rate),
        "frames": len(frames),
        "first_frame": frames[0][0],
        "last_frame": frames[-1][0],
        "frames_to_do": planned.to_do,
        "cuts": [layout.choice.number(position) for position in layout.cuts],
        "exposure": layout.exposure,
        "passes": layout.count_passes(passes.windows, options.maps),
        "largest_pass": layout.largest_pass(passes.windows),
        "anchors": options.anchors,
        "overlap": options.overlap,
        "peak_bytes": passes.peak_bytes,
        "first_files": [str(file.path) for file in example] + [str(movie.path) for movie in movies],
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
        sizes = ", ".join(f"{width}x{height}" for width, height in shot["sizes"])
        first, last = shot["first_frame"], shot["last_frame"]
        numbers = f"{first}-{last}" if last > first else str(first)
        rate = "" if shot["rate"] is None else f" at {float(Fraction(shot['rate'])):.6g} fps"
        frames = show_count(shot["frames"], "frame")
        aspect = "" if shot["pixel_aspect"] == 1 else f", pixels {shot['pixel_aspect']:g} times as wide as high"
        lines.append(f"shot    {shot['name']}: {shot['kind']}, {frames} {numbers}, {sizes}{aspect}{rate}")
        if shot["cuts"]:
            at = f"at frame{'s' if len(shot['cuts']) > 1 else ''} {', '.join(map(str, shot['cuts']))}"
            lines.append(f"        {show_count(len(shot['cuts']), 'cut')}, {at}")
        if shot["exposure"]:
            lines.append(f"        shown to the network at {shot['exposure']:+g} EV")
        width, height = shot["network_size"]
        passes = f"{show_count(shot['passes'], 'pass')} of up to {show_count(shot['largest_pass'], 'frame')}"
        memory = show_bytes(shot["peak_bytes"])
        lines.append(f"        {passes} at {width}x{height}, expected peak memory {memory}")
        kept = shot["frames"] - shot["frames_to_do"]
        if kept:
            verbs = "is there already and stays" if kept == 1 else "are there already and stay"
            lines.append(f"        {show_count(kept, 'frame')} {verbs}")
        lines += [f"        first: {path}" for path in shot["first_files"]]
    return lines
