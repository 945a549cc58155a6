"""`--exposure auto`: how much light there is in a shot, as a function of the whole shot alone.

Whatever frames are asked for, and on whatever machine, a shot has one exposure.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from ..color import convert, srgb_to_linear
from ..errors import InputError
from ..maps import Array
from .frame import Shot
from .pictures import read_picture
from .resize import as_float
from .survey import small_frames, small_size
from .tagged_light import TaggedLight
from .video import open_video
from .video_decoder import VideoDecoder

KEY = 0.18  # mean light of what the network is shown: a gray card
MOST_EV = 10.0  # either way: what asks for more is not badly exposed but black
SAMPLES = 5  # pictures looked at, the middles of so many equal parts of the shot
STEP_EV = 1 / 64  # the answer is a multiple, so that no rounding of sums shows


def meter_shot(shot: Shot) -> float:
    """The exposure, in EV, at which the mean light of a shot is `KEY`, what is clipped at 1 counted as 1.

    Of a sequence or stills five pictures are looked at, spread over all of them; a video is decoded, and every frame
    counts. Black pixels do not count. 0 where nothing can be read, and where all is black.
    """
    if shot.kind == "video":
        return exposure_of(*_video_light(shot))
    seen = [light[light > 0] for light in _picture_light(shot)]
    return exposure_of(np.concatenate(seen) if seen else np.empty(0, np.float32))


def exposure_of(light: Array, counts: Array | None = None) -> float:
    """The exposure in EV, a multiple of STEP_EV within MOST_EV, that brings the mean of `light` > 0, clipped at 1, to
    KEY; 0 for an empty array. counts: how often each value counts; None: once."""
    if not light.size:
        return 0.0
    low, high = -MOST_EV, MOST_EV
    while high - low > STEP_EV / 2:
        middle = (low + high) / 2
        if np.average(np.minimum(light * 2**middle, 1).astype(np.float64), weights=counts) < KEY:
            low = middle
        else:
            high = middle
    return round(high / STEP_EV) * STEP_EV


def _picture_light(shot: Shot) -> Iterator[Array]:
    """(h, w, 3) scene-linear, of up to SAMPLES pictures; for one that cannot be read the next that can."""
    count = len(shot.paths)
    wanted = dict.fromkeys((2 * part + 1) * count // (2 * SAMPLES) for part in range(SAMPLES))
    taken: set[int] = set()
    for start in wanted:
        for place in range(start, count):
            if place in taken:
                continue
            taken.add(place)
            try:
                picture = read_picture(shot.paths[place])
            except InputError:
                continue
            height, width = picture.pixels.shape[:2]
            # Pixels as they are, not means of them: one that is far over 1 would clip all that it is averaged with.
            few = cv2.resize(picture.pixels, small_size(width, height), interpolation=cv2.INTER_NEAREST)
            yield convert(as_float(few), picture.transfer, "linear")
            break


def _video_light(shot: Shot) -> tuple[Array, Array]:
    """What all frames hold but black: light (N,) scene-linear, and how often each value comes. Codes are tallied, so
    that memory does not grow with the shot."""
    counts = np.zeros(256, np.int64)
    container, stream = open_video(shot.paths[0])
    with container:
        for _, picture in small_frames(VideoDecoder(container, stream, shot.frame_count)):
            small = cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA)
            counts += np.bincount(small.ravel(), minlength=256)
        context = stream.codec_context
        tagged = TaggedLight.of(int(context.color_trc), int(context.color_primaries))
    codes = np.flatnonzero(counts[1:]) + 1
    signal = as_float(codes.astype(np.uint8))
    return srgb_to_linear(signal) if tagged is None else tagged.to_light(signal), counts[codes]
