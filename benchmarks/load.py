"""Loading a full-size checkpoint: `load_model` against default initialisation and `torch.load`.

    python -m benchmarks.load [--folder /tmp] [--rounds 3]

Both sides start in a process of their own with imports done, end when every weight has been read once (a mapped file
costs nothing until then), and take turns. Memory is the peak resident size above that of the imports. The last line is
one JSON object; to reach: `speedup` 8, `memory_over_file` under 1.2.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.measure import memory_mib, reset_peak, write_recipe
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.mvinverse import MVInverse

SIDES = ("ours", "plain")


def load_plain(path: Path) -> MVInverse:
    """Random numbers first, a whole state dict beside them, then a copy."""
    model = MVInverse(ModelConfig())
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


def measure(side: str, folder: Path) -> dict[str, float]:
    """Seconds to a loaded and wholly read network, seconds of loading alone, peak MiB above the start."""
    reset_peak()
    before = memory_mib("VmHWM")
    began = time.perf_counter()
    model = (
        load_model(str(folder / "recipe.safetensors"), device="cpu")
        if side == "ours"
        else load_plain(folder / "recipe.pt")
    )
    loaded = time.perf_counter() - began
    checksum = sum(value.sum(dtype=torch.float64).item() for value in model.state_dict().values())
    return {
        "seconds": time.perf_counter() - began,
        "load_seconds": loaded,
        "peak_mib": memory_mib("VmHWM") - before,
        "checksum": checksum,
    }


def run_apart(side: str, folder: Path) -> dict[str, float]:
    """`measure` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.load", "--folder", str(folder), "--side", side]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Compares the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("/tmp"), help="holds two files of 4.06 GB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(measure(arguments.side, arguments.folder)))
        return
    file = arguments.folder / "recipe.safetensors"
    write_recipe(file)
    if not file.with_suffix(".pt").exists():
        torch.save(load_model(str(file), device="cpu").state_dict(), file.with_suffix(".pt"))
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(arguments.rounds + 1):  # the first round warms the page cache
        for side in SIDES:
            runs[side].append(run_apart(side, arguments.folder))
    file_mib = file.stat().st_size / 2**20
    median = {
        side: {key: statistics.median(run[key] for run in runs[side][1:]) for key in runs[side][0]} for side in SIDES
    }
    assert median["ours"]["checksum"] == median["plain"]["checksum"]
    for side in SIDES:
        row = median[side]
        print(
            f"{side:5}  loaded in {row['load_seconds']:6.2f} s, and read in {row['seconds']:6.2f} s, "
            f"peak {row['peak_mib']:6.0f} MiB ({row['peak_mib'] / file_mib:.2f} of the file)"
        )
    result = {
        "benchmark": "load",
        "speedup": round(median["plain"]["seconds"] / median["ours"]["seconds"], 2),
        "speedup_until_ready": round(median["plain"]["load_seconds"] / median["ours"]["load_seconds"], 1),
        "memory_over_file": round(median["ours"]["peak_mib"] / file_mib, 3),
        "plain_memory_over_file": round(median["plain"]["peak_mib"] / file_mib, 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
