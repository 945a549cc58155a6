"""What a user can choose of a training and of a fine-tuning; `options.py` has all else, and says how.

A field `steps` is the flag `--steps` all the way. A value that cannot be raises OptionError.
"""

from dataclasses import dataclass
from typing import Literal

from .checks import check_at_least, check_choice, check_positive, check_within
from .errors import OptionError
from .formats import OnExists
from .maps import MAPS, MapName, check_map_names

GradientLoss = Literal["squared", "absolute"]
PictureLoss = Literal["mean", "log"]
TrainDtype = Literal["auto", "float32", "bfloat16"]  # float16 would need its losses scaled
Optimizer = Literal["adamw", "muon"]
ScenesTarget = Literal["truth", "before"]
TrainPart = Literal["heads", "all"]
TunePart = Literal["heads", "lora", "decoder", "all"]

SEEDS = 2**64  # PyTorch's generators take 64 bits


def check_part(options: "TrainOptions | FinetuneOptions") -> None:
    """Raises OptionError where some of the maps are to change together with what all of them are made from."""
    if options.train != "heads" and set(options.maps) != set(MAPS):
        raise OptionError(
            f"--maps {','.join(options.maps)}: what --train {options.train} changes serves every map; leave --maps "
            "out, or choose --train heads"
        )


def check_loop(options: "TrainOptions | FinetuneOptions") -> None:
    """Raises OptionError where what any training loop takes cannot be."""
    if not 0 <= options.seed < SEEDS:
        raise OptionError(f"--seed {options.seed}: must be from 0 to {SEEDS - 1}")
    check_positive("--learning-rate", options.learning_rate)
    check_positive("--clip", options.clip)
    if not 0 <= options.ema < 1:
        raise OptionError(f"--ema {options.ema}: must be from 0 to less than 1")


TRAIN_LEAST = {
    "steps": 1,
    "warmup": 0,
    "min_views": 1,
    "min_side": 14,
    "pixels": 14 * 14,
    "shapes": 0,
    "checkpoint_every": 1,
    "picture_every": 1,
}


@dataclass(frozen=True)
class TrainOptions:
    """From a folder of scenes to weights."""

    steps: int = 20_000  # length of the schedule
    optimizer: Optimizer = "adamw"  # muon: of matrices and kernels; the rest learns by adamw
    learning_rate: float = 1e-3  # at the end of the warm-up
    weights: str | None = None  # weights to start from: as --model takes them
    imagenet: bool = False  # whether the bypass starts from ImageNet weights
    train: TrainPart = "all"  # heads: of `weights`, which see all else as it is
    maps: tuple[MapName, ...] = MAPS  # that learn; with `heads` others stay as they are
    bypass_rate: float = 0.2  # learning rate of a bypass of `imagenet` or `weights`, as a share; at 0 it stays as it is
    warmup: int = 200  # steps
    weight_decay: float = 0.02
    clip: float = 1.0  # norm of the gradient
    ema: float = 0.999  # how much of the running mean of the weights a step keeps
    min_views: int = 2  # of a sample
    max_views: int = 4
    min_side: int = 112  # pixels
    max_side: int = 224
    pixels: int = 200_000  # of a step, over all its views, in each process
    shapes: int = 0  # most shapes of batches, each of which a GPU needs seconds to get ready for; 0: any number
    gradient_loss: GradientLoss = "squared"
    picture_loss: PictureLoss = "mean"  # log: of albedo and shading, so that hard pictures do not rule
    gain: bool = False  # whether albedo and shading may be off by a gain per picture and channel
    metal_weight: float = 4.0  # most that a metallic pixel counts for, against rarity
    dtype: TrainDtype = "auto"
    device: str = "auto"
    seed: int = 0
    minutes: float | None = None  # after which this call stops, to be resumed
    held_out: str | None = None  # folder of scenes to show pictures of
    checkpoint_every: int = 500  # steps
    picture_every: int = 1000  # steps

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", check_map_names(self.maps))
        check_choice("--train", self.train, TrainPart)
        check_part(self)
        if self.train == "heads" and self.weights is None:
            raise OptionError("--train heads: there is nothing yet that heads could read; add --weights")
        if self.train == "heads" and self.bypass_rate != TrainOptions.bypass_rate:
            raise OptionError(f"--bypass-rate {self.bypass_rate:g}: with --train heads it stays as it is; leave it out")
        check_choice("--gradient-loss", self.gradient_loss, GradientLoss)
        check_choice("--picture-loss", self.picture_loss, PictureLoss)
        check_choice("--dtype", self.dtype, TrainDtype)
        check_choice("--optimizer", self.optimizer, Optimizer)
        for field, least in TRAIN_LEAST.items():
            check_at_least("--" + field.replace("_", "-"), getattr(self, field), least)
        check_loop(self)
        if self.minutes is not None:
            check_positive("--minutes", self.minutes)
        check_within("--bypass-rate", self.bypass_rate, 1)
        check_within("--weight-decay", self.weight_decay, 1)
        if not 1 <= self.metal_weight < float("inf"):
            raise OptionError(f"--metal-weight {self.metal_weight}: must be at least 1")
        for low, high in (("min_views", "max_views"), ("min_side", "max_side")):
            if getattr(self, low) > getattr(self, high):
                flags = [f"--{name.replace('_', '-')} {getattr(self, name)}" for name in (low, high)]
                raise OptionError(f"{flags[0]}: must not be more than {flags[1]}")


@dataclass(frozen=True)
class FinetuneOptions:
    """From clips to weights that flicker less."""

    model: str = "auto"  # weights to begin with
    maps: tuple[MapName, ...] = MAPS  # that are to hold still; others stay as they are
    train: TunePart = "heads"  # lora: and low-rank additions to the decoder; decoder: and all of it
    steps: int = 400
    optimizer: Optimizer = "adamw"  # muon: of matrices and kernels; the rest learns by adamw
    learning_rate: float = 3e-4  # at the end of the warm-up
    anchor_weight: float = 0.1  # how much it counts to stay where the weights began, against flicker
    contrast_weight: float = 0.0  # how much it counts to be no flatter than before, against flicker
    scenes: str | None = None  # folder of scenes with their true maps, learnt from beside the clips
    scenes_target: ScenesTarget = "truth"  # what maps of scenes are to be: true, or what they were before
    scenes_weight: float = 1.0  # how much their error counts beside flicker, each as a share of what it was
    vary: bool = False  # whether clips are shown at other sizes, in other colours and light, and with other noise
    warmup: int = 20  # steps
    weight_decay: float = 0.0
    clip: float = 1.0  # norm of the gradient
    ema: float = 0.98  # how much of the running mean of the weights a step keeps
    max_size: int | None = None  # pixels of the long side that the network sees; None: as the model's config says
    crop: int | None = 168  # pixels of the sides of the part of a frame that a step sees; None: all of it
    flow: str | None = None  # folder of flows; None: they are found
    least_contrast: float = 0.9  # of any map, as a share of what it was: a flatter one is held by a firmer anchor
    dtype: TrainDtype = "auto"
    device: str = "auto"
    seed: int = 0
    checkpoint_every: int = 50  # steps
    on_exists: OnExists = "error"

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", check_map_names(self.maps))
        check_choice("--train", self.train, TunePart)
        check_part(self)
        check_choice("--optimizer", self.optimizer, Optimizer)
        check_choice("--scenes-target", self.scenes_target, ScenesTarget)
        for name, value, usual in (("target", self.scenes_target, "truth"), ("weight", self.scenes_weight, 1.0)):
            if self.scenes is None and value != usual:
                raise OptionError(f"--scenes-{name} {value}: there are no scenes; add --scenes")
        check_choice("--dtype", self.dtype, TrainDtype)
        check_choice("--on-exists", self.on_exists, OnExists)
        for field in ("max_size", "crop"):
            if getattr(self, field) is not None:
                check_at_least("--" + field.replace("_", "-"), getattr(self, field), 14)
        for field, least in (("steps", 1), ("warmup", 0), ("checkpoint_every", 1)):
            check_at_least("--" + field.replace("_", "-"), getattr(self, field), least)
        for field, most in (
            ("anchor_weight", float("inf")),
            ("contrast_weight", float("inf")),
            ("scenes_weight", float("inf")),
            ("weight_decay", 1),
            ("least_contrast", 1),
        ):
            check_within("--" + field.replace("_", "-"), getattr(self, field), most)
        check_loop(self)
