"""Where the network runs, in which numbers, and how much memory is free there."""

from pathlib import Path

import psutil
import torch

from ..checks import check_choice
from ..errors import OptionError
from ..options import DtypeName

CGROUPS = Path("/sys/fs/cgroup")  # version 2
OWN_CGROUP = Path("/proc/self/cgroup")


def available_devices() -> list[str]:
    """Devices of this machine in the words of `--device`, the fastest first."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]


def choose_device(name: str) -> torch.device:
    """The device called `name`: auto, cuda, cuda:1, mps or cpu. `auto` takes the first of `available_devices`.

    Raises OptionError where this machine has no such device.
    """
    available = available_devices()
    wanted = {"auto": available[0], "cuda": "cuda:0"}.get(name, name)
    if wanted not in available:
        raise OptionError(f"--device {name}: not on this machine; choose from auto, {', '.join(available)}")
    return torch.device(wanted)


def choose_dtype(name: DtypeName, device: torch.device) -> torch.dtype:
    """The dtype called `name`. `auto` is float32 on the CPU, bfloat16 on GPUs that compute in it, else float16."""
    check_choice("--dtype", name, DtypeName)
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.float16


def ran_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of PyTorch says that a device has no more memory: on the CPU and on Apple's GPUs only its
    message tells."""
    words = ("can't allocate memory", "out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


def free_bytes(device: torch.device) -> int:
    """Memory of `device` that this process can still take, with what PyTorch holds there for reuse."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return max(0, min([psutil.virtual_memory().available, *cgroup_rooms()]))


def cgroup_rooms() -> list[int]:
    """What each limited control group that this process is in leaves it (Linux: containers, farm jobs), in bytes."""
    if not OWN_CGROUP.exists():
        return []
    own = [line.removeprefix("0::/") for line in OWN_CGROUP.read_text().splitlines() if line.startswith("0::/")]
    rooms = []
    for folder in {group for path in own for group in (CGROUPS / path, *(CGROUPS / path).parents)}:
        limit = folder / "memory.max"
        if limit.exists() and (most := limit.read_text().strip()) != "max":
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            # The kernel counts cached files as used, and drops them when room is needed.
            used = int((folder / "memory.current").read_text()) - int(stat["inactive_file"])
            rooms.append(int(most) - used)
    return rooms
