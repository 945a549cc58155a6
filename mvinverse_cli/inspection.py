"""What a file or an output folder holds, as plain JSON values: read from the files themselves, nothing is assumed.

Ranges are of the numbers as they are stored: codes of integer files, light or data of float files.
"""

import io
import json
import struct
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import OpenEXR
import tifffile
from PIL.PngImagePlugin import PngImageFile

from .errors import InputError, MvInverseError, OutputError
from .frames.exr import in_ascii, timecode_of
from .frames.names import VIDEO_SUFFIXES, missing_ranges, shown
from .frames.video import open_video, timecode_tag
from .frames.video_tags import color_tags
from .maps import SPECS, Array
from .model.header import read_header
from .outputs import MANIFEST_NAME, load_manifest
from .outputs.format_record import Json
from .outputs.manifest import color_contract
from .outputs.ranges import numbers_to_ranges
from .outputs.record import ShotRecord
from .outputs.whole import is_empty

PROVENANCE = "mvinverse/"  # what the names of our own header attributes begin with
COLOR_SPACE = "colorInteropID"


def inspect_path(path: Path) -> Json:
    """What lies at `path`: an output folder or its manifest, an EXR, PNG or TIFF, a movie or weights.

    Raises InputError for what is none of them or is damaged, and what reading it raises.
    """
    try:
        if path.is_dir() or path.name == MANIFEST_NAME:
            return inspect_folder(path if path.is_dir() else path.parent)
        read = READERS.get(path.suffix.lower())
        if read is None:
            path.stat()
            raise InputError(
                f"{shown(path)}: not a kind of file that is looked into; name an output folder, an EXR, PNG or TIFF, "
                "a movie, or weights (.safetensors)"
            )
        return {"path": str(path), "bytes": path.stat().st_size, **read(path)}
    except MvInverseError:
        raise
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error
    except (RuntimeError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, struct.error) as error:
        raise InputError(f"{shown(path)}: damaged, or not what its name says ({shown(str(error))})") from error


def inspect_folder(folder: Path) -> Json:
    """An output folder, by its manifest. Raises InputError where there is none."""
    root, records = folder, [*load_manifest(folder).shots.values()]
    if not records:  # of several shots each has a folder in that of the manifest
        here = folder.resolve()
        root = here.parent
        with suppress(OutputError):  # a file of that name that is none of ours
            records = [record for record in load_manifest(root).shots.values() if record.folder == here.name]
    if not records:
        raise InputError(f"{shown(folder)}: no {MANIFEST_NAME} with a shot in it; name a folder that was written to")
    return {"path": str(folder), "kind": "outputs", "shots": [describe_shot(root, record) for record in records]}


def describe_shot(folder: Path, record: ShotRecord) -> Json:
    """One shot of a manifest, and which of its frames are not where the manifest says."""
    maps = tuple(record.decompose["maps"])
    outputs = {kind: record.outputs(folder, kind) for kind in record.formats}
    names = record.still_names
    gone = []
    for number in sorted(record.frames):
        name = names[number - 1] if names else ""
        kinds = [kind for kind, entry in record.formats.items() if number in entry.frames]
        files = [file for kind in kinds for file in outputs[kind].frame_files(number, name) if file.format == kind]
        if not all(file.path.is_file() and not is_empty(file.path) for file in files):
            gone.append(number)
    current = [kind for kind, entry in record.formats.items() if entry.frames or not entry.stale]
    movies = [movie for kind in current for movie in outputs[kind].movie_files() if movie.format == kind]
    return {
        **{name: getattr(record, name) for name in ("name", "folder", "kind", "sources", "complete", "about")},
        "maps": {name: color_contract(SPECS[name]) for name in maps},
        "formats": {
            kind: {
                "bits": entry.bits,
                "frames": numbers_to_ranges(entry.frames),
                "frames_of_other_settings": numbers_to_ranges(entry.stale),
            }
            for kind, entry in record.formats.items()
        },
        "movies_missing": [str(movie.path) for movie in movies if not movie.path.is_file() or is_empty(movie.path)],
        "frames_missing": numbers_to_ranges(gone),
        "frames_to_do": numbers_to_ranges(record.to_do),
        "frames_between": missing_ranges(sorted(record.frames)),
        "frames_of_other_settings": numbers_to_ranges(record.stale),
        "frames_lost": [*record.faults.values()],
        "passes": record.passes,
        "options": {**record.decompose, **record.write},
    }


def describe_values(*channels: Array) -> Json:
    """The type and range of arrays, which may differ in size, and how many of their numbers are none."""
    values = np.concatenate([channel.ravel() for channel in channels])
    finite = values if values.dtype.kind in "ui" else values[np.isfinite(values)]
    return {
        "type": str(values.dtype),
        "low": None if finite.size == 0 else finite.min().item(),
        "high": None if finite.size == 0 else finite.max().item(),
        "not_finite": int(values.size - finite.size),
    }


def inspect_exr(path: Path) -> Json:
    """Layers by name; channels without one are of their part's where there are several, else `picture`. What parts
    have by themselves, compression and colour, is then told of each layer."""
    with OpenEXR.File(io.BytesIO(in_ascii(path.read_bytes())), separate_channels=True) as file:
        layers: dict[str, dict[str, Array]] = defaultdict(dict)
        own: dict[str, Json] = defaultdict(dict)
        named = len(file.parts) > 1  # then channels without a layer are of what their part is called
        attributes: dict[str, Any] = {}
        for part in file.parts:
            if part.type() in (OpenEXR.deepscanline, OpenEXR.deeptile):
                raise InputError(f"{shown(path)}: deep pixels are not looked into; flatten it")
            attributes = {**part.header, **attributes}
            for name, channel in part.channels.items():
                layer, _, suffix = name.rpartition(".")
                layer = layer or (part.name() if named else "") or "picture"
                layers[layer][suffix] = channel.pixels
                if named:
                    own[layer] = {"compression": compression_of(part.header), COLOR_SPACE: part.header.get(COLOR_SPACE)}
        low, high = attributes["displayWindow"]
        compression = {} if named else {"compression": compression_of(attributes)}
        if named:
            attributes.pop(COLOR_SPACE, None)
        return {
            "kind": "exr",
            "size": [int(high[0] - low[0] + 1), int(high[1] - low[1] + 1)],
            "pixel_aspect": float(attributes["pixelAspectRatio"]),
            "parts": len(file.parts),
            **compression,
            "maps": {
                layer: {"channels": [*channels], **own[layer], **describe_values(*channels.values())}
                for layer, channels in layers.items()
            },
            "attributes": texts_of(attributes),
        }


def compression_of(header: Mapping[str, Any]) -> str:
    """As OpenEXR names it."""
    return str(header["compression"]).rpartition(".")[2]


def texts_of(attributes: Mapping[str, Any]) -> dict[str, str]:
    """What of a header says where a file comes from."""
    known = ("software", "imageCounter", "framesPerSecond", "timeCode", COLOR_SPACE)
    return {
        name: str(timecode_of(value) or value)
        for name, value in attributes.items()
        if name.startswith(PROVENANCE) or name in known
    }


def describe_picture(kind: str, pixels: Array, attributes: Mapping[str, str]) -> Json:
    """A picture of one map, (H, W) or (H, W, C)."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    return {
        "kind": kind,
        "size": [int(pixels.shape[1]), int(pixels.shape[0])],
        "maps": {"picture": {"channels": channels, **describe_values(pixels)}},
        "attributes": dict(attributes),
    }


def inspect_png(path: Path) -> Json:
    """A PNG and its texts."""
    with PngImageFile(str(path)) as image:
        texts = {str(name): str(text) for name, text in image.text.items()}
    return describe_picture("png", imagecodecs.png_decode(path.read_bytes()), texts)


def inspect_tiff(path: Path) -> Json:
    """The first page of a TIFF and its description."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        if not isinstance(page, tifffile.TiffPage):
            raise ValueError("no page in it")
        texts = {tag.name: str(tag.value) for tag in page.tags if tag.name in ("ImageDescription", "Software")}
        return describe_picture("tiff", page.asarray(), texts)


def inspect_movie(path: Path) -> Json:
    """A movie's stream and its tags; decodes nothing."""
    container, stream = open_video(path)
    with container:
        context = stream.codec_context
        return {
            "kind": "movie",
            "size": [context.width, context.height],
            "codec": context.name,
            "pixels": context.pix_fmt,
            "frames": stream.frames or None,
            "rate": None if stream.average_rate is None else str(stream.average_rate),
            "timecode": timecode_tag(container, stream) or None,
            "color": color_tags(context),
            "attributes": {str(name): str(text) for name, text in container.metadata.items()},
        }


def inspect_weights(path: Path) -> Json:
    """A .safetensors file, by its header."""
    header = read_header(path)
    types: dict[str, int] = defaultdict(int)
    for entry in header.tensors.values():
        types[entry.dtype] += int(np.prod(entry.shape, dtype=np.int64))
    config = header.metadata.get("config")
    return {
        "kind": "weights",
        "tensors": len(header.tensors),
        "numbers": dict(types),
        "config": None if config is None else json.loads(config),
        "attributes": {name: text for name, text in header.metadata.items() if name != "config"},
    }


READERS: Mapping[str, Callable[[Path], Json]] = {
    ".exr": inspect_exr,
    ".png": inspect_png,
    ".tif": inspect_tiff,
    ".tiff": inspect_tiff,
    ".safetensors": inspect_weights,
    **dict.fromkeys(VIDEO_SUFFIXES, inspect_movie),
}
