"""What the manifest says of one shot: its provenance, its options, and which of its frames are written.

A record is a `ShotRecord` in memory and an object in the file, where frame numbers are ranges: `1001-1048`.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..formats import MOVIES, FileKind
from ..options import DecomposeOptions, WriteOptions
from .about import About
from .changes import changes, concerning
from .format_record import FormatRecord, Json
from .naming import ShotOutputs
from .ranges import numbers_to_ranges, ranges_to_numbers

PLAIN_FIELDS = (  # of a record, the same in memory and in the file
    *("name", "folder", "kind", "sources", "source_bytes", "about", "decompose", "write", "passes", "complete"),
)


def as_json(fields: About | DecomposeOptions | WriteOptions) -> Json:
    """The fields as they come back from a JSON file: tuples are lists, fractions are text."""
    plain: Json = json.loads(json.dumps(asdict(fields), default=str))
    return plain


@dataclass
class ShotRecord:
    """One shot: `name`, in `folder` under the manifest's own, `sources` as the user named them.

    `source_bytes` is their size, of a sequence, which may grow, that of its first picture. `passes`: the windows that
    memory allowed, and the cuts. `seams` by the first new frame of each window.
    """

    name: str
    folder: str
    kind: str
    sources: list[str]
    source_bytes: int
    about: Json
    decompose: Json
    write: Json
    passes: Json
    formats: dict[str, FormatRecord]
    seams: dict[int, Json] = field(default_factory=dict)
    faults: dict[int | None, Json] = field(default_factory=dict)  # by frame number; None: a fault of the whole shot
    complete: bool = False

    @classmethod
    def of_run(
        cls,
        name: str,
        folder: str,
        kind: str,
        sources: Sequence[str],
        source_bytes: int,
        about: About,
        decompose: DecomposeOptions,
        write: WriteOptions,
        passes: Json,
    ) -> "ShotRecord":
        """The record of a shot that is about to be written."""
        formats: dict[str, FormatRecord] = {format: FormatRecord(write.bits_of(format)) for format in write.format}
        if write.sheet:
            formats["sheet"] = FormatRecord(write.bits_of("sheet"))
        settings = (as_json(about), as_json(decompose), as_json(write))
        return cls(name, folder, kind, [*sources], source_bytes, *settings, passes, formats)

    @classmethod
    def from_json(cls, text: Json) -> "ShotRecord":
        """The inverse of `to_json`. Raises KeyError, TypeError, ValueError or AttributeError for anything else."""
        formats = {name: FormatRecord.from_json(entry) for name, entry in text["formats"].items()}
        faults = {fault["number"]: dict(fault) for fault in text["faults"]}
        seams = {seam["number"]: dict(seam) for seam in text["seams"]}
        plain = {name: text[name] for name in PLAIN_FIELDS}
        return cls(**plain, formats=formats, seams=seams, faults=faults)

    def to_json(self) -> Json:
        """The record as it is in the file."""
        formats = {name: entry.to_json() for name, entry in self.formats.items()}
        faults = sorted(self.faults.values(), key=lambda fault: (fault["number"] is None, fault["number"] or 0))
        seams = [self.seams[number] for number in sorted(self.seams)]
        stale = numbers_to_ranges(self.stale)
        return vars(self) | {"formats": formats, "seams": seams, "faults": faults, "stale": stale}

    @property
    def key(self) -> tuple[str, str]:
        """What tells the shot from others of a manifest: its folder and its name."""
        return self.folder, self.name

    @property
    def has_movies(self) -> bool:
        """Whether one of its formats is a movie; the sheet of stills is none."""
        return any(kind in MOVIES or (kind == "sheet" and self.kind != "stills") for kind in self.formats)

    @property
    def still_names(self) -> list[str]:
        """The names of stills by their numbers, which count from 1; empty for all others."""
        return [Path(source).stem for source in self.sources] if self.kind == "stills" else []

    def outputs(self, root: Path, kind: str) -> ShotOutputs:
        """How the files of one format are called, `root` being the manifest's folder: earlier runs may have written
        others, of other depths, beside it."""
        naming: dict[str, Any] = {"format": ("png",), "sheet": True}
        if kind != "sheet":
            bits = self.formats[kind].bits
            has_residual = self.write.get("residual", False) and (kind == "exr" or bits == "float")
            naming = {"format": (kind,), "bits": bits, "residual": has_residual}
        if kind == "exr":
            naming["exr_layout"] = self.write.get("exr_layout", "single")
        maps, is_stills = tuple(self.decompose["maps"]), self.kind == "stills"
        return ShotOutputs(root / self.folder, self.name, is_stills, maps, WriteOptions(**naming), None)

    def frame_files(self, root: Path, kind: str, numbers: Iterable[int]) -> dict[Path, int]:
        """The files of one format that hold the frames `numbers`, each with its frame."""
        outputs, names = self.outputs(root, kind), self.still_names
        return {
            file.path: number
            for number in numbers
            for file in outputs.frame_files(number, names[number - 1] if names else "")
            if file.format == kind
        }

    @property
    def frames(self) -> set[int]:
        """Every frame that is on disk in some format, of whatever settings."""
        return set().union(*(entry.frames | entry.stale for entry in self.formats.values()))

    @property
    def is_whole(self) -> bool:
        """Whether every frame of the shot is there, in each format that the last run wrote, and none was lost."""
        asked = [len(entry.frames) for name, entry in self.formats.items() if name in self.write["format"]]
        return not self.faults and min(asked, default=0) >= self.passes.get("frames", 0)

    @property
    def to_do(self) -> set[int]:
        """Frames of the shot that no run has written yet in some format of the last one, nor lost; of manifests of
        earlier versions, which do not tell the shot's numbers, none."""
        to_do: set[int] = set()
        for name in self.write["format"]:
            to_do |= ranges_to_numbers(self.passes.get("numbers", "")) - self.formats[name].frames
        return to_do - self.faults.keys()

    @property
    def stale(self) -> set[int]:
        """Every frame that is on disk in some format from a run with other settings."""
        return set().union(*(entry.stale for entry in self.formats.values()))

    def differences(self, earlier: "ShotRecord") -> list[str]:
        """What of the settings that decide pixels was otherwise in an `earlier` run of this shot."""
        return [f"{name} was {before!r} and is {now!r}" for name, before, now, _ in changes(self, earlier)]

    def outdated(self, earlier: "ShotRecord") -> set[str]:
        """The formats whose files are of other settings where an `earlier` run wrote them."""
        return set().union(*(formats for *_, formats in changes(self, earlier)))

    def is_of_other_pictures(self, earlier: "ShotRecord") -> bool:
        """Whether it is a sequence whose first picture was another in an `earlier` run, as far as that tells."""
        before = earlier.source_bytes, earlier.about.get("source_sha256", self.about["source_sha256"])
        return self.kind == "sequence" and before != (self.source_bytes, self.about["source_sha256"])

    def keep_origin(self, earlier: "ShotRecord") -> None:
        """The pictures are those that an `earlier` run saw: of them are the maps that are kept."""
        self.source_bytes = earlier.source_bytes
        self.about = self.about | {"source_sha256": earlier.about.get("source_sha256")}

    def keep_options(self, earlier: "ShotRecord") -> None:
        """Takes over how an `earlier` run wrote files of formats to which this one adds none."""
        names = concerning(earlier) - concerning(self)
        if earlier.has_movies and not self.has_movies:
            names.add("fps")
        self.write |= {name: earlier.write.get(name) for name in names}

    def continue_from(self, earlier: "ShotRecord") -> None:
        """Takes over what an `earlier` run with the same settings has written, and the frames it lost."""
        self._keep_accounts(earlier)
        for name, entry in earlier.formats.items():
            self.formats.setdefault(name, FormatRecord(entry.bits)).add(entry)

    def _keep_accounts(self, earlier: "ShotRecord") -> None:
        """What an `earlier` run tells of files that stay: how they were written, frames that it lost, and seams."""
        self.keep_options(earlier)
        self.faults |= {number: fault for number, fault in earlier.faults.items() if number is not None}
        self.seams |= earlier.seams

    def replace(self, earlier: "ShotRecord", found: Mapping[FileKind, set[int]], outdated: Collection[str]) -> None:
        """Begins anew over what an `earlier` run with other settings has left, in these formats and in others.

        found: the frames of which files are there, also those that a killed run could not tell of any more; outdated:
        the formats that the other settings concern. What is there in others holds.
        """
        if not earlier.formats.keys() <= {*outdated}:
            self._keep_accounts(earlier)
        for name, entry in earlier.formats.items():
            own = self.formats.setdefault(name, FormatRecord(entry.bits))
            if name in outdated:
                own.stale |= self._numbers_now(earlier, entry.on_disk)
            else:
                own.add(entry)
        for name, numbers in found.items():
            if name in outdated:
                self.formats[name].stale |= numbers

    def _numbers_now(self, earlier: "ShotRecord", numbers: Iterable[int]) -> set[int]:
        """Of frames of an `earlier` run, the numbers that they have now: stills count in the order they are given, and
        those no longer among them have none."""
        before, now = earlier.still_names, {name: number for number, name in enumerate(self.still_names, start=1)}
        if not before:
            return {*numbers}
        return {now[name] for number in numbers if number <= len(before) and (name := before[number - 1]) in now}

    def take_over(self, other: "ShotRecord", own: set[int]) -> None:
        """Adds what the record on disk, `other`, holds of runs beside this one; nothing where its settings differ.

        own: the numbers of the frames that this run was asked for.
        """
        if self.differences(other):
            return
        written = set().union(*(entry.frames for entry in self.formats.values()))
        self.keep_options(other)
        for name, entry in other.formats.items():
            self.formats.setdefault(name, FormatRecord(entry.bits)).add(entry, own)
        theirs = {number: fault for number, fault in other.faults.items() if number not in written}
        ours = {number: fault for number, fault in self.faults.items() if number is None or number in own}
        self.faults = theirs | ours
        self.seams = other.seams | self.seams

    def settle_movies(self, kept: Collection[str], anew: Collection[str]) -> None:
        """Movies of the formats `kept` are all there, also those that a run was about to name when it was killed.

        Those `anew` will be made by this run, and hold no frames but its own; where some of them are kept, these are in
        `naming`, as `check_kept_movies` left it.
        """
        for name in kept:
            self.formats[name].frames |= self.formats[name].naming
            self.formats[name].naming.clear()
        for name in anew:
            self.formats[name].frames.clear()
            self.formats[name].stale.clear()

    def add_frames(self, formats: Iterable[str], numbers: Iterable[int]) -> None:
        """The frames are on disk in `formats`, and so no longer lost."""
        written = set(numbers)
        for name in formats:
            self.formats[name].wrote(written)
        for number in written & self.faults.keys():
            del self.faults[number]
