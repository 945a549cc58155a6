"""One scene as it is predicted and scored, whatever the protocol: the picture a model sees, the truth and its mask.

Pictures are cropped in their middle to sides that are multiples of the patch size: true maps stay as they were
rendered, which resizing would not leave them. The model sees what a camera would have written: clipped to [0, 1], sRGB,
8 bits. V views of a scene, H W pixels, C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..color import srgb_to_linear
from ..errors import InputError
from ..maps import MAPS, Array, MapName, Maps
from ..scenes.record import View
from .metrics import FEWEST_PIXELS, encoded
from .prediction import in_range
from .reprojection import Correspondences, Crop, find_correspondences


@dataclass(frozen=True)
class Sample:
    """One scene, ready to be predicted and scored.

    pictures: (V, H, W, 3) float32, sRGB on the codes of 8 bits; light: the same, scene-linear.
    maps: true ones, (V, H, W, C) float32 in their range: shading ends at 1.
    diffuse: (V, H, W, 3) true albedo x shading, scene-linear, with all its light; None without these two.
    mask: (V, H, W) bool, the pixels that count.
    matches: None where depths or cameras are missing.
    """

    name: str
    pictures: Array
    light: Array
    maps: Maps
    diffuse: Array | None
    mask: Array
    matches: Correspondences | None

    @property
    def counting(self) -> list[int]:
        """The views with enough pixels that count."""
        return [view for view, mask in enumerate(self.mask) if np.count_nonzero(mask) >= FEWEST_PIXELS]


def crop_of(size: tuple[int, int], patch_size: int) -> Crop:
    """The middle of a picture of `size` (height, width), its sides multiples of the patch size; may be empty."""
    wanted = [side // patch_size * patch_size for side in size]
    rows, columns = (
        slice((side - kept) // 2, (side - kept) // 2 + kept) for side, kept in zip(size, wanted, strict=True)
    )
    return rows, columns


def sample_of(name: str, views: Sequence[View], patch_size: int) -> Sample:
    """The views of one scene as they are scored. Maps that a view lacks are left out of all.

    Raises InputError where the views are of different sizes, smaller than a patch, or hold NaN or infinity.
    """
    sizes = sorted({view.size for view in views})
    if len(sizes) > 1 or min(sizes[0]) < patch_size:
        said = ", ".join(f"{width}x{height}" for height, width in sizes)
        raise InputError(f"{name}: views of {said}; wanted one size, of {patch_size} pixels or more; leave it out")
    crop = crop_of(views[0].size, patch_size)
    pictures = np.stack([np.rint(encoded(view.color[crop]) * 255) / np.float32(255) for view in views])
    maps: dict[MapName, Array] = {
        map_name: np.stack([view.maps[map_name][crop] for view in views])
        for map_name in MAPS
        if all(map_name in view.maps for view in views)
    }
    for map_name, values in maps.items():
        if not np.isfinite(values).all():
            raise InputError(f"{name}: {map_name} holds NaN or infinity; remove this scene and render it again")
    mask = np.stack([view.mask[crop][..., 0] for view in views])
    if "normal" in maps:
        mask &= np.linalg.norm(maps["normal"], axis=-1) > 0.5  # a zero vector points nowhere
    diffuse = maps["albedo"] * maps["shading"] if {"albedo", "shading"} <= maps.keys() else None
    matches = find_correspondences(views, crop)
    return Sample(name, pictures, srgb_to_linear(pictures), in_range(maps), diffuse, mask, matches)


def of_view(maps: Maps, view: int) -> Maps:
    """(V, H, W, C) -> (H, W, C)."""
    return {name: values[view] for name, values in maps.items()}
