"""Pictures whose motion is known: a texture that slides, and a square that moves over it."""

import cv2
import numpy as np

from mvinverse_cli.maps import Array


def texture(height: int, width: int, seed: int = 0) -> Array:
    """(height, width, 3) uint8: smooth noise of several scales, which flow finds its way in."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.random((height // s, width // s, 3)), (width, height)) / i for i, s in enumerate((32, 8), 1)
    ]
    picture = sum(layers[1:], start=layers[0])
    return np.rint(255 * picture / picture.max()).astype(np.uint8)


def slid(size: tuple[int, int], dx: int, dy: int) -> tuple[Array, Array]:
    """Two views of one texture: what the first shows at (x, y) the second shows at (x + dx, y + dy)."""
    height, width = size
    wide = texture(height + 64, width + 64)
    return wide[32:-32, 32:-32], wide[32 - dy : 32 - dy + height, 32 - dx : 32 - dx + width]


def covered(size: tuple[int, int], step: int) -> tuple[Array, Array]:
    """A square of another texture that moves right by `step` pixels before a ground at rest; it begins at (160, 100)
    and is 120 wide."""
    ground, square = texture(*size), texture(120, 120, seed=1)
    pictures = []
    for left in (160, 160 + step):
        picture = ground.copy()
        picture[100:220, left : left + 120] = square
        pictures.append(picture)
    return pictures[0], pictures[1]
