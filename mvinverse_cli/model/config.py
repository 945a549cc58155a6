"""What a checkpoint says of itself: the sizes that build the network and the curves it was trained with.

The defaults are the published network. Lengths of the bypass and of the heads follow the two widths they are built on
(`bypass_width`, `features`) in the published proportions.

As JSON a config comes in two dialects: ours, the fields below, and the published one, the keyword arguments of the
published class. What JSON leaves out is as published.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ..color import Transfer
from ..errors import WeightsError
from ..maps import MAPS, MapName
from ..options import LOOKS, DecomposeOptions

BypassName = Literal["resnext", "efficientnet_lite0"]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of an `MVInverse` network and its colour contract."""

    dim: int = 1024  # channels of a token, in encoder and decoder
    heads: int = 16
    mlp_ratio: float = 4.0
    patch_size: int = 14
    encoder_depth: int = 24
    encoder_registers: int = 4
    position_grid: int = 37  # the stored position table is position_grid x position_grid patches
    decoder_depth: int = 36  # even blocks attend within a frame, odd ones across all frames
    registers: int = 5  # tokens put before each frame's patches in the decoder
    rope_base: float = 100.0
    levels: tuple[int, int, int, int] = (3, 8, 13, 17)  # (frame, global) pairs that the heads read
    features: int = 256  # channels of a head's pyramid
    head_slope: float = 0.0  # of the heads' last rectifier under 0; with few channels, ones that are never active hurt
    sloped_maps: tuple[MapName, ...] = ()  # whose logits have a slope on each side of one half, to be calibrated
    bypass: BypassName = "resnext"
    bypass_maps: tuple[MapName, ...] = ("albedo", "shading")  # whose heads see the bypass
    bypass_detail: bool = False  # whether the last layers of those heads see the picture itself, at its own size
    bypass_tokens: bool = False  # whether its coarse levels join the patches before the encoder, so that all maps do
    # Of ResNeXt alone: the other bypass has one size.
    bypass_depths: tuple[int, int, int, int] = (3, 4, 23, 3)  # bottlenecks in each stage
    bypass_width: int = 64  # channels of the stem; stage i ends in 4 * 2**i times as many
    bypass_groups: int = 32
    max_size: int = 1024  # long side in pixels that pictures are shown at, where the user asks for no other
    min_size: int = 0  # the same of smaller pictures, which are enlarged to it
    looks: int = 1  # how often each picture is seen, where the user asks for no other: 2: smaller and mirrored as well
    input_transfer: Transfer = "srgb"
    albedo_transfer: Transfer = "srgb"
    shading_transfer: Transfer = "srgb"

    def curve_of(self, name: MapName) -> Transfer:
        """The curve on which the network has a map; what is no colour lies on none."""
        colors: dict[MapName, Transfer] = {"albedo": self.albedo_transfer, "shading": self.shading_transfer}
        return colors.get(name, "linear")


LARGEST = 10**6  # that a number may be: no memory holds a network of more

# The published class builds its encoder at these sizes whatever its decoder's are; here the two share them.
PUBLISHED_SHARED: Mapping[str, float] = {"dec_embed_dim": 1024, "dec_num_heads": 16, "mlp_ratio": 4.0}
PUBLISHED_RENAMED = {"dec_depth": "decoder_depth", "num_register_tokens": "registers"}
PUBLISHED_KEYS = {"pos_type", *PUBLISHED_SHARED, *PUBLISHED_RENAMED}


def with_transfers(config: ModelConfig, options: DecomposeOptions) -> ModelConfig:
    """`config` with the transfer curves that the user overrides."""
    chosen = {name: getattr(options, name) for name in ("input_transfer", "albedo_transfer", "shading_transfer")}
    return replace(config, **{name: curve for name, curve in chosen.items() if curve is not None})


SHOWN_AT = ("min_size", "max_size", "looks")


def network_differences(config: ModelConfig, other: ModelConfig) -> list[str]:
    """The fields in which two are not of one network. How pictures are shown may be chosen afterwards."""
    own, others = config_to_dict(config), config_to_dict(other)
    return [name for name in own if name not in SHOWN_AT and own[name] != others[name]]


def config_hash(config: ModelConfig) -> str:
    """SHA-256 of what `config` has otherwise than the published network: fields that later versions add change none."""
    own = {name: value for name, value in asdict(config).items() if value != getattr(ModelConfig, name)}
    return sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()


def config_to_dict(config: ModelConfig) -> dict[str, Any]:
    """Every field of `config`, ready for JSON."""
    return asdict(config)


def config_from_dict(values: Mapping[str, Any]) -> ModelConfig:
    """The config that `values` describes, in our dialect or the published one.

    Raises WeightsError naming a field that is unknown, of the wrong type, or that no network can be built from.
    """
    own = {field.name for field in fields(ModelConfig)}
    published = bool(values.keys() & (PUBLISHED_KEYS - own))
    unknown = sorted(values.keys() - (PUBLISHED_KEYS if published else own))
    if unknown:
        raise WeightsError(f"config: unknown field {', '.join(map(repr, unknown))}")
    if published:
        values = from_published(values)
    hints = get_type_hints(ModelConfig)
    config = ModelConfig(**{name: checked_field(name, value, hints[name]) for name, value in values.items()})
    check_config(config)
    return config


def from_published(values: Mapping[str, Any]) -> dict[str, Any]:
    """The published class's keyword arguments in our words."""
    for name, built in PUBLISHED_SHARED.items():
        if values.get(name, built) != built:
            raise WeightsError(f"config: {name} is {values[name]!r}; this network is built with {built} only")
    ours = {field: values[name] for name, field in PUBLISHED_RENAMED.items() if name in values}
    position = values.get("pos_type", "rope100")
    if not isinstance(position, str) or not position.startswith("rope") or not position[4:].isdecimal():
        raise WeightsError(f"config: pos_type is {position!r}; this network knows rotary positions only, as rope100")
    return ours | {"rope_base": float(position[4:])}


def checked_field(name: str, value: Any, hint: Any) -> Any:
    """The JSON `value` as the type `hint` of the field `name`. Raises WeightsError where it is of another."""
    if hint is float and (type(value) is float or (type(value) is int and abs(value) < LARGEST)):
        return float(value)
    if hint in (int, bool) and type(value) is hint:
        return value
    if get_origin(hint) is Literal and value in get_args(hint):
        return value
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        item_hint, *others = get_args(hint)
        if others == [...] or len(value) == 1 + len(others):
            return tuple(checked_field(name, item, item_hint) for item in value)
    wanted = getattr(hint, "__name__", "")
    if get_origin(hint) is Literal:
        wanted = " or ".join(map(repr, get_args(hint)))
    elif get_origin(hint) is tuple:
        wanted = "a list" if ... in get_args(hint) else f"{len(get_args(hint))} integers"
    raise WeightsError(f"config: {name} is {value!r}; wanted {wanted}")


def check_config(config: ModelConfig) -> None:
    """Raises WeightsError where no network can be built from `config`."""
    for name in (
        "dim",
        "heads",
        "patch_size",
        "position_grid",
        "features",
        "bypass_width",
        "bypass_groups",
        "max_size",
    ):
        check_field(config, name, 1 <= getattr(config, name) < LARGEST, f"1 or more and less than {LARGEST:g}")
    for name in ("encoder_depth", "encoder_registers", "decoder_depth", "registers", "min_size"):
        check_field(config, name, 0 <= getattr(config, name) < LARGEST, f"0 or more and less than {LARGEST:g}")
    check_field(config, "looks", config.looks in LOOKS, " or ".join(map(str, LOOKS)))
    check_field(config, "head_slope", 0 <= config.head_slope < 1, "0 or more and less than 1")
    for name in ("mlp_ratio", "rope_base"):
        check_field(config, name, 0 < getattr(config, name) < LARGEST, f"more than 0 and less than {LARGEST:g}")
    pairs = range(config.decoder_depth // 2)
    rising = list(config.levels) == sorted({*config.levels} & {*pairs})
    check_field(config, "levels", rising, f"four of the {len(pairs)} pairs of decoder blocks, rising from 0")
    check_field(config, "bypass_maps", len({*config.bypass_maps}) == len(config.bypass_maps), "each map once")
    once = len({*config.sloped_maps}) == len(config.sloped_maps)
    rightly = once and {*config.sloped_maps} <= {*MAPS} - {"normal"}
    check_field(config, "sloped_maps", rightly, "each map once, and none that has no logits, as normal")
    check_field(config, "bypass_depths", min(config.bypass_depths) > 0, "1 or more each")
    check_field(config, "dim", config.dim % (4 * config.heads) == 0, f"a multiple of 4 x heads = {4 * config.heads}")
    divides = 4 * config.bypass_width % config.bypass_groups == 0
    check_field(config, "bypass_groups", divides, f"a divisor of 4 x bypass_width = {4 * config.bypass_width}")


def check_field(config: ModelConfig, name: str, holds: bool, wanted: str) -> None:
    """Raises WeightsError, naming the field and what was wanted of it, unless the rule holds."""
    if not holds:
        raise WeightsError(f"config: {name} is {getattr(config, name)}; wanted {wanted}")
