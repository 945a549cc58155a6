"""What the manifest says of one shot: its provenance, its options, and which of its frames are written.

A record is a `ShotRecord` in memory and an object in the file, where frame numbers are ranges: `1001-1048`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..options import DecomposeOptions, WriteOptions
from .about import About
from .ranges import numbers_to_ranges, ranges_to_numbers

Json = dict[str, Any]

# What decides the value of a pixel. Not here: `device` and `dtype`, which only round differently (a shot that ran into
# NaN is to go on in float32); `frames`, so that a shot can be done range by range; what concerns files alone; the
# model's name, since the hash of its weights says more.
PIXEL_OPTIONS = ("max_size", "size", "window", "maps", "every", "start_frame")
PIXEL_ORIGINS = ("sha256", "input_transfer", "albedo_transfer", "shading_transfer", "normal_convention")


def as_json(fields: About | DecomposeOptions | WriteOptions) -> Json:
    """The fields as they come back from a JSON file: tuples are lists, fractions are text."""
    plain: Json = json.loads(json.dumps(asdict(fields), default=str))
    return plain


@dataclass
class FormatRecord:
    """The frames written in one format."""

    bits: str
    frames: set[int] = field(default_factory=set)


@dataclass
class ShotRecord:
    """One shot: `name`, in `folder` under the manifest's own, `sources` as the user named them."""

    name: str
    folder: str
    kind: str
    sources: list[str]
    about: Json
    decompose: Json
    write: Json
    formats: dict[str, FormatRecord]
    faults: dict[int | None, Json] = field(default_factory=dict)  # by frame number; None: a fault of the whole shot
    complete: bool = False

    @classmethod
    def of_run(
        cls,
        name: str,
        folder: str,
        kind: str,
        sources: Sequence[str],
        about: About,
        decompose: DecomposeOptions,
        write: WriteOptions,
    ) -> "ShotRecord":
        """The record of a shot that is about to be written."""
        formats: dict[str, FormatRecord] = {format: FormatRecord(write.bits_of(format)) for format in write.format}
        return cls(name, folder, kind, [*sources], as_json(about), as_json(decompose), as_json(write), formats)

    @classmethod
    def from_json(cls, text: Json) -> "ShotRecord":
        """The inverse of `to_json`. Raises KeyError, TypeError, ValueError or AttributeError for anything else."""
        formats = {
            name: FormatRecord(entry["bits"], ranges_to_numbers(entry["frames"]))
            for name, entry in text["formats"].items()
        }
        faults = {fault["number"]: dict(fault) for fault in text["faults"]}
        plain = {name: text[name] for name in ("name", "folder", "kind", "sources", "about", "decompose", "write")}
        return cls(**plain, formats=formats, faults=faults, complete=text["complete"])

    def to_json(self) -> Json:
        """The record as it is in the file."""
        formats = {
            name: {"bits": entry.bits, "frames": numbers_to_ranges(entry.frames)}
            for name, entry in self.formats.items()
        }
        faults = sorted(self.faults.values(), key=lambda fault: (fault["number"] is None, fault["number"] or 0))
        return vars(self) | {"formats": formats, "faults": faults}

    def differences(self, earlier: "ShotRecord") -> list[str]:
        """What of the settings that decide pixels was otherwise in an `earlier` run of this shot."""
        pairs: list[tuple[str, object, object]] = [("sources", earlier.sources, self.sources)]
        pairs += ((name, earlier.about.get(name), self.about[name]) for name in PIXEL_ORIGINS)
        pairs += ((name, earlier.decompose.get(name), self.decompose[name]) for name in PIXEL_OPTIONS)
        pairs += (
            (f"{name} bits", earlier.formats[name].bits, entry.bits)
            for name, entry in self.formats.items()
            if name in earlier.formats
        )
        return [f"{name} was {before!r} and is {now!r}" for name, before, now in pairs if before != now]

    def continue_from(self, earlier: "ShotRecord") -> None:
        """Takes over what an `earlier` run with the same settings has written, and the frames it lost."""
        for name, entry in earlier.formats.items():
            self.formats.setdefault(name, FormatRecord(entry.bits)).frames |= entry.frames
        self.faults |= {number: fault for number, fault in earlier.faults.items() if number is not None}

    def add_frames(self, formats: Iterable[str], numbers: Iterable[int]) -> None:
        """The frames are on disk in `formats`, and so no longer lost."""
        written = set(numbers)
        for name in formats:
            self.formats[name].frames |= written
        for number in written & self.faults.keys():
            del self.faults[number]
