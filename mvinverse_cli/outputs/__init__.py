"""Maps out: one writer per format; `quantize.py` is the only rounding. No torch here.

`ShotOutputs` says where and how a shot is written, `check_shot` what is in the way, `open_writers` writes it and
`load_manifest` keeps the books.
"""

from .about import NORMAL_CONVENTIONS, About
from .check import Standing, check_folder, check_shot, make_folder
from .manifest import MANIFEST_NAME, Manifest, ShotProgress, load_manifest
from .naming import FrameFile, ShotOutputs
from .record import Json
from .writers import Writers, open_writers

__all__ = [
    "MANIFEST_NAME",
    "NORMAL_CONVENTIONS",
    "About",
    "FrameFile",
    "Json",
    "Manifest",
    "ShotOutputs",
    "ShotProgress",
    "Standing",
    "Writers",
    "check_folder",
    "check_shot",
    "load_manifest",
    "make_folder",
    "open_writers",
]
