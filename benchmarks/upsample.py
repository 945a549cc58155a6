"""Maps at twice the size that the network works at: guided upsampling against bilinear, on rendered scenes.

    mvinverse scenes render --held-out -n 100 -o SCENES
    python -m benchmarks.upsample SCENES [--model small] [--limit 100] [--factor 2] [--noise 0]

The true maps of the scenes are the judge, at the scenes' own size, over the pixels that have true maps. Both sides
get the same small maps: (a) `true`, the true ones averaged down, so that what is measured is the upsampling alone, and
(b) `model`, what the model makes of the pictures averaged down (left out with `--model none`). The picture that guides
is what a camera would have written: 8 bits, with `--noise` codes of noise, the small picture with it. Every scene that
is whole counts. Two figures tell what it costs: milliseconds of processor time a frame at 1080p from 518 pixels, both
ways. The last line is one JSON object: each map's error, guided / bilinear; less is better, under 1 guided wins. Errors
are RMSE (colour sRGB-encoded, clipped to [0, 1]) and, of normals, mean degrees.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mvinverse_cli.color import linear_to_srgb
from mvinverse_cli.evaluate.metrics import angles_deg, encoded, psnr, rmse
from mvinverse_cli.evaluate.sample import crop_of, in_range
from mvinverse_cli.frames import Fit, fit_pixels, restore_guided, restore_map
from mvinverse_cli.maps import MAPS, SPECS, Array, MapName, Maps
from mvinverse_cli.options import DecomposeOptions
from mvinverse_cli.scenes.record import View
from mvinverse_cli.scenes.store import find_scenes

PATCH = 14
PLATE, SEEN = (1920, 1080), (280, 518)  # (width, height), (height, width): what the cost is taken at


class Case(NamedTuple):
    """One view: the picture (H, W, 3) uint8 and true maps (H, W, C), the mask (H, W), and how the network sees it."""

    picture: Array
    maps: Maps
    mask: Array
    fit: Fit


def case_of(view: View, factor: int, noise: float, random: np.random.Generator) -> Case:
    """The middle of a view whose sides are multiples of `factor` patches."""
    crop = crop_of(view.size, PATCH * factor)
    codes = encoded(view.color[crop]) * 255
    codes = codes + random.normal(0, noise, codes.shape) if noise else codes
    maps = in_range({name: view.maps[name][crop] for name in MAPS if name in view.maps})
    height, width = codes.shape[:2]
    small = (height // factor, width // factor)
    mask = view.mask[crop][..., 0] & (np.linalg.norm(maps["normal"], axis=-1) > 0.5)
    return Case(np.rint(codes).clip(0, 255).astype(np.uint8), maps, mask, Fit((width, height), small, small))


def averaged(case: Case) -> Maps:
    """The true maps as a perfect network would give them."""
    small: dict[MapName, Array] = {}
    for name, values in case.maps.items():
        height, width = case.fit.inner
        shrunk = cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA).reshape(height, width, -1)
        if SPECS[name].kind == "vector":
            length = np.linalg.norm(shrunk, axis=-1, keepdims=True)
            shrunk = np.divide(shrunk, length, out=np.zeros_like(shrunk), where=length > 0)
        small[name] = shrunk
    return small


def bilinear(maps: Maps, picture: Array, fit: Fit) -> Maps:
    """The plain side."""
    return {name: restore_map(values, fit, unit_vectors=SPECS[name].kind == "vector") for name, values in maps.items()}


SIDES: dict[str, Callable[[Maps, Array, Fit], Maps]] = {"guided": restore_guided, "bilinear": bilinear}


def errors(maps: Maps, case: Case) -> Iterator[tuple[str, float]]:
    """Each map's error over the mask, and the PSNR of colour."""
    for name, values in in_range(maps).items():
        ours, truth = values[case.mask], case.maps[name][case.mask]
        if SPECS[name].kind == "vector":
            yield name, float(angles_deg(ours, truth).mean(dtype=np.float64))
            continue
        if SPECS[name].kind == "color":
            ours, truth = linear_to_srgb(ours), linear_to_srgb(truth)
            yield f"{name} psnr", psnr(ours, truth)
        yield name, rmse(ours, truth)


def milliseconds(rounds: int) -> dict[str, float]:
    """Processor time of one frame of five maps at 1080p, each way; the two take turns."""
    random = np.random.default_rng(0)
    fit = Fit(PLATE, SEEN, SEEN)
    maps = {name: random.random((*SEEN, SPECS[name].channels), np.float32) for name in MAPS}
    picture = random.integers(0, 256, (PLATE[1], PLATE[0], 3), np.uint8)
    spent: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds + 1):  # the first round warms up
        for name, restore in SIDES.items():
            began = time.process_time()
            restore(maps, picture, fit)
            spent[name].append(1000 * (time.process_time() - began))
    return {name: float(np.median(times[1:])) for name, times in spent.items()}


def network(name: str) -> Callable[[Sequence[Case]], list[Maps]] | None:
    """What predicts the maps of the views of a scene, seen together; None for `none`."""
    if name == "none":
        return None
    from mvinverse_cli.model.checkpoint import load_model
    from mvinverse_cli.shot.passes import Network

    loaded = Network.of(load_model(name, device="cpu"), DecomposeOptions())

    def predict(cases: Sequence[Case]) -> list[Maps]:
        attended = loaded.attend([fit_pixels(case.picture, case.fit) for case in cases])
        values = loaded.read_out(attended, slice(0, len(cases)), MAPS)
        return [{name: values[name][place] for name in MAPS} for place in range(len(cases))]

    return predict


def main() -> None:
    """Compares the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path)
    parser.add_argument("--model", default="small", help="as --model of the tool, fed sRGB; none: true maps alone")
    parser.add_argument("--limit", type=int, help="scenes taken, the first by name")
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--noise", type=float, default=0, help="standard deviation, of 255")
    parser.add_argument("--rounds", type=int, default=8, help="frames that the cost is taken of")
    arguments = parser.parse_args()
    predict, random = network(arguments.model), np.random.default_rng(0)
    scenes = find_scenes(arguments.scenes).scenes[: arguments.limit]
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for scene in scenes:
        cases = [case_of(view, arguments.factor, arguments.noise, random) for view in scene.read()]
        given = {"true": [averaged(case) for case in cases]} | ({"model": predict(cases)} if predict else {})
        for source, smalls in given.items():
            for case, small in zip(cases, smalls, strict=True):
                for side, restore in SIDES.items():
                    for figure, value in errors(restore(small, case.picture, case.fit), case):
                        found[source, figure, side].append(value)
    cost = milliseconds(arguments.rounds)
    result: dict[str, object] = {"benchmark": "upsample", "scenes": len(scenes), "factor": arguments.factor}
    for source, figure in dict.fromkeys((source, figure) for source, figure, _ in found):
        guided, plain = (float(np.mean(found[source, figure, side])) for side in SIDES)
        print(f"{source:6} {figure:14} guided {guided:8.4f}  bilinear {plain:8.4f}")
        if not figure.endswith("psnr"):
            result[f"{source}_{figure}"] = round(guided / plain, 4)
    print(f"1080p: {cost['guided']:.0f} ms of processor time a frame, bilinear {cost['bilinear']:.0f} ms")
    result["views"] = len(found["true", "normal", "guided"])
    result["processor_ms"] = {name: round(spent) for name, spent in cost.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
