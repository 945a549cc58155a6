"""Frames in: a path becomes upright RGB pictures with a number and a time. No torch here."""

from .frame import Fault, Frame, Shot, ShotKind
from .reader import FrameReader
from .resize import Fit, as_float, fit_grid, fit_pixels, fit_to, restore_map
from .selection import wanted_frames
from .shots import find_shots, open_shot

__all__ = [
    "Fault",
    "Fit",
    "Frame",
    "FrameReader",
    "Shot",
    "ShotKind",
    "as_float",
    "find_shots",
    "fit_grid",
    "fit_pixels",
    "fit_to",
    "open_shot",
    "restore_map",
    "wanted_frames",
]
