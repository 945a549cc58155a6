"""Which frames should be anchors: the part `anchors` of `benchmarks.length`.

N frames, C channels, H W pixels.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.length_maps import WHOLE, clips_of, errors, maps_of, network_of, options_of, show_errors
from mvinverse_cli.maps import Array
from mvinverse_cli.model.mvinverse import TOKEN_LEVELS, Attended
from mvinverse_cli.shot.passes import Network
from mvinverse_cli.windows import Scene, Windows


@dataclass(frozen=True)
class Picked(Windows):
    """Windows of a scene whose anchors are given."""

    picked: tuple[int, ...] = ()

    def plan_scene(self, frames: range) -> Scene:
        """As Windows.plan_scene."""
        scene = super().plan_scene(frames)
        return replace(scene, anchors=self.picked) if scene.anchors else scene


def farthest(descriptors: NDArray[np.float32], count: int) -> tuple[int, ...]:
    """`count` of the N frames, descriptors (N, C): the one nearest to the mean, then ever the one farthest from all."""
    chosen = [int(np.linalg.norm(descriptors - descriptors.mean(axis=0), axis=1).argmin())]
    while len(chosen) < count:
        away = np.linalg.norm(descriptors[:, None] - descriptors[chosen], axis=2).min(axis=1)
        chosen.append(int(away.argmax()))
    return tuple(sorted(chosen))


@dataclass(frozen=True)
class Describing(Network):
    """A network that notes the encoder's mean patch token of each frame that it attends to, (C,)."""

    described: list[NDArray[np.float32]] = field(default_factory=list)

    def attend(self, frames: Sequence[Array]) -> Attended:
        """As Network.attend."""
        with torch.inference_mode():
            for pixels in frames:
                image = self.model.normalise(torch.from_numpy(pixels).permute(2, 0, 1)[None, None])  # (1, 3, H, W)
                pyramid = self.model.see(image) if self.model.config.bypass_tokens else []
                tokens = self.model.encoder(image, pyramid[TOKEN_LEVELS])  # (1, h * w, C)
                self.described.append(tokens[0].mean(dim=0).float().numpy())
        return super().attend(frames)


def anchors(arguments: argparse.Namespace) -> dict[str, object]:
    """Anchors spread evenly against farthest-point over the encoder's mean patch token: RMSE against one pass."""
    result: dict[str, object] = {}
    network, options = network_of(arguments.model), options_of(arguments)
    for clip in clips_of(arguments):
        describing = Describing(**vars(network))
        whole = maps_of(clip, describing, options, WHOLE)
        descriptors = np.stack(describing.described)
        for count in (2, 4, 8):
            spread = Windows(16, count, 4)
            picked = Picked(16, count, 4, farthest(descriptors, count))
            for side, sizes in (("uniform", spread), ("farthest", picked)):
                at = sizes.plan_scene(range(len(descriptors))).anchors
                label = f"{clip.stem:8} {side:8} {count}"
                found = errors(maps_of(clip, network, options, sizes), whole)
                result[f"{clip.stem}_{side}_{count}"] = show_errors(label, found, str(at))
    return result
