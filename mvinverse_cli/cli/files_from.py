"""`--files-from`: inputs by name out of a list, for more of them than a command line holds."""

import codecs
import os
from pathlib import Path

from ..errors import InputError, OptionError
from .pipes import binary_stdin


def gather_inputs(given: list[str], files_from: str | None, *, null: bool) -> list[str]:
    """The inputs `given`, and behind them those that the list `files_from` names (None: no list, `-`: stdin).

    null: names end with a NUL, as `find -print0` writes them; otherwise with a line's end, and empty lines count for
    nothing. Names are taken as they are, spaces, quotes and bytes that are no UTF-8 included.

    Raises OptionError where nothing is named at all or stdin would be two things at once, InputError for a list that
    cannot be read or names nothing.
    """
    if files_from is None:
        if null:
            raise OptionError("--null: says how a list of inputs is written; give the list with --files-from")
        if not given:
            raise OptionError("no 'inputs' given; name videos, folders or images, or a list with --files-from")
        return given
    listed = split_list(read_list(files_from), null=null)
    if not listed:
        raise InputError(f"--files-from {files_from}: names no input")
    if files_from == "-" and "-" in [*given, *listed]:
        raise OptionError("--files-from -: stdin is the list and cannot be an input as well; name the input's file")
    return [*given, *listed]


def read_list(name: str) -> bytes:
    """The whole list, from a file or stdin. Raises InputError."""
    try:
        if name != "-":
            return Path(name).read_bytes()
        stdin = binary_stdin()
        if stdin is None:
            raise InputError("--files-from -: there is no stdin")
        return stdin.read()
    except OSError as error:
        raise InputError(f"--files-from {name}: {error.strerror or error}") from error


def split_list(text: bytes, *, null: bool) -> list[str]:
    """The names in a list."""
    text = text.removeprefix(codecs.BOM_UTF8)  # as Windows editors write it
    names = text.split(b"\0") if null else [line.removesuffix(b"\r") for line in text.split(b"\n")]
    if not null and any(b"\0" in name for name in names):
        raise InputError("--files-from: holds NUL characters; is it a list for --null?")
    return [os.fsdecode(name) for name in names if name]
