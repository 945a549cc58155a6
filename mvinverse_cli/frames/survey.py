"""What only a look at the whole shot tells: how many positions it has, and which of them begin a scene.

Cuts are a function of the shot alone: looked for in all its frames, whatever frames and positions are asked for.
A place is where a frame stands in the shot, from 0. H rows, W columns.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from ..color import convert
from ..errors import InputError
from ..maps import Array
from .frame import Shot
from .names import shown
from .pictures import read_picture
from .resize import as_float
from .selection import Grid
from .video import open_video
from .video_color import without_other_matrix
from .video_decoder import VideoDecoder

# Tried on five clips from the world, put behind one another in every order. From frame to frame video changes by 3 to
# 10, nowhere more than 1.9 times as much as around; at a cut by 50 to 90, at least 3.4 times as much as around.
CUT_RATIO = 3.0  # the change at a cut, over the mean of the two changes before and the two behind
CUT_CHANGE = 15.0  # the least change at a cut: mean over all pixels of hue (of 180), saturation and value (of 255)
LEAST_SCENE = 8  # frames from one cut to the next, and from the beginning to the first
REACH = 3  # frames on each side of a cut that have to differ: a shorter flash is none
LONG_SIDE = 256  # pixels of what is looked at


@dataclass(frozen=True)
class Survey:
    """count: positions of the shot, also those that cannot be read. cuts: positions that begin a scene, never 0.
    is_cut_short: whether a video that was decoded for them ended before its promised end."""

    count: int
    cuts: tuple[int, ...]
    is_cut_short: bool = False


def survey_shot(shot: Shot, *, every: int, phase: int, cuts: bool) -> Survey:
    """Counts the positions of a shot on the grid of `every` and `phase`, and finds its cuts where they are wanted.

    Decodes only for cuts, and to count the frames of a video that does not tell how many it has.
    Raises InputError where a video cannot be opened or holds no frame.
    """
    is_cut_short = False
    if shot.kind == "video" and (cuts or shot.frame_count is None):
        places, found, is_cut_short = _survey_video(shot, cuts)
    else:
        places = shot.frame_count or len(shot.paths)
        found = find_cuts(_small_pictures(shot)) if cuts else ()
    grid = Grid(every, phase)
    count = grid.count(places)
    positions = {grid.position(place) for place in found}  # of the frames that begin a scene, or come next to them
    return Survey(count, tuple(sorted(position for position in positions if 0 < position < count)), is_cut_short)


def find_cuts(pictures: Iterable[tuple[int, Array]]) -> tuple[int, ...]:
    """Places and what is seen there, (H, W, 3) uint8 BGR of one size -> the places that begin a new scene."""
    from scenedetect import AdaptiveDetector, FrameTimecode  # takes a third of a second

    detector = AdaptiveDetector(adaptive_threshold=CUT_RATIO, min_content_val=CUT_CHANGE, min_scene_len=LEAST_SCENE)
    near: deque[tuple[int, Array]] = deque(maxlen=2 * REACH)
    found = []
    for place, picture in pictures:
        near.append((place, picture))
        # a cut is told two pictures later; the rate is of no matter, as every length is in frames
        for cut in detector.process_frame(FrameTimecode(place, 1.0), picture):
            before = [seen for at, seen in near if at < cut.frame_num]
            behind = [seen for at, seen in near if at >= cut.frame_num]
            if not _comes_back(before, behind):
                found.append(int(cut.frame_num))
    return tuple(found)


def _comes_back(before: list[Array], behind: list[Array]) -> bool:
    """Whether what was seen before a change is seen behind it: a flash, not a cut."""
    change = np.mean(cv2.absdiff(before[-1], behind[0]))
    return any(np.mean(cv2.absdiff(one, other)) < change / 2 for one, other in product(before, behind))


def _survey_video(shot: Shot, cuts: bool) -> tuple[int, tuple[int, ...], bool]:
    """How many places there are, where scenes begin, and whether the file ended before its promised end."""
    path = shot.paths[0]
    container, stream = open_video(path)
    with container:
        decoder = VideoDecoder(container, stream, shot.frame_count)
        if cuts:
            found = find_cuts(small_frames(decoder))
        else:
            found = ()
            deque(decoder, maxlen=0)  # only counts
    # those promised and lost have places; a sound interlaced stream may promise its fields
    places = max(decoder.places, shot.frame_count or 0) if decoder.reason else decoder.places
    if places == 0:
        raise InputError(f"{shown(path)}: not one frame in it; export it again")
    return places, found, decoder.cut_short


def small_frames(decoder: VideoDecoder) -> Iterator[tuple[int, Array]]:
    """Places and (H, W, 3) uint8 BGR; as stored, for a picture on its side has the same cuts."""
    reformatter = VideoReformatter()
    size: tuple[int, int] | None = None
    for place, frame in decoder:
        size = size or small_size(frame.width, frame.height)
        yield place, reformatter.reformat(without_other_matrix(frame), *size, format="bgr24").to_ndarray()


def _small_pictures(shot: Shot) -> Iterator[tuple[int, Array]]:
    """Places and (H, W, 3) uint8 BGR, all of one size, of those that can be read: the reader tells of the others."""
    size = small_size(*shot.sizes[0])
    for place, path in enumerate(shot.paths):
        try:
            picture = read_picture(path)
        except InputError:
            continue
        small = cv2.resize(np.clip(as_float(picture.pixels), 0, 1), size, interpolation=cv2.INTER_AREA)
        encoded = np.rint(convert(small, picture.transfer, "srgb") * 255).astype(np.uint8)
        yield place, np.ascontiguousarray(encoded[..., ::-1])


def small_size(width: int, height: int) -> tuple[int, int]:
    """(width, height), never enlarged."""
    scale = min(1, LONG_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
