"""What the benchmarks share: peak memory of this process, and the recipe's weights as a file."""

import ctypes
import gc
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.data.parity.recipe import fill

PUBLISHED_NAMES = Path(__file__).parents[1] / "tests" / "data" / "parity" / "state_dict.json"


def reset_peak() -> None:
    """Hands freed memory back, so that the next peak is not hidden in it, and forgets the last peak (Linux, glibc)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def memory_mib(field: str) -> float:
    """A field of /proc/self/status in MiB: VmRSS (now), VmHWM (peak since `reset_peak`), RssAnon (not of files)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def write_recipe(path: Path) -> None:
    """A full-size checkpoint (4.06 GB) at `path` with the recipe's weights, unless it is there."""
    if path.exists():
        return
    names = json.loads(PUBLISHED_NAMES.read_text())
    partial = path.with_suffix(".part")
    save_file({name: torch.from_numpy(fill(name, tuple(shape))) for name, (shape, _) in names.items()}, partial)
    partial.replace(path)
