"""mvinverse: a video or a set of photos in, material maps out.

The public names below are imported when first used, so that `import mvinverse_cli` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import DeviceMemoryError, InputError, MvInverseError, OptionError, OutputError, WeightsError
    from .maps import MAPS, FrameMaps
    from .model.checkpoint import load_model
    from .model.config import ModelConfig
    from .model.mvinverse import MVInverse
    from .options import DecomposeOptions, WriteOptions
    from .shot.decompose import decompose

__version__ = "0.1.0"

__all__ = [
    "MAPS",
    "DecomposeOptions",
    "DeviceMemoryError",
    "FrameMaps",
    "InputError",
    "MVInverse",
    "ModelConfig",
    "MvInverseError",
    "OptionError",
    "OutputError",
    "WeightsError",
    "WriteOptions",
    "__version__",
    "decompose",
    "load_model",
]

_HOMES = ("errors", "maps", "options", "model.config", "model.checkpoint", "model.mvinverse", "shot.decompose")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:  # the cheap ones first
            module = import_module(f".{home}", __name__)
            if name in vars(module):
                return vars(module)[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
