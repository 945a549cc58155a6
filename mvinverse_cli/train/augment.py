"""What a camera does to a scene: each function draws its own setting once for all views, which one camera took.

Only `relit` and `flipped` touch the truth, and both keep it true; the others degrade the input alone. N views, H W
pixels, C channels; float32 unless said, colours scene-linear until `encoded`.
"""

import cv2
import numpy as np

from ..color import linear_to_srgb
from ..maps import Array, MapName, Maps
from ..trainings import TrainOptions

ASPECTS = (0.62, 1.85)  # width / height: portrait photos to a little over 16:9
LEAST_CROP = 0.6  # side of a crop, as a share of the largest that fits
MOST_ENLARGED = 2.0  # beyond it views are only blurred
EXPOSURE_SIGMA = 0.35  # of the natural logarithm: a third of all samples is off by more than half a stop
WARMTH_SIGMA = 0.22  # the same, of red against green and of green against blue: from lamps to shade under a blue sky
TINT_SIGMA = 0.06  # what red and blue stray beside that
# Samples that are brighter still, up to four times. A wooden room in the sun loses a third of its reds to clipping: who
# has hardly seen that takes what is left for green.
BRIGHT_SHARE, BRIGHT_GAINS = 0.3, (1.0, 4.0)


def draw_size(
    rng: np.random.Generator, options: TrainOptions, patch_size: int, source: tuple[int, int]
) -> tuple[int, int]:
    """(height, width) of a batch: multiples of the patch between the options' sides, small ones more often.

    source: (height, width) of a view that is not to be enlarged by more than MOST_ENLARGED, as far as `min_side`
    allows.
    """
    high = max(options.max_side // patch_size, 1) * patch_size
    low = min(-(-options.min_side // patch_size) * patch_size, high)
    side = np.exp(rng.uniform(np.log(low), np.log(high)))  # of a square as large
    stretch = np.sqrt(np.exp(rng.uniform(*np.log(ASPECTS))))
    sides = np.array([side / stretch, side * stretch])
    sides /= max(1.0, *(sides / (MOST_ENLARGED * np.array(source))))
    height, width = np.clip(np.round(sides / patch_size).astype(int) * patch_size, low, high)
    return int(height), int(width)


def enlargement(size: tuple[int, int], source: tuple[int, int]) -> float:
    """By how much the largest crop of `source` (height, width) with the proportions of `size` grows to it."""
    return max(size[0] / source[0], size[1] / source[1])


def crop_share(rng: np.random.Generator) -> float:
    """The sides of a sample's crops, as a share of the largest that fit."""
    return float(rng.uniform(LEAST_CROP, 1))


def draw_crop(
    rng: np.random.Generator, share: float, size: tuple[int, int], source: tuple[int, int]
) -> tuple[slice, slice]:
    """Rows and columns, at a random place, of a crop of `source` (height, width) with the proportions of `size`.

    share: of the sides of the largest crop that fits; more where the view would be enlarged by over MOST_ENLARGED.
    """
    enlarged = enlargement(size, source)
    share = min(1.0, max(share, enlarged / MOST_ENLARGED))
    height, width = (max(1, min(full, round(share * side / enlarged))) for side, full in zip(size, source, strict=True))
    top, left = rng.integers(source[0] - height + 1), rng.integers(source[1] - width + 1)
    return slice(int(top), int(top) + height), slice(int(left), int(left) + width)


def light_gain(rng: np.random.Generator) -> Array:
    """(3,) by which the light of a sample is multiplied: its exposure, and its colour against the camera's white."""
    white = np.exp(rng.normal(0, WARMTH_SIGMA) * np.array([1, 0, -1]) + rng.normal(0, TINT_SIGMA, 3) * (1, 0, 1))
    gain: Array = np.exp(rng.normal(0, EXPOSURE_SIGMA)) * white / white.mean()
    return gain.astype(np.float32)


def bright_gain(rng: np.random.Generator) -> float:
    """By which the light of a sample is multiplied beside its `light_gain`: 1, or so much that part of it clips."""
    is_bright, gain = rng.random() < BRIGHT_SHARE, np.exp(rng.uniform(*np.log(BRIGHT_GAINS)))
    return float(gain) if is_bright else 1.0


def sensor_white(rng: np.random.Generator) -> float:
    """Where a sensor saturates, before its picture is made smaller: half of them at 1, the others up to 8.

    What lies between 1 and it still brightens its neighbours when they are averaged.
    """
    return 1.0 if rng.random() < 0.5 else float(np.exp(rng.uniform(0, np.log(8))))


def relit(color: Array, shading: Array, gain: Array, white: float) -> tuple[Array, Array]:
    """color, shading (..., 3) under light times `gain`; albedo x shading stays the diffuse image, up to `white`."""
    return np.minimum(color * gain, np.float32(white)), shading * gain


def flipped(color: Array, maps: Maps, mask: Array) -> tuple[Array, Maps, Array]:
    """All views of a sample (N, H, W, C), left for right: a normal's x changes its sign.

    All or none: one view mirrored beside another that is not would show two different scenes.
    """
    mirrored: dict[MapName, Array] = {name: values[:, :, ::-1] for name, values in maps.items()}
    if "normal" in mirrored:
        mirrored["normal"] = mirrored["normal"] * np.array([-1, 1, 1], np.float32)
    return color[:, :, ::-1], mirrored, mask[:, :, ::-1]


def photographed(color: Array, rng: np.random.Generator) -> Array:
    """Scene-linear color (N, H, W, 3) -> uint8 of the same shape, sRGB: the picture that a camera makes of it."""
    color = noisy(blurred(color, rng), rng)
    return compressed(encoded(toned(linear_to_srgb(highlights(color, rng)), rng)), rng)


def blurred(color: Array, rng: np.random.Generator) -> Array:
    """(N, H, W, 3) out of focus by up to a pixel, one sample in four."""
    blurs, sigma = rng.random() < 0.25, rng.uniform(0.3, 1.0)
    return np.stack([cv2.GaussianBlur(view, (0, 0), sigma) for view in color]) if blurs else color


def noisy(color: Array, rng: np.random.Generator) -> Array:
    """(N, H, W, 3) with the noise of photons and of the sensor, three samples in four; may fall under 0.

    Its variance is shot * color + read^2 (Foi 2008): at most one step of 6 in 255 at middle gray.
    """
    shot, read = np.exp(rng.uniform(np.log([1e-5, 3e-4]), np.log([2e-3, 6e-3]))).astype(np.float32)
    if rng.random() < 0.25:
        return color
    sigma = np.sqrt(shot * np.maximum(color, 0) + read**2)
    disturbed: Array = color + sigma * rng.standard_normal(color.shape, dtype=np.float32)
    return disturbed


def highlights(color: Array, rng: np.random.Generator) -> Array:
    """(N, H, W, 3) -> in [0, 1]: clipped, or, two samples in five, rolled off from a knee on as film does."""
    knee = np.float32(rng.uniform(0.6, 0.95))
    if rng.random() < 0.4:
        above = np.maximum(color - knee, 0) / (1 - knee)
        color = np.where(above > 0, knee + (1 - knee) * (1 - np.exp(-above)), color)
    return np.clip(color, 0, 1)


def toned(picture: Array, rng: np.random.Generator) -> Array:
    """sRGB-encoded (N, H, W, 3) in [0, 1] -> the same with a camera's taste: a mild gamma and contrast."""
    gamma, contrast = np.exp(rng.normal(0, 0.06)), np.float32(rng.uniform(-0.1, 0.25))
    picture = picture ** np.float32(gamma)
    steeper = picture * picture * (3 - 2 * picture)
    toned: Array = picture + contrast * (steeper - picture)
    return toned


def encoded(picture: Array) -> Array:
    """[0, 1] of any shape -> uint8, rounded."""
    steps: Array = np.rint(picture * 255).astype(np.uint8)
    return steps


def compressed(picture: Array, rng: np.random.Generator) -> Array:
    """uint8 (N, H, W, 3) through JPEG at a quality of 40 to 95, every other sample."""
    quality = int(rng.integers(40, 96))
    return np.stack([_through_jpeg(view, quality) for view in picture]) if rng.random() < 0.5 else picture


def _through_jpeg(view: Array, quality: int) -> Array:
    """uint8 (H, W, 3) RGB, as it comes out of a JPEG file."""
    _, data = cv2.imencode(".jpg", view[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    back: Array | None = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if back is None:
        raise RuntimeError("a JPEG file of this moment cannot be read")
    return back[..., ::-1]
