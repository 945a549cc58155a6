"""Values that flags take as text."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..options import RATE_TERM

NEARLY = Fraction(1, 200)  # frames per second, by which decimals miss a rate of broadcast: 23.98 means 24000/1001


def split_names(texts: list[str]) -> tuple[Any, ...]:
    """`["a,b", "c"]` -> `("a", "b", "c")`: a flag given twice and a list with commas mean the same."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def parse_numbers(flag: str, text: str) -> tuple[float, ...]:
    """`2,1,0.5` as numbers, and nothing as none."""
    try:
        return tuple(float(part) for part in split_names([text]))
    except ValueError as error:
        raise OptionError(f"{flag} {text!r}: not numbers separated by commas, as in 2,1,1") from error


def parse_output(text: str | Path) -> Path:
    """The path that `--output` names; `./-` is a folder of that name, and `-` alone the sign for stdout.

    Raises OptionError where it is empty: as a path, that is the current folder.
    """
    if not str(text):
        raise OptionError("--output: an empty name was given; an unset variable, perhaps?")
    path = Path(text)
    return path.absolute() if str(path) == "-" != str(text) else path


AN_OUTPUT: dict[str, Any] = {"parser": parse_output, "metavar": "<path>"}  # of every option `--output`


def parse_rate(text: str) -> Fraction:
    """`24`, `23.976` or `24000/1001` as frames per second.

    Decimals are rounded as rates are meant: 23.976, 23.98 and 23.976023976 are 24000/1001, 29.97 is 30000/1001. Others
    whose digits codecs cannot hold become a fraction that they can.
    """
    try:
        rate = Fraction(text)
        broadcast = Fraction(1000 * round(rate * Fraction(1001, 1000)), 1001)
        if "." in text and rate.denominator > 1 and abs(rate - broadcast) < NEARLY:
            return broadcast
        return rate if max(rate.numerator, rate.denominator) <= RATE_TERM else rate.limit_denominator(1001)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise OptionError(f"--fps {text!r}: not a rate; write 24, 23.976 or 24000/1001") from error
