"""What the manifest says of one shot: its provenance, its options, and which of its frames are written.

A record is a `ShotRecord` in memory and an object in the file, where frame numbers are ranges: `1001-1048`.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..formats import FileKind
from ..options import DecomposeOptions, WriteOptions
from .about import About
from .format_record import FormatRecord, Json
from .naming import ShotOutputs
from .ranges import numbers_to_ranges, ranges_to_numbers

# What decides the value of a pixel. Not here: `device` and `dtype`, which only round differently (a shot that ran into
# NaN is to go on in float32); `frames`, so that a shot can be done range by range; what concerns files alone; the
# model's name, since the hash of its weights says more.
PIXEL_OPTIONS = (
    *("max_size", "looks", "size", "upsample", "maps", "every", "start_frame", "exposure"),
    *("window", "anchors", "overlap", "kv_stride", "kv_mean"),
)
# So do these, of the files that they concern; not here: the formats and their bits, which are compared format by
# format, what concerns movies' rate, threads and files that are there, and `normals`, which is among the origins.
EXR_OPTIONS = ("exr_layout", "exr_compression", "exr_rgba")
FLOAT_OPTIONS = ("colorspace", "residual")
PIXEL_ORIGINS = ("sha256", "input_transfer", "albedo_transfer", "shading_transfer", "normal_convention")


LENGTH = ("frames", "numbers")  # of `passes`: a sequence may grow
UNTOLD: Json = {"pixel_aspect": 1.0, "light": None}  # what `passes` of earlier versions do not tell was so

PLAIN_FIELDS = (  # of a record, the same in memory and in the file
    *("name", "folder", "kind", "sources", "source_bytes", "about", "decompose", "write", "passes", "complete"),
)


def file_names(sources: Iterable[str]) -> list[str]:
    """The last parts of paths."""
    return [Path(source).name for source in sources]


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
        """What of the settings that decide pixels was otherwise in an `earlier` run of this shot.

        A source is the same under any path, as long as its name, size and beginning are. A sequence is so under one
        path as well: its first picture may have been mended.
        """
        config, source = (earlier.about.get(name, self.about[name]) for name in ("config_sha256", "source_sha256"))
        pairs: list[tuple[str, object, object]] = [("sources", file_names(earlier.sources), file_names(self.sources))]
        contents = [
            ("size of the sources", earlier.source_bytes, self.source_bytes),
            ("content of the sources", source, self.about["source_sha256"]),
        ]  # what earlier versions did not tell counts as the same
        if self.kind != "sequence":
            pairs += contents
        elif any(before != now for _, before, now in contents):
            pairs = [("sources", earlier.sources, self.sources)]
        pairs.append(("config", config, self.about["config_sha256"]))
        pairs += ((name, earlier.about.get(name), self.about[name]) for name in PIXEL_ORIGINS)
        pairs += ((name, earlier.decompose.get(name), self.decompose[name]) for name in PIXEL_OPTIONS)
        shared = self.concerning & earlier.concerning
        pairs += ((name, earlier.write.get(name), self.write[name]) for name in self.write if name in shared)
        passes = {name: value for name, value in self.passes.items() if name not in LENGTH}
        before = UNTOLD | earlier.passes
        pairs += ((f"passes: {name}", before.get(name), value) for name, value in passes.items())
        pairs += (
            (f"{name} bits", earlier.formats[name].bits, entry.bits)
            for name, entry in self.formats.items()
            if name in earlier.formats
        )
        return [f"{name} was {before!r} and is {now!r}" for name, before, now in pairs if before != now]

    @property
    def concerning(self) -> set[str]:
        """The names of the write options that decide pixels of files in one of the formats."""
        names: set[str] = set()
        if "exr" in self.formats:
            names |= {*EXR_OPTIONS}
        if any(name == "exr" or entry.bits == "float" for name, entry in self.formats.items()):
            names |= {*FLOAT_OPTIONS}
        return names

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
        self.write |= {name: earlier.write.get(name) for name in earlier.concerning - self.concerning}

    def continue_from(self, earlier: "ShotRecord") -> None:
        """Takes over what an `earlier` run with the same settings has written, and the frames it lost."""
        self.keep_options(earlier)
        for name, entry in earlier.formats.items():
            self.formats.setdefault(name, FormatRecord(entry.bits)).add(entry)
        self.faults |= {number: fault for number, fault in earlier.faults.items() if number is not None}
        self.seams |= earlier.seams

    def replace(self, earlier: "ShotRecord", found: Mapping[FileKind, set[int]]) -> None:
        """Begins anew over what an `earlier` run with other settings has left, in these formats and in others.

        found: the frames of which files are there, also those that a killed run could not tell of any more.
        """
        for name, entry in earlier.formats.items():
            self.formats.setdefault(name, FormatRecord(entry.bits)).stale |= entry.on_disk
        for name, numbers in found.items():
            self.formats[name].stale |= numbers

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
