"""`OUT/mvinverse.json`: what was made, from what, with which weights and options, and which frames are there.

One manifest for all shots of an output folder. It holds no times and no host names: two runs write the same bytes.
"""

import json
import time
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ..errors import OutputError
from ..formats import BITS, FileKind
from ..maps import SPECS, MapSpec
from ..options import DecomposeOptions
from ..sizes import show_frames
from .about import About
from .check import Standing, find_frames
from .format_record import Json
from .kept import (
    check_kept_movies,
    check_kept_rate,
    check_known,
    check_movies_hold,
    check_not_stale,
    is_mended,
    warn_of_growth,
    warn_of_other_pictures,
)
from .naming import ShotOutputs
from .presence import Presence
from .ranges import numbers_to_ranges
from .record import ShotRecord
from .shot_progress import ShotProgress
from .whole import write_errors, write_whole

MANIFEST_NAME = "mvinverse.json"
LAYOUT = 3  # grows when an older version could no longer read the file
SAVE_SECONDS = 5.0  # at most so often while frames are written
INTEGER_CODES = {"color": "sRGB-encoded, Rec.709 primaries", "data": "straight", "vector": "n * 0.5 + 0.5"}
FLOAT_CODES = {
    "color": "scene-linear, Rec.709 primaries, or AP1 where a shot's write.colorspace is acescg",
    "data": "straight",
    "vector": "raw xyz",
}
VECTOR_AXES = "unit vectors, axes as a shot's about.normal_convention says"


def color_contract(spec: MapSpec) -> Json:
    """What the values of a map's files mean."""
    return {
        "meaning": VECTOR_AXES if spec.kind == "vector" else spec.meaning,
        "integer_files": INTEGER_CODES[spec.kind],
        "float_files": FLOAT_CODES[spec.kind],
    }


class Manifest:
    """The manifest of `folder`: nothing is written before `save`.

    presence: of the run that keeps it, where other runs may be at work in the folder.
    """

    def __init__(self, folder: Path, shots: Sequence[ShotRecord] = (), presence: Presence | None = None) -> None:
        self.path = folder / MANIFEST_NAME
        self.presence = presence
        self.software = ""
        self.shots = {shot.key: shot for shot in shots}
        self._own: set[tuple[str, str]] = set()  # the shots that this run writes
        self._asked: dict[tuple[str, str], set[int]] = {}  # the frames of each shot of this run
        self._finished: set[tuple[str, str]] = set()  # those all of whose frames asked for are written or lost
        self._replaced: list[tuple[tuple[str, str], tuple[str, str], str, set[int]]] = []  # shot, other, format, frames
        self._saved = 0.0  # monotonic seconds

    def add_shot(
        self,
        shot: ShotOutputs,
        about: About,
        kind: str,
        sources: Sequence[str],
        source_bytes: int,
        decompose: DecomposeOptions,
        passes: Json,
        standing: Standing,
        frames: Collection[int],
    ) -> ShotProgress:
        """Enters a shot that is about to be written, and takes over the frames that an earlier run wrote of it.

        sources: as the user named them, one pattern for a sequence; source_bytes: their size, of a sequence, which may
        grow, that of its first picture; passes: how the shot is cut into passes; standing: what `check_shot` found;
        frames: the numbers asked for. Raises OutputError where the earlier run had other settings, unless
        `--on-exists overwrite` starts anew, and where a movie would be kept that lacks some of the frames.
        """
        folder = shot.folder.relative_to(self.path.parent).as_posix()
        record = ShotRecord.of_run(
            shot.stem, folder, kind, sources, source_bytes, about, decompose, shot.options, passes
        )
        earlier = self.shots.get(record.key)
        differences = [] if earlier is None else record.differences(earlier)
        found: dict[FileKind, set[int]] = {}
        of_others = earlier is not None and record.is_of_other_pictures(earlier)
        anew = of_others and shot.options.on_exists == "overwrite" and not is_mended(record, earlier, frames)
        if earlier is not None and (differences or anew):  # a killed run may have left more than it told of
            kinds = [kind for kind in BITS if kind in record.formats or kind in earlier.formats]
            found = find_frames(shot, kinds, record.still_names)
        is_there = earlier is not None and (
            any(entry.on_disk for entry in earlier.formats.values())
            or standing.frames_done
            or standing.movies_done
            or any(found.values())
        )
        if earlier is not None and is_there:
            if anew:
                record.replace(earlier, found, {*record.formats, *earlier.formats})
            elif not differences:
                record.continue_from(earlier)
                if of_others:
                    warn_of_other_pictures(record)
                    if not earlier.faults and shot.options.on_exists != "overwrite":  # else it may have been mended
                        record.keep_origin(earlier)
                if shot.options.on_exists == "skip":
                    warn_of_growth(record, earlier)
            elif shot.options.on_exists == "overwrite":
                record.replace(earlier, found, record.outdated(earlier))
            else:
                raise OutputError(
                    f"{self.path}: {shot.stem!r} was written with other settings ({'; '.join(differences)}); "
                    "choose the same, another output folder, or --on-exists overwrite"
                )
        self._check_others(shot, record, frames)
        if earlier is None:
            check_known(shot, standing.frames_done or (), self.path.name)
        if shot.options.on_exists != "overwrite":
            check_not_stale(shot, record, frames)
        check_kept_rate(shot, record, earlier)
        check_kept_movies(shot, record, standing.movies_left, set(frames))
        record.settle_movies(standing.movies_done, standing.movies_left)
        record.add_frames(shot.frame_formats, standing.frames_done or ())
        for kept in sorted(standing.movies_done):
            check_movies_hold(set(frames) - record.faults.keys(), record, kept)
        self.software = about.software
        self.shots[record.key] = record
        self._asked[record.key] = {*frames}
        return ShotProgress(self, record, earlier, shot.frame_formats, standing.movies_left, standing.movies_done)

    def _check_others(self, shot: ShotOutputs, record: ShotRecord, frames: Collection[int]) -> None:
        """Raises OutputError where files of the `frames` are kept that another shot's run has written, as a still alone
        and a sequence, or two choices of views, may have them in common; notes those that are going to be replaced."""
        others = [other for other in self.shots.values() if other.folder == record.folder and other.key != record.key]
        if not others:
            return
        root = self.path.parent
        own = {path for kind in shot.frame_formats for path in record.frame_files(root, kind, frames)}
        for other in others:
            for kind, entry in other.formats.items():
                theirs = other.frame_files(root, kind, entry.frames)
                shared = {path: number for path, number in theirs.items() if path in own}
                if shot.options.on_exists != "overwrite":
                    kept = next((path for path in shared if path.exists()), None)
                    if kept is not None:
                        raise OutputError(
                            f"{kept}: is there already, from a run over {other.name!r}, where it was seen beside other "
                            "pictures; choose --on-exists overwrite, or another output folder"
                        )
                self._replaced.append((record.key, other.key, kind, {*shared.values()}))

    def begin(self, record: ShotRecord, earlier: ShotRecord | None, frame_formats: Sequence[FileKind]) -> None:
        """The shot of `record` is about to be written; `earlier` is what the manifest said of it when it was added.

        frame_formats: those of this run that have files of their own for every frame.

        From here on its settings are on disk, where other runs find them. Raises OutputError where one that is at work
        writes the shot with other settings.
        """
        with self._alone():
            now = self._on_disk().get(record.key)
            is_new = now is not None and (earlier is None or record.differences(earlier) != record.differences(now))
            self._check_claim(record, now, is_new)
            if self.presence is not None:
                self.presence.begin(record.key)
            self.own(record)
            asked = self._asked[record.key]
            if now is not None and (earlier is None or now.to_json() != earlier.to_json()):
                record.take_over(now, asked)
            if record.write["on_exists"] == "overwrite":  # those that a killed run leaves are not those asked for
                for kind in frame_formats:
                    record.formats[kind].give_up(asked)
            self._write(begun=record)

    def change_passes(self, record: ShotRecord, passes: Json) -> None:
        """The shot is cut into passes otherwise than was planned: frames of the planned ones are of other settings.

        Raises OutputError where such frames are to be kept, and as `begin` does.
        """
        with self._alone():
            now = self._on_disk().get(record.key)
            if now is not None:
                record.take_over(now, self._asked[record.key])
            kept: set[int] = set().union(*(entry.frames for entry in record.formats.values()))
            if kept and record.write["on_exists"] != "overwrite":
                told, verb = show_frames(numbers_to_ranges(kept))
                raise OutputError(
                    f"{self.path}: {told} of {record.name!r} {verb} of larger passes than there is memory for now; "
                    "free some, or choose --on-exists overwrite or another output folder"
                )
            for entry in record.formats.values():
                entry.give_up(kept)
            record.passes = passes
            self._check_claim(record, now, False)
            self._write()

    def _check_claim(self, record: ShotRecord, now: ShotRecord | None, is_new: bool) -> None:
        """Raises OutputError where `now`, on disk, may be of a run at work with other settings than `record`."""
        differences = [] if now is None else record.differences(now)
        if differences and (is_new or (self.presence is not None and self.presence.may_be_written(record.key))):
            raise OutputError(
                f"{self.path}: another run is at work here, and {record.name!r} was written with other settings "
                f"({'; '.join(differences)}); wait for its end, or choose another output folder"
            )

    def save(self) -> None:
        """Writes the file, whole, with what other runs have entered meanwhile. Raises OutputError where it cannot."""
        with self._alone():
            self._write()

    def _alone(self) -> AbstractContextManager[None]:
        return nullcontext() if self.presence is None else self.presence.alone_with_books()

    def _on_disk(self) -> dict[tuple[str, str], ShotRecord]:
        return load_manifest(self.path.parent).shots

    def _write(self, begun: ShotRecord | None = None) -> None:
        shots = self.shots | self._on_disk()  # what other runs entered, and what holds until this run begins a shot
        for key in self._own:
            if key in shots and (begun is None or key != begun.key):
                self.shots[key].take_over(shots[key], self._asked[key])
            shots[key] = self.shots[key]
            shots[key].complete = key in self._finished and shots[key].is_whole
        for key, other, kind, numbers in self._replaced:
            if key in self._own and other in shots and shots[other].formats[kind].frames & numbers:
                shots[other].formats[kind].give_up(numbers)
                shots[other].complete = False
        content = {
            "layout": LAYOUT,
            "software": self.software,
            "maps": {name: color_contract(spec) for name, spec in SPECS.items()},
            "shots": [shot.to_json() for shot in shots.values()],
        }
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        # the bytes of a name that is not UTF-8 become JSON's own escapes, and come back as they were
        write_whole(self.path, text.encode("utf-8", "backslashreplace"), "overwrite")
        self._saved = time.monotonic()

    def own(self, record: ShotRecord) -> None:
        """From now on it is this run that tells what becomes of the shot."""
        self._own.add(record.key)

    def finish(self, record: ShotRecord) -> None:
        """All that this run was asked for of the shot is written or lost."""
        self.own(record)
        self._finished.add(record.key)
        self.save()

    def save_now_and_then(self) -> None:
        """Saves where the last time is some seconds ago: the cost does not grow with the number of frames."""
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()


class NoManifest(Manifest):
    """For maps that go to no folder: takes the notes, and never writes them."""

    def _on_disk(self) -> dict[tuple[str, str], ShotRecord]:
        return {}

    def _write(self, begun: ShotRecord | None = None) -> None:
        """Nowhere."""


def load_manifest(folder: Path, presence: Presence | None = None) -> Manifest:
    """The manifest of an output folder, empty where there is none yet; creates nothing.

    presence: of the run that is going to keep it.

    Raises OutputError for a file that is no manifest.
    """
    path = folder / MANIFEST_NAME
    with write_errors(path):
        if not path.exists():
            return Manifest(folder, presence=presence)
        text = path.read_bytes()
    try:
        content = json.loads(text)
        if content["layout"] != LAYOUT:
            raise ValueError(f"layout {content['layout']}, where this version reads {LAYOUT}")
        return Manifest(folder, [ShotRecord.from_json(shot) for shot in content["shots"]], presence)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutputError(
            f"{path}: is no manifest of this tool ({error}); move it away or choose another folder"
        ) from error
