"""Pictures whose tags name another curve or other primaries than sRGB's: brought to light.

The tags are those of ITU-T H.273, in a video's stream as in the cICP chunk of a PNG. What is coded as sRGB, BT.709 or
BT.2020 is read by the curve of sRGB, as all video in this house. H rows, W columns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..color import INTEROP_PRIMARIES, Primaries, srgb_to_linear, to_rec709_matrix
from ..maps import Array
from .resize import as_float

# White, as of paper, in a programme of high dynamic range (ITU-R BT.2408, table 1): it becomes 1, a gray card 0.18
HLG_WHITE = 0.75  # of the signal
PQ_WHITE = 203.0  # cd/m2

# ITU-R BT.2100, tables 5 and 4
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073
PQ_M1, PQ_M2, PQ_C1, PQ_C2, PQ_C3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
PQ_PEAK = 10000.0  # cd/m2


def hlg_to_light(signal: Array) -> Array:
    """Hybrid log-gamma in [0, 1] to the scene's light (the inverse OETF of BT.2100), diffuse white as 1."""
    light: Array = _hlg(signal) / _hlg(np.array(HLG_WHITE))
    return light


def _hlg(signal: Array) -> Array:
    """To light in [0, 1], as the standard has it."""
    above = (np.exp((signal - HLG_C) / HLG_A) + HLG_B) / 12
    light: Array = np.where(signal <= 0.5, signal**2 / 3, above)
    return light


def pq_to_light(signal: Array) -> Array:
    """Perceptual quantizer in [0, 1] to a screen's light (the EOTF of BT.2100), diffuse white as 1."""
    root = signal ** (1 / PQ_M2)
    light: Array = (np.maximum(root - PQ_C1, 0) / (PQ_C2 - PQ_C3 * root)) ** (1 / PQ_M1)
    return light * (PQ_PEAK / PQ_WHITE)


def _logarithmic(decades: float) -> Callable[[Array], Array]:
    def to_light(signal: Array) -> Array:
        light: Array = np.where(signal > 0, 10 ** (decades * (signal - 1)), 0)
        return light

    return to_light


# By their codes: H.273, tables 3 and 2
_CURVES: Mapping[int, tuple[str, Callable[[Array], Array]]] = {
    8: ("linear light", lambda signal: signal),
    9: ("a logarithmic curve", _logarithmic(2)),
    10: ("a logarithmic curve", _logarithmic(2.5)),
    16: ("PQ (HDR10)", pq_to_light),
    18: ("HLG", hlg_to_light),
}
_PRIMARIES: Mapping[int, tuple[str, Primaries]] = {
    9: ("BT.2020", INTEROP_PRIMARIES["lin_rec2020_scene"]),
    11: ("DCI-P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351)),
    12: ("Display P3", INTEROP_PRIMARIES["lin_p3d65_scene"]),
}


# Read by the curve of sRGB, and as Rec.709
_SRGB_CURVES, _REC709 = frozenset((1, 6, 13, 14, 15)), 1


@dataclass(frozen=True)
class TaggedLight:
    """What codes stand for by their `transfer` and `primaries`, of which at least one is not that of sRGB."""

    transfer: int
    primaries: int

    @classmethod
    def of(cls, transfer: int, primaries: int) -> "TaggedLight | None":
        """None where both are those of sRGB, or such as are read like them."""
        return cls(transfer, primaries) if transfer in _CURVES or primaries in _PRIMARIES else None

    @staticmethod
    def is_known(transfer: int, primaries: int) -> bool:
        """Whether codes name a curve and primaries that are read as what they are."""
        curves = _SRGB_CURVES | _CURVES.keys()
        return transfer in curves and (primaries == _REC709 or primaries in _PRIMARIES)

    @property
    def said(self) -> str:
        """What is done, in words."""
        curve, primaries = _CURVES.get(self.transfer), _PRIMARIES.get(self.primaries)
        names = [*([curve[0]] if curve else []), *([f"{primaries[0]} primaries"] if primaries else [])]
        return f"is tagged {' and '.join(names)}: brought to scene-linear Rec.709"

    def to_light(self, signal: Array) -> Array:
        """Values in [0, 1] of any shape -> float32 light of the same shape, by the curve alone."""
        known = _CURVES.get(self.transfer)
        return srgb_to_linear(signal) if known is None else known[1](signal.astype(np.float64)).astype(np.float32)

    def to_rec709(self, codes: Array) -> Array:
        """RGB (H, W, 3), uint8 or uint16 at full range -> float32, scene-linear Rec.709; what that cannot show has
        negative parts, and highlights over a diffuse white of 1 keep their light."""
        light = _table(self, codes.dtype.str)[codes]
        known = _PRIMARIES.get(self.primaries)
        return light if known is None else cv2.transform(light, to_rec709_matrix(known[1]))


@lru_cache(maxsize=4)
def _table(tagged: TaggedLight, dtype: str) -> Array:
    """The light of every code."""
    return tagged.to_light(as_float(np.arange(np.iinfo(dtype).max + 1, dtype=dtype)))
