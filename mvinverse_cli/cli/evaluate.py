"""`mvinverse evaluate PROTOCOL`: figures of a model where something is known; tables on stdout, one JSON line last."""

from pathlib import Path
from typing import Annotated

import typer

from ..color import Transfer
from ..options import EvaluateOptions
from ..protocols import Alignment, FlickerOptions, HypersimOptions, InteriorVerseOptions, MaskChoice, MeasureOptions
from .measuring import (
    Debug,
    Device,
    Dtype,
    Files,
    InputTransfer,
    Json,
    Looks,
    Markdown,
    MaxSize,
    Model,
    Quiet,
    Sheet,
    prepare,
    run,
)

EVALUATE, NORMALS = EvaluateOptions(), MeasureOptions()
INTERIORVERSE, HYPERSIM, FLICKER = InteriorVerseOptions(), HypersimOptions(), FlickerOptions()

app = typer.Typer(no_args_is_help=True, help="Score a model where something of the truth is known.")


@app.callback()
def evaluate() -> None:
    """One command for each protocol; docs/evaluation.md defines them. Files that they are to write are replaced."""


@app.command()
def scenes(
    data: Annotated[Path, typer.Option(help="Folder of scenes, as `mvinverse scenes render` writes it.")],
    model: Annotated[
        str,
        typer.Option(
            help="small, official, a .safetensors file, a folder, owner/name on the hub; none: the baselines alone."
        ),
    ] = EVALUATE.model,
    device: Device = EVALUATE.device,
    dtype: Dtype = EVALUATE.dtype,
    limit: Annotated[int | None, typer.Option(help="Take the first so many scenes.")] = EVALUATE.limit,
    looks: Looks = EVALUATE.looks,
    json: Json = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Score rendered scenes: all five maps, their agreement across views, and what they rebuild.

    Rows: the model with all views of a scene in one pass, with one view at a time, and the baselines. Replaces the
    files named. The last line on stdout is JSON: each check of what a model must show, with its margin.
    """
    options = EvaluateOptions(model=model, device=device, dtype=dtype, limit=limit, looks=looks)
    files = Files(json, markdown, sheet)
    prepare(options, files, quiet=quiet, debug=debug)
    from ..evaluate.verdicts import measure_scenes  # numpy, scipy and torch: after the arguments are known to be good

    return run(data, options, files, measure_scenes)


@app.command()
def interiorverse(
    data: Annotated[Path, typer.Option(help="Folder that holds SPLIT/SCENE/NNN_im.exr and so on.")],
    model: Model = INTERIORVERSE.model,
    split: Annotated[str, typer.Option(help="Folder of scenes, and the name of their list, SPLIT.txt.")] = (
        INTERIORVERSE.split
    ),
    scenes: Annotated[
        str | None, typer.Option(help="Text file with the names of the scenes; else SPLIT.txt, else all.")
    ] = INTERIORVERSE.scenes,
    space: Annotated[Transfer, typer.Option(help="In which albedo is compared.")] = INTERIORVERSE.space,
    align: Annotated[
        Alignment, typer.Option(help="What albedo may be multiplied by: nothing, one number, one for each channel.")
    ] = INTERIORVERSE.align,
    mask: Annotated[MaskChoice, typer.Option(help="The pixels that count: all, or the valid.")] = INTERIORVERSE.mask,
    grid: Annotated[bool, typer.Option("--grid", help="A row for every space, alignment and mask.")] = (
        INTERIORVERSE.grid
    ),
    max_size: MaxSize = INTERIORVERSE.max_size,
    input_transfer: InputTransfer = INTERIORVERSE.input_transfer,
    device: Device = INTERIORVERSE.device,
    dtype: Dtype = INTERIORVERSE.dtype,
    limit: Annotated[int | None, typer.Option(help="Take the first so many scenes.")] = INTERIORVERSE.limit,
    looks: Looks = INTERIORVERSE.looks,
    json: Json = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Score InteriorVerse, each picture alone: albedo PSNR, SSIM and LPIPS, metallic and roughness RMSE."""
    options = InteriorVerseOptions(
        model, device, dtype, limit, looks, max_size, input_transfer, split, scenes, space, align, mask, grid
    )
    files = Files(json, markdown, sheet)
    prepare(options, files, quiet=quiet, debug=debug)
    from ..evaluate.interiorverse import evaluate_interiorverse

    return run(data, options, files, evaluate_interiorverse)


@app.command()
def hypersim(
    data: Annotated[
        Path,
        typer.Option(help="Folder of scenes ai_VVV_NNN, beside them metadata_camera_parameters.csv; or one scene."),
    ],
    model: Model = HYPERSIM.model,
    views: Annotated[int, typer.Option(help="Frames of each camera, spread evenly, that are seen together.")] = (
        HYPERSIM.views
    ),
    max_size: MaxSize = HYPERSIM.max_size,
    input_transfer: InputTransfer = HYPERSIM.input_transfer,
    device: Device = HYPERSIM.device,
    dtype: Dtype = HYPERSIM.dtype,
    limit: Annotated[int | None, typer.Option(help="Take the first so many cameras.")] = HYPERSIM.limit,
    looks: Looks = HYPERSIM.looks,
    json: Json = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Score Hypersim: how far each map disagrees with itself across views, and albedo and normals where they are there.

    Rows: the model with all chosen views of a camera in one pass, with one view at a time, and the true maps.
    """
    options = HypersimOptions(model, device, dtype, limit, looks, max_size, input_transfer, views)
    files = Files(json, markdown, sheet)
    prepare(options, files, quiet=quiet, debug=debug, needs={"h5py": "h5py"})
    from ..evaluate.hypersim import evaluate_hypersim

    return run(data, options, files, evaluate_hypersim)


@app.command()
def flicker(
    data: Annotated[Path, typer.Option(help="A clip, or a folder of clips: videos, and folders of frames.")],
    model: Model = FLICKER.model,
    flow: Annotated[
        str | None, typer.Option(help="Folder of flows as .flo or .npz files; else OpenCV's DIS finds them.")
    ] = FLICKER.flow,
    frames: Annotated[str | None, typer.Option(help="Frames of each clip, such as 1-40; else all.")] = (FLICKER.frames),
    cuts: Annotated[str, typer.Option(help="auto, off, or the frames that begin a scene; no pair crosses a cut.")] = (
        FLICKER.cuts
    ),
    max_size: MaxSize = FLICKER.max_size,
    input_transfer: InputTransfer = FLICKER.input_transfer,
    device: Device = FLICKER.device,
    dtype: Dtype = FLICKER.dtype,
    limit: Annotated[int | None, typer.Option(help="Take the first so many clips.")] = FLICKER.limit,
    looks: Looks = FLICKER.looks,
    json: Json = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Score real clips: how far each map is from the next frame's, brought onto it by optical flow.

    Rows: the model in the windows of `decompose`, one frame at a time, and the paper. The input itself is the floor.
    """
    options = FlickerOptions(model, device, dtype, limit, looks, max_size, input_transfer, flow, frames, cuts)
    files = Files(json, markdown, sheet)
    prepare(options, files, quiet=quiet, debug=debug)
    from ..evaluate.flicker import evaluate_flicker

    return run(data, options, files, evaluate_flicker)


@app.command()
def normals(
    data: Annotated[
        Path,
        typer.Option(help="Rendered scenes, InteriorVerse, Hypersim, or pairs such as room.png and room_normal.png."),
    ],
    model: Model = NORMALS.model,
    max_size: MaxSize = NORMALS.max_size,
    input_transfer: InputTransfer = NORMALS.input_transfer,
    device: Device = NORMALS.device,
    dtype: Dtype = NORMALS.dtype,
    limit: Annotated[int | None, typer.Option(help="Take the first so many pictures.")] = NORMALS.limit,
    looks: Looks = NORMALS.looks,
    json: Json = None,
    markdown: Markdown = None,
    sheet: Sheet = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Score normals, each picture alone: mean and median angle, the share of pixels under 11.25, 22.5, 30 degrees."""
    options = MeasureOptions(model, device, dtype, limit, looks, max_size, input_transfer)
    files = Files(json, markdown, sheet)
    prepare(options, files, quiet=quiet, debug=debug)
    from ..evaluate.normals import evaluate_normals

    return run(data, options, files, evaluate_normals)
