"""The clips that benchmarks of long shots run on: a glide of any length made here, and clips of real things.

N frames, H W pixels.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parents[1]
ROOM = ROOT / "examples" / "room.mp4"  # rendered, 48 frames
STILL = ROOT / "examples" / "views" / "terrace_1.jpg"
REAL = ("cosmos_videos/video1.mp4", "cotracker_apple/apple.mp4", "deepv2d_golf_video/golf.mov")
SIZE = (252, 140)  # width, height


def real_clips(folder: Path, count: int) -> list[Path]:
    """The first `count` real clips of `folder` that are there; says which are not."""
    found = [path for name in REAL if (path := folder / name).is_file()][:count]
    if len(found) < count:
        print(f"{folder}: {len(found)} of {count} real clips are here; the others are left out", flush=True)
    return found


def glide(count: int) -> Iterator[NDArray[np.uint8]]:
    """`count` frames (H, W, 3): a crop that goes round over a still picture at a steady pace, about a pixel a frame."""
    with Image.open(STILL) as still:
        pixels = np.asarray(still.convert("RGB"))
    width, height = SIZE
    free_x, free_y = pixels.shape[1] - width, pixels.shape[0] - height
    for frame in range(count):
        left = round(free_x * (0.5 - 0.5 * np.cos(frame / 180)))
        top = round(free_y * (0.5 - 0.5 * np.cos(frame / 127)))
        yield pixels[top : top + height, left : left + width]


def write_glide(path: Path, count: int) -> Path:
    """The glide as an H.264 clip of 24 fps at `path`, unless it is there."""
    if not path.exists():
        with av.open(str(path), "w") as movie:
            stream = movie.add_stream("libx264", rate=Fraction(24), options={"crf": "12", "preset": "veryfast"})
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            for pixels in glide(count):
                movie.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
            movie.mux(stream.encode())
    return path
