"""The network: tensors in, tensors out, and the checkpoint that fills it. No numpy, no files but weights.

The names below are imported when first used: finding weights takes no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .checkpoint import load_model
    from .config import ModelConfig
    from .mvinverse import MVInverse

__all__ = ["MVInverse", "ModelConfig", "load_model"]

_HOMES = {"MVInverse": "mvinverse", "ModelConfig": "config", "load_model": "checkpoint"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
