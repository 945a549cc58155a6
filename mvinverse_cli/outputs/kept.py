"""What `--on-exists skip` keeps of an earlier run's files, and whether what is to come fits beside it."""

import logging
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import OutputError
from ..formats import FileKind
from ..sizes import show_count, show_frames
from .check import find_frames
from .naming import ShotOutputs
from .ranges import numbers_to_ranges, ranges_to_numbers
from .record import ShotRecord

logger = logging.getLogger(__name__)


def warn_of_growth(record: ShotRecord, earlier: ShotRecord) -> None:
    """Tells of a sequence that has more or fewer pictures than in the `earlier` run whose frames are kept."""
    now, before = record.passes.get("frames"), earlier.passes.get("frames")
    if before is not None and now != before and record.passes["window"] != 1:  # which sees each frame alone
        logger.warning(
            "%s: had %s when the maps that are there were made, and has %s; those to come see other pictures beside "
            "them, so colours may step; --on-exists overwrite makes all alike",
            record.name,
            show_count(before, "frame"),
            now,
        )


def warn_of_other_pictures(record: ShotRecord) -> None:
    """Tells of a sequence that begins with another picture than when the maps that are kept were made."""
    logger.warning(
        "%s: its first picture is another than when the maps that are there were made; where the others are as well, "
        "--on-exists overwrite makes all anew",
        record.name,
    )


def warn_of_newer_pictures(stem: str, written: Mapping[int, int], pictures: Mapping[int, Path]) -> None:
    """Tells of the frames of a shot that were rendered anew since their maps, which are kept, were `written` (in ns, by
    number): of which the `pictures` are newer."""
    newer = set()
    for number, then in written.items():
        with suppress(OSError):  # what is gone meanwhile is told where it is missed
            if pictures[number].stat().st_mtime_ns > then:
                newer.add(number)
    if newer:
        ranges = numbers_to_ranges(newer)
        logger.warning(
            "%s: pictures that are newer than the maps that are kept of them: %s; where they show something else, "
            "--on-exists overwrite --frames %s makes their maps anew",
            stem,
            show_frames(ranges)[0],
            ranges,
        )


def is_mended(record: ShotRecord, earlier: ShotRecord | None, frames: Collection[int]) -> bool:
    """Whether a sequence that begins with another picture than in the `earlier` run may have had that one mended alone:
    some were broken then, or it is the only one of the `frames` asked for."""
    numbers = ranges_to_numbers(record.passes.get("numbers", ""))
    return bool(earlier and earlier.faults) or {*frames} == {min(numbers, default=None)}


def check_not_stale(shot: ShotOutputs, record: ShotRecord, frames: Collection[int]) -> None:
    """Raises OutputError where files of the `frames`, or movies, in this run's formats are no more of its settings.
    What is gone meanwhile is noted as gone."""
    chosen = (*shot.frame_formats, *shot.movie_formats)
    if not any(record.formats[kind].stale for kind in chosen):
        return
    there = find_frames(shot, shot.frame_formats, record.still_names)
    for kind in shot.frame_formats:
        record.formats[kind].stale &= there.get(kind, set())
    movies = {movie.format for movie in shot.movie_files() if movie.path.exists()}
    for kind in shot.movie_formats:
        if kind not in movies:
            record.formats[kind].stale.clear()
    mixed = {*frames} & set().union(*(record.formats[kind].stale for kind in chosen))
    if mixed:
        told, verb = show_frames(numbers_to_ranges(mixed))
        them = "it" if verb == "is" else "them"
        raise OutputError(
            f"{shot.folder}: {told} of {shot.stem!r} {verb} from a run with other settings, or still to be "
            f"overwritten; choose --on-exists overwrite for {them}, remove {them}, or take another folder"
        )


def check_known(shot: ShotOutputs, frames: Collection[int], manifest: str) -> None:
    """Raises OutputError where `frames` would be kept of which no `manifest` tells how they were made."""
    if frames:
        told, verb = show_frames(numbers_to_ranges(frames))
        raise OutputError(
            f"{shot.folder}: {told} of {shot.stem!r} {verb} there, and no {manifest} tells "
            "with which settings; choose --on-exists overwrite, or another output folder"
        )


def check_kept_rate(shot: ShotOutputs, record: ShotRecord, earlier: ShotRecord | None) -> None:
    """Raises OutputError where a movie of pictures is kept that an `earlier` run made at another `--fps`."""
    if earlier is None or shot.rate is not None or shot.options.on_exists == "overwrite":
        return
    before, now = earlier.write.get("fps"), record.write["fps"]
    kept = next((movie.path for movie in shot.movie_files() if movie.path.exists()), None)
    if kept is not None and before != now:
        raise OutputError(
            f"{kept}: is there at {before} frames per second, and --fps is {now}; choose the same, another output "
            "folder, or --on-exists overwrite"
        )


def check_movies_hold(frames: Collection[int], record: ShotRecord, kind: str) -> None:
    """Raises OutputError where movies of a format that are kept lack some of the `frames`."""
    lacking = {*frames} - record.formats[kind].frames
    if lacking:
        raise OutputError(
            f"the movies of {record.name!r} ({kind}) are there and, as far as the manifest tells, without "
            f"{show_frames(numbers_to_ranges(lacking))[0]}; choose --on-exists overwrite or another folder"
        )


def check_movies_alike(frames: Collection[int], held: Collection[int], name: str, kind: str) -> None:
    """Raises OutputError where the movies of the shot `name` that are kept have `held` other frames than the `frames`
    of those that are about to have their names: one was lost before, and is not now."""
    if held and {*held} != {*frames}:
        raise OutputError(
            f"the movies of {name!r} ({kind}) that are there hold frames {numbers_to_ranges(held)}, and the new "
            f"ones would hold {numbers_to_ranges({*frames})}; choose --on-exists overwrite or another folder"
        )


def check_kept_movies(
    shot: ShotOutputs, record: ShotRecord, movies_left: Iterable[FileKind], frames: Collection[int]
) -> None:
    """Raises OutputError where a format lacks some movies and those that are kept hold other frames than `frames`, but
    for those that were lost.

    What is known of the kept ones stays noted: a run that is killed before it has made the others must not lose it.
    """
    for kind in movies_left:
        there = (movie.path for movie in shot.movie_files() if movie.format == kind and movie.path.exists())
        kept = next(there, None) if shot.options.on_exists != "overwrite" else None
        held = record.formats[kind].frames | record.formats[kind].naming
        if kept is not None and held != frames - record.faults.keys():
            raise OutputError(
                f"{kept}: is there with frames {numbers_to_ranges(held) or 'that nobody knows'}, and other movies of "
                f"{shot.stem!r} are not; ask for the same frames, or choose --on-exists overwrite or another folder"
            )
        record.formats[kind].naming = set() if kept is None else held
