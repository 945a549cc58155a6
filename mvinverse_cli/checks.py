"""The ways in which a single value of an option can be wrong, each said in the words of its flag."""

from math import inf
from pathlib import Path
from typing import Any, get_args

from .errors import OptionError


def check_choice(flag: str, value: str, choices: Any) -> None:
    """Raises OptionError where `value` is none of the Literal `choices`."""
    allowed = get_args(choices)
    if value not in allowed:
        raise OptionError(f"{flag} {value!r}: choose from {', '.join(allowed)}")


def check_at_least(flag: str, value: int, least: int) -> None:
    """Raises OptionError where `value` is under `least`."""
    if value < least:
        raise OptionError(f"{flag} {value}: must be at least {least}")


def check_positive(flag: str, value: float) -> None:
    """Raises OptionError unless `value` is a number above 0."""
    if not 0 < value < inf:
        raise OptionError(f"{flag} {value}: must be more than 0")


def check_within(flag: str, value: float, most: float) -> None:
    """Raises OptionError unless `value` is a number from 0 to `most`, which may be infinite."""
    if not 0 <= value <= most or value == inf:
        raise OptionError(f"{flag} {value}: must be from 0 {f'to {most:g}' if most < inf else 'on'}")


def check_weights_name(output: Path) -> None:
    """Raises OptionError where `output` is no name for a file of weights."""
    if output.suffix != ".safetensors":
        raise OptionError(f"-o {output}: the weights are a .safetensors file; let the name end so")
