"""Long shots at full size on a GPU: seconds, memory, share of the matrix peak. The part `gpu` of `benchmarks.length`.

The published network with the recipe's weights in bfloat16, on noise; each case in a process of its own, so that peaks
and limits are its own. N frames, h w pixels.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.clips import ROOT
from benchmarks.measure import write_recipe
from mvinverse_cli.errors import DeviceMemoryError
from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.model.memory import pass_bytes, weights_bytes
from mvinverse_cli.options import DecomposeOptions
from mvinverse_cli.shot.passes import Network, frame_batch
from mvinverse_cli.sizes import AUTO_WINDOW
from mvinverse_cli.windows import Windows

CASES = ((100, 518, 294), (300, 518, 294), (1000, 518, 294), (100, 1022, 574))
MODES = ("all", "windows", "stride4")
LIMITS_GB = (None, 24, 10)


def gpu(arguments: argparse.Namespace) -> dict[str, object]:
    """The full-size network by number of frames, mode and memory limit; skipped where there is no GPU."""
    if not torch.cuda.is_available():
        print("no GPU here: skipped", flush=True)
        return {"skipped": "no GPU"}
    write_recipe(arguments.folder / "recipe.safetensors")
    peak = round(matmul_peak() / 1e12, 1)
    result: dict[str, object] = {"device": torch.cuda.get_device_name(), "tflops_peak": peak}
    for limit in LIMITS_GB:
        for frames, width, height in CASES:
            for mode in MODES:
                side = f"{mode},{frames},{width},{height},{limit or 0}"
                command = [sys.executable, "-m", "benchmarks.length", "gpu", "--folder", str(arguments.folder)]
                done = subprocess.run([*command, "--side", side], stdout=subprocess.PIPE, text=True, cwd=ROOT)
                row = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"failed": done.returncode}
                if "seconds" in row:
                    row["share_of_peak"] = round(row["tflop"] / row["seconds"] / peak, 3)
                label = f"{frames}x{width}x{height}_{mode}" + (f"_{limit}GB" if limit else "")
                print(label, row, flush=True)
                result[label] = row
    return result


def matmul_peak() -> float:
    """Operations a second of a product of two 8192 x 8192 matrices in bfloat16: the median of ten."""
    side = 8192
    a, b = (torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    taken = []
    for _ in range(13):  # three warm up
        torch.cuda.synchronize()
        began = time.perf_counter()
        torch.matmul(a, b)
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return 2 * side**3 / statistics.median(taken[3:])


def gpu_side(side: str, arguments: argparse.Namespace) -> dict[str, object]:
    """One case, `mode,frames,width,height,limit in 10^9 bytes` (0: none)."""
    mode, *numbers = side.split(",")
    count, width, height, limit = map(int, numbers)
    if limit:
        torch.cuda.set_per_process_memory_fraction(limit * 1e9 / torch.cuda.get_device_properties(0).total_memory)
    options = DecomposeOptions(kv_stride=4 if mode == "stride4" else 1)
    network = Network.of(load_model(str(arguments.folder / "recipe.safetensors"), device="cuda"), options)
    sizes = Windows(AUTO_WINDOW if mode == "windows" else None, options.anchors, options.overlap)
    room = limit * 1e9 if limit else torch.cuda.mem_get_info()[0]
    return run_case(network, count, (height, width), sizes, room, torch.cuda.synchronize)


def run_case(
    network: Network, count: int, size: tuple[int, int], sizes: Windows, room: float, wait: Callable[[], None]
) -> dict[str, object]:
    """`count` frames of noise of (h, w) `size` in passes; `room` is what weights and a pass may take, in bytes."""
    scene = sizes.plan_scene(range(count))
    passes = [[*scene.anchors, *this.frames] for this in scene.passes]
    batch = frame_batch(size, network.device.type)
    cost = {
        is_short: weights_bytes(network.config, network.dtype.itemsize)
        + pass_bytes(
            network.config,
            frames=max(map(len, passes)),
            size=size,
            frame_batch=batch,
            element_bytes=network.dtype.itemsize,
            kv_stride=network.kv_stride,
            levels_bytes=0 if is_short else None,  # on the host
        )
        for is_short in (False, True)
    }
    network = replace(network, is_short=cost[False] > room)
    noise = np.random.default_rng(0).random((8, *size, 3), dtype=np.float32)

    def run(frames: list[int]) -> None:
        attended = network.attend([noise[at % len(noise)] for at in frames])
        for start in range(0, len(frames), attended.frame_batch):
            network.read_out(attended, slice(start, start + attended.frame_batch), MAPS)

    tflop = {frames: count_tflop(run, frames * batch) for frames in (1, 2)}  # whole batches, of one shape
    # n batches of frames cost a n + b n^2: what each frame takes alone, and what all take of each other
    pairs = (tflop[2] - 2 * tflop[1]) / 2
    each = tflop[1] - pairs
    row: dict[str, object] = {
        "passes": len(passes),
        "is_short": network.is_short,
        "planned_gib": round(cost[network.is_short] / 2**30, 2),
        "tflop": round(sum(each * len(one) / batch + pairs * (len(one) / batch) ** 2 for one in passes), 1),
    }
    is_cuda = network.device.type == "cuda"
    try:
        run(passes[0][: batch + 1])  # warms up
        if is_cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        wait()
        began = time.perf_counter()
        for frames in passes:
            run(frames)
        wait()
        row["seconds"] = round(time.perf_counter() - began, 2)
    except DeviceMemoryError as error:
        row["out_of_memory"] = str(error)
    if is_cuda:
        row["peak_gib"] = round(torch.cuda.max_memory_reserved() / 2**30, 2)
        row["peak_allocated_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 2)
    return row


def count_tflop(run: Callable[[list[int]], None], frames: int) -> float:
    """10^12 operations of a pass over `frames` frames: matrix products, convolutions and attention."""
    with FlopCounterMode(display=False) as counter:
        run([*range(frames)])
    return float(counter.get_total_flops()) / 1e12
