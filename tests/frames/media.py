"""Makes the media that the tests of this folder read. Pictures are flat patches, so that codecs lose little."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import imagecodecs
import numpy as np

LUMA_WEIGHTS = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114), "bt2020": (0.2627, 0.0593)}
COLORSPACE_TAGS = {"bt709": 1, "bt601": 6, "bt2020": 9}
PRIMARIES = np.array(
    [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.9, 0.9, 0.1], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
)


def patches(shift: int = 0, width: int = 96, height: int = 64) -> np.ndarray:
    """(H, W, 3) float64 in [0, 1]: six patches side by side, rolled by `shift` patches."""
    column = np.arange(width) * len(PRIMARIES) // width
    row = np.roll(PRIMARIES, shift, axis=0)[column]
    return np.broadcast_to(row, (height, width, 3)).copy()


def numbered(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """(H, W, 3) float64: a gray that says which frame of at most 64 this is (`number_of` reads it back)."""
    return np.full((height, width, 3), (index * 4 + 2) / 255)


def number_of(pixels: np.ndarray) -> int:
    """The index that `numbered` put in."""
    return round((pixels.mean() / np.iinfo(pixels.dtype).max * 255 - 2) / 4)


def to_frame(
    rgb: np.ndarray, pix_fmt: str, *, matrix: str = "bt709", full: bool = False, tagged: bool = True
) -> av.VideoFrame:
    """(H, W, 3) float in [0, 1] -> a picture coded by the formulas of ITU-T H.273, 8.3, without swscale."""
    height, width = rgb.shape[:2]
    frame = av.VideoFrame(width, height, pix_fmt)
    bits = frame.format.components[0].bits
    kr, kb = LUMA_WEIGHTS[matrix]
    luma = rgb @ [kr, 1 - kr - kb, kb]
    blue, red = (rgb[..., 2] - luma) / (2 - 2 * kb), (rgb[..., 0] - luma) / (2 - 2 * kr)
    unit, most = 2 ** (bits - 8), 2**bits - 1
    coded = [luma * (most if full else 219 * unit) + (0 if full else 16 * unit)]
    coded += [chroma * (most if full else 224 * unit) + 128 * unit for chroma in (blue, red)]
    for plane, values in zip(frame.planes, coded, strict=True):
        values = values[:: -(-height // plane.height), :: -(-width // plane.width)]
        _fill(plane, np.rint(values).clip(0, most), np.uint8 if bits == 8 else np.uint16)
    if tagged:
        frame.colorspace = COLORSPACE_TAGS[matrix]
        frame.color_range = 2 if full else 1
    return frame


def _fill(plane: av.video.plane.VideoPlane, values: np.ndarray, dtype: type) -> None:
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
    rows[:, : values.shape[1]] = values


def write_video(
    path: Path,
    frames: Iterable[av.VideoFrame],
    codec: str = "libx264",
    *,
    rate: int = 25,
    times: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: tuple[int, bool] | None = None,
    pixel_aspect: Fraction | None = None,
    light: tuple[int, int] | None = None,
) -> Path:
    """Encodes `frames`, all of one format. times: presentation times in 1/1000 s instead of an even rate.

    rotation: (degrees counter-clockwise, mirrored) for the container's display matrix. light: the codes of transfer and
    primaries.
    """
    frames = list(frames)
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate if times is None else 1000, options=options or {})
        first = frames[0]
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, first.format.name
        context = stream.codec_context
        context.colorspace, context.color_range = first.colorspace, first.color_range
        if light is not None:
            context.color_trc, context.color_primaries = light
        if pixel_aspect is not None:
            context.sample_aspect_ratio = pixel_aspect
        if rotation is not None:
            stream.set_display_rotation(rotation[0], hflip=rotation[1])
        for index, frame in enumerate(frames):
            frame.pts = index if times is None else times[index]
            frame.time_base = Fraction(1, rate) if times is None else Fraction(1, 1000)
            if light is not None:
                frame.color_trc, frame.color_primaries = light
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_numbered(path: Path, count: int, codec: str = "libx264", *, pix_fmt: str = "yuv420p", **more) -> Path:
    """A clip whose frames say their index."""
    return write_video(path, (to_frame(numbered(index), pix_fmt) for index in range(count)), codec, **more)


def packet_spans(path: Path) -> list[tuple[int, int]]:
    """(offset, size) in the file of each video packet, in the order stored."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def damage(path: Path, spans: Iterable[tuple[int, int]]) -> Path:
    """Overwrites these bytes with noise."""
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(0)
    for offset, size in spans:
        data[offset : offset + size] = noise.bytes(size)
    path.write_bytes(data)
    return path


def cut(path: Path, packet: int) -> Path:
    """Ends the file in the middle of this packet, counted from 0."""
    offset, size = packet_spans(path)[packet]
    path.write_bytes(path.read_bytes()[: offset + size // 2])
    return path


def write_png(path: Path, pixels: np.ndarray | int = 128, size: tuple[int, int] = (8, 6)) -> Path:
    """A PNG of `pixels`, or flat gray of `size` (width, height)."""
    if isinstance(pixels, int):
        pixels = np.full((size[1], size[0], 3), pixels, np.uint8)
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
    return path


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width: int, height: int, depth: int, color_type: int, rows: Sequence[bytes], *extra: bytes) -> bytes:
    """A PNG of any kind, its rows packed by the caller."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0))
    body = png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + body + png_chunk(b"IEND", b"")


def with_exif(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF segment that holds its orientation."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def write_dpx(
    path: Path,
    codes: np.ndarray,
    *,
    transfer: int,
    order: str = ">",
    orientation: int = 0,
    pixel_aspect: tuple[int, int] = (0, 0),
) -> Path:
    """A 10-bit RGB DPX of `codes` (H, W, 3), three to a word (SMPTE 268M, filled to 32 bits by method A)."""
    height, width = codes.shape[:2]
    head = bytearray(2048)
    head[:4] = b"SDPX" if order == ">" else b"XPDS"
    words = (codes[..., 0] << 22 | codes[..., 1] << 12 | codes[..., 2] << 2).astype(f"{order}u4")
    struct.pack_into(f"{order}I8sI", head, 4, 2048, b"V1.0", 2048 + words.nbytes)
    struct.pack_into(f"{order}HHII", head, 768, orientation, 1, width, height)
    struct.pack_into("BBBB", head, 800, 50, transfer, transfer, 10)  # 50: red, green, blue
    struct.pack_into(f"{order}HHI", head, 804, 1, 0, 2048)
    struct.pack_into(f"{order}II", head, 1628, *pixel_aspect)
    path.write_bytes(bytes(head) + words.tobytes())
    return path
