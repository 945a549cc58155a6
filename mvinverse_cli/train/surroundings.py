"""What a place in a scene is surrounded by, as far as its views tell: what a mirror there would show. P points."""

from dataclasses import dataclass

import cv2
import numpy as np

from ..maps import Array
from ..scenes.stage import white_light
from .lookup import looked_up
from .surface import Surface

ROWS, COLUMNS = 64, 128  # of all ways, from straight up to straight down and once around
NEAREST = 0.05  # metres; what is nearer to the place is the thing itself
FILLED = 6.0  # rows over which what is seen spreads to where nothing is
MOST_LAMPS = 3  # beside what is seen: lamps and windows are no surfaces, and most are behind the camera
LAMP_ROWS = (0.02, 0.65)  # where they are, as a share of the way down
LAMP_SIDES = (2.0, 14.0)  # rows and columns
LAMP_LEVEL = (3.0, 30.0)  # times the mean


@dataclass(frozen=True)
class Surroundings:
    """light: (ROWS, COLUMNS, 3) scene-linear, what comes to `place` (3,) from every way; reach: metres to where it
    comes from, on the median."""

    light: Array
    place: Array
    reach: float

    def mirrored(self, points: Array, ways: Array, roughness: float) -> Array:
        """(P, 3) what a surface of this roughness at `points` (P, 3) mirrors from `ways` (P, 3), before Fresnel's term.

        The lobe of GGX is a Gaussian of its width alpha, roughness^2, in radians; the shift of near surroundings from
        point to point is that of a sphere of their reach.
        """
        sigma = max(roughness**2 * ROWS / np.pi, 0.3)
        around = cv2.copyMakeBorder(self.light, 0, 0, COLUMNS // 2, COLUMNS // 2, cv2.BORDER_WRAP)
        blurred = cv2.GaussianBlur(around, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        rows, columns = _place_of(ways + (points - self.place) / np.float32(self.reach))
        return looked_up(blurred, rows, columns + COLUMNS // 2, cv2.BORDER_REPLICATE)


def surroundings(surface: Surface, place: Array, counts: Array, rng: np.random.Generator) -> Surroundings | None:
    """Those of a `place` (3,): what the views show of where `counts` (P,), for the other half of the ways the same
    from behind, between them what is near, and a few lamps. None where nothing is seen."""
    offsets = surface.points - place
    distance = np.sqrt(np.einsum("pc,pc->p", offsets, offsets))
    seen = counts & (surface.mask[:, 0] > 0) & (distance > NEAREST)
    if not seen.any():
        return None
    colors, mean = surface.color[seen], surface.color[seen].mean(0)
    light = _filled(_gathered(offsets[seen], colors), mean)
    for _ in range(int(rng.integers(MOST_LAMPS + 1))):
        top, left = int(rng.uniform(*LAMP_ROWS) * ROWS), int(rng.integers(COLUMNS))
        height, width = (int(side) for side in rng.uniform(*LAMP_SIDES, 2))
        level = white_light(rng) * mean.mean() * np.exp(rng.uniform(*np.log(LAMP_LEVEL)))
        light[top : top + height, np.arange(left, left + width) % COLUMNS] = level
    return Surroundings(light.astype(np.float32), place, float(np.median(distance[seen])))


def _gathered(ways: Array, colors: Array) -> Array:
    """(ROWS, COLUMNS, 4): the mean of the colours (P, 3) that come from about the same way, (P, 3), and 1; 0 where none
    does."""
    rows, columns = (np.floor(at).astype(int) for at in _place_of(ways))
    index = rows.clip(0, ROWS - 1) * COLUMNS + columns % COLUMNS
    sums = [np.bincount(index, values, ROWS * COLUMNS) for values in (*colors.T, np.ones(len(index)))]
    total = np.stack(sums, -1).reshape(ROWS, COLUMNS, 4).astype(np.float32)
    gathered: Array = total / np.maximum(total[..., 3:], 1)
    return gathered


def _filled(gathered: Array, mean: Array) -> Array:
    """(ROWS, COLUMNS, 3): what is not seen is as what lies opposite, or as what is near, or in the end the mean."""
    total = np.where(gathered[..., 3:] > 0, gathered, np.roll(gathered, COLUMNS // 2, axis=1))
    around = cv2.copyMakeBorder(total, 0, 0, COLUMNS // 2, COLUMNS // 2, cv2.BORDER_WRAP)
    near = cv2.GaussianBlur(around, (0, 0), FILLED)[:, COLUMNS // 2 : -(COLUMNS // 2)]
    near = (near[..., :3] + 1e-3 * mean) / (near[..., 3:] + 1e-3)
    return np.where(total[..., 3:] > 0, total[..., :3], near)


def _place_of(ways: Array) -> tuple[Array, Array]:
    """(P, 3) ways in the world, of any length -> their rows and columns, (P,), not rounded."""
    length = np.sqrt(np.einsum("pc,pc->p", ways, ways))
    down = np.arccos(np.clip(ways[:, 1] / np.maximum(length, 1e-6), -1, 1)) / np.pi
    turn = np.arctan2(ways[:, 0], ways[:, 2]) / (2 * np.pi) + 0.5
    return down * ROWS, turn * COLUMNS
