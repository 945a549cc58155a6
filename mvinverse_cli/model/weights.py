"""What `--model` names, found: `small`, `official`, a file, a folder, or `owner/name[@revision]` on the hub.

Reads headers and JSON only, and imports no torch: `checkpoint.load_weights` fills the network.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path

from ..errors import WeightsError, WeightsNotHereError
from .config import ModelConfig, config_from_dict
from .header import read_header

CONFIG_FILE = "config.json"
WEIGHTS_FILES = ("model.safetensors", "pytorch_model.bin")  # the first that is there
PICKLE_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
HUB_NAME = re.compile(r"(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?", re.ASCII)

OFFICIAL_REPOSITORY = "maddog241/mvinverse"
OFFICIAL_REVISION = "50e7bd08fd7d06e99c165d2a90af0522dfc3dc06"


@dataclass(frozen=True)
class Known:
    """Weights that have a name of their own."""

    name: str
    licence: str
    source: str


SMALL = Known("small", "Apache-2.0", "bundled with mvinverse")
OFFICIAL = Known(
    "official",
    "CC BY-NC 4.0 (descends from Pi3's weights): non-commercial use only",
    f"{OFFICIAL_REPOSITORY}@{OFFICIAL_REVISION}",
)
KNOWN = (SMALL, OFFICIAL)


@dataclass(frozen=True)
class Weights:
    """A file of weights on this machine and the network it fills."""

    name: str  # as asked for
    path: Path
    config: ModelConfig
    config_source: str  # the file that described it, or that the published configuration was assumed
    repository: str | None = None  # on the hub
    revision: str | None = None  # its commit there
    licence: str | None = None  # where this program knows it
    sha256: str | None = None  # of the file at `path`, where the hub vouched for it


def choose_name(name: str, device_type: str) -> str:
    """`auto` as the weights that suit a device (`cpu`, `cuda`, `mps`); any other name as it is."""
    if name != "auto":
        return name
    return "small" if device_type == "cpu" else "official"


def find_weights(name: str, *, download: bool = True) -> Weights:
    """The weights called `name`, fetched from the hub where they are there and not in its cache.

    A local path wins over a hub name of the same form. With `download=False` no request is made.
    Raises WeightsError where nothing of that name can be had.
    """
    if name == "small":
        return local_weights(name, small_path(), SMALL.licence)
    if name == "official":
        return hub_weights(name, OFFICIAL_REPOSITORY, OFFICIAL_REVISION, download=download)
    path = Path(name)
    try:
        is_local = bool(name) and path.exists()
    except OSError as error:
        raise WeightsError(f"weights {name!r}: cannot be looked at: {error.strerror}") from error
    if is_local:
        return local_weights(name, path)
    hub = HUB_NAME.fullmatch(name)
    if hub is None or path.suffix in (".safetensors", *PICKLE_SUFFIXES):
        raise WeightsError(
            f"weights {name!r}: no such file or folder, and not a hub name; "
            "choose small, official, a .safetensors file, a folder, or owner/name[@revision]"
        )
    try:
        return hub_weights(name, hub["repository"], hub["revision"] or "main", download=download)
    except WeightsError as error:
        raise type(error)(f"weights {name!r}: no such file or folder; {error}") from error


def small_path() -> Path:
    """The bundled file: inside the installed package, or in the checkout beside it.

    Raises WeightsError where this version carries none.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package, package.parent):
        path = folder / "weights" / "small.safetensors"
        if path.is_file():
            return path
    raise WeightsNotHereError(
        "weights small: weights/small.safetensors is not in this installation; install mvinverse again, or "
        "use --model official (non-commercial licence), a file, or owner/name on the hub"
    )


def local_weights(name: str, path: Path, licence: str | None = None) -> Weights:
    """The weights in the file or folder at `path`. Raises WeightsError where there are none."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise WeightsError(f"{path}: no name in UTF-8, and weights are opened by no other; rename it") from error
    config_path = None
    if path.is_dir():
        folder = path
        config_path = folder / CONFIG_FILE if (folder / CONFIG_FILE).is_file() else None
        found = [folder / file for file in WEIGHTS_FILES if (folder / file).is_file()]
        if not found:
            raise WeightsError(f"{folder}: a folder without {' or '.join(WEIGHTS_FILES)}")
        path = found[0]
    config, source = read_config(path, config_path)
    return Weights(name, path, config, source, licence=licence or carried_licence(path))


def hub_weights(name: str, repository: str, revision: str, *, download: bool) -> Weights:
    """The weights of a hub repository at a branch, tag or commit."""
    from .hub import fetch  # huggingface-hub reads its environment when imported, and takes its time

    config_file = fetch(repository, revision, CONFIG_FILE, download=download)
    commit = config_file.commit if config_file else revision
    for filename in WEIGHTS_FILES:
        file = fetch(repository, commit, filename, download=download)
        if file is not None:
            break
    else:
        raise WeightsError(f"{repository}@{revision}: holds no {' or '.join(WEIGHTS_FILES)}")
    config, source = read_config(file.path, config_file.path if config_file else None)
    licence = OFFICIAL.licence if repository == OFFICIAL_REPOSITORY else carried_licence(file.path)
    return Weights(name, file.path, config, source, repository, file.commit, licence, file.sha256)


def carried_licence(path: Path) -> str | None:
    """The licence that the file of weights at `path` itself tells, as fine-tuned weights tell that of their origin."""
    return None if path.suffix in PICKLE_SUFFIXES else read_header(path).metadata.get("licence")


def read_config(path: Path, config_path: Path | None) -> tuple[ModelConfig, str]:
    """The config of the weights at `path` and where it was found: `config.json`, the file's metadata, or nowhere."""
    metadata = {} if path.suffix in PICKLE_SUFFIXES else read_header(path).metadata
    try:
        if config_path is not None:
            source, text = str(config_path), config_path.read_text("utf-8")
        elif "config" in metadata:
            source, text = f"{path} (metadata)", metadata["config"]
        else:
            return ModelConfig(), "the published configuration, as the file carries none"
        values = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{source}: not readable as JSON: {error}") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{source}: a config must be a JSON object")
    try:
        return config_from_dict(values), source
    except WeightsError as error:
        raise WeightsError(f"{source}: {error}") from error


def hash_of(weights: Weights) -> str:
    """The sha256 of the weights' file in hex: the hub's own where it vouched for the file, else read and computed."""
    if weights.sha256 is not None:
        return weights.sha256
    status = weights.path.stat()
    return computed_hash(weights.path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def computed_hash(path: Path, size: int, mtime_ns: int) -> str:
    """The sha256 of the file at `path`, remembered in this process while its size and time stay the same."""
    return file_hash(path)


def file_hash(path: Path) -> str:
    """The sha256 of the file at `path` in hex, read in pieces."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
