"""From a file of weights to a network that is ready to run, and back to a file.

The network is built on `meta`, without memory, and filled from the mapped file: on the CPU in the file's own dtype its
parameters are the file's pages; otherwise each tensor is converted as it is read, and no second copy ever stands.
"""

import json
import logging
import os
import pickle
import secrets
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import DeviceMemoryError, OutputError, WeightsError
from ..options import DtypeName
from .config import ModelConfig, config_to_dict
from .device import choose_device, choose_dtype, ran_out_of_memory
from .header import LENGTH_BYTES, START_BYTES, Entry, check_start, read_header
from .mvinverse import MVInverse
from .weights import PICKLE_SUFFIXES, Weights, choose_name, find_weights

logger = logging.getLogger(__name__)

# Never rounded: pictures are normalised in float32 whatever the network computes in.
FLOAT32_BUFFERS = ("image_mean", "image_std")
FLOATING = ("F64", "F32", "F16", "BF16")
DTYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
}


def load_model(name: str = "auto", *, device: str | torch.device = "auto", dtype: DtypeName = "auto") -> MVInverse:
    """The network called `name` with its weights, in evaluation mode and without gradients.

    name: as `--model` takes it: auto, small, official, a file, a folder, or owner/name[@revision] on the hub, from
    where it is fetched. device: auto, cuda, cuda:1, mps or cpu. dtype: of the weights and of what they compute.

    Raises WeightsError for weights that cannot be had or do not fit, OptionError for a device that is not there,
    DeviceMemoryError for one without room.
    """
    place = choose_device(str(device))
    weights = find_weights(choose_name(name, place.type))
    return load_weights(weights, place, choose_dtype(dtype, place))


def load_weights(weights: Weights, device: torch.device, dtype: torch.dtype) -> MVInverse:
    """The network that `weights` describes, filled from its file; floating point as `dtype`, integers as they are.

    Raises WeightsError where they do not fit, DeviceMemoryError where the device has no room for them.
    """
    if weights.licence is not None and "non-commercial" in weights.licence:
        logger.warning("weights %s: %s", weights.name, weights.licence)
    model = build_on_meta(weights.config)
    with open_state(weights.path) as (entries, read):
        check_fit(weights, model, entries)
        state = {}
        for name in entries:
            value = read(name)
            wanted = torch.float32 if name in FLOAT32_BUFFERS else dtype
            try:
                state[name] = value.to(device, wanted if value.is_floating_point() else value.dtype)
            except RuntimeError as error:
                if ran_out_of_memory(error):
                    raise DeviceMemoryError(
                        f"{device}: no room for the weights {weights.name}; free some, or choose --device cpu"
                    ) from error
                raise
        model.load_state_dict(state, assign=True)
    return model.eval()


def build_on_meta(config: ModelConfig) -> MVInverse:
    """The network without memory: names, shapes and types only."""
    with torch.device("meta"):
        return MVInverse(config).requires_grad_(False)


@contextmanager
def open_state(path: Path) -> Iterator[tuple[Mapping[str, Entry], Callable[[str], Tensor]]]:
    """What the file at `path` holds by name, and a function that reads one tensor, mapped where the format allows.

    Raises WeightsError where the file is not what its name says, or is a pickle of anything but tensors.
    """
    if path.suffix in PICKLE_SUFFIXES:
        state = load_pickle(path)
        yield {name: entry_of(value) for name, value in state.items()}, state.__getitem__
        return
    header = read_header(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            yield header.tensors, file.get_tensor
    except SafetensorError as error:
        raise WeightsError(f"{path}: damaged: {error}; download it again") from error


def entry_of(value: Tensor) -> Entry:
    """A tensor as a header would describe it."""
    return Entry(DTYPE_NAMES.get(value.dtype, str(value.dtype)), tuple(value.shape))


def load_pickle(path: Path) -> dict[str, Tensor]:
    """The tensors of a PyTorch file, mapped; code in it is refused, never run. Raises WeightsError."""
    try:
        with path.open("rb") as file:
            check_start(path, file.read(START_BYTES))
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path}: refused: not a plain file of tensors (it may hold code, which is never run); "
            "ask its author for a .safetensors file"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, LookupError) as error:
        raise WeightsError(f"{path}: not readable as a PyTorch file: {error}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise WeightsError(f"{path}: holds no state dict (tensors by name)")
    for name, value in content.items():
        if value.layout != torch.strided or value.is_quantized:
            raise WeightsError(f"{path}: {name} is a sparse or quantized tensor, which is not read; save it as floats")
    return content


def check_fit(weights: Weights, model: MVInverse, entries: Mapping[str, Entry]) -> None:
    """Raises WeightsError where names, shapes or types of the file are not exactly the network's."""
    wanted = {name: entry_of(value) for name, value in model.state_dict().items()}
    both = [name for name in wanted if name in entries]
    misshapen = [
        f"{name} {list(entries[name].shape)} instead of {list(wanted[name].shape)}"
        for name in both
        if entries[name].shape != wanted[name].shape
    ]
    mistyped = [
        f"{name} {entries[name].dtype} instead of {wanted[name].dtype}"
        for name in both
        if entries[name].dtype != wanted[name].dtype
        and not (entries[name].dtype in FLOATING and wanted[name].dtype in FLOATING)
    ]
    faults = {
        "missing": [name for name in wanted if name not in entries],
        "unexpected": [name for name in entries if name not in wanted],
        "of another shape": misshapen,
        "of another type": mistyped,
    }
    said = [
        f"{len(names)} {fault} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for fault, names in faults.items()
        if names
    ]
    if said:
        raise WeightsError(
            f"{weights.path}: does not fit the network: {'; '.join(said)}; "
            f"file {len(entries)} tensors, network {len(wanted)}, built from {weights.config_source}"
        )


def save_checkpoint(
    state: Mapping[str, Tensor],
    config: ModelConfig,
    path: Path,
    metadata: Mapping[str, str] | None = None,
    *,
    overwrite: bool = True,
) -> None:
    """Writes `state` with its config as one .safetensors file, whole or not at all; same input, same bytes.

    metadata: further text to carry; the key `config` is taken. The folder is created. Raises OutputError where the file
    cannot be written, or, unless it may `overwrite`, is there.
    """
    texts = {**(metadata or {}), "config": json.dumps(config_to_dict(config))}
    partial = path.with_name(f".mvinverse-{secrets.token_hex(6)}.part")  # as all unfinished files of this tool
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        mode = partial.stat().st_mode
        save_file({name: value.contiguous() for name, value in state.items()}, partial, texts)
        partial.chmod(mode)  # safetensors writes for the owner alone
        sort_metadata(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())  # whatever becomes of the power, the file that is there or this one is whole
        if path.exists() and not overwrite:
            raise OutputError(f"{path}: appeared meanwhile; does another run write it?")
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path}: cannot be written: {error}") from error
    finally:
        with suppress(OSError):  # why it could not be written is told, not why it is not there
            partial.unlink(missing_ok=True)


def sort_metadata(path: Path) -> None:
    """Puts the metadata in order, which safetensors leaves to chance; the same words in another order, so in place."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        file.seek(LENGTH_BYTES)
        file.write(text.ljust(length))
