"""A run of the tool: what is asked for becomes a plan, and the plan becomes files.

`plan_job` looks at names and headers only and touches nothing, so that every mistake that can be seen beforehand is
said before a model is loaded; `run_job` does the work, shot after shot, with one model.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OptionError, OutputError
from .formats import MOVIES
from .frames import Fault, Shot, find_shots
from .layout import Layout, PassPlan, is_length_known, lay_out, plan_passes
from .options import DecomposeOptions, WriteOptions
from .outputs import (
    About,
    Json,
    ShotOutputs,
    ShotProgress,
    Standing,
    check_folder,
    check_shot,
    load_manifest,
    make_folder,
    open_writers,
)
from .provenance import about_run, source_bytes, source_names
from .seams import Seam
from .windows import Windows

if TYPE_CHECKING:  # at run time torch waits until the plan stands
    import torch

    from .model.weights import Weights

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShotPlan:
    """One shot, the (number, name) of its frames that are asked for, and its files."""

    layout: Layout
    frames: tuple[tuple[int, str], ...]
    outputs: ShotOutputs
    standing: Standing

    @property
    def shot(self) -> Shot:
        return self.layout.shot

    @property
    def to_do(self) -> int:
        """How many frames have to be computed."""
        return sum(self.standing.needs(number) for number, _ in self.frames)

    @property
    def kept(self) -> int:
        """How many frames are there already and stay."""
        return len(self.frames) - self.to_do


@dataclass(frozen=True)
class Plan:
    """Everything that is known before a model is."""

    output: Path
    shots: tuple[ShotPlan, ...]
    decompose: DecomposeOptions
    write: WriteOptions

    @property
    def to_do(self) -> int:
        """How many frames have to be computed in all."""
        return sum(planned.to_do for planned in self.shots)


@dataclass(frozen=True)
class Progress:
    """Frame `number` of `shot` is on disk, the `done`th of `total`."""

    shot: str
    number: int
    done: int
    total: int


@dataclass
class Outcome:
    """What became of a job: frames written, those kept by `skip`, those asked for that could not be read."""

    written: int = 0
    kept: int = 0
    faults: list[Fault] = field(default_factory=list)
    truncated: bool = False  # a source ended before its promised end


def plan_job(inputs: Sequence[str | Path], output: Path, decompose: DecomposeOptions, write: WriteOptions) -> Plan:
    """What a run would do; videos are decoded for their cuts, after all that can be seen without it has been checked.

    Raises InputError, OptionError or OutputError.
    """
    write.check_maps(decompose.maps)
    if str(output) == "-":
        raise OptionError("--output -: maps go to files; name a folder")
    check_folder(output)
    load_manifest(output)  # a file of that name that is not ours
    shots = find_shots(inputs, allow_gaps=decompose.allow_gaps)
    for shot in shots:
        movies = [name for name in write.format if name in MOVIES]
        if movies and len(shot.sizes) > 1:
            sizes = ", ".join(f"{width}x{height}" for width, height in shot.sizes)
            raise OptionError(
                f"--format {movies[0]}: the pictures of {shot.name} differ in size ({sizes}); choose png, exr or tiff"
            )

    def plan_shot(shot: Shot, *, find_cuts: bool) -> ShotPlan:
        layout = lay_out(shot, decompose, find_cuts=find_cuts)
        choice = layout.choice
        frames = tuple((choice.number(position), choice.name(position)) for position in choice.wanted)
        outputs = ShotOutputs(
            folder=output / shot.name if len(shots) > 1 else output,
            stem=shot.name,
            stills=shot.kind == "stills",
            maps=decompose.maps,
            options=write,
            rate=shot.rate,
        )
        return ShotPlan(layout, frames, outputs, check_shot(outputs, frames, shot.paths))

    for shot in shots:
        if is_length_known(shot):  # what is wrong is said before a long video is decoded for its cuts
            plan_shot(shot, find_cuts=False)
    return Plan(output, tuple(plan_shot(shot, find_cuts=True) for shot in shots), decompose, write)


@dataclass(frozen=True)
class Located:
    """The weights on this machine and where the network will run."""

    weights: "Weights"
    device: "torch.device"
    dtype: "torch.dtype"


def locate_model(options: DecomposeOptions, *, download: bool = True) -> Located:
    """What `--model`, `--device` and `--dtype` stand for on this machine; weights are fetched where they are missing.

    Raises OptionError for a device that is not there, WeightsError for weights that cannot be had.
    """
    from .model.device import choose_device, choose_dtype
    from .model.weights import choose_name, find_weights

    device = choose_device(options.device)
    weights = find_weights(choose_name(options.model, device.type), download=download)
    return Located(weights, device, choose_dtype(options.dtype, device))


def run_job(plan: Plan, report: Callable[[Progress], None] = lambda progress: None) -> Outcome:
    """Writes the files of `plan` and its manifest; `report` hears of every frame that is on disk.

    Frames that cannot be read are left out and told in the outcome and the manifest. Raises a subclass of
    MvInverseError for all else; whatever ends the run, files with a final name are whole.
    """
    located = locate_model(plan.decompose)
    passes = [plan_shot_passes(planned.layout, plan.decompose, located) for planned in plan.shots]
    make_folder(plan.output)
    manifest = load_manifest(plan.output)
    abouts = [about_run(planned.shot, plan.decompose, plan.write, located.weights) for planned in plan.shots]
    books = [
        manifest.add_shot(
            planned.outputs,
            about,
            planned.shot.kind,
            source_names(planned.shot),
            source_bytes(planned.shot),
            plan.decompose,
            passes_record(planned.layout, sizes.windows),
            planned.standing,
            [number for number, _ in planned.frames],
        )
        for planned, about, sizes in zip(plan.shots, abouts, passes, strict=True)
    ]
    outcome = Outcome(kept=sum(planned.kept for planned in plan.shots))
    try:
        write_shots(plan, located, passes, abouts, books, outcome, report)
    except BaseException:
        with suppress(OutputError):  # what ends the run is the news, not the disk that is still full
            if outcome.written:
                manifest.save()
        raise
    return outcome


def write_shots(
    plan: Plan,
    located: Located,
    passes: Sequence[PassPlan],
    abouts: Sequence[About],
    books: Sequence[ShotProgress],
    outcome: Outcome,
    report: Callable[[Progress], None],
) -> None:
    """Decomposes the shots of `plan` with one model, and notes in `books` and `outcome` what becomes of each frame."""
    from .model.checkpoint import load_weights
    from .passes import Network
    from .pipeline import Findings, decompose_shot

    options = plan.decompose
    total = plan.to_do  # once: it counts every frame of every shot
    network = None
    for planned, sizes, about, book in zip(plan.shots, passes, abouts, books, strict=True):
        if planned.to_do == 0:
            book.finish()
            continue
        if network is None:
            network = Network.of(load_weights(located.weights, located.device, located.dtype), options)
            dtype = str(located.dtype).removeprefix("torch.")
            logger.info("model %s on %s in %s", located.weights.name, located.device, dtype)
        layout, findings = planned.layout, Findings(sizes.windows)
        book.begin()

        def on_done(number: int, name: str = layout.shot.name, book: ShotProgress = book) -> None:
            book.wrote(number)
            outcome.written += 1
            report(Progress(name, number, outcome.written, total))

        def on_windows(windows: Windows, layout: Layout = layout, book: ShotProgress = book) -> None:
            book.change_passes(passes_record(layout, windows))

        results = decompose_shot(
            layout,
            network.short(sizes.is_short),
            options,
            findings,
            wanted=planned.standing.needs,
            on_windows=on_windows,
            with_plates=plan.write.needs_plate,
        )
        with open_writers(planned.outputs, about, on_done) as writers, closing(results):
            for maps in results:
                writers.write(maps)
        for seam in findings.seams:
            book.found_seam(layout.choice.number(seam.position), seam_record(seam))
        for fault in findings.faults:
            book.lost(fault.number, fault.source, fault.reason)
        outcome.faults += findings.faults
        outcome.truncated |= findings.truncated
        book.finish()


def plan_shot_passes(layout: Layout, options: DecomposeOptions, located: Located) -> PassPlan:
    """How large the passes of a shot are on this machine."""
    return plan_passes(layout, located.weights.config, located.device, located.dtype, options)


def passes_record(layout: Layout, windows: Windows) -> Json:
    """What the manifest says of how a shot is cut into passes: it decides pixels. Cuts by their frame numbers."""
    cuts = [layout.choice.number(position) for position in layout.cuts]
    return {"window": windows.window, "cuts": cuts}


def seam_record(seam: Seam) -> Json:
    """What the manifest says of a seam; albedo errors in linear light."""
    return {"gain": list(seam.gain), "residual": seam.residual, "residual_without_gain": seam.before}
