"""From what is asked for to a plan: every mistake that can be seen beforehand is said here, before a model is loaded.

Looks at names, headers and, for cuts, at the pictures of videos; touches nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError, OutputError, WeightsNotHereError
from ..formats import MOVIES
from ..frames import Shot, find_shots
from ..frames.names import is_image, shown
from ..options import DecomposeOptions, WriteOptions
from ..outputs import (
    MANIFEST_NAME,
    ShotOutputs,
    Standing,
    check_folder,
    check_shot,
    check_stream,
    identities,
    load_manifest,
    warn_of_newer_pictures,
)
from ..shot.layout import Layout, is_length_known, is_looked_at, lay_out
from .locate import locate_model

STDOUT = "-"  # as an output folder


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
    def is_stream(self) -> bool:
        """Whether the maps go to stdout, and nothing to the disk."""
        return str(self.output) == STDOUT

    @property
    def to_do(self) -> int:
        """How many frames have to be computed in all."""
        return sum(planned.to_do for planned in self.shots)


def plan_job(
    inputs: Sequence[str | Path],
    output: Path,
    decompose: DecomposeOptions,
    write: WriteOptions,
    *,
    stdin: Path | None = None,
) -> Plan:
    """What a run would do; videos are decoded for their cuts, after all that can be seen without it has been checked.

    stdin: the video that the input `-` stands for. Raises InputError, OptionError, OutputError or WeightsError.
    """
    write.check_maps(decompose.maps)
    is_stream = str(output) == STDOUT
    if not is_stream:
        check_folder(output)
        load_manifest(output)  # a file of that name that is not ours
    shots = find_shots(inputs, allow_gaps=decompose.allow_gaps, stdin=stdin)
    check_rate(write, shots, is_stream=is_stream)
    check_start_frame(decompose, shots)
    if is_stream:
        check_stream(write, [shot.sizes for shot in shots])
    for shot in shots:
        movies = [name for name in write.format if name in MOVIES]
        if movies and len(shot.sizes) > 1:
            sizes = ", ".join(f"{width}x{height}" for width, height in shot.sizes)
            raise OptionError(
                f"--format {movies[0]}: the pictures of {shot.name} differ in size ({sizes}); choose png, exr or tiff"
            )

    sources = identities(path for shot in shots for path in shot.paths)

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
            pixel_aspect=1.0 if decompose.size == "model" else shot.pixel_aspect,  # the network sees square ones
            every=choice.grid.every,
        )
        nothing_there = Standing(frames_done=frozenset())
        standing = nothing_there if is_stream else check_shot(outputs, frames, sources)
        return ShotPlan(layout, frames, outputs, standing)

    # what is wrong with any shot, and with --model and --device, is said before a long video is decoded for its cuts
    drafts = [plan_shot(shot, find_cuts=False) if is_length_known(shot) else None for shot in shots]
    if any(is_looked_at(shot, decompose) for shot in shots):
        with suppress(WeightsNotHereError):
            locate_model(decompose, download=False)
    planned = tuple(
        plan_shot(shot, find_cuts=True) if draft is None or is_looked_at(shot, decompose) else draft
        for shot, draft in zip(shots, drafts, strict=True)
    )
    if not is_stream:
        check_apart(inputs, planned)
        check_one_manifest(output, planned)
        for each in planned:
            if each.kept and each.shot.numbers:
                pictures = dict(zip(each.shot.numbers, each.shot.paths, strict=True))
                warn_of_newer_pictures(each.shot.name, each.standing.written, pictures)
    return Plan(output, planned, decompose, write)


def check_apart(inputs: Sequence[str | Path], shots: Sequence[ShotPlan]) -> None:
    """Raises OutputError where a folder is an input and pictures are to be written right into it: the next run would
    take them for more of its own."""
    folders = {Path(text).resolve() for text in inputs if Path(text).is_dir()}
    for shot in shots:
        for number, name in shot.frames[:1]:
            for file in shot.outputs.frame_files(number, name):
                if file.path.parent.resolve() in folders and is_image(file.path):
                    raise OutputError(
                        f"{shown(file.path.parent)}: holds the input, and {shown(file.path.name)} would be one more of "
                        "its pictures; choose another output folder"
                    )


def check_one_manifest(output: Path, shots: Sequence[ShotPlan]) -> None:
    """Raises OutputError where another manifest tells of files in the folder of a shot: one of the two would lie."""
    for planned in shots:
        if planned.outputs.folder == output / MANIFEST_NAME:
            raise OutputError(f"{shown(planned.outputs.folder)}: is the manifest of the run; rename this shot")
        inner = planned.outputs.folder / MANIFEST_NAME
        if planned.outputs.folder != output and inner.exists():
            raise OutputError(
                f"{shown(inner)}: is of a run over {planned.shot.name!r} alone; choose another output folder"
            )
    here = output.resolve()
    with suppress(OutputError):  # a file of that name that is none of ours
        theirs = [shot.name for shot in load_manifest(here.parent).shots.values() if shot.folder == here.name]
        if theirs and here.is_dir():
            outer = shown(here.parent / MANIFEST_NAME)
            raise OptionError(
                f"--output {shown(output)}: is the folder of {theirs[0]!r} in {outer}; name the folder above with the "
                "inputs of that run, or choose another"
            )


def check_start_frame(options: DecomposeOptions, shots: Sequence[Shot]) -> None:
    """Raises OptionError where a first number is given and there is no video, whose frames it would number."""
    if options.start_frame != DecomposeOptions.start_frame and all(shot.kind != "video" for shot in shots):
        raise OptionError(
            f"--start-frame {options.start_frame}: numbers the frames of a video, and there is none; leave it away"
        )


def check_rate(write: WriteOptions, shots: Sequence[Shot], *, is_stream: bool) -> None:
    """Raises OptionError where a rate is asked for and nothing is made that would be of it."""
    if write.fps == WriteOptions.fps:
        return
    has_movies = is_stream or any(name in MOVIES for name in write.format)
    in_time = [shot for shot in shots if has_movies or (write.sheet and shot.kind != "stills")]
    if not in_time:
        raise OptionError(f"--fps {write.fps}: no movie is made; add --format mp4, mov or mkv, or leave it away")
    if all(shot.rate is not None for shot in in_time):
        raise OptionError(f"--fps {write.fps}: {in_time[0].name} has times of its own and keeps them; leave it away")
