"""What becomes of the frames of a shot, noted in the manifest while they are written."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..formats import FileKind
from .format_record import Json
from .kept import check_movies_alike, check_movies_hold
from .record import ShotRecord

if TYPE_CHECKING:  # the manifest makes these
    from .manifest import Manifest


class ShotProgress:
    """Notes in the manifest what becomes of a shot's frames."""

    def __init__(
        self,
        manifest: "Manifest",
        record: ShotRecord,
        earlier: ShotRecord | None,
        frame_formats: Sequence[FileKind],
        movie_formats: Iterable[FileKind],
        movies_kept: Iterable[FileKind],
    ) -> None:
        self._manifest = manifest
        self._record = record
        self._earlier = earlier
        self._frame_formats = frame_formats
        self._movie_formats = movie_formats  # of the movies that this run makes
        self._beside = {
            name: {*record.formats[name].naming} for name in movie_formats
        }  # frames of those that are there
        self._movies_kept = movies_kept  # formats of which all are there and stay
        self._in_movies: set[int] = set()  # encoded, where movies are made; there is none before the shot ends

    def begin(self) -> None:
        """The shot is about to be worked on: its settings are on disk before its first frame.

        Raises OutputError where another run is writing it with other settings.
        """
        self._manifest.begin(self._record, self._earlier, self._frame_formats)

    def wrote(self, number: int) -> None:
        """Frame `number` is on disk: what `open_writers` takes as `on_done`."""
        self._manifest.own(self._record)
        self._record.add_frames(self._frame_formats, (number,))
        self._in_movies.add(number)
        self._manifest.save_now_and_then()

    def encoded(self) -> None:
        """The movies are about to have their names: what `open_writers` takes as `on_encoded`.

        On disk before the first name is, or a run killed before `finish` would leave movies of unknown frames. Where
        they replace others nobody could tell which of the two are there. Raises OutputError where movies that are kept
        hold other frames.
        """
        if self._record.write["on_exists"] == "overwrite":
            return
        for name in self._movie_formats:
            check_movies_alike(self._in_movies, self._beside[name], self._record.name, name)
            self._record.formats[name].naming |= self._in_movies
        self._manifest.save()

    def change_passes(self, passes: Json) -> None:
        """The shot is cut into passes otherwise than was planned."""
        self._manifest.change_passes(self._record, passes)

    def found_seam(self, number: int, seam: Json) -> None:
        """A window of the shot begins to give new frames at frame `number`."""
        self._record.seams[number] = {"number": number, **seam}

    def lost(self, number: int | None, source: Path, reason: str) -> None:
        """Frame `number` was asked for and could not be had; None where it is not known which."""
        self._manifest.own(self._record)
        fault = {"number": number, "source": str(source), "reason": reason}
        self._record.faults[number] = fault
        self._manifest.save_now_and_then()

    def lost_before(self, numbers: Iterable[int]) -> list[Json]:
        """What the manifest tells of those of the frames `numbers` that an earlier run lost."""
        return [self._record.faults[number] for number in numbers if number in self._record.faults]

    def fail(self, source: Path, reason: str) -> None:
        """The shot cannot be read at all: what was begun of its movies is gone."""
        self.lost(None, source, reason)
        self._manifest.save()

    def finish(self) -> None:
        """Every frame asked for is written or lost, and the movies have their names."""
        self._record.add_frames(self._movie_formats, self._in_movies)
        self._manifest.finish(self._record)

    def check_movies(self) -> None:
        """Raises OutputError where frames were lost before, are written now, and movies that are kept lack them."""
        for kind in self._movies_kept:
            check_movies_hold(self._in_movies, self._record, kind)
