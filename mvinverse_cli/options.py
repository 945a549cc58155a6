"""What a user can choose. Every default is written here and nowhere else; the command line reads its own from here.

A field `window` is the flag `--window` and the keyword `window=` all the way. A value that cannot be
raises OptionError.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from .checks import check_at_least, check_choice
from .color import Transfer
from .errors import OptionError
from .formats import (
    BITS,
    Bits,
    Colorspace,
    ExrCompression,
    ExrLayout,
    ExrRgba,
    FileKind,
    Format,
    Normals,
    OnExists,
    check_bits,
    check_exr,
    check_light,
    check_needed,
    check_residual,
)
from .maps import MAPS, MapName, check_map_names
from .sizes import parse_bytes, parse_exposure, parse_window

Size = Literal["source", "model"]
Upsample = Literal["guided", "bilinear"]
DtypeName = Literal["auto", "float32", "bfloat16", "float16"]
RenderDevice = Literal["cpu", "cuda"]

KV_STRIDES = (1, 2, 4, 9)
LOOKS = (1, 2)  # at each picture: as it is; smaller and mirrored as well
SEEDS = 2**32  # of scenes: the renderer takes 32 bits
RATE_TERM = 2**31 - 1  # the largest numerator or denominator of frames per second: codecs hold 32 bits


def check_looks(looks: int | None) -> None:
    """Raises OptionError unless `looks` is None or one of LOOKS."""
    if looks is not None and looks not in LOOKS:
        raise OptionError(f"--looks {looks}: choose from {', '.join(map(str, LOOKS))}")


@dataclass(frozen=True)
class DecomposeOptions:
    """From paths to maps in memory."""

    model: str = "auto"
    device: str = "auto"
    dtype: DtypeName = "auto"
    max_size: int | None = None  # pixels of the long side that the network sees; None: as the model's config says
    looks: int | None = None  # how often the network sees each picture, of LOOKS; None: as the model's config says
    size: Size = "source"  # size of the maps
    upsample: Upsample = "guided"  # to the source's size: along the edges of the picture, or smoothly between pixels
    window: int | Literal["auto", "all"] = "auto"  # frames attended to at once; auto: AUTO_WINDOW, or what fits
    anchors: int = 4  # of them, frames spread over the whole scene that every window sees
    overlap: int = 4  # of them, frames shared with the window before
    kv_stride: int = 1  # how many times fewer patches are attended to across frames
    kv_mean: bool = False  # whether the mean of those left out is attended to
    cuts: str = "auto"  # auto: found in videos; off; or the frames that begin a scene, in the grammar of `frames`
    memory: str | None = None  # such as 10GiB, for one pass; None: what the device has free
    maps: tuple[MapName, ...] = MAPS
    frames: str | None = None  # fileseq grammar: 1-200, 1001-1100x2, 5,7,9
    every: int = 1
    allow_gaps: bool = False
    start_frame: int = 1001  # number of a video's first frame
    exposure: str = "0"  # auto, or EV: the network is shown 2**EV times the light of the plate
    input_transfer: Transfer | None = None  # None: as the model's config says
    albedo_transfer: Transfer | None = None
    shading_transfer: Transfer | None = None

    def __post_init__(self) -> None:
        check_choice("--dtype", self.dtype, DtypeName)
        check_choice("--size", self.size, Size)
        check_choice("--upsample", self.upsample, Upsample)
        if self.max_size is not None:
            check_at_least("--max-size", self.max_size, 14)
        check_looks(self.looks)
        if self.size == "model" and self.upsample != DecomposeOptions.upsample:
            raise OptionError(f"--upsample {self.upsample}: maps of --size model are not enlarged; leave it out")
        for flag, value in (("--anchors", self.anchors), ("--overlap", self.overlap)):
            check_at_least(flag, value, 0)
        object.__setattr__(self, "window", parse_window(self.window, self.anchors, self.overlap))
        if self.window == "all":
            for name in ("anchors", "overlap"):
                if getattr(self, name) != getattr(DecomposeOptions, name):
                    raise OptionError(f"--{name} {getattr(self, name)}: --window all has one window; leave it out")
        if self.kv_stride not in KV_STRIDES:
            raise OptionError(f"--kv-stride {self.kv_stride}: choose from {', '.join(map(str, KV_STRIDES))}")
        if self.kv_mean and self.kv_stride == 1:
            raise OptionError("--kv-mean: no patch is left out; add --kv-stride 2, 4 or 9")
        if self.memory is not None:
            parse_bytes("--memory", self.memory)
        check_at_least("--every", self.every, 1)
        check_at_least("--start-frame", self.start_frame, 0)
        object.__setattr__(self, "exposure", parse_exposure(self.exposure))
        object.__setattr__(self, "maps", check_map_names(self.maps))
        for field in ("input_transfer", "albedo_transfer", "shading_transfer"):
            if getattr(self, field) is not None:
                check_choice("--" + field.replace("_", "-"), getattr(self, field), Transfer)


@dataclass(frozen=True)
class WriteOptions:
    """From maps in memory to files."""

    format: tuple[Format, ...] = ("png",)
    bits: Bits | None = None  # for the formats that have it; None: each format's default
    exr_layout: ExrLayout = "single"  # all maps in one part, a part each, or a file each
    exr_compression: ExrCompression = "zip"  # dwaa: of colour alone, it loses a little; all others are exact
    exr_rgba: ExrRgba = "none"  # what thumbnails and viewers show
    colorspace: Colorspace = "srgb-linear"  # of albedo and shading in float files
    normals: Normals = "opengl"  # which way Y points: up, or down with directx
    residual: bool = False  # whether float files hold plate - albedo x shading as well
    sheet: bool = False  # whether the input and its maps are shown side by side as well
    fps: Fraction = Fraction(24)  # of movies made from images that name no rate; videos keep their own times
    on_exists: OnExists = "error"
    writers: int = 4  # threads that encode and write

    def __post_init__(self) -> None:
        if not self.format:
            raise OptionError(f"--format: none chosen; choose from {', '.join(get_args(Format))}")
        for name in self.format:
            check_choice("--format", name, Format)
        object.__setattr__(self, "format", tuple(dict.fromkeys(self.format)))
        if self.bits is not None:
            check_choice("--bits", self.bits, Bits)
            check_bits(self.bits, self.format)
        check_choice("--exr-layout", self.exr_layout, ExrLayout)
        check_choice("--exr-compression", self.exr_compression, ExrCompression)
        check_choice("--exr-rgba", self.exr_rgba, ExrRgba)
        check_exr(self.format, self.exr_layout, self.exr_compression, self.exr_rgba)
        check_choice("--colorspace", self.colorspace, Colorspace)
        check_light(self.format, self.bits, self.colorspace)
        check_choice("--normals", self.normals, Normals)
        if self.residual:
            check_residual(self.format, self.bits, self.exr_compression)
        check_choice("--on-exists", self.on_exists, OnExists)
        check_at_least("--writers", self.writers, 1)
        if not Fraction(1, 100) <= self.fps <= 1000:
            raise OptionError("--fps: must be from 0.01 to 1000 frames per second")
        if max(self.fps.numerator, self.fps.denominator) > RATE_TERM:
            raise OptionError(f"--fps: {self.fps} has more digits than codecs hold; write 24000/1001 or the like")

    def bits_of(self, name: FileKind) -> Bits:
        """The depth that format `name` is written in: the one asked for where the format has it, else its default."""
        return self.bits if self.bits is not None and self.bits in BITS[name] else BITS[name][0]

    def check_maps(self, maps: tuple[MapName, ...]) -> None:
        """Raises OptionError where files are asked for that hold a map which is not among the chosen `maps`."""
        if self.exr_rgba == "albedo":
            check_needed("--exr-rgba albedo", ("albedo",), maps)
        if self.residual:
            check_needed("--residual", ("albedo", "shading"), maps)
        if self.normals != WriteOptions.normals:
            check_needed(f"--normals {self.normals}", ("normal",), maps)

    @property
    def needs_plate(self) -> bool:
        """Whether the picture itself goes into files, beside its maps."""
        return self.residual or self.sheet or self.exr_rgba == "source"


@dataclass(frozen=True)
class EvaluateOptions:
    """From a folder of scenes with their true maps to figures."""

    model: str = "auto"  # none: the baselines alone
    device: str = "auto"
    dtype: DtypeName = "auto"
    limit: int | None = None  # scenes taken, the first by name, broken ones counted
    looks: int | None = None  # as of DecomposeOptions

    def __post_init__(self) -> None:
        check_choice("--dtype", self.dtype, DtypeName)
        check_looks(self.looks)
        if self.limit is not None:
            check_at_least("--limit", self.limit, 1)


@dataclass(frozen=True)
class RenderOptions:
    """A set of rendered scenes."""

    count: int = 1000
    first_seed: int = 0
    held_out: bool = False  # layouts, things, patterns and seeds of their own
    samples: int = 8  # paths of a pixel, before denoising
    size: int = 146  # side of a square with as many pixels as a picture has
    jobs: int = 0  # processes; 0: one per core
    device: RenderDevice = "cpu"  # that traces rays; the scenes of both are the same but for rounding and noise

    def __post_init__(self) -> None:
        check_choice("--device", self.device, RenderDevice)
        check_at_least("--count", self.count, 1)
        check_at_least("--first-seed", self.first_seed, 0)
        if self.first_seed + self.count > SEEDS:
            raise OptionError(f"--first-seed {self.first_seed}: with --count {self.count} must end before {SEEDS}")
        check_at_least("--samples", self.samples, 1)
        check_at_least("--size", self.size, 28)
        check_at_least("--jobs", self.jobs, 0)
