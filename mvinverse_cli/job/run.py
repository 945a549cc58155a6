"""A run of the tool: a plan (`planning.py`) becomes files, shot after shot, with one model."""

import logging
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import InputError, OutputError
from ..frames import Fault, Shot
from ..frames.names import shown
from ..options import DecomposeOptions
from ..outputs import (
    About,
    Manifest,
    NoManifest,
    ShotProgress,
    Sink,
    load_manifest,
    make_folder,
    open_presence,
    open_stream,
    open_writers,
)
from ..shot.layout import Layout, PassPlan, plan_passes
from ..windows import Windows
from .locate import Located, locate_model
from .planning import Plan
from .provenance import about_run, passes_record, seam_record, source_bytes

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """Frame `number` of `shot` is on disk, the `done`th of `total`."""

    shot: str
    number: int
    done: int
    total: int


@dataclass
class Outcome:
    """What became of a job: frames written, those kept by `skip`, those asked for that could not be read.

    failed: the shots that could not be read at all, each as the fault that says why.
    """

    written: int = 0
    kept: int = 0
    faults: list[Fault] = field(default_factory=list)
    failed: list[Fault] = field(default_factory=list)
    truncated: bool = False  # a source ended before its promised end


def run_job(
    plan: Plan, report: Callable[[Progress], None] = lambda progress: None, *, stdout: Sink | None = None
) -> Outcome:
    """Writes the files of `plan` and its manifest; `report` hears of every frame that is on disk.

    stdout: what takes the maps of a plan that `is_stream`.

    Frames that cannot be read are left out and told in the outcome and the manifest, and so is a shot that cannot be
    read at all: the others go on. Raises InputError where that is every shot, and another subclass of MvInverseError
    for all else; whatever ends the run, files with a final name are whole.
    """
    if plan.is_stream != (stdout is not None):
        raise ValueError("a plan for stdout needs one, and no other plan does")
    located = locate_model(plan.decompose)
    passes = [plan_shot_passes(planned.layout, plan.decompose, located) for planned in plan.shots]
    if stdout is not None:
        return write_plan(plan, located, passes, NoManifest(plan.output), report, stdout)
    make_folder(plan.output)
    written = [folder for planned in plan.shots for folder in planned.outputs.folders]
    with open_presence(plan.output, written) as presence:
        return write_plan(plan, located, passes, load_manifest(plan.output, presence), report, None)


def write_plan(
    plan: Plan,
    located: Located,
    passes: Sequence[PassPlan],
    manifest: Manifest,
    report: Callable[[Progress], None],
    stdout: Sink | None,
) -> Outcome:
    """The work of `run_job`, in a folder that is there or on stdout."""
    abouts, books = open_books(plan, located, passes, manifest)
    outcome = Outcome(kept=sum(planned.kept for planned in plan.shots))
    try:
        write_shots(plan, located, passes, abouts, books, outcome, report, stdout)
    except BaseException:
        with suppress(OutputError):  # what ends the run is the news, not the disk that is still full
            if outcome.written:
                manifest.save()
        raise
    for book in books:
        book.check_movies()
    if len(outcome.failed) == len(plan.shots):
        first = outcome.failed[0]
        all_of_them = f" (none of the {len(plan.shots)} shots can be read)" if len(plan.shots) > 1 else ""
        raise InputError(f"{shown(first.source)}: {first.reason}{all_of_them}")
    return outcome


def open_books(
    plan: Plan, located: Located, passes: Sequence[PassPlan], manifest: Manifest
) -> tuple[list[About], list[ShotProgress]]:
    """What the files of each shot will say of their origin, and its place in the manifest; nothing is written yet.

    Raises OutputError where what is there does not go with what the plan would write.
    """
    abouts = [about_run(planned.shot, plan.decompose, plan.write, located.weights) for planned in plan.shots]
    books = [
        manifest.add_shot(
            planned.outputs,
            about,
            planned.shot.kind,
            list(map(str, planned.shot.sources)),
            source_bytes(planned.shot),
            plan.decompose,
            passes_record(planned.layout, sizes.windows, plan.decompose),
            planned.standing,
            [number for number, _ in planned.frames],
        )
        for planned, about, sizes in zip(plan.shots, abouts, passes, strict=True)
    ]
    return abouts, books


def write_shots(
    plan: Plan,
    located: Located,
    passes: Sequence[PassPlan],
    abouts: Sequence[About],
    books: Sequence[ShotProgress],
    outcome: Outcome,
    report: Callable[[Progress], None],
    stdout: Sink | None,
) -> None:
    """Decomposes the shots of `plan` with one model, and notes in `books` and `outcome` what becomes of each frame."""
    from ..model.checkpoint import load_weights
    from ..shot.decompose import Findings, decompose_shot
    from ..shot.passes import Network

    options = plan.decompose
    total = plan.to_do  # once: it counts every frame of every shot
    network = None
    for planned, sizes, about, book in zip(plan.shots, passes, abouts, books, strict=True):
        if planned.to_do == 0:
            book.begin()
            for told in book.lost_before(number for number, _ in planned.frames):  # movies are there without them
                fault = Fault(told["number"], Path(told["source"]), told["reason"], planned.shot.name)
                outcome.faults.append(fault)
            note_end(planned.layout, book, outcome)
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
            book.change_passes(passes_record(layout, windows, options))

        results = decompose_shot(
            layout,
            network.short(sizes.is_short),
            options,
            findings,
            wanted=planned.standing.needs,
            on_windows=on_windows,
            with_plates=plan.write.needs_plate,
        )
        try:
            opened = (
                open_writers(planned.outputs, about, on_done, book.encoded)
                if stdout is None
                else open_stream(planned.outputs, about, stdout, on_done)
            )
            with opened as writers, closing(results):
                for maps in results:
                    writers.write(maps)
        except InputError as error:
            if not planned.kept or len(findings.faults) < planned.to_do:
                fault = shot_fault(error, layout.shot)
                logger.error("%s: this shot is left out: %s", layout.shot.name, error)
                book.fail(fault.source, fault.reason)
                outcome.failed.append(fault)
                continue  # else some of it is there, and what is missing is lost
        finally:  # also where the run is interrupted: the frames written so far keep their seams
            for seam in findings.seams:
                book.found_seam(layout.choice.number(seam.position), seam_record(seam))
        for fault in findings.faults:
            book.lost(fault.number, fault.source, fault.reason)
        outcome.faults += (replace(fault, shot=layout.shot.name) for fault in findings.faults)
        outcome.truncated |= findings.truncated
        if not findings.truncated:
            note_end(layout, book, outcome)
        book.finish()


def note_end(layout: Layout, book: ShotProgress, outcome: Outcome) -> None:
    """A video that breaks off is told of as in the first run, also where its last frames are kept and nobody read so
    far."""
    if layout.lacks_end:
        fault = Fault(None, layout.shot.sources[0], "the file ends before its promised end", layout.shot.name)
        book.lost(fault.number, fault.source, fault.reason)
        outcome.faults.append(fault)
        outcome.truncated = True


def shot_fault(error: InputError, shot: Shot) -> Fault:
    """Why a shot cannot be read at all, as an account of the file that its message names."""
    path = next((path for path in shot.paths if str(error).startswith(f"{shown(path)}: ")), shot.paths[0])
    called = shot.called(path)
    reason = str(error).removeprefix(f"{shown(path)}: ").removeprefix(f"{shown(called)}: ")
    return Fault(None, called, reason, shot.name)


def plan_shot_passes(layout: Layout, options: DecomposeOptions, located: Located) -> PassPlan:
    """How large the passes of a shot are on this machine."""
    return plan_passes(layout, located.weights.config, located.device, located.dtype, options)
