"""SMPTE timecodes (ST 12-1): the label of a frame, as text, as a count of frames, and as it moves on."""

import re
from dataclasses import dataclass
from fractions import Fraction

MOST = (23, 59, 59, 29)  # hours, minutes, seconds, frames: what ST 12-1 and OpenEXR hold
SLACK = Fraction(1, 500)  # by which a rate may miss a whole number: 23.976 by 1/1001, a mean rate by a little more
NO_TIMECODES = 60  # frames per second above which there are none

_TEXT = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.,])(\d\d)")


def has_timecodes(rate: Fraction) -> bool:
    """Whether frames at `rate` per second have timecodes: those near a whole number up to NO_TIMECODES."""
    per_second = round(rate)
    return 0 < per_second <= NO_TIMECODES and abs(rate / per_second - 1) <= SLACK


@dataclass(frozen=True)
class Timecode:
    """One frame's label. Above 30 frames per second, frames go in pairs under one number: `field_phase` is the second.

    user_data: 32 bits that go along unread; color_frame and binary_groups, likewise, are flags of the same word.
    """

    hours: int
    minutes: int
    seconds: int
    frame: int
    drop_frame: bool = False
    color_frame: bool = False
    field_phase: bool = False
    binary_groups: tuple[bool, bool, bool] = (False, False, False)
    user_data: int = 0

    def __post_init__(self) -> None:
        parts = (self.hours, self.minutes, self.seconds, self.frame)
        if not all(0 <= part <= most for part, most in zip(parts, MOST, strict=True)):
            raise ValueError(f"{parts} is no timecode")

    def __str__(self) -> str:
        """`01:02:03:04`, with a semicolon for drop frame, and a star for the second of a pair."""
        mark = ";" if self.drop_frame else ":"
        pair = "*" if self.field_phase else ""
        return f"{self.hours:02}:{self.minutes:02}:{self.seconds:02}{mark}{self.frame:02}{pair}"

    def fits(self, rate: Fraction) -> bool:
        """Whether a film of `rate` frames per second has such a label."""
        per_second = round(rate)
        if not has_timecodes(rate) or (self.drop_frame and per_second % 30):
            return False
        return (2 * self.frame + self.field_phase if per_second > 30 else self.frame) < per_second

    def tag(self, rate: Fraction) -> str:
        """As a video file of `rate` frames per second carries it: above 30, every frame has a number of its own."""
        frame = 2 * self.frame + self.field_phase if round(rate) > 30 else self.frame
        return f"{self.hours:02}:{self.minutes:02}:{self.seconds:02}{';' if self.drop_frame else ':'}{frame:02}"


@dataclass(frozen=True)
class Timecodes:
    """The timecodes of a video: that of its first frame as a count of frames since midnight, and how they go on."""

    first: int
    per_second: int  # whole: 30 for 29.97
    drop_frame: bool

    @classmethod
    def parse(cls, text: str, rate: Fraction | None) -> "Timecodes | None":
        """From the tag of a video of `rate` frames per second: `01:00:00:00`, with `;` or another mark for drop frame.

        None for what is no timecode, and for rates that have none.
        """
        found = _TEXT.fullmatch(text.strip())
        if found is None or rate is None or not has_timecodes(rate):
            return None
        per_second = round(rate)
        drop_frame = found[4] != ":"
        hours, minutes, seconds, frame = (int(found[part]) for part in (1, 2, 3, 5))
        dropped = per_second // 15 if drop_frame else 0  # labels that are left out each minute but every tenth
        is_left_out = bool(seconds == 0 and minutes % 10 and frame < dropped)
        if hours > 23 or minutes > 59 or seconds > 59 or frame >= per_second or is_left_out:
            return None
        if drop_frame and per_second % 30:
            return None
        minutes += 60 * hours
        count = (60 * minutes + seconds) * per_second + frame - dropped * (minutes - minutes // 10)
        return cls(count, per_second, drop_frame)

    def at(self, place: int) -> Timecode:
        """The label of the frame `place` frames behind the first; after midnight it begins anew."""
        dropped = self.per_second // 15 if self.drop_frame else 0
        minute, ten_minutes = 60 * self.per_second - dropped, 600 * self.per_second - 9 * dropped
        tens, rest = divmod((self.first + place) % (144 * ten_minutes), ten_minutes)
        label = tens * 600 * self.per_second + rest + dropped * (max(rest - dropped, 0) // minute)
        seconds, frame = divmod(label, self.per_second)
        pairs = self.per_second > 30
        return Timecode(
            seconds // 3600,
            seconds // 60 % 60,
            seconds % 60,
            frame // 2 if pairs else frame,
            drop_frame=self.drop_frame,
            field_phase=pairs and frame % 2 == 1,
        )
