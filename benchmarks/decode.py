"""Decoding and resizing a 1080p H.264 clip, as a run of the tool reads it: frames per second on two cores.

    python -m benchmarks.decode [--frames 96] [--rounds 3] [--max-size 518]

The clip is made here, moving and with detail, at a bit rate of about 8 Mbit/s. Our side is what `decompose` does up to
the network: pictures decoded, brought to RGB by the stream's own matrix, and resized on a thread of its own. The plain
side is PyAV's own `to_ndarray(format="rgb24")` and one `cv2.resize` of the result, which is no farther from the truth
than 5/255 and rounds to 8 bits. The two take turns. The last line is one JSON object; to reach: `fps` 40 on two cores.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from mvinverse_cli.frames import ResizeRule, choose, find_shots, open_positions
from mvinverse_cli.shot.ahead import ahead
from mvinverse_cli.shot.prepared import MOST_AHEAD, on_grid

WIDTH, HEIGHT = 1920, 1080
PATCH = 14


def write_clip(path: Path, frames: int) -> None:
    """Noise of several sizes under a slow pan: something for every part of the codec to do."""
    random = np.random.default_rng(0)
    canvas = np.zeros((HEIGHT + 256, WIDTH + 256, 3), np.float32)
    for side in (8, 32, 128):
        coarse = random.random((canvas.shape[0] // side + 2, canvas.shape[1] // side + 2, 3), np.float32)
        canvas += cv2.resize(coarse, (canvas.shape[1], canvas.shape[0]), interpolation=cv2.INTER_CUBIC) / 3
    codes = np.clip(canvas * 255, 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 8_000_000
        for index in range(frames):
            at = index * 2 % 256
            view = np.ascontiguousarray(codes[at : at + HEIGHT, at : at + WIDTH])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(view, format="rgb24")))
        container.mux(stream.encode(None))


def read_ours(path: Path, max_size: int) -> int:
    """How many frames came out."""
    (shot,) = find_shots([path], allow_gaps=False)
    choice = choose(shot, frames=None, every=1, start_frame=1, count=shot.frame_count or 0)
    rule = ResizeRule(max_size, PATCH)
    fit = rule.fit(shot.sizes[0], rule.grid(shot.sizes))
    with open_positions(shot, choice, choice.wanted) as reader:
        return sum(1 for _ in ahead((on_grid(frame, fit, gain=1.0) for frame in reader), MOST_AHEAD))


def read_plain(path: Path, max_size: int) -> int:
    """The same the usual way."""
    height, width = ResizeRule(max_size, PATCH).grid([(WIDTH, HEIGHT)])
    count = 0
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            cv2.resize(frame.to_ndarray(format="rgb24"), (width, height), interpolation=cv2.INTER_AREA)
            count += 1
    return count


def main() -> None:
    """Compares the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-size", type=int, default=518, help="as --max-size of the tool")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    cv2.setNumThreads(len(cores))
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    processor: dict[str, list[float]] = {"ours": [], "plain": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        write_clip(path, arguments.frames)
        for _ in range(arguments.rounds + 1):  # the first round warms up
            for name, read in (("ours", read_ours), ("plain", read_plain)):
                began, busy = time.perf_counter(), time.process_time()
                assert read(path, arguments.max_size) == arguments.frames
                seconds[name].append((time.perf_counter() - began) / arguments.frames)
                processor[name].append((time.process_time() - busy) / arguments.frames)
    wall = {name: statistics.median(times[1:]) for name, times in seconds.items()}
    busy_ms = {name: 1000 * statistics.median(times[1:]) for name, times in processor.items()}
    for name in wall:
        print(f"{name:5}  {1 / wall[name]:6.1f} frames/s, {busy_ms[name]:6.1f} ms of processor time a frame")
    result = {
        "benchmark": "decode",
        "cores": len(cores),
        "fps": round(1 / wall["ours"], 1),
        "plain_fps": round(1 / wall["plain"], 1),
        "ratio": round(wall["plain"] / wall["ours"], 2),
        "processor_ms": round(busy_ms["ours"], 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
