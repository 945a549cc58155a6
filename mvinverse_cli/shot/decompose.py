"""The arrow: frames in, maps out, one pass after another. The border between numpy and torch.

Several things go on at once: threads decode and resize the next frames, a thread runs the network, and the caller's
thread cross-fades passes and brings maps back to the source's size. H W pixels of the source, h w of the network.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..errors import DeviceMemoryError, InputError
from ..frames import Fault, Frame, FrameReader, find_shots, open_positions
from ..maps import FrameMaps, Maps
from ..model.checkpoint import load_model
from ..model.mvinverse import MVInverse
from ..options import DecomposeOptions
from ..sizes import show_count
from ..windows import Scene, Windows
from .ahead import overlapped
from .layout import Layout, lay_out, plan_passes
from .passes import Network, PassRun, SceneRun
from .plates import open_plates
from .prepared import Held, Origin, if_readable, is_guided, prepare_ahead, restore
from .seams import Seam, cross_fade, fade_share

logger = logging.getLogger(__name__)


@dataclass
class Findings:
    """What comes to light while a shot is decomposed, beside its maps."""

    windows: Windows  # halved where the device runs out of memory
    seams: list[Seam] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)  # frames asked for that could not be read
    truncated: bool = False  # the source ended before its promised end


def decompose(
    inputs: str | Path | Sequence[str | Path],
    options: DecomposeOptions | None = None,
    *,
    model: MVInverse | None = None,
) -> Generator[FrameMaps, None, None]:
    """Yields the maps of every frame of every shot among `inputs` (videos, folders, images), in their order.

    model: a network from `load_model`, to serve several calls; `options.model`, `.device` and `.dtype` then count for
    nothing. Loaded as they say where it is left out.
    Frames that cannot be read are left out, with a warning in the log. Raises a subclass of MvInverseError, when the
    first frame is asked for or later.
    """
    options = options or DecomposeOptions()
    given = [inputs] if isinstance(inputs, str | Path) else inputs
    shots = find_shots(given, allow_gaps=options.allow_gaps, written=False)
    layouts = [lay_out(shot, options) for shot in shots]
    if model is None:
        model = load_model(options.model, device=options.device, dtype=options.dtype)
    network = Network.of(model, options)
    for layout in layouts:
        planned = plan_passes(layout, network.config, network.device, network.dtype, options, is_loaded=True)
        findings = Findings(planned.windows)
        yield from decompose_shot(layout, network.short(planned.is_short), options, findings)
        for fault in findings.faults:
            which = "frames are" if fault.number is None else f"frame {fault.number} is"
            logger.warning("%s: %s left out: %s", fault.source, which, fault.reason)


def decompose_shot(
    layout: Layout,
    network: Network,
    options: DecomposeOptions,
    findings: Findings,
    *,
    wanted: Callable[[int], bool] = lambda number: True,
    on_windows: Callable[[Windows], None] = lambda windows: None,
    with_plates: bool = False,
    quiet: bool = False,
) -> Generator[FrameMaps, None, None]:
    """The maps of the frames that are asked for and whose number is `wanted`, in their order.

    The others still take part in the passes of their neighbours, so that those get the numbers of an undisturbed run.
    Where the device runs out of memory before the first frame is done, the windows are halved, once; `on_windows`
    hears of it. with_plates: each comes with the picture it was made of. quiet: what had to be decided about the source
    is not said. Raises DeviceMemoryError where smaller windows do not help.
    """
    choice = layout.choice
    positions = frozenset(at for at in choice.wanted if wanted(choice.number(at)))
    begun = False
    try:
        for maps in run_passes(layout, network, options, findings, positions, with_plates, quiet=quiet):
            begun = True
            yield maps
        return
    except DeviceMemoryError as error:
        smaller = findings.windows.at_most(layout.largest_pass(findings.windows) // 2)
        if begun or layout.largest_pass(smaller) == layout.largest_pass(findings.windows):
            raise
        fewer = show_count(layout.largest_pass(smaller), "frame")
        logger.warning("%s: %s; trying again with %s", layout.shot.name, error, fewer)
    findings.windows = smaller
    findings.seams.clear()
    on_windows(smaller)
    yield from run_passes(layout, network, options, findings, positions, with_plates, quiet=quiet)


class Step(NamedTuple):
    """A part of a pass that is to be read out (None: only what later passes need), and the frames of the pass."""

    run: PassRun
    part: slice | None
    origins: Mapping[int, Origin]
    shared_from: int  # the first frame that the next pass gives as well


def run_passes(
    layout: Layout,
    network: Network,
    options: DecomposeOptions,
    findings: Findings,
    wanted: AbstractSet[int],
    with_plates: bool,
    *,
    quiet: bool,
) -> Generator[FrameMaps, None, None]:
    """Decodes, attends, reads out, cross-fades: a frame is yielded as soon as no later pass can change it."""
    scenes = [
        (scene, needed)
        for scene in findings.windows.plan(layout.choice.count, layout.cuts)
        if (needed := [*scene.needed(wanted, has_gain=network.needs_gain)])
    ]
    seen = sorted({at for scene, needed in scenes for index in needed for at in scene.passes[index].frames})
    lent = [at for scene, _ in scenes for at in scene.anchors]
    with ExitStack() as stack:

        def opened(positions: Sequence[int], *, quiet: bool = False) -> FrameReader:
            return stack.enter_context(open_positions(layout.shot, layout.choice, positions, quiet=quiet))

        def held(source: Iterable[Frame]) -> Held:
            return Held(stack.enter_context(closing(prepare_ahead(source, layout, network, options))))

        # opened first: what is deleted while the run goes on stays readable where it is open
        needs_pictures = with_plates or (options.size == "source" and options.upsample == "guided")
        pictures = stack.enter_context(open_plates(layout, sorted(wanted))) if needs_pictures else None
        reader = opened(seen, quiet=quiet)
        frames = held(reader)
        anchors = held(if_readable(opened(lent, quiet=True))) if lent else Held(iter(()))
        steps = plan_steps(layout.shot.name, scenes, frames, anchors, network, wanted)
        results = stack.enter_context(closing(overlapped(lambda step: step.run.read(step.part), steps)))
        lost: list[Fault] = []
        try:
            for origin, maps in faded(results, findings, wanted):
                picture = None
                if pictures and (with_plates or is_guided(origin, options)):
                    try:
                        picture = pictures.take(origin.index, origin.fit.source)
                    except InputError as error:
                        lost.append(Fault(origin.number, origin.source, str(error)))
                        continue
                yield restore(origin, maps, picture, layout, options, with_plate=with_plates)
        finally:  # where not one frame can be read, each has its reason, too
            asked = {layout.choice.number(at) for at in wanted}
            unread = [fault for fault in reader.faults if fault.number is None or fault.number in asked]
            findings.faults = unread + lost
            findings.truncated = reader.truncated


def plan_steps(
    shot: str,
    scenes: Iterable[tuple[Scene, Sequence[int]]],
    frames: Held,
    anchors: Held,
    network: Network,
    wanted: AbstractSet[int],
) -> Iterator[Step]:
    """The network's work, in order; the frames of a pass are waited for when it is asked for."""
    for scene, needed in scenes:
        lent = anchors.take(scene.frames, scene.frames.stop) if scene.anchors else {}
        run = SceneRun(scene, network, {at: item.pixels for at, item in lent.items()})
        for index in needed:
            given = scene.passes[index].frames
            following = scene.passes[index + 1 : index + 2]
            shared_from = following[0].frames.start if following else given.stop
            held = frames.take(given, shared_from)
            if held:
                origins = {at: item.origin for at, item in held.items()}
                numbers = [origin.number for origin in origins.values()]
                place = f"{shot}: frames {numbers[0]}-{numbers[-1]}"
                this = PassRun(run, index, {at: item.pixels for at, item in held.items()}, wanted, place)
                held.clear()  # the pictures are the pass's to keep
                for part in this.parts or (None,):
                    yield Step(this, part, origins, shared_from)


def faded(
    results: Iterable[tuple[Step, Mapping[int, Maps]]], findings: Findings, wanted: AbstractSet[int]
) -> Iterator[tuple[Origin, Maps]]:
    """The wanted frames with their maps (h, w, C), once all passes that give them have been faded into each other."""
    waiting: dict[int, Maps] = {}  # for the next pass
    for step, given in results:
        this, seam = step.run.this, step.run.seam
        if seam is not None and seam not in findings.seams[-1:]:
            findings.seams.append(seam)
        for at, maps in given.items():
            if at not in wanted:
                continue
            if at in waiting:
                maps = cross_fade(waiting.pop(at), maps, fade_share(at - this.frames.start, this.overlap))
            if at >= step.shared_from:
                waiting[at] = maps
            else:
                yield step.origins[at], maps
