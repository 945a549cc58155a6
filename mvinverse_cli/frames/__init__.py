"""Frames in: a path becomes upright RGB pictures with a number and a time. No torch here."""

from .frame import Fault, Frame, Shot, ShotKind
from .guided import restore_guided
from .meter import meter_shot
from .reader import FrameReader
from .resize import Fit, ResizeRule, as_float, fit_pixels, resize, restore_map
from .selection import Choice, Grid, choose, choose_grid, parse_cuts
from .shots import check_in_time, find_shots, open_positions
from .spool import STDIN, spooled
from .survey import Survey, survey_shot

__all__ = [
    "STDIN",
    "Choice",
    "Fault",
    "Fit",
    "Frame",
    "FrameReader",
    "Grid",
    "ResizeRule",
    "Shot",
    "ShotKind",
    "Survey",
    "as_float",
    "check_in_time",
    "choose",
    "choose_grid",
    "find_shots",
    "fit_pixels",
    "meter_shot",
    "open_positions",
    "parse_cuts",
    "resize",
    "restore_guided",
    "restore_map",
    "spooled",
    "survey_shot",
]
