"""What fine-tuning does to clips that it has not seen: flicker and contrast of every map, before and after.

    python -m benchmarks.finetune --held-out CLIP ... --tuned steady.safetensors ...
    python -m benchmarks.finetune --held-out CLIP ... --clips CLIP ... --anchor-weights 0 0.01 0.1 1 --steps 60
    python -m benchmarks.finetune --held-out CLIP ... --blurs 1 2 4

The first measures weights that `mvinverse finetune` has made. The second trains once for each anchor weight and each
part of the network (`--train heads lora decoder`) with the loss alone, without the guard, and measures what it leads
to. The third measures what a Gaussian blur of the maps does, of so many pixels: what fine-tuning has to beat. Of every
held-out clip `--frames` neighbours in its middle go through the network in one pass, as `decompose` shows them; figures
are means over clips, on the network's own curves. The last line is one JSON object.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import torch

from mvinverse_cli.flow import DisFlow
from mvinverse_cli.maps import MAPS, MapName
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.train.clips import Stretch, find_clips, open_clips
from mvinverse_cli.train.finetuner import FineTuner
from mvinverse_cli.train.lessons import Lesson, draw_triplet
from mvinverse_cli.train.steadiness import Run, Steadiness, measure, shares
from mvinverse_cli.trainings import FinetuneOptions, TunePart


def main() -> None:
    """Measures, prints a table, ends in JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", nargs="+", required=True, help="clips that are measured")
    parser.add_argument("--model", default="small", help="weights before")
    parser.add_argument("--tuned", nargs="*", default=[], help="weights after")
    parser.add_argument("--clips", nargs="*", default=[], help="clips that are trained on")
    parser.add_argument("--anchor-weights", nargs="*", type=float, default=[])
    parser.add_argument("--train", nargs="*", default=["heads"], choices=get_args(TunePart))
    parser.add_argument("--blurs", nargs="*", type=float, default=[], help="standard deviations, pixels")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--learning-rate", type=float, default=FinetuneOptions().learning_rate)
    parser.add_argument("--crop", type=int, default=FinetuneOptions().crop)
    parser.add_argument("--frames", type=int, default=8, help="neighbours of each held-out clip")
    arguments = parser.parse_args()

    model = load_model(arguments.model, device="cpu")
    runs = [middle_of(stretch, arguments.frames) for stretch in stretches_of(arguments.held_out, model.config)]
    before = measure(model, runs)
    print_row("before", before, before)
    results = {}
    for path in arguments.tuned:
        results[Path(path).stem] = measure(load_model(path, device="cpu"), runs)
        print_row(Path(path).stem, results[Path(path).stem], before)
    for sigma in arguments.blurs:
        results[f"blur {sigma:g}"] = measure(Blurred(model, sigma), runs)
        print_row(f"blur {sigma:g}", results[f"blur {sigma:g}"], before)
    trained = stretches_of(arguments.clips, model.config) if arguments.anchor_weights else []
    for weight, part in product(arguments.anchor_weights, arguments.train):
        options = FinetuneOptions(
            model=arguments.model,
            train=part,
            anchor_weight=weight,
            steps=arguments.steps,
            learning_rate=arguments.learning_rate,
            crop=arguments.crop,
            device="cpu",
        )
        name = f"{part} {weight:g}"
        results[name] = measure(tuned(load_model(arguments.model, device="cpu"), trained, options), runs)
        print_row(name, results[name], before)
    left = {
        name: {
            "flicker": shares(after.flicker, before.flicker),
            "contrast": shares(after.contrast, before.contrast),
        }
        for name, after in results.items()
    }
    print(json.dumps({"benchmark": "finetune", "flicker_before": before.flicker, "left": left}))


class Blurred(MVInverse):
    """A network whose maps are blurred."""

    def __init__(self, model: MVInverse, sigma: float) -> None:
        super().__init__(model.config)
        self.load_state_dict(model.state_dict())
        self.eval()
        self.sigma = sigma

    def forward(self, *arguments: Any, **options: Any) -> dict[MapName, torch.Tensor]:
        """Its maps (B, N, H, W, C)."""
        return {name: self.blurred(values) for name, values in super().forward(*arguments, **options).items()}

    def blurred(self, values: torch.Tensor) -> torch.Tensor:
        """(1, N, H, W, C) -> the same, blurred along H and W."""
        frames = [cv2.GaussianBlur(frame.numpy(), (0, 0), self.sigma).reshape(frame.shape) for frame in values[0]]
        return torch.from_numpy(np.stack(frames))[None]


def stretches_of(clips: Sequence[str], config: ModelConfig) -> list[Stretch]:
    """The stretches of `clips` at the size that the weights ask for."""
    opened = open_clips(find_clips(clips), config, config.max_size, DisFlow())
    return [stretch for clip in opened for stretch in clip.stretches]


def middle_of(stretch: Stretch, count: int) -> Run:
    """The `count` neighbours in the middle of a stretch that have a known flow among them, or fewer."""
    frames = range(len(stretch.frames))
    windows = [frames[at : at + count] for at in range(max(1, len(frames) - count + 1))]
    middle = (len(frames) - count) / 2
    flowing = [window for window in windows if any(at in stretch.flows for at in window[:-1])]
    window = min(flowing, key=lambda window: abs(window.start - middle))
    return Run(stretch.frames[window.start : window.stop], [stretch.flows.get(at) for at in window[:-1]])


def tuned(model: MVInverse, stretches: Sequence[Stretch], options: FinetuneOptions) -> MVInverse:
    """`model` after all steps, with the running mean of its weights."""
    tuner = FineTuner(model, options, torch.device("cpu"))
    while tuner.step < options.steps:
        tuner.take_step(Lesson(draw_triplet(stretches, options, model.config, tuner.step)))
    for parameter, mean in zip(tuner.parameters, tuner.mean, strict=True):
        parameter.data = mean
    return model


def print_row(name: str, figures: Steadiness, before: Steadiness) -> None:
    """Flicker of every map, its share of what it was, and the share of contrast."""
    flicker, contrast = shares(figures.flicker, before.flicker), shares(figures.contrast, before.contrast)
    cells = [f"{m} {figures.flicker[m]:.4f} {flicker[m]:.2f} / {contrast[m]:.2f}" for m in MAPS]
    print(f"{name:16} | " + " | ".join(cells), flush=True)


if __name__ == "__main__":
    main()
