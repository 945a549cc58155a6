"""EXR pictures through the official bindings: which part and channels are the picture, and its pixels.

H rows, W columns of the display window. Values are scene-linear.
"""

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import Imath
import numpy as np
import OpenEXR

from ..color import INTEROP_PRIMARIES, REC709, Primaries, is_same
from ..errors import InputError
from ..maps import Array
from ..timecode import Timecode
from .alpha import Alpha, divided
from .names import shown

Window = tuple[Sequence[int], Sequence[int]]  # inclusive corners (x, y)

_FLOAT = Imath.PixelType(Imath.PixelType.FLOAT)
_MULTIPART = 0x1000  # among the flags of a file's version
NO_SPACE = ("", "unknown", "data")  # what `colorInteropID` may be without naming a space
_PLAIN_NAMES = {"rgba", "rgb", "beauty", "combined"}  # the picture itself, beside its passes
_DEEP = (OpenEXR.deepscanline, OpenEXR.deeptile)


def window_size(window: Window) -> tuple[int, int]:
    """(width, height) of a window."""
    (left, top), (right, bottom) = window
    return int(right) - int(left) + 1, int(bottom) - int(top) + 1


def open_parts(file: BinaryIO) -> list[Any]:
    """The parts of an EXR file with their headers alone. Raises what the bindings raise."""
    try:
        parts: list[Any] = OpenEXR.File(file, header_only=True).parts
    except UnicodeDecodeError:
        file.seek(0)
        parts = OpenEXR.File(io.BytesIO(in_ascii(file.read())), header_only=True).parts
    return parts


def in_ascii(data: bytes) -> bytes:
    """The bytes of an EXR file with `?` for those over 127 in header texts that are no UTF-8: free text, as an owner's
    name out of a Windows program, for which the bindings would refuse the picture. A broken header stays as it is."""
    try:
        texts = list(_header_texts(data))
    except (struct.error, ValueError):
        texts = []
    if not texts:
        return data
    whole = bytearray(data)
    for start, stop in texts:
        whole[start:stop] = bytes(byte if byte < 128 else ord("?") for byte in data[start:stop])
    return bytes(whole)


def _header_texts(data: bytes) -> Iterator[tuple[int, int]]:
    """Where the texts that are no UTF-8 lie in the headers of an EXR file ("OpenEXR File Layout": attributes of a name,
    a type, a size and a value, up to an empty name; of several parts, headers up to an empty one)."""
    (version,) = struct.unpack_from("<I", data, 4)
    at = 8
    while data[at : at + 1] != b"\0":
        while data[at : at + 1] != b"\0":
            kind = data.index(b"\0", at) + 1
            size = data.index(b"\0", kind) + 1
            (length,) = struct.unpack_from("<I", data, size)
            start, at = size + 4, size + 4 + length
            if data[kind : size - 1] == b"string" and not _is_utf8(data[start:at]):
                yield start, at
            if at >= len(data):
                raise ValueError("the header ends early")
        at += 1
        if not version & _MULTIPART:
            return


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


class Layer(NamedTuple):
    """The part that holds the picture, the names of its channels, three of a colour or one of gray, and in words which
    other pictures were left (empty where there was nothing to choose)."""

    part: Any
    channels: tuple[str, ...]
    left: str


def choose_layer(parts: Sequence[Any], path: Path) -> Layer:
    """The picture of a file.

    Of several parts that hold one it is that of a name in _PLAIN_NAMES, else the first; of several layers the one of
    such a name. Raises InputError with the channels that are there where none is a picture, or where several layers
    could be it.
    """
    pictures: list[tuple[Any, tuple[str, ...], list[str]]] = []  # and the layers beside it
    ambiguous: list[str] = []
    for part in parts:
        names = [channel.name for channel in part.header["channels"]]
        if part.type() in _DEEP:
            continue
        layers = [name[:-1] for name in names if name.endswith("R") and {name[:-1] + "G", name[:-1] + "B"} <= {*names}]
        layers = [layer for layer in layers if not layer or layer.endswith(".")]
        plain = [layer for layer in layers if _is_plain(layer.removesuffix("."))]
        if "" in layers or len(layers) == 1 or len(plain) == 1:
            layer = "" if "" in layers else (plain or layers)[0]
            beside = [other for other in layers if layer and other != layer]
            pictures.append((part, (layer + "R", layer + "G", layer + "B"), beside))
        elif layers:
            ambiguous += [layer[:-1] for layer in layers]
        elif "Y" in names and not {"RY", "BY"} & {*names}:
            pictures.append((part, ("Y",), []))
    if pictures:
        chosen = next((picture for picture in pictures if _is_plain(_part_name(picture[0]))), None)
        part, channels, beside = chosen or pictures[0]
        views = [shown(view) for view in part.header.get("multiView", ())]
        left = ""
        if len(pictures) > 1 and chosen is None:
            left = f"holds pictures of {len(pictures)} parts; {shown(_part_name(part)) or 'the first'} is read"
        elif len(views) > 1:
            left = f"holds the views {', '.join(views)}; {views[0]} is read"
        elif beside:
            left = f"holds pictures of {len(beside) + 1} layers; {shown(channels[0][:-2])} is read"
        return Layer(part, channels, left)
    if ambiguous:
        raise InputError(
            f"{shown(path)}: several layers could be the picture ({', '.join(ambiguous)}) "
            "and none is plain R, G, B; export the one you mean"
        )
    raise InputError(f"{shown(path)}: {_without_picture(parts)}")


def _without_picture(parts: Sequence[Any]) -> str:
    """Why none of the parts holds a picture that can be read, and what to do."""
    if any(part.type() in _DEEP for part in parts):
        return "deep pixels; flatten it"
    held = [channel.name for part in parts for channel in part.header["channels"]]
    if {"Y", "RY", "BY"} <= {*held}:
        return "luminance and chroma (Y, RY, BY), not R, G, B; export a flat RGB picture"
    return f"no R, G, B or Y channels, only {shown(', '.join(held)) or 'none'}; export a flat RGB picture"


def _is_plain(name: str) -> bool:
    """Whether a part or a layer is called as the picture itself, as Blender's `ViewLayer.Combined` is."""
    return name.rpartition(".")[2].lower() in _PLAIN_NAMES


def _part_name(part: Any) -> str:
    return str(part.header.get("name", ""))


@dataclass(frozen=True)
class Plate:
    """light: (H, W, 3) float32. primaries: of its colours, where the header names others than Rec.709's. other_space:
    the one that it names, where that is not among the scene-linear ones that are known."""

    light: Array
    alpha: Alpha
    primaries: Primaries | None
    timecode: Timecode | None
    other_space: str | None


def read_exr(data: bytes, path: Path) -> Plate:
    """The picture of an EXR file's bytes.

    Pixels of the display window that the data window leaves out are black. Colour is stored multiplied by alpha and
    comes back divided by it.
    """
    data = in_ascii(data)
    parts = OpenEXR.File(io.BytesIO(data), header_only=True).parts
    part, names, _ = choose_layer(parts, path)
    alpha_name = names[0][:-1] + "A"
    has_alpha = alpha_name in {channel.name for channel in part.header["channels"]}
    wanted = (*names, alpha_name) if has_alpha else names
    data_window, display_window = part.header["dataWindow"], part.header["displayWindow"]
    planes = _read_planes(data, parts.index(part), wanted, data_window, path)
    planes = [_in_display_window(plane, data_window, display_window) for plane in planes]
    if has_alpha:
        alpha = planes.pop()
        planes = [divided(plane, alpha) for plane in planes]
    light = np.stack(planes * (3 // len(planes)), axis=-1)
    primaries = primaries_of(part.header) if len(planes) == 3 else None
    space = str(part.header.get("colorInteropID", "unknown"))
    other = None if space in INTEROP_PRIMARIES or space in NO_SPACE else space
    alpha_kind: Alpha = "multiplied" if has_alpha else "none"
    return Plate(light, alpha_kind, primaries, timecode_of(part.header.get("timeCode")), other)


def primaries_of(header: Mapping[str, Any]) -> Primaries | None:
    """Those that a header names, by the name of a space or by numbers; None where they are Rec.709's, as those of a
    file that names none are (OpenEXR, "Scene-Linear Image Representation")."""
    named = INTEROP_PRIMARIES.get(str(header.get("colorInteropID")))
    primaries: Primaries | None = named or header.get("chromaticities")
    return None if primaries is None or is_same(primaries, REC709) else primaries


def timecode_of(attribute: Any) -> Timecode | None:
    """The `timeCode` of a header as the bindings give it; None where there is none, or its numbers are no time."""
    if not isinstance(attribute, OpenEXR.TimeCode):
        return None
    try:
        return Timecode(
            attribute.hours,
            attribute.minutes,
            attribute.seconds,
            attribute.frame,
            attribute.dropFrame,
            attribute.colorFrame,
            attribute.fieldPhase,
            (attribute.bgf0, attribute.bgf1, attribute.bgf2),
            attribute.userData,
        )
    except ValueError:
        return None


def _read_planes(data: bytes, part_index: int, names: Sequence[str], window: Window, path: Path) -> list[Array]:
    """(h, w) float32 of the data window for each name."""
    width, height = window_size(window)
    try:
        if part_index == 0:
            # This reader decodes the wanted channels alone, and unlike File never writes to stdout on a damaged file.
            # Its own header() ends the process where there is a thumbnail.
            planes = OpenEXR.InputFile(io.BytesIO(data)).channels(list(names), _FLOAT)
            return [np.frombuffer(plane, np.float32).reshape(height, width) for plane in planes]
        channels = OpenEXR.File(io.BytesIO(data), separate_channels=True).parts[part_index].channels
        return [np.asarray(channels[name].pixels, np.float32) for name in names]
    except (RuntimeError, OSError, ValueError, IndexError) as error:
        raise InputError(f"{shown(path)}: truncated or damaged ({shown(str(error))}); render it again") from error


def _in_display_window(plane: Array, data: Window, display: Window) -> Array:
    """(h, w) of the data window -> (H, W) of the display window: cut where it is larger, black where it is smaller."""
    width, height = window_size(display)
    left, top = int(data[0][0]) - int(display[0][0]), int(data[0][1]) - int(display[0][1])
    if (left, top) == (0, 0) and plane.shape == (height, width):
        return plane
    placed = np.zeros((height, width), plane.dtype)
    rows = slice(max(top, 0), max(min(top + plane.shape[0], height), 0))
    columns = slice(max(left, 0), max(min(left + plane.shape[1], width), 0))
    placed[rows, columns] = plane[
        rows.start - top : max(rows.stop, rows.start) - top,
        columns.start - left : max(columns.stop, columns.start) - left,
    ]
    return placed
