"""What a user can choose of a protocol of `mvinverse evaluate`: the rest of `options`, by its rules.

Every default is written here and nowhere else. `scenes` takes `EvaluateOptions` alone.
"""

from dataclasses import dataclass
from typing import Literal

from .checks import check_at_least, check_choice
from .color import Transfer
from .options import EvaluateOptions

Alignment = Literal["none", "scale", "channel"]  # what a prediction may be multiplied by before its error counts
MaskChoice = Literal["none", "valid"]


@dataclass(frozen=True)
class MeasureOptions(EvaluateOptions):
    """From a data set of the world, whose pictures have any size, to figures; those of `normals` are these alone."""

    max_size: int | None = None  # as of DecomposeOptions
    input_transfer: Transfer | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_size is not None:
            check_at_least("--max-size", self.max_size, 14)
        if self.input_transfer is not None:
            check_choice("--input-transfer", self.input_transfer, Transfer)


@dataclass(frozen=True)
class InteriorVerseOptions(MeasureOptions):
    """The protocol `interiorverse`."""

    split: str = "test"  # folder of scenes, and the name of their list
    scenes: str | None = None  # file that lists them; None: SPLIT.txt where it is there, else every folder
    space: Transfer = "srgb"  # in which albedo is compared
    align: Alignment = "none"  # of albedo, in linear light
    mask: MaskChoice = "valid"
    grid: bool = False  # every space, alignment and mask

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("--space", self.space, Transfer)
        check_choice("--align", self.align, Alignment)
        check_choice("--mask", self.mask, MaskChoice)


@dataclass(frozen=True)
class HypersimOptions(MeasureOptions):
    """The protocol `hypersim`."""

    views: int = 8  # of a camera's frames, evenly spread over them

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least("--views", self.views, 1)


@dataclass(frozen=True)
class FlickerOptions(MeasureOptions):
    """The protocol `flicker`."""

    flow: str | None = None  # folder of flows; None: OpenCV finds them
    frames: str | None = None  # of each clip, as of DecomposeOptions
    cuts: str = "auto"
