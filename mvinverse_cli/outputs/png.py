"""PNG, 8 and 16 bit: gray for one channel, RGB for three. H, W pixels, C channels.

Colour maps are tagged sRGB; data and vectors carry no colour tag, so that nothing colour-manages them.
"""

import struct
import zlib
from collections.abc import Mapping

import cv2
import numpy as np

from ..errors import OutputError
from ..maps import Array, MapSpec

HEADER_END = 8 + 25  # the signature and the IHDR chunk: https://www.w3.org/TR/png-3/#11IHDR
SRGB_GAMMA = 45455  # https://www.w3.org/TR/png-3/#sRGB-gAMA-and-cHRM
SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)  # white, red, green, blue


def encode_png(codes: Array, spec: MapSpec, attributes: Mapping[str, str]) -> bytes:
    """(H, W, C) uint8 or uint16, sRGB-encoded where `spec` is colour -> a PNG file that holds `attributes` as text."""
    pixels = cv2.cvtColor(codes, cv2.COLOR_RGB2BGR) if spec.channels == 3 else np.ascontiguousarray(codes[..., 0])
    done, encoded = cv2.imencode(".png", pixels)
    if not done:
        raise OutputError(f"PNG cannot hold {spec.name} at {codes.shape[1]} x {codes.shape[0]} pixels; try exr or tiff")
    png = encoded.tobytes()
    chunks = list(color_chunks()) if spec.kind == "color" else []
    chunks += (text_chunk("Software" if name == "software" else name, text) for name, text in attributes.items())
    return png[:HEADER_END] + b"".join(chunks) + png[HEADER_END:]


def color_chunks() -> tuple[bytes, ...]:
    """The sRGB tag, and the gamma and primaries that readers without it go by."""
    return (
        chunk(b"gAMA", struct.pack(">I", SRGB_GAMMA)),
        chunk(b"cHRM", struct.pack(">8I", *SRGB_CHROMATICITIES)),
        chunk(b"sRGB", b"\0"),  # perceptual intent
    )


def text_chunk(keyword: str, text: str) -> bytes:
    """An uncompressed UTF-8 text without language: https://www.w3.org/TR/png-3/#11iTXt."""
    return chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())


def chunk(kind: bytes, content: bytes) -> bytes:
    """Length, kind, content, checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
