"""One pass at work: frames go through the network together, and their maps come out a few frames at a time.

N frames of a pass, n of a part, h w pixels of the network. Runs in the network's own thread.
Where half precision overflows and a part comes out without numbers, its pass is seen again in float32.
"""

import copy
import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..color import convert
from ..errors import DeviceMemoryError
from ..maps import Array, MapName, have_gain
from ..model.config import ModelConfig, with_transfers
from ..model.device import ran_out_of_memory
from ..model.mvinverse import Attended, MVInverse
from ..options import DecomposeOptions
from ..sizes import show_count
from ..windows import Pass, Scene
from .seams import Seam, align, with_gain

logger = logging.getLogger(__name__)

# Pixels that encoder, bypass and heads take at once: enough to fill the device, few enough to stay lean
# (on the CPU larger batches are no faster: benchmarks/forward.py).
BATCH_PIXELS = {"cpu": 2**16, "cuda": 2**21, "mps": 2**20}


def frame_batch(size: tuple[int, int], device_type: str) -> int:
    """How many frames of (h, w) `size` the parts that see each frame alone take at once."""
    return max(1, BATCH_PIXELS[device_type] // (size[0] * size[1]))


@dataclass(frozen=True)
class Network:
    """The network and how its passes are to be run."""

    model: MVInverse
    config: ModelConfig  # with the curves that the user overrides
    maps: tuple[MapName, ...]
    looks: int
    kv_stride: int
    kv_mean: bool
    is_short: bool = False  # of memory: what the heads read waits in half precision, on the host
    is_exact: bool = False  # float32 throughout, also what waits
    advice: str = "lower --window, --memory or --max-size"  # where the device has no room

    @classmethod
    def of(cls, model: MVInverse, options: DecomposeOptions) -> "Network":
        """`model` as the options want it."""
        config = with_transfers(model.config, options)
        looks = options.looks or config.looks
        return cls(model, config, options.maps, looks, options.kv_stride, options.kv_mean)

    def short(self, is_short: bool) -> "Network":
        """The same with or without memory to spare."""
        return replace(self, is_short=is_short)

    def exact(self) -> "Network":
        """The same in float32: a copy of the network where it computes in less, to be dropped after use.

        Raises DeviceMemoryError.
        """
        try:
            model = self.model if self.dtype == torch.float32 else copy.deepcopy(self.model).float()
        except RuntimeError as error:
            if ran_out_of_memory(error):
                raise DeviceMemoryError(
                    f"{self.device}: no room for a float32 copy of the network; {self.advice}"
                ) from error
            raise
        return replace(self, model=model, is_exact=True)

    @property
    def device(self) -> torch.device:
        return self.model.register_token.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.register_token.dtype

    @property
    def needs_gain(self) -> bool:
        """Whether there are maps that are to be brought to one gain."""
        return have_gain(self.maps)

    @property
    def may_overflow(self) -> bool:
        """Whether a float32 pass has numbers where this one may have none."""
        return not self.is_exact and (self.is_short or self.dtype != torch.float32)

    def attend(self, frames: Sequence[Array]) -> Attended:
        """Frames (h, w, 3) on the model's input curve, seen together. Raises DeviceMemoryError."""
        return self.attend_images(torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)[None])

    def attend_images(self, images: torch.Tensor) -> Attended:
        """Frames (1, N, 3, h, w) on the model's input curve, on the host, seen together. Raises DeviceMemoryError."""
        count, _, height, width = images.shape[1:]
        try:
            with torch.inference_mode():
                return self.model.attend(
                    images,
                    frame_batch=frame_batch((height, width), self.device.type),
                    kv_stride=self.kv_stride,
                    kv_mean=self.kv_mean,
                    looks=self.looks,
                    levels_dtype=torch.float16 if self.is_short and not self.is_exact else None,
                    levels_device=torch.device("cpu") if self.is_short else None,
                )
        except RuntimeError as error:
            raise self._explained(error, count, (height, width)) from error

    def read_out(self, attended: Attended, part: slice, maps: Sequence[MapName]) -> dict[MapName, Array]:
        """The maps of the frames of `part`, (n, h, w, C) float32, colours scene-linear. Raises DeviceMemoryError."""
        try:
            with torch.inference_mode():
                outputs = self.model.read_out(attended, part, maps)
                values = {name: output[0].cpu().numpy() for name, output in outputs.items()}
        except RuntimeError as error:
            height, width = (side * self.config.patch_size for side in attended.grid)
            raise self._explained(error, part.stop - part.start, (height, width)) from error
        return {name: convert(value, self.config.curve_of(name), "linear") for name, value in values.items()}

    def _explained(self, error: RuntimeError, frames: int, size: tuple[int, int]) -> RuntimeError | DeviceMemoryError:
        """What to say of an error of the network: itself, unless the device ran out of memory."""
        if not ran_out_of_memory(error):
            return error
        shown = f"{show_count(frames, 'frame')} of {size[1]}x{size[0]}"
        return DeviceMemoryError(f"{self.device}: out of memory with {shown} in one pass; {self.advice}")


def has_numbers(maps: Mapping[MapName, Array]) -> bool:
    """Whether no value is NaN or infinite."""
    # min and max carry NaN and infinity through, at a fraction of the memory that isfinite(values) takes
    return all(np.isfinite(values.min()) and np.isfinite(values.max()) for values in maps.values())


@dataclass
class SceneRun:
    """What the passes of one scene share: the anchors' frames, and their albedo out of the first pass."""

    scene: Scene
    network: Network
    anchors: Mapping[int, Array]  # (h, w, 3) by position; those that could be read
    reference: dict[int, Array] = field(default_factory=dict)  # linear albedo (h, w, 3)


class PassRun:
    """One pass of a scene. It is read out in parts, one after another: those of the network's frame batches that hold a
    wanted frame, so that what is wanted changes no batch (a network that sees other pictures side by side rounds
    otherwise)."""

    def __init__(
        self, run: SceneRun, index: int, frames: Mapping[int, Array], wanted: AbstractSet[int], place: str
    ) -> None:
        """frames: (h, w, 3) by position, those of the pass that could be read, one at least. place: for the log."""
        self.this: Pass = run.scene.passes[index]
        self.seam: Seam | None = None  # known once the first part is read
        self._run, self._is_first = run, index == 0
        self._given = frozenset(frames)  # a copy: the caller empties its own
        # also one of the pass's own frames, where its file went away after the anchors were read
        lent = [position for position in run.anchors if position not in frames]
        self._positions = [*lent, *frames]
        self._pixels = [*(run.anchors[position] for position in lent), *frames.values()]
        batch = frame_batch(self._pixels[0].shape[:2], run.network.device.type)
        self._batches = [slice(start, start + batch) for start in range(0, len(self._positions), batch)]
        own = self._given & wanted  # of the anchors that are lent, other passes give the maps
        self.parts = [part for part in self._batches if not own.isdisjoint(self._positions[part])]
        self._attended: Attended | None = None
        self._again: tuple[Network, Attended] | None = None  # the same in float32, where it had to be
        self._place = place

    def read(self, part: slice | None) -> dict[int, dict[MapName, Array]]:
        """The maps (h, w, C) of the frames of a part, by position, brought to the gain of the scene's first pass.

        None: only what later passes need of this one.
        """
        attended = self._attended = self._attended or self._attend()
        if part is None or part == self.parts[-1]:
            self._attended = None  # the largest thing here, and the next pass makes its own
        if part is None:
            self._again = None
            return {}
        maps = self._read_out(attended, part, self._run.network.maps)
        if self._attended is None:
            self._again = None
        if self.seam is not None:
            maps = with_gain(maps, self.seam.gain)
        return {
            position: {name: values[place] for name, values in maps.items()}
            for place, position in enumerate(self._positions[part])
            if position in self._given
        }

    def _attend(self) -> Attended:
        """The pass itself, and the gain that brings it to the scene's first."""
        run, network = self._run, self._run.network
        attended = network.attend(self._pixels)
        self._pixels = []
        if run.anchors and network.needs_gain:
            albedo = {
                position: values
                for part in self._batches
                if not run.anchors.keys().isdisjoint(self._positions[part])
                for position, values in zip(
                    self._positions[part], self._read_out(attended, part, ("albedo",))["albedo"], strict=True
                )
                if position in run.anchors
            }
            if self._is_first:
                run.reference = albedo
            elif run.reference:  # empty where no frame of the first pass could be read
                self.seam = align(
                    [albedo[position] for position in run.anchors],
                    [run.reference[position] for position in run.anchors],
                    self.this.frames[self.this.overlap],
                )
        return attended

    def _read_out(self, attended: Attended, part: slice, maps: Sequence[MapName]) -> dict[MapName, Array]:
        """The maps of a part; out of a float32 pass where they hold no numbers. Which it is, the part alone decides,
        so that a frame's pixels do not depend on what else is asked for."""
        network = self._run.network
        values = network.read_out(attended, part, maps)
        if not network.may_overflow or has_numbers(values):
            return values
        if self._again is None:
            kept = "float16" if network.dtype == torch.float32 else str(network.dtype).removeprefix("torch.")
            logger.warning("%s: NaN or infinity out of %s; this window again in float32", self._place, kept)
            exact = network.exact()
            self._again = exact, exact.attend_images(attended.images)
        exact, again = self._again
        return exact.read_out(again, part, maps)
