"""What came of a decomposition, for people and for programs, and the exit code that says it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..sizes import show_count
from .console import VOICE, complain, emit, say

if TYPE_CHECKING:  # the job brings the codecs with it, which --help does without
    from ..frames import Fault
    from ..job.run import Outcome

TRUNCATED, INCOMPLETE = 1, 3  # exit codes: the source ends too soon; frames are missing or damaged


def conclude(outcome: "Outcome", output: Path) -> int:
    """Says what came of the job and returns the exit code."""
    from ..job.planning import STDOUT
    from ..outputs import MANIFEST_NAME

    is_stream = str(output) == STDOUT
    whole_shots, faults = outcome.failed, outcome.failed + outcome.faults
    code = INCOMPLETE if whole_shots else TRUNCATED if outcome.truncated else INCOMPLETE if faults else 0
    written = f"{show_count(outcome.written, 'frame')} written"
    lost = [fault.number for fault in faults if fault.number is not None]
    if code:
        first = faults[0]
        count = f"{len(lost)} lost ({lost_frames(faults)})" if lost else "others lost"
        if whole_shots:
            count = f"{len(whole_shots)} of the shots cannot be read" + (f", {count}" if lost else "")
        why = f"{first.source}: {first.reason}"
        see = "" if is_stream else f" (see {output / MANIFEST_NAME})"
        complain(f"{written}, {count}: {why}{see}", code)
    elif not VOICE.quiet:
        kept = f", {outcome.kept} {'was' if outcome.kept == 1 else 'were'} there" if outcome.kept else ""
        say(f"{written} to {'stdout' if is_stream else output}{kept}")
    if VOICE.json:
        failed = [str(fault.source) for fault in outcome.failed]
        told = [
            {"shot": fault.shot, "frame": fault.number, "source": str(fault.source), "reason": fault.reason}
            for fault in faults
        ]
        emit("done", exit=code, written=outcome.written, lost=lost, failed=failed, faults=told)
    return code


def lost_frames(faults: "Sequence[Fault]") -> str:
    """The frames among `faults` as ranges: `3,7-9`; where several shots lost some, `a 3; b 7-9`."""
    from ..outputs.ranges import numbers_to_ranges

    by_shot: dict[str, list[int]] = {}
    for fault in faults:
        if fault.number is not None:
            by_shot.setdefault(fault.shot, []).append(fault.number)
    ranges = {shot: numbers_to_ranges(numbers) for shot, numbers in by_shot.items()}
    return "; ".join(f"{shot} {told}" if len(ranges) > 1 else told for shot, told in ranges.items())
