"""What the benchmarks share: peak memory of this process or of another, and the recipe's weights as a file."""

import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file

from tests.data.parity.recipe import fill

# In a small process of its own: the peak of a child begins at the size of the process that forked it.
WATCHER = """
import json, os, subprocess, sys, time
began = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
took = time.perf_counter() - began
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""

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


class Spent(NamedTuple):
    """What a process took."""

    seconds: float
    cpu_seconds: float
    peak_mib: float  # resident


def run_apart(command: list[str]) -> Spent:
    """Runs a command to its end in a fresh process (Linux). Raises CalledProcessError where it fails."""
    watched = [sys.executable, "-S", "-c", WATCHER, *command]
    done = subprocess.run(watched, check=True, stdout=subprocess.PIPE, text=True)
    code, *spent = json.loads(done.stdout)
    if code:
        raise subprocess.CalledProcessError(code, command)
    return Spent(*spent)


def write_recipe(path: Path) -> None:
    """A full-size checkpoint (4.06 GB) at `path` with the recipe's weights, unless it is there."""
    if path.exists():
        return
    names = json.loads(PUBLISHED_NAMES.read_text())
    partial = path.with_suffix(".part")
    save_file({name: torch.from_numpy(fill(name, tuple(shape))) for name, (shape, _) in names.items()}, partial)
    partial.replace(path)
