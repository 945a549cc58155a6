"""Sizes as users write them: windows in frames, memory in bytes, exposure in stops."""

import re
from typing import Literal

from .errors import OptionError
from .windows import least_window

AUTO_WINDOW = 24  # frames (docs/long-shots.md)
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def parse_window(window: int | str, anchors: int, overlap: int) -> int | Literal["auto", "all"]:
    """`auto`, `all` or a number of frames that holds the anchors, the overlap and a new frame. Raises OptionError."""
    least = least_window(anchors, overlap)
    if window == "auto" and least > AUTO_WINDOW:
        raise OptionError(
            f"--anchors {anchors} --overlap {overlap}: more than a window of {AUTO_WINDOW} holds; raise --window"
        )
    if window == "auto":
        return "auto"
    if window == "all":
        return "all"
    try:
        frames = int(window)
    except ValueError as error:
        raise OptionError(f"--window {window!r}: not a number of frames, auto or all") from error
    if frames < least:
        raise OptionError(
            f"--window {frames}: must be at least {least}, for {anchors} anchors, {overlap} frames of overlap and a"
            " new one; lower --anchors or --overlap, or raise it"
        )
    return frames


MOST_EV = 20.0  # stops, either way


def parse_exposure(text: str) -> str:
    """`auto`, or a number of stops in its shortest form. Raises OptionError."""
    if text == "auto":
        return text
    try:
        stops = float(text)
    except ValueError as error:
        raise OptionError(f"--exposure {text!r}: not a number of stops or auto") from error
    if not -MOST_EV <= stops <= MOST_EV:
        raise OptionError(f"--exposure {text}: must be from {-MOST_EV:g} to {MOST_EV:g} stops")
    return f"{stops + 0:g}"


def parse_bytes(flag: str, text: str) -> int:
    """`10GiB`, `800 MB` or a number of bytes. Raises OptionError."""
    parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text, re.IGNORECASE)
    size = int(float(parts[1]) * UNITS[parts[2].upper()]) if parts and parts[2].upper() in UNITS else 0
    if size < 1:
        raise OptionError(f"{flag} {text!r}: not a size; write 10GiB or 800MB")
    return size


def show_count(count: int, noun: str) -> str:
    """`1 frame`, `2 frames`, `2 passes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"


def show_frames(ranges: str) -> tuple[str, str]:
    """Frame numbers with their noun, and the verb that follows: `frame 7` and `is`, `frames 7-9,12` and `are`."""
    return (f"frame {ranges}", "is") if ranges.lstrip("-").isdecimal() else (f"frames {ranges}", "are")


def show_percent(share: float) -> str:
    """A share of one: `12%`, below a tenth to two digits, `0.31%`."""
    return f"{share * 100:.0f}%" if share >= 0.0995 else f"{share * 100:.2g}%"


def show_bytes(count: int) -> str:
    """`1.5 GiB`."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
