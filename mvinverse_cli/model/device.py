"""Where the network runs and in which numbers."""

import torch

from ..errors import OptionError
from ..options import DtypeName, check_choice


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
