"""What a model makes of pictures of any size: each is brought to the network's grid and its maps back to its own size.

V views of a pass, H W pixels of a picture, h w of the network's grid, C channels.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..color import convert
from ..frames import fit_pixels, restore_map
from ..maps import MAPS, SPECS, Array, MapName, Maps
from ..model.mvinverse import MVInverse
from ..options import DecomposeOptions
from ..outputs.quantize import check_finite
from ..protocols import MeasureOptions
from ..shot.layout import rule_of
from ..shot.passes import Network, has_numbers
from .example import Example, Source, readable
from .result import Broken, Report

logger = logging.getLogger(__name__)


def network_of(model: MVInverse, options: MeasureOptions) -> Network:
    """`model` with the long side and the input curve that the options ask for."""
    network = Network.of(model, DecomposeOptions(looks=options.looks, input_transfer=options.input_transfer))
    config = replace(network.config, max_size=options.max_size or network.config.max_size)
    return replace(network, config=config, advice="lower --max-size")


def run_passes(network: Network, pictures: Sequence[Array], place: str, *, together: bool) -> Maps:
    """The maps (V, h, w, C), as in memory, of pictures (h, w, 3) of one size and whole patches, sRGB in [0, 1].

    All views are in one pass, or each in a pass of its own. Raises OutputError, which names the `place`, where a map
    holds NaN or infinity.
    """
    views = [convert(picture, "srgb", network.config.input_transfer) for picture in pictures]
    passes = [run_pass(network, group, place) for group in ([views] if together else [[view] for view in views])]
    maps: dict[MapName, Array] = {name: np.concatenate([part[name] for part in passes]) for name in MAPS}
    for name, values in maps.items():
        check_finite(values, SPECS[name], place)
    return maps


def run_pass(network: Network, views: Sequence[Array], place: str) -> Maps:
    """The maps of one pass over `views` on the network's curve; out of float32 where half precision has no numbers."""
    attended, whole = network.attend(views), slice(0, len(views))
    maps = network.read_out(attended, whole, MAPS)
    if network.may_overflow and not has_numbers(maps):
        logger.warning("%s: NaN or infinity in half precision; again in float32", place)
        exact = network.exact()
        maps = exact.read_out(exact.attend_images(attended.images), whole, MAPS)
    return maps


def predict_views(network: Network, pictures: Sequence[Array], place: str, *, together: bool) -> list[Maps]:
    """The maps (H, W, C) of each picture (H, W, 3), sRGB in [0, 1], at its own size; clipped to their range.

    Sizes may differ. Raises OutputError as `run_passes` does.
    """
    sizes = [(picture.shape[1], picture.shape[0]) for picture in pictures]
    rule = rule_of(network.config)
    grid = rule.grid(sizes)
    fits = [rule.fit(size, grid) for size in sizes]
    shown = [fit_pixels(picture, fit) for picture, fit in zip(pictures, fits, strict=True)]
    maps = run_passes(network, shown, place, together=together)
    return [
        in_range(
            {
                name: restore_map(values[view], fit, unit_vectors=SPECS[name].kind == "vector")
                for name, values in maps.items()
            }
        )
        for view, fit in enumerate(fits)
    ]


def predict_each(
    network: Network, sources: Sequence[Source[Example]], broken: list[Broken], report: Report
) -> Iterator[tuple[Example, Maps]]:
    """Each picture that can be read, with its maps, seen alone; others are named in the log and added to `broken`."""
    for done, (_, example) in enumerate(readable(sources, broken, "picture")):
        yield example, predict_views(network, [example.picture], example.name, together=False)[0]
        report("measuring", done + 1, len(sources))


def in_range(maps: Maps) -> Maps:
    """Maps of any shape, clipped to what their files can hold; vectors as they are."""
    return {
        name: values if SPECS[name].kind == "vector" else np.clip(values, SPECS[name].low, SPECS[name].high)
        for name, values in maps.items()
    }
