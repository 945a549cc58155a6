"""What the manifest says of one format of a shot: which of its frames are on disk."""

from dataclasses import dataclass, field
from typing import Any

from .ranges import numbers_to_ranges, ranges_to_numbers

Json = dict[str, Any]


@dataclass
class FormatRecord:
    """The frames written in one format.

    naming: the frames of movies that were complete and about to be given their names. A run that is killed then leaves
    either: where the movies have their names, these frames are in them.
    stale: frames on disk from a run with other settings, of which `--on-exists overwrite` has replaced others, or of
    the same, that are still to be overwritten.
    """

    bits: str
    frames: set[int] = field(default_factory=set)
    naming: set[int] = field(default_factory=set)
    stale: set[int] = field(default_factory=set)

    @classmethod
    def from_json(cls, text: Json) -> "FormatRecord":
        """The inverse of `to_json`."""
        numbers = (ranges_to_numbers(text.get(name, "")) for name in ("frames", "naming", "stale"))
        return cls(text["bits"], *numbers)

    def to_json(self) -> Json:
        """The record as it is in the file: of `naming` what is not yet certain."""
        entry = {"bits": self.bits, "frames": numbers_to_ranges(self.frames)}
        others = {"naming": self.naming - self.frames, "stale": self.stale}
        return entry | {name: numbers_to_ranges(numbers) for name, numbers in others.items() if numbers}

    @property
    def on_disk(self) -> set[int]:
        """Every frame that is there or may be, of whatever settings."""
        return self.frames | self.naming | self.stale

    def add(self, other: "FormatRecord", own: set[int] | None = None) -> None:
        """Adds what another record of the same format holds. own: the frames that this record tells of; of all others
        the other one knows more. None: of all that either holds."""
        kept = (self.frames, self.stale) if own is None else (self.frames & own, self.stale & own)
        self.frames = kept[0] | other.frames
        self.naming |= other.naming
        self.stale = (kept[1] | other.stale) - self.frames

    def give_up(self, numbers: set[int]) -> None:
        """The files of the frames, where they are there, are no more of the settings of the record."""
        self.stale |= self.frames & numbers
        self.frames -= numbers

    def wrote(self, numbers: set[int]) -> None:
        """The frames are on disk, of the settings of the record."""
        self.frames |= numbers
        self.stale -= numbers
