"""What every run has to leave behind, however it ended."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import OpenEXR


def broken_files(folder: Path) -> list[str]:
    """Files with a final name, under `folder`, that a reader of their kind does not read to the end."""
    return [path.name for path in sorted(folder.rglob("*")) if not path.name.startswith(".") and is_broken(path)]


def is_broken(path: Path) -> bool:
    try:
        match path.suffix:
            case ".png" | ".tif":
                return cv2.imdecode(bytes_of(path), cv2.IMREAD_UNCHANGED) is None
            case ".exr":
                with OpenEXR.File(str(path)) as file:
                    return not file.channels()
            case ".mp4":
                with av.open(str(path)) as container:
                    return not list(container.decode(video=0))
            case ".json":
                json.loads(path.read_text())
    except (OSError, RuntimeError, ValueError, av.FFmpegError):
        return True
    return False


def bytes_of(path: Path) -> np.ndarray:
    """The content as cv2 takes it."""
    return np.frombuffer(path.read_bytes(), np.uint8)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but hidden ones, by name relative to `folder`."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
