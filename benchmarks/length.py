"""Shots of any length: memory, exactness in pieces, seams, thinned keys, ranges. One part for each claim.

    python -m benchmarks.length memory|whole|seams|windows|stride|anchors|range|gpu|all [--model small]
        [--real ../shared/realdata] [--max-size 252] [--frames 100 1000] [--picture docs/images/seam.png]

All at 252x140 but `gpu` and what `--max-size` says. The last line is one JSON object. To reach: `memory` ratios of 1.1;
`whole` a difference of 1e-5 at half the memory; `seams` ratios of 1.1; `range` no file that differs.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.clips import ROOT, SIZE, glide, write_glide
from benchmarks.length_anchors import anchors
from benchmarks.length_gpu import gpu, gpu_side
from benchmarks.length_maps import seams, stride, windows
from benchmarks.measure import Spent, memory_mib, reset_peak, run_apart
from mvinverse_cli.color import convert
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.options import DecomposeOptions
from mvinverse_cli.shot.passes import Network

SIDES = ("unchunked", "pieces", "short")
Figures = Mapping[str, object]


def decompose_apart(clip: Path, output: Path, model: str, *more: str) -> Spent:
    """`mvinverse decompose` on the CPU in a process of its own; every file at the network's size."""
    fixed = ["--model", model, "--device", "cpu", "--size", "model", "--max-size", str(SIZE[0]), "--quiet"]
    return run_apart([sys.executable, "-m", "mvinverse_cli", "decompose", str(clip), "-o", str(output), *fixed, *more])


def memory(arguments: argparse.Namespace) -> Figures:
    """Peak resident memory and seconds a frame of the whole tool by the number of frames; starting is taken off.

    Medians of the short runs, half of which come after the long one.
    """
    result: dict[str, object] = {}
    few, many = arguments.frames
    with tempfile.TemporaryDirectory() as folder:
        for cuts in arguments.cuts:
            runs: dict[int, list[Spent]] = {1: [], few: [], many: []}
            # the short ones before and after the long one: a machine that slows down meanwhile must not decide
            for count in (*(1, few) * arguments.rounds, many, *(1, few) * arguments.rounds):
                clip = write_glide(Path(folder) / f"glide{count}.mp4", count)
                output = Path(folder) / f"{cuts}{count}-{len(runs[count])}"
                more = ("--cuts", cuts, "--maps", "albedo,normal")
                runs[count].append(decompose_apart(clip, output, arguments.model, *more))
                shutil.rmtree(output)
            spent = {count: Spent(*map(median, zip(*them, strict=True))) for count, them in runs.items()}
            rows = {
                count: Spent(
                    (spent[count].seconds - spent[1].seconds) / count,
                    (spent[count].cpu_seconds - spent[1].cpu_seconds) / count,
                    spent[count].peak_mib,
                )
                for count in (few, many)
            }
            for count, row in rows.items():
                print(
                    f"--cuts {cuts:4}  {count:5} frames  peak {row.peak_mib:6.0f} MiB  "
                    f"{row.seconds:.3f} s ({row.cpu_seconds:.3f} CPU s) a frame",
                    flush=True,
                )
            result[cuts] = {
                "peak_ratio": round(rows[many].peak_mib / rows[few].peak_mib, 3),
                "seconds_ratio": round(rows[many].seconds / rows[few].seconds, 3),
                "cpu_seconds_ratio": round(rows[many].cpu_seconds / rows[few].cpu_seconds, 3),
            }
    return result


def whole_side(side: str, arguments: argparse.Namespace) -> Figures:
    """One pass over all frames, as `--window all` makes it (`pieces`; `short` of memory) or at once.

    Maps go to a file, map by map and frame by frame, so that they do not count where they need not be held.
    """
    model = load_model(arguments.model, device="cpu", dtype="float32")
    network = Network.of(model, DecomposeOptions(looks=1)).short(side == "short")
    frames = [pixels / np.float32(255) for pixels in glide(arguments.whole_frames)]
    network.read_out(network.attend(frames[:1]), slice(0, 1), MAPS)  # every weight is read
    reset_peak()
    before = memory_mib("VmHWM")
    began = time.perf_counter()
    with Path(arguments.maps_file).open("wb") as file:
        if side == "unchunked":
            images = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)[None]  # (1, N, 3, H, W)
            with torch.inference_mode():
                maps = model(images, frame_batch=len(frames))
            seconds, peak = time.perf_counter() - began, memory_mib("VmHWM") - before
            curves = {"albedo": network.config.albedo_transfer, "shading": network.config.shading_transfer}
            outputs = {
                name: convert(maps[name][0].numpy(), curves.get(name, "linear"), "linear")  # (N, H, W, C)
                for name in MAPS
            }
            for index in range(len(frames)):
                file.write(b"".join(outputs[name][index].tobytes() for name in MAPS))
        else:
            attended = network.attend(frames)
            for start in range(0, len(frames), attended.frame_batch):
                part = network.read_out(attended, slice(start, start + attended.frame_batch), MAPS)
                for index in range(len(part["albedo"])):
                    file.write(b"".join(part[name][index].tobytes() for name in MAPS))
            seconds, peak = time.perf_counter() - began, memory_mib("VmHWM") - before
    return {"peak_mib": peak, "seconds": seconds}


def whole(arguments: argparse.Namespace) -> Figures:
    """`--window all` against one unchunked pass: greatest difference of each map, and memory above the weights."""
    result: dict[str, object] = {}
    runs, maps = {}, {}
    channels = {name: SPECS[name].channels for name in MAPS}
    with tempfile.TemporaryDirectory() as folder:
        for side in SIDES:
            file = Path(folder) / side
            own = ["--side", side, "--maps-file", str(file), "--whole-frames", str(arguments.whole_frames)]
            command = [sys.executable, "-m", "benchmarks.length", "whole", "--model", arguments.model, *own]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            runs[side] = json.loads(done.stdout.splitlines()[-1])
            maps[side] = np.fromfile(file, np.float32).reshape(arguments.whole_frames, -1)
    edges = np.cumsum([0, *(count * SIZE[0] * SIZE[1] for count in channels.values())])
    for side in SIDES:
        row = runs[side]
        print(f"{side:9}  {row['peak_mib']:6.0f} MiB above the weights  {row['seconds']:6.1f} s", flush=True)
        if side == "unchunked":
            continue
        off = np.abs(maps[side] - maps["unchunked"])
        differences = {
            name: float(off[:, start:stop].max())
            for name, start, stop in zip(channels, edges[:-1], edges[1:], strict=True)
        }
        print(f"{'':9}  greatest difference: " + ", ".join(f"{name} {off:.1e}" for name, off in differences.items()))
        result[side] = {
            "memory_ratio": round(row["peak_mib"] / runs["unchunked"]["peak_mib"], 3),
            "seconds_ratio": round(row["seconds"] / runs["unchunked"]["seconds"], 3),
            "difference": max(differences.values()),
        }
    return result


def frame_range(arguments: argparse.Namespace) -> Figures:
    """The files of `--frames 40-59` against those of the same frames out of the full run, byte for byte."""
    count, wanted = 120, range(40, 60)
    with tempfile.TemporaryDirectory() as folder:
        clip = write_glide(Path(folder) / "glide.mp4", count)
        full, part = Path(folder) / "full", Path(folder) / "part"
        decompose_apart(clip, full, arguments.model)
        decompose_apart(clip, part, arguments.model, "--frames", f"{wanted[0]}-{wanted[-1]}")
        files = sorted(path.relative_to(part) for path in part.rglob("*.png"))
        differing = [str(name) for name in files if (part / name).read_bytes() != (full / name).read_bytes()]
    print(f"{len(files)} files of {len(wanted)} frames out of {count}, {len(differing)} differ: {differing[:5]}")
    return {"files": len(files), "expected": len(wanted) * len(MAPS), "differing": len(differing)}


PARTS: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "memory": memory,
    "whole": whole,
    "seams": seams,
    "windows": windows,
    "stride": stride,
    "anchors": anchors,
    "range": frame_range,
    "gpu": gpu,
}


def main() -> None:
    """Runs the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=[*PARTS, "all"])
    parser.add_argument("--model", default="small")
    parser.add_argument("--frames", type=int, nargs=2, default=[100, 1000], help="of `memory`")
    parser.add_argument("--cuts", nargs="+", default=["off", "auto"], help="of `memory`")
    parser.add_argument("--whole-frames", type=int, default=64, help="of `whole`")
    parser.add_argument("--real", type=Path, default=ROOT.parent / "shared" / "realdata", help="folder of real clips")
    parser.add_argument("--real-clips", type=int, default=2, help="how many of them")
    parser.add_argument("--max-size", type=int, default=SIZE[0], help="of `seams`, `windows`, `stride` and `anchors`")
    parser.add_argument("--picture", type=Path, help="of `seams`: where to draw one, such as docs/images/seam.png")
    parser.add_argument("--time-frames", type=int, nargs="+", default=[48, 192], help="of `stride`")
    parser.add_argument("--rounds", type=int, default=3, help="of the short runs of `memory`, of `stride`")
    parser.add_argument("--scenes", type=Path, help="of `stride`: rendered scenes, for accuracy")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"), help="of `gpu`: holds a file of 4.06 GB")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--maps-file", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side = gpu_side if arguments.parts == ["gpu"] else whole_side
        print(json.dumps(side(arguments.side, arguments)))
        return
    result: dict[str, object] = {"benchmark": "length", "model": arguments.model}
    for name, part in PARTS.items():
        if name in arguments.parts or "all" in arguments.parts:
            print(f"-- {name}: {part.__doc__.splitlines()[0] if part.__doc__ else ''}", flush=True)
            result[name] = part(arguments)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
