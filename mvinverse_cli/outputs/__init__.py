"""Maps out: one writer per format; `quantize.py` is the only rounding. No torch here.

`ShotOutputs` says where and how a shot is written, `check_shot` what is in the way, `open_writers` writes it and
`load_manifest` keeps the books.
"""

from .about import NORMAL_CONVENTIONS, About
from .check import Standing, check_folder, check_shot, identities, make_folder
from .format_record import Json
from .kept import warn_of_newer_pictures
from .manifest import MANIFEST_NAME, Manifest, NoManifest, load_manifest
from .naming import FrameFile, ShotOutputs
from .presence import open_presence
from .shot_progress import ShotProgress
from .sink import Sink
from .stream import check_stream, open_stream, stream_depth
from .writers import Writers, open_writers

__all__ = [
    "MANIFEST_NAME",
    "NORMAL_CONVENTIONS",
    "About",
    "FrameFile",
    "Json",
    "Manifest",
    "NoManifest",
    "ShotOutputs",
    "ShotProgress",
    "Sink",
    "Standing",
    "Writers",
    "check_folder",
    "check_shot",
    "check_stream",
    "identities",
    "load_manifest",
    "make_folder",
    "open_presence",
    "open_stream",
    "open_writers",
    "stream_depth",
    "warn_of_newer_pictures",
]
