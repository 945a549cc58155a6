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

from fileseq.constants import PAD_STYLE_HASH1
from fileseq.filesequence import FileSequence

from . import __version__
from .errors import OptionError, OutputError
from .frames import Fault, Shot, find_shots, open_shot, wanted_frames
from .options import DecomposeOptions, WriteOptions
from .outputs import (
    About,
    ShotOutputs,
    ShotProgress,
    Standing,
    check_folder,
    check_shot,
    load_manifest,
    make_folder,
    open_writers,
)

if TYPE_CHECKING:  # at run time torch waits until the plan stands
    import torch

    from .model.weights import Weights

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShotPlan:
    """One shot, the (number, name) of its frames that are asked for (None: of unknown length), and its files."""

    shot: Shot
    frames: tuple[tuple[int, str], ...] | None
    outputs: ShotOutputs
    standing: Standing

    @property
    def to_do(self) -> int | None:
        """How many frames have to be computed; None where the length is unknown."""
        return None if self.frames is None else sum(self.standing.needs(number) for number, _ in self.frames)

    @property
    def kept(self) -> int:
        """How many frames are there already and stay."""
        return 0 if self.frames is None or self.to_do is None else len(self.frames) - self.to_do


@dataclass(frozen=True)
class Plan:
    """Everything that is known before a model is."""

    output: Path
    shots: tuple[ShotPlan, ...]
    decompose: DecomposeOptions
    write: WriteOptions

    @property
    def to_do(self) -> int | None:
        """How many frames have to be computed in all; None where the length of a shot is unknown."""
        counts = [planned.to_do for planned in self.shots]
        return None if None in counts else sum(count for count in counts if count is not None)


@dataclass(frozen=True)
class Progress:
    """Frame `number` of `shot` is on disk, the `done`th of `total` (None: unknown)."""

    shot: str
    number: int
    done: int
    total: int | None


@dataclass
class Outcome:
    """What became of a job: frames written, those kept by `skip`, those asked for that could not be read."""

    written: int = 0
    kept: int = 0
    faults: list[Fault] = field(default_factory=list)
    truncated: bool = False  # a source ended before its promised end


def plan_job(inputs: Sequence[str | Path], output: Path, decompose: DecomposeOptions, write: WriteOptions) -> Plan:
    """What a run would do. Raises InputError, OptionError or OutputError for all that can be seen without decoding."""
    if str(output) == "-":
        raise OptionError("--output -: maps go to files; name a folder")
    check_folder(output)
    load_manifest(output)  # a file of that name that is not ours
    shots = find_shots(inputs, allow_gaps=decompose.allow_gaps)
    planned = []
    for shot in shots:
        if "mp4" in write.format and len(shot.sizes) > 1:
            sizes = ", ".join(f"{width}x{height}" for width, height in shot.sizes)
            raise OptionError(
                f"--format mp4: the pictures of {shot.name} differ in size ({sizes}); choose png, exr or tiff"
            )
        frames = wanted_frames(shot, frames=decompose.frames, every=decompose.every, start_frame=decompose.start_frame)
        outputs = ShotOutputs(
            folder=output / shot.name if len(shots) > 1 else output,
            stem=shot.name,
            stills=shot.kind == "stills",
            maps=decompose.maps,
            options=write,
            rate=shot.rate,
        )
        planned.append(ShotPlan(shot, frames, outputs, check_shot(outputs, frames, shot.paths)))
    return Plan(output, tuple(planned), decompose, write)


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
    make_folder(plan.output)
    manifest = load_manifest(plan.output)
    abouts = [about_run(planned.shot, plan.decompose, located) for planned in plan.shots]
    books = [
        manifest.add_shot(
            planned.outputs,
            about,
            planned.shot.kind,
            source_names(planned.shot),
            source_bytes(planned.shot),
            plan.decompose,
            planned.standing,
            None if planned.frames is None else [number for number, _ in planned.frames],
        )
        for planned, about in zip(plan.shots, abouts, strict=True)
    ]
    outcome = Outcome(kept=sum(planned.kept for planned in plan.shots))
    try:
        write_shots(plan, located, abouts, books, outcome, report)
    except BaseException:
        with suppress(OutputError):  # what ends the run is the news, not the disk that is still full
            if outcome.written:
                manifest.save()
        raise
    return outcome


def write_shots(
    plan: Plan,
    located: Located,
    abouts: Sequence[About],
    books: Sequence[ShotProgress],
    outcome: Outcome,
    report: Callable[[Progress], None],
) -> None:
    """Decomposes the shots of `plan` with one model, and notes in `books` and `outcome` what becomes of each frame."""
    from .model.checkpoint import load_weights
    from .pipeline import decompose_frames

    options = plan.decompose
    total = plan.to_do  # once: it counts every frame of every shot
    model = None
    for planned, about, book in zip(plan.shots, abouts, books, strict=True):
        if planned.to_do == 0:
            book.finish()
            continue
        if model is None:
            model = load_weights(located.weights, located.device, located.dtype)
            dtype = str(located.dtype).removeprefix("torch.")
            logger.info("model %s on %s in %s", located.weights.name, located.device, dtype)
        shot = planned.shot
        book.begin()

        def on_done(number: int, shot: Shot = shot, book: ShotProgress = book) -> None:
            book.wrote(number)
            outcome.written += 1
            report(Progress(shot.name, number, outcome.written, total))

        with (
            open_shot(shot, frames=options.frames, every=options.every, start_frame=options.start_frame) as reader,
            open_writers(planned.outputs, about, on_done) as writers,
            closing(decompose_frames(reader, shot, model, options, wanted=planned.standing.needs)) as results,
        ):
            for maps in results:
                writers.write(maps)
        for fault in reader.faults:
            book.lost(fault.number, fault.source, fault.reason)
        outcome.faults += reader.faults
        outcome.truncated |= reader.truncated
        book.finish()


def about_run(shot: Shot, options: DecomposeOptions, located: Located) -> About:
    """What every file of a shot says of where it comes from."""
    from .model.config import with_transfers
    from .model.weights import hash_of

    config = with_transfers(located.weights.config, options)
    return About(
        software=f"mvinverse {__version__}",
        model=located.weights.repository or located.weights.name,
        revision=located.weights.revision,
        sha256=hash_of(located.weights),
        source=shot.name if shot.kind == "stills" else source_names(shot)[0],
        input_transfer=config.input_transfer,
        albedo_transfer=config.albedo_transfer,
        shading_transfer=config.shading_transfer,
    )


def source_bytes(shot: Shot) -> int | None:
    """The size of a shot's files; None for a sequence, which may still grow."""
    return None if shot.kind == "sequence" else sum(path.stat().st_size for path in shot.paths)


def source_names(shot: Shot) -> list[str]:
    """The paths of a shot as the user gave them; a sequence as one pattern, `plates/shot.####.exr`, however long."""
    if shot.kind == "sequence":
        sequences = FileSequence.findSequencesInList(list(map(str, shot.paths)), pad_style=PAD_STYLE_HASH1)
        return [sequence.format("{dirname}{basename}{padding}{extension}") for sequence in sequences]
    return [str(path) for path in shot.paths]
