"""Writing five maps of 1080p: the pool of writers against one thread, as layered half EXR (ZIP) and as 8-bit PNG.

    python -m benchmarks.outputs [--frames 6] [--writers 4] [--rounds 3]

The maps are those of a made-up room with a little noise: plain gradients would compress too well, pure noise not at
all. Both sides write the same frames to the same disk and take turns. Beside the rate stands the processor time of a
frame, which other work on the machine disturbs less: two idle cores write 2 / `exr_processor_s` frames a second. The
last line is one JSON object; to reach on two cores: `exr_fps` 3, `png_fps` 4.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mvinverse_cli.formats import Format
from mvinverse_cli.maps import MAPS, SPECS, FrameMaps, MapName
from mvinverse_cli.options import WriteOptions
from mvinverse_cli.outputs import About, ShotOutputs, open_writers

ABOUT = About("mvinverse", "small", None, "ab", "clip.mov", "srgb", "srgb", "srgb")
FORMATS: tuple[Format, ...] = ("exr", "png")


def make_frame(index: int, height: int = 1080, width: int = 1920) -> FrameMaps:
    """Flat walls with edges, soft light and grain of a few 8-bit steps, that move with `index`."""
    rng = np.random.default_rng(index)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    walls = ((x + 7 * index) // 160 * 37 + y // 135 * 71) % 97 / 97  # a colour for each field
    light = np.exp(-(((x - width / 2) / width) ** 2 + ((y - height / 3) / height) ** 2) * 2)
    bases = {"albedo": walls, "metallic": np.float32(walls > 0.8), "roughness": 0.3 + walls / 2, "shading": light}
    maps: dict[MapName, np.ndarray] = {}
    for name in MAPS:
        base = bases.get(name, walls)[..., None] * np.linspace(1, 0.7, SPECS[name].channels, dtype=np.float32)
        values = base + rng.normal(0, 0.004, base.shape).astype(np.float32)
        if SPECS[name].kind == "vector":
            values = values - 0.5
            values /= np.linalg.norm(values, axis=-1, keepdims=True)
        maps[name] = np.clip(values, SPECS[name].low, SPECS[name].high).astype(np.float32)
    return FrameMaps(maps, "clip", index, 1001 + index, "", None, "clip.mov")


class Figures(NamedTuple):
    """Of one shot: frames a second, seconds of processor time a frame, MiB a frame."""

    rate: float
    processor: float
    size_mib: float


def measure(frames: list[FrameMaps], format: Format, writers: int, folder: Path) -> Figures:
    """A shot written to a fresh folder under `folder`."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        shot = ShotOutputs(Path(out), "clip", False, MAPS, WriteOptions(format=(format,), writers=writers), None)
        began, busy = time.perf_counter(), time.process_time()
        with open_writers(shot, ABOUT) as opened:
            for frame in frames:
                opened.write(frame)
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        size = sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    return Figures(len(frames) / seconds, busy / len(frames), size / 2**20 / len(frames))


def main() -> None:
    """Compares the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--writers", type=int, default=WriteOptions().writers)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    height = arguments.height
    frames = [make_frame(index, height, height * 16 // 9) for index in range(arguments.frames)]
    result: dict[str, object] = {"benchmark": "outputs", "cores": len(os.sched_getaffinity(0))}
    for format in FORMATS:
        found: dict[int, list[Figures]] = {arguments.writers: [], 1: []}
        measure(frames[:1], format, 1, arguments.folder)  # a warm-up apart
        for _ in range(arguments.rounds):
            for writers, measured in found.items():
                measured.append(measure(frames, format, writers, arguments.folder))
        pool, one = (statistics.median(figures.rate for figures in found[writers]) for writers in found)
        processor = statistics.median(figures.processor for figures in found[arguments.writers])
        print(
            f"{format}: {pool:.2f} frames/s with {arguments.writers} writers, {one:.2f} with one; "
            f"{processor:.2f} s of processor time and {found[1][0].size_mib:.1f} MiB a frame"
        )
        result |= {
            f"{format}_fps": round(pool, 2),
            f"{format}_speedup": round(pool / one, 2),
            f"{format}_processor_s": round(processor, 3),
        }
    load = os.getloadavg()[0]
    print(f"load of the machine: {load:.1f}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
