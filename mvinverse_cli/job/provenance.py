"""What files and manifest say of a shot: where it comes from, with which weights, and how it was cut into passes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import InputError
from ..frames import Shot
from ..frames.names import shown
from ..options import DecomposeOptions, WriteOptions
from ..outputs import NORMAL_CONVENTIONS, About, Json
from ..outputs.ranges import numbers_to_ranges
from ..shot.layout import Layout
from ..shot.seams import Seam
from ..windows import Windows

if TYPE_CHECKING:  # at run time torch waits until the plan stands
    from ..model.weights import Weights

BEGINNING = 2**20  # bytes of a file by which it is told from others


def passes_record(layout: Layout, windows: Windows, options: DecomposeOptions) -> Json:
    """What the manifest says of how a shot is shown to the network: it decides pixels. Cuts by their frame numbers,
    exposure in EV, width of a pixel over its height, the codes of light that is none of sRGB; with `--every` the frames
    that are seen, which hang on the `--frames` asked for. Last, how many frames the shot has and which numbers: a
    sequence may grow."""
    choice = layout.choice
    cuts = [choice.number(position) for position in layout.cuts]
    grid = {"grid": {"every": choice.grid.every, "first": choice.number(0)}} if options.every > 1 else {}
    length = {"frames": choice.count, "numbers": numbers_to_ranges(choice.numbers)}
    tagged = layout.shot.tagged
    light = None if tagged is None else {"transfer": tagged.transfer, "primaries": tagged.primaries}
    source = {"pixel_aspect": layout.shot.pixel_aspect, "light": light}
    return {"window": windows.window, "cuts": cuts, "exposure": layout.exposure, **source, **grid, **length}


def seam_record(seam: Seam) -> Json:
    """What the manifest says of a seam; albedo errors in linear light."""
    return {"gain": list(seam.gain), "residual": seam.residual, "residual_without_gain": seam.before}


def about_run(shot: Shot, options: DecomposeOptions, write: WriteOptions, weights: "Weights") -> About:
    """What every file of a shot says of where it comes from."""
    from ..model.config import config_hash, with_transfers
    from ..model.weights import hash_of

    config = with_transfers(weights.config, options)
    return About(
        software=f"mvinverse {__version__}",
        model=weights.repository or weights.name,
        revision=weights.revision,
        sha256=hash_of(weights),
        source=shot.name if shot.kind == "stills" else str(shot.sources[0]),
        input_transfer=config.input_transfer,
        albedo_transfer=config.albedo_transfer,
        shading_transfer=config.shading_transfer,
        normal_convention=NORMAL_CONVENTIONS[write.normals],
        config_sha256=config_hash(weights.config),
        source_sha256=source_hash(shot),
    )


def source_bytes(shot: Shot) -> int:
    """The size of a shot's files; of a sequence, which may still grow, that of the first.

    Raises InputError where one is gone.
    """
    with there_a_moment_ago():
        return sum(path.stat().st_size for path in telling_files(shot))


def source_hash(shot: Shot) -> str:
    """SHA-256 of the beginnings of the same files: uncompressed plates of two shots have one size.

    Raises InputError where one is gone.
    """
    digest = sha256()
    with there_a_moment_ago():
        for path in telling_files(shot):
            with path.open("rb") as file:
                digest.update(file.read(BEGINNING))
    return digest.hexdigest()


def telling_files(shot: Shot) -> Sequence[Path]:
    """The files that tell a shot from others: those there will be no more of."""
    return shot.paths[:1] if shot.kind == "sequence" else shot.paths


@contextmanager
def there_a_moment_ago() -> Iterator[None]:
    """What the system refuses inside ends as an InputError that names the file."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{shown(str(error.filename))}: {error.strerror}; it was there a moment ago") from error
