"""What of a shot's settings was otherwise in an earlier run of it, and which formats that concerns."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .format_record import Json

if TYPE_CHECKING:
    from .record import ShotRecord

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

Change = tuple[str, object, object, set[str]]  # name, value before, value now, formats that it concerns


def file_names(sources: Iterable[str]) -> list[str]:
    """The last parts of paths."""
    return [Path(source).name for source in sources]


def changes(now: "ShotRecord", earlier: "ShotRecord") -> list[Change]:
    """The settings that decide pixels and were otherwise in an `earlier` run.

    A source is the same under any path, as long as its name, size and beginning are. A sequence is so under one path as
    well: its first picture may have been mended.
    """
    config, source = (earlier.about.get(name, now.about[name]) for name in ("config_sha256", "source_sha256"))
    pairs: list[tuple[str, object, object]] = [("sources", file_names(earlier.sources), file_names(now.sources))]
    contents = [
        ("size of the sources", earlier.source_bytes, now.source_bytes),
        ("content of the sources", source, now.about["source_sha256"]),
    ]  # what earlier versions did not tell counts as the same
    if now.kind != "sequence":
        pairs += contents
    elif any(then != here for _, then, here in contents):
        pairs = [("sources", earlier.sources, now.sources)]
    pairs.append(("config", config, now.about["config_sha256"]))
    pairs += ((name, earlier.about.get(name), now.about[name]) for name in PIXEL_ORIGINS)
    pairs += ((name, earlier.decompose.get(name), now.decompose[name]) for name in PIXEL_OPTIONS)
    passes = {name: value for name, value in now.passes.items() if name not in LENGTH}
    before = UNTOLD | earlier.passes
    pairs += ((f"passes: {name}", before.get(name), value) for name, value in passes.items())
    every_format = {*now.formats, *earlier.formats}
    found: list[Change] = [(*pair, every_format) for pair in pairs]
    shared = concerning(now) & concerning(earlier)
    for name in (name for name in now.write if name in shared):
        concerned = {"exr"} if name in EXR_OPTIONS else with_floats(now) | with_floats(earlier)
        found.append((name, earlier.write.get(name), now.write[name], concerned))
    for name, entry in now.formats.items():
        if name in earlier.formats:
            found.append((f"{name} bits", earlier.formats[name].bits, entry.bits, {name}))
    return [change for change in found if change[1] != change[2]]


def concerning(record: "ShotRecord") -> set[str]:
    """The names of the write options that decide pixels of files in one of the formats."""
    exr = EXR_OPTIONS if "exr" in record.formats else ()
    floats = FLOAT_OPTIONS if with_floats(record) else ()
    return {*exr, *floats}


def with_floats(record: "ShotRecord") -> set[str]:
    """The formats whose files hold light as it is."""
    return {name for name, entry in record.formats.items() if name == "exr" or entry.bits == "float"}
