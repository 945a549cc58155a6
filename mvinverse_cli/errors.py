"""The mistakes and misfortunes that a user can act on; anything else is a defect and keeps its traceback.

Each class carries the exit code of the command line, so that a farm can tell them apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class MvInverseError(Exception):
    """Base of all errors below. The message says where, what, which value, and what to do next, in one line."""

    exit_code = 1


class OptionError(MvInverseError):
    """An option that cannot be met: unknown map, a device that is not there, a frame range outside the shot."""

    exit_code = 2


class InputError(MvInverseError):
    """A source that cannot be found or read: missing path, broken image, text under a media name."""

    exit_code = 4


class WeightsError(MvInverseError):
    """Weights that cannot be found, fetched, trusted or loaded."""

    exit_code = 5


class WeightsNotHereError(WeightsError):
    """Weights that are sound as far as anybody knows, and not on this machine."""


class DeviceMemoryError(MvInverseError):
    """The device ran out of memory."""

    exit_code = 6


class OutputError(MvInverseError):
    """A file that cannot be written, would overwrite another, or a map that holds no numbers."""

    exit_code = 7


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Turns an OSError of the block into the InputError that says why `path` cannot be read."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}; check the path and the rights") from error


class TrainingError(MvInverseError):
    """A training that cannot begin or go on: a loss that is no number, a package that draws its curves missing."""


class EvaluationError(MvInverseError):
    """An evaluation that cannot begin: a package that only it needs is missing."""
