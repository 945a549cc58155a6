"""What the file formats can hold, and which wishes go together: the facts behind `WriteOptions`.

A float file keeps light as it is: EXR, and TIFF with `--bits float`. All others hold integers, sRGB-encoded.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from .errors import OptionError
from .maps import MapName

Format = Literal["png", "exr", "tiff", "mp4", "mov", "mkv"]
Bits = Literal["8", "10", "16", "half", "float"]
FileKind = Literal[Format, "sheet"]
OnExists = Literal["error", "skip", "overwrite"]
ExrLayout = Literal["single", "parts", "files"]
ExrCompression = Literal["zip", "piz", "dwaa", "htj2k", "none"]
ExrRgba = Literal["none", "source", "albedo"]
Colorspace = Literal["srgb-linear", "acescg"]
Normals = Literal["opengl", "directx"]

MOVIES: tuple[Format, ...] = ("mp4", "mov", "mkv")  # one file for a whole shot

# The first of each is the default of the format.
BITS: Mapping[FileKind, tuple[Bits, ...]] = {
    "png": ("8", "16"),
    "exr": ("half", "float"),
    "tiff": ("16", "8", "float"),
    "mp4": ("8", "10"),
    "mov": ("10",),
    "mkv": ("16",),
    "sheet": ("8",),
}


def check_bits(bits: Bits, formats: Sequence[Format]) -> None:
    """Raises OptionError where none of the `formats` has the depth `bits`."""
    if not any(bits in BITS[name] for name in formats):
        raise OptionError(
            f"--bits {bits}: none of the formats chosen has it; "
            + "; ".join(f"{name}: {', '.join(BITS[name])}" for name in formats)
        )


def has_float_files(formats: Sequence[Format], bits: Bits | None) -> bool:
    """Whether some of the files keep light as it is."""
    return "exr" in formats or ("tiff" in formats and bits == "float")


def check_light(formats: Sequence[Format], bits: Bits | None, colorspace: Colorspace) -> None:
    """Raises OptionError where `colorspace` has no file to stand in."""
    if colorspace != "srgb-linear" and not has_float_files(formats, bits):
        raise OptionError(
            f"--colorspace {colorspace}: only float files hold it; add --format exr, or tiff with --bits float"
        )


def check_residual(formats: Sequence[Format], bits: Bits | None, compression: ExrCompression) -> None:
    """Raises OptionError where no file can hold what is left of the plate, or would lose some of the sum."""
    if not has_float_files(formats, bits):
        raise OptionError("--residual: only float files hold it; add --format exr, or tiff with --bits float")
    if compression == "dwaa":
        raise OptionError("--residual: with --exr-compression dwaa the sum is not the plate; choose zip or piz")


def check_exr(formats: Sequence[Format], layout: ExrLayout, compression: ExrCompression, rgba: ExrRgba) -> None:
    """Raises OptionError where a wish for EXR files has no EXR file, or a top-level R, G, B no place."""
    wishes = (("layout", layout, "single"), ("compression", compression, "zip"), ("rgba", rgba, "none"))
    for name, value, usual in wishes:
        if value != usual and "exr" not in formats:
            raise OptionError(f"--exr-{name} {value}: no EXR is written; add --format exr")
    if rgba != "none" and layout == "files":
        raise OptionError(
            f"--exr-rgba {rgba}: with --exr-layout files each file has its own R, G, B; choose another layout"
        )


def check_needed(flag: str, needed: Sequence[MapName], maps: Sequence[MapName]) -> None:
    """Raises OptionError where `flag` needs maps that are not among the chosen `maps`."""
    missing = [name for name in needed if name not in maps]
    if missing:
        raise OptionError(f"{flag}: needs the {' and '.join(missing)} map; add it to --maps")
