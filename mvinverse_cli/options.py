"""What a user can choose. Every default is written here and nowhere else; the command line reads its own from here.

A field `window` is the flag `--window` and the keyword `window=` all the way. A value that cannot be
raises OptionError.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

from .color import Transfer
from .errors import OptionError
from .maps import MAPS, MapName, check_map_names

Size = Literal["source", "model"]
DtypeName = Literal["auto", "float32", "bfloat16", "float16"]
Format = Literal["png", "exr", "tiff", "mp4"]
Bits = Literal["8", "16", "half", "float"]
OnExists = Literal["error", "skip", "overwrite"]

# The first of each is the default of the format.
BITS: dict[Format, tuple[Bits, ...]] = {
    "png": ("8", "16"),
    "exr": ("half", "float"),
    "tiff": ("16", "8", "float"),
    "mp4": ("8",),
}


def check_choice(flag: str, value: str, choices: Any) -> None:
    """Raises OptionError where `value` is none of the Literal `choices`."""
    allowed = get_args(choices)
    if value not in allowed:
        raise OptionError(f"{flag} {value!r}: choose from {', '.join(allowed)}")


def check_at_least(flag: str, value: int, least: int) -> None:
    """Raises OptionError where `value` is under `least`."""
    if value < least:
        raise OptionError(f"{flag} {value}: must be at least {least}")


@dataclass(frozen=True)
class DecomposeOptions:
    """From paths to maps in memory."""

    model: str = "auto"
    device: str = "auto"
    dtype: DtypeName = "auto"
    max_size: int = 1024  # pixels of the long side that the network sees
    size: Size = "source"  # size of the maps
    window: int = 16  # frames attended to at once
    maps: tuple[MapName, ...] = MAPS
    frames: str | None = None  # fileseq grammar: 1-200, 1001-1100x2, 5,7,9
    every: int = 1
    allow_gaps: bool = False
    start_frame: int = 1001  # number of a video's first frame
    input_transfer: Transfer | None = None  # None: as the model's config says
    albedo_transfer: Transfer | None = None
    shading_transfer: Transfer | None = None

    def __post_init__(self) -> None:
        check_choice("--dtype", self.dtype, DtypeName)
        check_choice("--size", self.size, Size)
        check_at_least("--max-size", self.max_size, 14)
        check_at_least("--window", self.window, 1)
        check_at_least("--every", self.every, 1)
        check_at_least("--start-frame", self.start_frame, 0)
        object.__setattr__(self, "maps", check_map_names(self.maps))
        for field in ("input_transfer", "albedo_transfer", "shading_transfer"):
            if getattr(self, field) is not None:
                check_choice("--" + field.replace("_", "-"), getattr(self, field), Transfer)


@dataclass(frozen=True)
class WriteOptions:
    """From maps in memory to files."""

    format: tuple[Format, ...] = ("png",)
    bits: Bits | None = None  # for the formats that have it; None: each format's default
    fps: Fraction = Fraction(24)  # of movies made from images; videos keep their own times
    on_exists: OnExists = "error"
    writers: int = 4  # threads that encode and write

    def __post_init__(self) -> None:
        if not self.format:
            raise OptionError(f"--format: none chosen; choose from {', '.join(get_args(Format))}")
        for name in self.format:
            check_choice("--format", name, Format)
        object.__setattr__(self, "format", tuple(dict.fromkeys(self.format)))
        if self.bits is not None:
            check_choice("--bits", self.bits, Bits)
            if not any(self.bits in BITS[name] for name in self.format):
                raise OptionError(
                    f"--bits {self.bits}: none of the formats chosen has it; "
                    + "; ".join(f"{name}: {', '.join(BITS[name])}" for name in self.format)
                )
        check_choice("--on-exists", self.on_exists, OnExists)
        check_at_least("--writers", self.writers, 1)
        if not Fraction(1, 100) <= self.fps <= 1000:
            raise OptionError("--fps: must be from 0.01 to 1000 frames per second")

    def bits_of(self, name: Format) -> Bits:
        """The depth that format `name` is written in: the one asked for where the format has it, else its default."""
        return self.bits if self.bits is not None and self.bits in BITS[name] else BITS[name][0]
