"""The writers of one shot at work: frames come in order and become files on a pool of threads.

Files of frames are encoded side by side; a movie is encoded frame after frame on a thread of its own. Only so many
frames wait at a time, so that memory does not grow with the shot.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..formats import Bits
from ..maps import SPECS, FrameMaps, MapName, Maps
from ..sizes import show_percent
from .about import About
from .codecs import codec_of
from .exr import encode_exr
from .light import float_maps, float_plate, interop_id
from .movie import OTHER_FORMATS, MovieWriter
from .naming import FrameFile, MovieFile, ShotOutputs
from .png import encode_png
from .quantize import quantize
from .sheet import draw_sheet
from .tiff import encode_tiff
from .whole import is_empty, write_whole

logger = logging.getLogger(__name__)

NO_SHEET = "leave --sheet away, or give the pictures of each size a run of their own"


class Clipped(NamedTuple):
    """The share in [0, 1] of a map's values, in one frame, that lie outside the range of an integer file."""

    share: float
    map: MapName
    place: str


class Pending(NamedTuple):
    """A frame on its way to the disk. It holds no maps: those go when the last file is written."""

    number: int
    files: list[Future[Clipped | None]]


class Lane(NamedTuple):
    """A movie and the one thread that encodes it, in order."""

    movie: MovieWriter
    file: MovieFile
    thread: ThreadPoolExecutor


@contextmanager
def open_writers(
    shot: ShotOutputs,
    about: About,
    on_done: Callable[[int], None] = lambda number: None,
    on_encoded: Callable[[], None] = lambda: None,
) -> Iterator["Writers"]:
    """Writers of one shot, for the block: whole movies when it ends well, none when it does not.

    about: what every file says of where it comes from. on_done: told the number of each frame that is on disk (encoded,
    in movies), in order and in the caller's thread, within `write` or at the end of the block. Errors of the threads
    are raised there too. on_encoded: called there once all frames are in the movies, before these have their names.
    """
    writers = Writers(shot, about, on_done, on_encoded)
    try:
        yield writers
        writers.finish()
    finally:
        writers.stop()


def with_y_down(maps: Maps) -> Maps:
    """Normals of DirectX from those of OpenGL."""
    if "normal" not in maps:
        return maps
    return {**maps, "normal": maps["normal"] * np.array([1, -1, 1], np.float32)}


class Writers:
    """Takes the frames of one shot: `open_writers` makes and ends it."""

    def __init__(
        self, shot: ShotOutputs, about: About, on_done: Callable[[int], None], on_encoded: Callable[[], None]
    ) -> None:
        self.shot = shot
        self.about = about
        self.on_done = on_done
        self.on_encoded = on_encoded
        self.backlog_limit = shot.options.writers + 1  # frames: one for each thread and one to go on with
        self._pool = ThreadPoolExecutor(shot.options.writers, thread_name_prefix="writer")
        self._lanes: list[Lane] = []
        self._lanes_open = False  # until the first frame tells the size of the movies
        self._backlog: deque[Pending] = deque()
        self._clipped: dict[MapName, Clipped] = {}  # the worst frame of each map

    def write(self, frame: FrameMaps) -> None:
        """Hands a frame on, in the order of the shot; waits while the backlog is full.

        Under `--on-exists skip` files that are there stay as they are. Raises the error of an earlier frame.
        """
        self._settle(self.backlog_limit - 1)
        if self.shot.options.normals == "directx":
            frame = replace(frame, maps=with_y_down(frame.maps))
        place = f"{self.shot.stem}: frame {frame.name if self.shot.stills else frame.number}"
        if not self._lanes_open:
            self._open_lanes(frame)
        skip = self.shot.options.on_exists == "skip"
        files = [
            self._pool.submit(self._write_file, file, frame, place)
            for file in self.shot.frame_files(frame.number, frame.name)
            if not (skip and file.path.exists() and not is_empty(file.path))
        ]
        files += [lane.thread.submit(self._encode, lane, frame, place) for lane in self._lanes]
        self._backlog.append(Pending(frame.number, files))

    def finish(self) -> None:
        """Waits for every frame and gives the movies their names, all of them once the last is whole."""
        self._settle(0)
        for ending in [lane.thread.submit(lane.movie.close) for lane in self._lanes]:
            ending.result()
        if self._lanes:
            self.on_encoded()
        for lane in self._lanes:
            lane.movie.commit()
        for clipped in self._clipped.values():
            logger.warning(
                "%s: %s of the %s map is outside the range of integer files and was clipped, the most in this shot",
                clipped.place,
                show_percent(clipped.share),
                clipped.map,
            )

    def stop(self) -> None:
        """Ends the threads; drops what has not begun, and the movies where `finish` has not been reached."""
        for thread in (self._pool, *(lane.thread for lane in self._lanes)):
            thread.shutdown(cancel_futures=True)
        with ExitStack() as ending:  # each of them, whatever becomes of another
            for frame in reversed(self._backlog):
                if all(not file.cancelled() and file.exception() is None for file in frame.files):
                    ending.callback(self.on_done, frame.number)
            for lane in self._lanes:
                ending.callback(lane.movie.abandon)

    def _settle(self, most: int) -> None:
        """Waits until `most` frames are left, reports those that are done, raises the error of one that failed."""
        for frame in self._backlog:
            for file in frame.files:
                if file.done():
                    file.result()
        while self._backlog and (len(self._backlog) > most or all(file.done() for file in self._backlog[0].files)):
            for file in self._backlog[0].files:
                self._note(file.result())
            self.on_done(self._backlog.popleft().number)

    def _note(self, clipped: Clipped | None) -> None:
        if clipped and (clipped.map not in self._clipped or clipped.share > self._clipped[clipped.map].share):
            self._clipped[clipped.map] = clipped

    def _open_lanes(self, frame: FrameMaps) -> None:
        options = self.shot.options
        attributes = self.about.attributes()
        rate, timecode = self.shot.movie_rate, frame.timecode
        if timecode is not None and self.shot.movie_files() and not timecode.fits(rate):
            logger.warning(
                "%s: at %s frames per second there is no timecode %s; movies carry none, see --fps",
                self.shot.stem,
                rate,
                timecode,
            )
            timecode = None
        for file in self.shot.movie_files():
            if not (options.on_exists == "skip" and file.path.exists() and not is_empty(file.path)):
                first, is_sheet = file.maps[0], file.format == "sheet"
                shape = draw_sheet(frame, file.maps, self.shot.stem).shape if is_sheet else frame.maps[first].shape
                movie = MovieWriter(
                    file.path,
                    codec_of(file.format, options.bits_of(file.format), shape[2]),
                    (shape[0], shape[1]),
                    rate,
                    attributes,
                    options.on_exists,
                    is_color=is_sheet or SPECS[first].kind == "color",
                    every=self.shot.every,
                    timecode=timecode,
                    pixel_aspect=self.shot.pixel_aspect,
                    remedy=NO_SHEET if is_sheet else OTHER_FORMATS,
                )
                thread = ThreadPoolExecutor(1, thread_name_prefix=f"movie-{first}")
                self._lanes.append(Lane(movie, file, thread))
        self._lanes_open = True

    def _write_file(self, file: FrameFile, frame: FrameMaps, place: str) -> Clipped | None:
        content, clipped = self._encode_file(file, frame, place)
        write_whole(file.path, content, self.shot.options.on_exists)
        return clipped

    def _encode_file(self, file: FrameFile, frame: FrameMaps, place: str) -> tuple[bytes, Clipped | None]:
        attributes = self.about.attributes(frame.source)
        options = self.shot.options
        bits = options.bits_of(file.format)
        if file.format == "exr":
            return self._encode_exr(file, frame, bits, attributes, place), None
        if file.format == "sheet":
            return encode_png(draw_sheet(frame, file.maps, place), SPECS["albedo"], attributes), None
        (name,) = file.maps
        spec = SPECS[name]
        if bits == "float":
            pixels = float_maps(frame, file.maps, bits, options.colorspace, place)[name]
            space = {"colorInteropID": interop_id(file.maps, options.colorspace)}
            return encode_tiff(pixels, spec, {**attributes, **space}), None
        codes, share = quantize(frame.maps[name], spec, 8 if bits == "8" else 16, place)
        encode = encode_png if file.format == "png" else encode_tiff
        return encode(codes, spec, attributes), Clipped(share, name, place) if share else None

    def _encode_exr(
        self, file: FrameFile, frame: FrameMaps, bits: Bits, attributes: Mapping[str, str], place: str
    ) -> bytes:
        options = self.shot.options
        maps = float_maps(frame, file.maps, bits, options.colorspace, place)
        rgb = maps["albedo"] if options.exr_rgba == "albedo" else None
        if options.exr_rgba == "source":
            rgb = float_plate(frame.needed_plate, bits, options.colorspace)
        return encode_exr(
            maps,
            attributes,
            layout=options.exr_layout,
            compression=options.exr_compression,
            colorspace=options.colorspace,
            rgb=rgb,
            number=frame.number,
            rate=self.shot.rate,
            timecode=frame.timecode,
            pixel_aspect=self.shot.pixel_aspect,
        )

    def _encode(self, lane: Lane, frame: FrameMaps, place: str) -> Clipped | None:
        time = self.shot.time_of(frame)
        if lane.file.format == "sheet":
            lane.movie.encode(draw_sheet(frame, lane.file.maps, place), time, place)
            return None
        (name,) = lane.file.maps
        codes, share = quantize(frame.maps[name], SPECS[name], lane.movie.codec.depth, place)
        lane.movie.encode(codes, time, place)
        return Clipped(share, name, place) if share else None
