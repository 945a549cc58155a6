"""The forward pass: seconds per frame and peak memory, against the plain path of the same weights.

    python -m benchmarks.forward [--model FILE] [--device cpu] [--dtype auto] [--views 1 4 12] [--size 322x182]

Without `--model` the full-size network with the recipe's weights (a file of 4.06 GB, made in --folder). Extra memory is
the peak of a pass above what the loaded and once read network takes. Where the weights ask for a second look at each
picture, it is measured as well, against one. The last line is one JSON object of ratios; to reach at 12 views:
`speedup` 1.5, `extra_memory` a third.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from benchmarks.measure import memory_mib, reset_peak, write_recipe
from benchmarks.plain import make_plain
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.shot.passes import frame_batch


def peak_mib(device: torch.device) -> float:
    """Peak since `forget_peak`, in MiB: resident memory on the CPU, allocated memory on a GPU."""
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else memory_mib("VmHWM")


def forget_peak(device: torch.device) -> float:
    """Starts anew, and returns what is taken now, in MiB."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 2**20
    reset_peak()
    return memory_mib("VmHWM")


def one_pass(model: MVInverse, images: torch.Tensor, looks: int = 1) -> tuple[float, float, dict[str, torch.Tensor]]:
    """Seconds, extra MiB and the maps of one forward pass, or of one with a second look."""
    height, width = images.shape[-2:]
    before = forget_peak(images.device)
    began = time.perf_counter()
    with torch.inference_mode():
        share = frame_batch((height, width), images.device.type)
        if looks == 1:  # the plain side has a `forward` of its own
            maps = model(images, frame_batch=share)
        else:
            maps = model.read_out(model.attend(images, frame_batch=share, looks=looks), slice(None))
    if images.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began, peak_mib(images.device) - before, maps


def main() -> None:
    """Compares the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--views", type=int, nargs="+", default=[1, 4, 12])
    parser.add_argument("--size", default="322x182")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    name = arguments.model
    if name is None:
        name = str(arguments.folder / "recipe.safetensors")
        write_recipe(Path(name))
    ours = load_model(name, device=arguments.device, dtype=arguments.dtype)
    plain = make_plain(load_model(name, device=arguments.device, dtype=arguments.dtype))
    width, height = map(int, arguments.size.split("x"))
    result: dict[str, object] = {"benchmark": "forward", "size": arguments.size, "device": str(ours.image_mean.device)}
    for views in arguments.views:
        images = torch.rand(1, views, 3, height, width, generator=torch.Generator().manual_seed(0))
        images = images.to(ours.image_mean.device)
        runs: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}
        for _ in range(arguments.rounds + 1):  # the first round warms up
            seconds, extra, fast = one_pass(ours, images)
            runs["ours"].append((seconds, extra))
            seconds, extra, slow = one_pass(plain, images)
            runs["plain"].append((seconds, extra))
            if ours.config.looks > 1:
                seconds, extra, _ = one_pass(ours, images, ours.config.looks)
                runs.setdefault("twice", []).append((seconds, extra))
        medians = {
            side: [statistics.median(column) for column in zip(*rows[1:], strict=True)] for side, rows in runs.items()
        }
        for side, (seconds, extra) in medians.items():
            print(f"{views:3} views  {side:5}  {seconds / views:7.3f} s a frame  {extra:7.0f} MiB extra", flush=True)
        result[f"speedup_{views}"] = round(medians["plain"][0] / medians["ours"][0], 2)
        result[f"extra_memory_{views}"] = round(medians["ours"][1] / medians["plain"][1], 3)
        if "twice" in medians:
            result[f"second_look_time_{views}"] = round(medians["twice"][0] / medians["ours"][0], 2)
            result[f"second_look_memory_{views}"] = round(medians["twice"][1] / medians["ours"][1], 2)
        result[f"difference_{views}"] = max((fast[name] - slow[name]).abs().max().item() for name in fast)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
