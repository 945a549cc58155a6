"""The contact sheet: the worst and the best pictures of a run, each map beside what it is held to. H, W pixels."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ..maps import MAPS, SPECS, Array, MapName
from .metrics import encoded
from .result import Pick

TILE_WIDTH, GAP, HEAD = 160, 4, 18  # pixels
FONT, FONT_SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.38
INK, PAPER = 230, 24


def draw_sheet(picks: Sequence[Pick], beside: str = "true") -> Array:
    """One row for each pick, from worst to best: the picture, then every map as predicted and what stands beside it.

    Returns (H, W, 3) uint8, sRGB. A map without truth has an empty tile. Raises ValueError without picks.
    """
    rows = [np.concatenate(list(_row(pick)), axis=1) for pick in picks]
    width = rows[0].shape[1]
    return np.concatenate([_headings(width, beside), *(part for row in rows for part in (row, _paper(GAP, width)))])


def _row(pick: Pick) -> Iterator[Array]:
    """Tiles of one picture, with gaps between them."""
    height, width = pick.picture.shape[:2]
    shape = (max(round(height * TILE_WIDTH / width), 1), TILE_WIDTH)
    picture = _tile(pick.picture, shape)
    picture[:HEAD] //= 3  # a bar to read the caption on
    _write(picture, f"{pick.name}: {pick.figure}")
    yield picture
    for name in MAPS:
        for maps in (pick.predicted, pick.beside):
            yield _paper(shape[0], GAP)
            yield _tile(_shown(name, maps[name]), shape) if name in maps else _paper(*shape)


def _shown(name: MapName, values: Array) -> Array:
    """A map (H, W, C) as its 8-bit file looks, in [0, 1]."""
    if SPECS[name].kind == "vector":
        return values * 0.5 + 0.5
    return encoded(values) if SPECS[name].kind == "color" else values


def _tile(values: Array, shape: tuple[int, int]) -> Array:
    """(H, W, C) in [0, 1] -> (*shape, 3) uint8."""
    codes = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    codes = np.ascontiguousarray(np.broadcast_to(codes, (*codes.shape[:2], 3)))
    return np.asarray(cv2.resize(codes, shape[::-1], interpolation=cv2.INTER_AREA))


def _paper(height: int, width: int) -> Array:
    """An empty place."""
    return np.full((height, width, 3), PAPER, np.uint8)


def _headings(width: int, beside: str) -> Array:
    """What stands in each column."""
    head = _paper(HEAD, width)
    titles = ["input", *(f"{name}{of}" for name in MAPS for of in ("", f", {beside}"))]
    for column, title in enumerate(titles):
        _write(head, title, column * (TILE_WIDTH + GAP))
    return head


def _write(image: Array, text: str, left: int = 0) -> None:
    """Puts `text` at the top of `image`, in place."""
    cv2.putText(image, text, (left + 3, 12), FONT, FONT_SIZE, (INK,) * 3, 1, cv2.LINE_AA)
