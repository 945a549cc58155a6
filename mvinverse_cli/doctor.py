"""What a machine has of what a run needs: one check each, with what to do where it fails. Changes nothing lasting."""

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from .errors import MvInverseError, OutputError
from .outputs import make_folder

PACKAGES = (
    *("torch", "numpy", "av", "OpenEXR", "opencv-python-headless", "imagecodecs", "pi-heif", "tifffile", "safetensors"),
)
ENCODERS = ("libx264", "prores_ks", "ffv1")
DECODERS = ("h264", "hevc", "prores", "ffv1", "dnxhd")
LEAST_FREE_BYTES = 5 * 2**30  # the published weights, and some
LEAST_MEMORY_BYTES = 2 * 2**30
HUB_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """`advice` is what to do where the check did not pass, and empty where it did."""

    name: str
    said: str
    advice: str = ""

    @property
    def passed(self) -> bool:
        return not self.advice


def examine(output: Path) -> Iterator[Finding]:
    """Every check in turn, as it is done; `output`: the folder that is to be written to."""
    for check in (check_versions, check_device, check_codecs, check_weights, check_cache, check_hub, check_renderer):
        yield check()
    yield check_output(output)


def check_versions() -> Finding:
    """Python and the packages that do the work."""
    found, missing = [f"Python {platform.python_version()}"], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    advice = f"pip install {' '.join(missing)}" if missing else ""
    return Finding("versions", ", ".join(found), advice)


def check_device() -> Finding:
    """Where the network would run, and what memory is free there."""
    from .model.device import choose_device, choose_dtype, free_bytes

    device = choose_device("auto")
    free = free_bytes(device)
    dtype = str(choose_dtype("auto", device)).removeprefix("torch.")
    little = "close other programs, or pass a smaller --max-size or --window" if free < LEAST_MEMORY_BYTES else ""
    return Finding("device", f"{device} in {dtype}, {free / 2**30:.1f} GiB free", little)


def check_codecs() -> Finding:
    """Looks the encoders and decoders up."""
    from av.codec.codec import codecs_available

    missing = [name for name in (*ENCODERS, *DECODERS) if name not in codecs_available]
    said = f"{', '.join(missing)} missing" if missing else ", ".join(dict.fromkeys((*ENCODERS, *DECODERS)))
    return Finding("codecs", said, "pip install --force-reinstall av, its wheel has them all" if missing else "")


def check_weights() -> Finding:
    """The weights that a run without --model would take."""
    from .model.device import choose_device
    from .model.weights import choose_name, find_weights

    name = choose_name("auto", choose_device("auto").type)
    try:
        return Finding("weights", f"{name}: {find_weights(name, download=False).path}")
    except MvInverseError as error:
        return Finding("weights", f"{name}: {error}", f"mvinverse weights pull {name}, or pass --model small")


def check_cache() -> Finding:
    """The hub's cache: may it be written to, and is there room for weights."""
    from huggingface_hub import constants

    return check_room("cache", Path(constants.HF_HUB_CACHE), "set HF_HOME to a folder with room")


def check_output(output: Path) -> Finding:
    """The folder that is to be written to."""
    return check_room("disk", output, "choose another --output")


def check_room(name: str, folder: Path, advice: str) -> Finding:
    """Whether a file can be written where `folder` is or would be, and how much room there is."""
    try:
        nearest = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        make_folder(nearest)
    except (OutputError, OSError) as error:  # a name that is too long, a folder that may not be looked into
        return Finding(name, str(error), advice)
    free = shutil.disk_usage(nearest).free
    return Finding(name, f"{folder}: {free / 2**30:.1f} GiB free", advice if free < LEAST_FREE_BYTES else "")


def check_hub() -> Finding:
    """One request to the hub, unless it is told to stay offline."""
    from huggingface_hub import constants, get_session

    from .model.hub import NetworkError

    if constants.HF_HUB_OFFLINE:
        return Finding("hub", "HF_HUB_OFFLINE is set: only what is in the cache can be used")
    url = f"{constants.ENDPOINT}/api/models/maddog241/mvinverse"
    advice = "check network, HTTPS_PROXY and HF_ENDPOINT; weights that are on this machine work without"
    try:
        status = get_session().head(url, timeout=HUB_SECONDS).status_code
    except (NetworkError, OSError) as error:
        return Finding("hub", f"{constants.ENDPOINT}: {error}", advice)
    return Finding("hub", f"{constants.ENDPOINT} answers {status}", "" if status < 400 else advice)


def check_renderer() -> Finding:
    """Mitsuba, the denoiser and LLVM, which only `mvinverse scenes render` needs."""
    if find_spec("mitsuba") is None:
        return Finding("rendering", "not installed, and only `mvinverse scenes render` needs it")
    from .scenes.renderer import start_mitsuba

    try:
        start_mitsuba()
    except MvInverseError as error:
        return Finding("rendering", "not possible here, and only `mvinverse scenes render` needs it", str(error))
    return Finding("rendering", "Mitsuba, denoiser and LLVM are there")
