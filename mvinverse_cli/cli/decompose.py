"""`mvinverse decompose`: translates flags into options, runs the job, says what came of it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from ..color import Transfer
from ..errors import OptionError
from ..formats import Bits, Colorspace, ExrCompression, ExrLayout, ExrRgba, Normals, OnExists
from ..options import DecomposeOptions, DtypeName, Size, Upsample, WriteOptions
from ..sizes import parse_window
from .console import set_voice
from .files_from import gather_inputs
from .listing import listed
from .outcome import conclude
from .pipes import binary_stdin, stdout_for_maps
from .progress import ProgressMode, open_progress
from .values import AN_OUTPUT, parse_rate, split_names

DECOMPOSE = DecomposeOptions()
WRITE = WriteOptions()
DEFAULT_FORMATS: list[str] = list(WRITE.format)
DEFAULT_MAPS: list[str] = [",".join(DECOMPOSE.maps)]


def option(text: str, panel: str, *names: str, **more: Any) -> Any:
    """A flag with its help text, under a heading."""
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


FRAMES, SHOTS, MODEL, FILES, RUN = "Frames", "Long shots", "Model", "Files", "Run"


def decompose(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Videos, folders, images, patterns like plate.####.exr, or - (nut, y4m, mkv).", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path,
        option("Folder to write to; - for maps as nut on stdout.", FILES, "-o", "--output", **AN_OUTPUT),
    ] = Path("out"),
    format: Annotated[
        list[str],
        option(
            "png, exr, tiff, mp4, mov (ProRes 4444), mkv (FFV1); several by commas.",
            FILES,
            "--format",
        ),
    ] = DEFAULT_FORMATS,
    bits: Annotated[
        Bits | None,
        option("Depth, for the formats that have it. Where not given: 8; exr half, tiff and mkv 16, mov 10.", FILES),
    ] = WRITE.bits,
    maps: Annotated[list[str], option("Maps to write, separated by commas.", FILES, "--maps")] = DEFAULT_MAPS,
    size: Annotated[Size, option("Maps at the source's size or at the network's.", FILES)] = DECOMPOSE.size,
    upsample: Annotated[
        Upsample, option("To the source's size: along its edges (guided), or smoothly (bilinear).", FILES)
    ] = DECOMPOSE.upsample,
    exr_layout: Annotated[
        ExrLayout, option("Maps as layers of one part, as a part each, or as a file each.", FILES)
    ] = WRITE.exr_layout,
    exr_compression: Annotated[
        ExrCompression, option("dwaa loses a little of colour; htj2k needs OpenEXR 3.4 to read.", FILES)
    ] = WRITE.exr_compression,
    exr_rgba: Annotated[
        ExrRgba, option("What EXR files show as their plain R, G, B, beside the maps.", FILES)
    ] = WRITE.exr_rgba,
    colorspace: Annotated[Colorspace, option("Of albedo and shading in EXR and float TIFF.", FILES)] = WRITE.colorspace,
    normals: Annotated[Normals, option("Y of normals points up (opengl) or down (directx).", FILES)] = WRITE.normals,
    residual: Annotated[
        bool, option("Write plate - albedo x shading to float files as well.", FILES, "--residual")
    ] = WRITE.residual,
    sheet: Annotated[
        bool, option("Write input and maps side by side as well: PNG of stills, MP4 of shots.", FILES, "--sheet")
    ] = WRITE.sheet,
    fps: Annotated[
        str, option("Rate of movies made from images that name none; videos keep their own times.", FILES)
    ] = str(WRITE.fps),
    on_exists: Annotated[
        OnExists, option("When files are there: stop before anything is loaded, keep them, or replace them.", FILES)
    ] = WRITE.on_exists,
    writers: Annotated[int, option("Threads that encode and write.", FILES)] = WRITE.writers,
    files_from: Annotated[
        str | None, option("More inputs, one a line of this file; - reads the list from stdin.", FRAMES, metavar="FILE")
    ] = None,
    null: Annotated[bool, option("Names in that list end with NUL, as find -print0 writes.", FRAMES, "--null")] = False,
    frames: Annotated[
        str | None,
        option("Range like 1-200 or 1-200x2,300; a sequence counts by its own numbers, others from 1.", FRAMES),
    ] = DECOMPOSE.frames,
    every: Annotated[int, option("Take every K-th of those frames.", FRAMES, metavar="K")] = DECOMPOSE.every,
    start_frame: Annotated[
        int, option("Number of a video's first frame in file names.", FRAMES)
    ] = DECOMPOSE.start_frame,
    allow_gaps: Annotated[
        bool, option("Take a numbered sequence with frames missing.", FRAMES, "--allow-gaps")
    ] = DECOMPOSE.allow_gaps,
    exposure: Annotated[
        str,
        option(
            "Show the network so many stops more light; auto: a mean of mid-gray. Shading stays in the plate's light.",
            FRAMES,
            metavar="EV|auto",
        ),
    ] = DECOMPOSE.exposure,
    model: Annotated[
        str,
        option(
            "small, official, a .safetensors file, a folder, or owner/name or owner/name@revision on the hub.", MODEL
        ),
    ] = DECOMPOSE.model,
    device: Annotated[str, option("auto, cuda, cuda:1, mps or cpu.", MODEL)] = DECOMPOSE.device,
    dtype: Annotated[DtypeName, option("auto: half on a GPU, float32 on the CPU.", MODEL)] = DECOMPOSE.dtype,
    max_size: Annotated[
        int | None, option("Pixels of the long side that the network sees; default: what its weights ask for.", MODEL)
    ] = DECOMPOSE.max_size,
    looks: Annotated[
        int | None,
        option("1, or 2: each frame smaller and mirrored as well; default: what its weights ask for.", MODEL),
    ] = DECOMPOSE.looks,
    window: Annotated[
        str,
        option(
            "Frames attended to at once: a number, all of a scene, or auto: 24, or what memory holds.",
            SHOTS,
            metavar="N|all|auto",
        ),
    ] = str(DECOMPOSE.window),
    anchors: Annotated[int, option("Of a window, frames spread over the scene that all windows see.", SHOTS)] = (
        DECOMPOSE.anchors
    ),
    overlap: Annotated[int, option("Of a window, frames shared and cross-faded with the one before.", SHOTS)] = (
        DECOMPOSE.overlap
    ),
    cuts: Annotated[
        str,
        option(
            "No window crosses a cut: auto finds them in videos, off, or a list of first frames.", SHOTS, metavar="LIST"
        ),
    ] = DECOMPOSE.cuts,
    memory: Annotated[
        str | None,
        option("What weights and one pass may take; not given: what is free.", SHOTS, metavar="10GiB"),
    ] = DECOMPOSE.memory,
    kv_stride: Annotated[
        int, option("Attend to every 2nd, 4th or 9th patch of other frames: faster, less exact.", SHOTS)
    ] = DECOMPOSE.kv_stride,
    kv_mean: Annotated[
        bool, option("With --kv-stride, attend to the mean of those left out as well.", SHOTS, "--kv-mean")
    ] = DECOMPOSE.kv_mean,
    input_transfer: Annotated[
        Transfer | None, option("Curve that the network is fed. Where not given, the model's own.", MODEL)
    ] = DECOMPOSE.input_transfer,
    albedo_transfer: Annotated[
        Transfer | None, option("Curve that its albedo comes in. Where not given, the model's own.", MODEL)
    ] = DECOMPOSE.albedo_transfer,
    shading_transfer: Annotated[
        Transfer | None, option("Curve that its shading comes in. Where not given, the model's own.", MODEL)
    ] = DECOMPOSE.shading_transfer,
    dry_run: Annotated[bool, option("Print the plan and touch nothing.", RUN, "--dry-run")] = False,
    progress: Annotated[ProgressMode, option("How progress is shown.", RUN)] = "auto",
    print_outputs: Annotated[
        bool, option("Print the path of each file on stdout once it is complete.", RUN, "--print-outputs")
    ] = False,
    json: Annotated[bool, option("JSON lines on stdout: as --progress json.", RUN, "--json")] = False,
    quiet: Annotated[bool, option("Say nothing but errors: as --progress none.", RUN, "--quiet", "-q")] = False,
    debug: Annotated[bool, option("Show tracebacks and the library's notes.", RUN, "--debug")] = False,
) -> int:
    """Split videos, sequences or views of a scene into albedo, metallic, roughness, normal and shading."""
    json = json or progress == "json"
    set_voice(quiet=quiet, json=json, debug=debug)
    decompose_options = DecomposeOptions(
        model=model,
        device=device,
        dtype=dtype,
        max_size=max_size,
        looks=looks,
        size=size,
        upsample=upsample,
        window=parse_window(window, anchors, overlap),
        anchors=anchors,
        overlap=overlap,
        kv_stride=kv_stride,
        kv_mean=kv_mean,
        cuts=cuts,
        memory=memory,
        maps=split_names(maps),
        frames=frames,
        every=every,
        allow_gaps=allow_gaps,
        start_frame=start_frame,
        exposure=exposure,
        input_transfer=input_transfer,
        albedo_transfer=albedo_transfer,
        shading_transfer=shading_transfer,
    )
    write_options = WriteOptions(
        format=split_names(format),
        bits=bits,
        exr_layout=exr_layout,
        exr_compression=exr_compression,
        exr_rgba=exr_rgba,
        colorspace=colorspace,
        normals=normals,
        residual=residual,
        sheet=sheet,
        fps=parse_rate(fps),
        on_exists=on_exists,
        writers=writers,
    )
    sources = gather_inputs(inputs or [], files_from, null=null)
    mode: ProgressMode = "json" if json else "none" if quiet else progress
    # numpy, codecs and, later, torch: after the arguments are known to be good
    from ..frames import STDIN, spooled
    from ..job.planning import STDOUT, plan_job
    from ..job.run import run_job

    is_stream = str(output) == STDOUT and not dry_run
    check_stdout(mode, is_stream=is_stream, print_outputs=print_outputs, dry_run=dry_run)
    with ExitStack() as stack:
        stdin = stack.enter_context(spooled(binary_stdin())) if STDIN in sources else None
        plan = plan_job(sources, output, decompose_options, write_options, stdin=stdin)
        if dry_run:
            from .plan import print_plan

            print_plan(plan)
            return 0
        stdout = stack.enter_context(stdout_for_maps()) if is_stream else None
        report = stack.enter_context(open_progress(mode, plan.to_do))
        if print_outputs:
            report = stack.enter_context(listed(plan, report))
        outcome = run_job(plan, report, stdout=stdout)
    return conclude(outcome, output)


def check_stdout(mode: ProgressMode, *, is_stream: bool, print_outputs: bool, dry_run: bool) -> None:
    """Raises OptionError where two things would go to stdout, or paths of files that are not written."""
    if is_stream and (mode in ("json", "openjd") or print_outputs):
        other = "--print-outputs" if print_outputs else f"--progress {mode}"
        raise OptionError(f"--output -: the maps go to stdout, and so would {other}; choose --progress plain or none")
    if print_outputs and mode in ("json", "openjd"):
        raise OptionError(f"--print-outputs: paths go to stdout, and so does --progress {mode}; choose one of them")
    if print_outputs and dry_run:
        raise OptionError("--print-outputs: --dry-run writes no file; choose one of them")
