"""What the network is trained to make small, after the MVInverse paper: one loss per map, each over its valid pixels.

    albedo, metallic, roughness, shading    mean of r^2  +  sum over s in STRIDES of the gradients of r at stride s
    normal                                  mean of 1 - n . n'

with r = predicted - wanted. As a gradient is linear, that of r is the difference of the two maps' gradients.
Over pictures it is their mean, or, as an option, of the squares of albedo and shading nearly the mean of the logarithm,
as PSNR counts: see `log_loss`.
B scenes, N views, H W pixels, C channels. Everything is float32 and stays on the device.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cosine_similarity

from ..maps import MapName
from ..trainings import GradientLoss, PictureLoss, TrainOptions

STRIDES = (1, 2, 4, 8)  # pixels between the two of a gradient, from texture to shadow edges
GAIN_RANGE = (0.5, 2.0)  # further off, a gain would excuse a wrong map
GAIN_MAPS: tuple[MapName, ...] = ("albedo", "shading")

# Maps that PSNR judges, under `log_loss`. GOOD is the mean square of a map as good as they get, 30 dB; at TYPICAL, that
# of the bundled model, an error pulls about as hard as it does under the plain mean.
LOG_MAPS: tuple[MapName, ...] = ("albedo", "shading")
GOOD, TYPICAL = 1e-3, 0.012

# Normals pull least on the parts that all maps share, and metallic, whose rare pixels are weighted, most: with weights
# under which every map's best constant costs the same, the normals' gradient was less than half of any other's.
MAP_WEIGHTS: Mapping[MapName, float] = {
    "albedo": 1.0,
    "metallic": 0.4,
    "roughness": 1.0,
    "normal": 0.6,
    "shading": 0.8,
}


@dataclass(frozen=True)
class LossForm:
    """Which of the losses' variants are wanted; the fields are those of `TrainOptions`."""

    gradient_loss: GradientLoss = "squared"
    gain: bool = False
    metal_weight: float = 4.0
    picture_loss: PictureLoss = "mean"
    edges: float = 1.0  # how much gradients count beside values

    @classmethod
    def of(cls, options: TrainOptions) -> "LossForm":
        """The form that `options` asks for."""
        return cls(options.gradient_loss, options.gain, options.metal_weight, options.picture_loss)


def map_losses(
    predicted: Mapping[MapName, Tensor],
    wanted: Mapping[MapName, Tensor],
    masks: Mapping[MapName, Tensor],
    form: LossForm,
) -> dict[MapName, Tensor]:
    """The loss of each map in `wanted`, a scalar, unweighted; 0 where a map has no valid pixel.

    predicted, wanted: (B, N, H, W, C), normals of unit length, the others in [0, 1] on the network's curves.
    masks: (B, N, H, W, 1) bool, the pixels that count.
    """
    losses: dict[MapName, Tensor] = {}
    for name, target in wanted.items():
        value, truth, mask = predicted[name].float(), target.float(), masks[name]
        if name == "normal":
            losses[name] = angle_loss(value, truth, mask)
            continue
        if form.gain and name in GAIN_MAPS:
            value = value * least_squares_gain(value, truth, mask)
        residual = value - truth
        weight = mask.to(residual.dtype)
        pixel_weight = weight * metal_balance(truth, weight, form.metal_weight) if name == "metallic" else weight
        if form.picture_loss == "log" and name in LOG_MAPS:
            losses[name] = log_loss(residual, weight)
        else:
            losses[name] = weighted_mean(residual.square(), pixel_weight)
        if form.edges:
            losses[name] = losses[name] + form.edges * gradient_loss(residual, mask, form.gradient_loss)
    return losses


def total_loss(losses: Mapping[MapName, Tensor]) -> Tensor:
    """The losses of the maps, weighted by MAP_WEIGHTS and added: a scalar."""
    weighted = [MAP_WEIGHTS[name] * value for name, value in losses.items()]
    return sum(weighted[1:], start=weighted[0])


def log_loss(residual: Tensor, weight: Tensor) -> Tensor:
    """TYPICAL times the mean of ln(1 + e / GOOD) over pictures, e the mean square of each one's valid pixels: a scalar.

    residual: (B, N, H, W, C); weight: (B, N, H, W, 1), 0 where a pixel does not count. A picture of which nobody could
    tell more does not outweigh ten that could be told better: over GOOD it is PSNR, turned round (Chen 2021, HINet).
    """
    axes, pixels = (-3, -2, -1), weight.sum((-3, -2, -1))
    errors = (residual.square() * weight).sum(axes) / (pixels * residual.shape[-1]).clamp(min=1)
    return TYPICAL * weighted_mean((errors / GOOD).log1p()[..., None], (pixels > 0).to(errors.dtype)[..., None])


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """sum(w x) / (C sum(w)) of values (..., C) under weight (..., 1): a scalar, 0 where no pixel has weight."""
    return (values * weight).sum() / (weight.sum() * values.shape[-1]).clamp(min=1)


def gradient_loss(residual: Tensor, mask: Tensor, kind: GradientLoss) -> Tensor:
    """sum over s of  mean |r(x + s, y) - r(x, y)|^p + mean |r(x, y + s) - r(x, y)|^p  on every s-th pixel: a scalar.

    p is 2 for `squared` and 1 for `absolute`. residual (B, N, H, W, C); mask (B, N, H, W, 1) bool: a pair counts where
    both its pixels do. Coarser strides see shadows and whole objects where stride 1 sees texture alone (MegaDepth,
    Li and Snavely 2018, equation 6).
    """
    total = residual.new_zeros(())
    for stride in STRIDES:
        r, m = residual[..., ::stride, ::stride, :], mask[..., ::stride, ::stride, :]
        for axis in (-3, -2):
            length = r.shape[axis] - 1
            if length < 1:
                continue
            step = r.narrow(axis, 1, length) - r.narrow(axis, 0, length)
            both = m.narrow(axis, 1, length) & m.narrow(axis, 0, length)
            total = total + weighted_mean(step.square() if kind == "squared" else step.abs(), both.to(step.dtype))
    return total


def angle_loss(predicted: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """mean of 1 - n . n' over unit vectors (B, N, H, W, 3) where mask (B, N, H, W, 1): a scalar in [0, 2]."""
    cosine = cosine_similarity(predicted, wanted, dim=-1).unsqueeze(-1)  # (B, N, H, W, 1)
    return weighted_mean(1 - cosine, mask.to(cosine.dtype))


def least_squares_gain(predicted: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """g = sum(p w) / sum(p p) of each picture and channel, clamped to GAIN_RANGE: (B, N, 1, 1, C), detached.

    The g that makes sum (g p - w)^2 over the valid pixels least; it makes the absolute colour of a map free.
    """
    value = predicted.detach() * mask
    products = (value * wanted).sum((-3, -2), keepdim=True)
    powers = value.square().sum((-3, -2), keepdim=True)
    return (products / powers.clamp(min=1e-6)).clamp(*GAIN_RANGE)


def metal_balance(wanted: Tensor, valid: Tensor, most: float) -> Tensor:
    """What each pixel counts for, so that rare metal is worth finding: (B, N, H, W, 1).

    Dielectric pixels count 1 and metallic ones min(most, (1 - share) / share), never less than 1, where share is the
    metallic part of the batch. Unweighted, the mean error is least at the probability of metal, which in a map that is
    metallic for a tenth of its pixels seldom reaches the one half where F1 counts it; a weight w moves that point to a
    probability of 1 / (1 + w). The cap keeps a few pixels from ruling a batch.
    """
    metal = (wanted > 0.5).to(valid.dtype)
    share = (metal * valid).sum() / valid.sum().clamp(min=1)
    weight = ((1 - share) / share.clamp(min=1e-6)).clamp(1.0, most)
    return 1 + (weight - 1) * metal
