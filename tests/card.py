"""A test card as a source of every kind, and a network that shows what it is shown."""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import imagecodecs
import numpy as np
import OpenEXR
import pytest
import tifffile
import torch

from mvinverse_cli.color import linear_to_srgb, srgb_to_linear
from mvinverse_cli.maps import SPECS, MapName
from mvinverse_cli.model.mvinverse import Attended, MVInverse
from tests.frames.media import patches, png_chunk, to_frame, write_dpx, write_video

HEIF = Path(__file__).parent / "data/heif"
CARD = patches()  # (64, 96, 3): six patches side by side, all different, so that a mirrored picture shows
LIGHT = srgb_to_linear(CARD.astype(np.float32))
# From linear Rec.709: ITU-R BT.2087, table 2; SMPTE EG 432-1
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
TO_P3 = np.array([[0.8225, 0.1775, 0], [0.0332, 0.9668, 0], [0.0171, 0.0724, 0.9105]])


def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that sees its input as the albedo, its lower half as metal, and every surface turned to the right."""

    def attend(self: MVInverse, images: torch.Tensor, *, frame_batch: int, **how: object) -> Attended:
        height, width = (side // self.config.patch_size for side in images.shape[-2:])
        return Attended(images, [], [], (height, width), frame_batch)

    def read_out(
        self: MVInverse, attended: Attended, frames: slice, maps: tuple[MapName, ...]
    ) -> dict[MapName, torch.Tensor]:
        picture = attended.images[:, frames].permute(0, 1, 3, 4, 2)
        values = {name: torch.zeros(*picture.shape[:-1], SPECS[name].channels) for name in maps}
        for name, value in values.items():
            if name == "albedo":
                value[:] = picture
            elif name == "metallic":
                value[:, :, picture.shape[2] // 2 :] = 1
            elif name == "normal":
                value[..., 0] = 1
        return values

    monkeypatch.setattr(MVInverse, "attend", attend)
    monkeypatch.setattr(MVInverse, "read_out", read_out)


def centres(picture: np.ndarray) -> np.ndarray:
    """(64, 96, C) -> (6, C), the value in the middle of each patch of the card."""
    return picture[32, 8::16]


def rounded_to_rgbe(light: np.ndarray) -> np.ndarray:
    """What of `light` (H, W, 3) a Radiance picture can hold: 8 bits under the exponent of the largest channel."""
    exponent = np.floor(np.log2(np.maximum(light.max(axis=-1, keepdims=True), 1e-9))) + 1
    step = 2.0 ** (exponent - 8)
    return (np.floor(light / step) * step).astype(np.float32)


def write_card(kind: str, folder: Path) -> tuple[Path, np.ndarray]:
    """The card as a source of some kind, and its true colours, (64, 96, 3) sRGB-encoded."""
    path = folder / f"card.{kind.split()[0]}"
    return path, WRITERS[kind](path)


def _integers(dtype: type[np.unsignedinteger], encode: Callable[[Path, np.ndarray], Any]) -> Callable[..., np.ndarray]:
    def write(path: Path) -> np.ndarray:
        encode(path, np.rint(CARD * np.iinfo(dtype).max).astype(dtype))
        return CARD

    return write


def _light(encode: Callable[[Path, np.ndarray], Any]) -> Callable[..., np.ndarray]:
    def write(path: Path) -> np.ndarray:
        encode(path, LIGHT)
        return CARD

    return write


def _jpeg(path: Path, codes: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(".jpg", codes[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes())


def _hdr(path: Path) -> np.ndarray:
    held = rounded_to_rgbe(LIGHT)
    path.write_bytes(imagecodecs.rgbe_encode(held, header=True, rle=True))
    return linear_to_srgb(held)


def _dpx(transfer: int, codes: np.ndarray) -> Callable[..., np.ndarray]:
    def write(path: Path) -> np.ndarray:
        write_dpx(path, np.rint(codes).astype(int), transfer=transfer)
        return CARD

    return write


def _deep_dpx(pix_fmt: str) -> Callable[..., np.ndarray]:
    """Linear, packed by FFmpeg."""

    def write(path: Path) -> np.ndarray:
        frame = av.VideoFrame(96, 64, pix_fmt)
        codes = np.rint(LIGHT * (2 ** frame.format.components[0].bits - 1)).astype("<u2")
        for plane, order in zip(frame.planes, [[0, 1, 2]] if len(frame.planes) == 1 else [[1], [2], [0]], strict=True):
            rows = np.frombuffer(memoryview(plane), "<u2").reshape(64, plane.line_size // 2)
            rows[:, : 96 * len(order)] = codes[..., order].reshape(64, -1)
        encoder = av.CodecContext.create("dpx", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 96, 64, pix_fmt, Fraction(1, 25)
        frame.pts = 0
        data = bytearray(b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)]))
        data[801] = 2  # linear
        path.write_bytes(data)
        return CARD

    return write


def _video(pix_fmt: str, *, tagged: bool = True, codec: str = "libx264") -> Callable[..., np.ndarray]:
    def write(path: Path) -> np.ndarray:
        matrix = "bt709" if tagged else "bt601"  # as players read a small stream without tags
        frames = [to_frame(CARD, pix_fmt, matrix=matrix, tagged=tagged)] * 2
        write_video(path, frames, codec, options={"crf": "1"} if codec == "libx264" else {})
        return CARD

    return write


def _hlg(light: np.ndarray) -> np.ndarray:
    """The OETF of ITU-R BT.2100, table 5; a white of 1 at three quarters of the signal (BT.2408)."""
    scene = light * 0.264962
    above = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), above)


def _pq(light: np.ndarray) -> np.ndarray:
    """The inverse EOTF of ITU-R BT.2100, table 4; a white of 1 at 203 cd/m2 (BT.2408)."""
    power = (light * 203 / 10000) ** (1305 / 8192)
    return ((107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def _tagged_signal(encode: Callable[[np.ndarray], np.ndarray], to_wide: np.ndarray) -> np.ndarray:
    """(64, 96, 3): the card in other primaries, on another curve."""
    return encode((LIGHT.astype(np.float64) @ to_wide.T).clip(0, None))


def _tagged_video(pix_fmt: str, transfer: int, primaries: int, *colors: Any) -> Callable[..., np.ndarray]:
    def write(path: Path) -> np.ndarray:
        frames = [to_frame(_tagged_signal(*colors), pix_fmt, matrix="bt2020")] * 2
        codec, options = ("ffv1", {}) if path.suffix == ".mkv" else ("libx264", {"crf": "1"})
        write_video(path, frames, codec, options=options, light=(transfer, primaries))
        return CARD

    return write


def _tagged_png(transfer: int, primaries: int, *colors: Any) -> Callable[..., np.ndarray]:
    def write(path: Path) -> np.ndarray:
        data = imagecodecs.png_encode(np.rint(_tagged_signal(*colors) * 65535).astype(np.uint16))
        header = 8 + 25  # the signature and the first chunk
        path.write_bytes(data[:header] + png_chunk(b"cICP", bytes((primaries, transfer, 0, 1))) + data[header:])
        return CARD

    return write


def _stored(name: str) -> Callable[..., np.ndarray]:
    """Written once by pillow-heif 1.8.1, losslessly: what reads HEIC here cannot write it."""

    def write(path: Path) -> np.ndarray:
        shutil.copy(HEIF / name, path)
        return CARD

    return write


def _exr(path: Path, light: np.ndarray, dtype: type = np.float32) -> None:
    OpenEXR.File({}, {"RGB": np.ascontiguousarray(light, dtype)}).write(str(path))


WRITERS: dict[str, Callable[[Path], np.ndarray]] = {
    "png 8": _integers(np.uint8, lambda path, codes: path.write_bytes(imagecodecs.png_encode(codes))),
    "png 16": _integers(np.uint16, lambda path, codes: path.write_bytes(imagecodecs.png_encode(codes))),
    "webp": _integers(np.uint8, lambda path, codes: path.write_bytes(imagecodecs.webp_encode(codes, lossless=True))),
    "jpg": _integers(np.uint8, _jpeg),
    "tif 8": _integers(np.uint8, lambda path, codes: tifffile.imwrite(path, codes, photometric="rgb")),
    "tif 16": _integers(np.uint16, lambda path, codes: tifffile.imwrite(path, codes, photometric="rgb")),
    "tif float": _light(lambda path, light: tifffile.imwrite(path, light, photometric="rgb")),
    "exr half": _light(lambda path, light: _exr(path, light, np.float16)),
    "exr float": _light(_exr),
    "hdr": _hdr,
    "dpx 10 linear": _dpx(2, LIGHT * 1023),
    "dpx 10 log": _dpx(3, 685 + 300 * np.log10(LIGHT * (1 - 10 ** (-590 / 300)) + 10 ** (-590 / 300))),
    "dpx 10 video": _dpx(6, CARD * 1023),
    "dpx 12 linear": _deep_dpx("gbrp12le"),
    "dpx 16 linear": _deep_dpx("rgb48le"),
    "mp4 tagged": _video("yuv420p"),
    "mp4 untagged": _video("yuv420p", tagged=False),
    "mp4 10 bit": _video("yuv420p10le"),
    "mkv ffv1": _video("yuv444p", codec="ffv1"),
    "mkv hlg": _tagged_video("yuv444p12le", 18, 9, _hlg, TO_BT2020),
    "mkv pq": _tagged_video("yuv444p12le", 16, 9, _pq, TO_BT2020),
    "mp4 p3": _tagged_video("yuv420p10le", 1, 12, linear_to_srgb, TO_P3),
    "png pq": _tagged_png(16, 9, _pq, TO_BT2020),
    "png p3": _tagged_png(13, 12, linear_to_srgb, TO_P3),
    "png srgb": _tagged_png(13, 1, linear_to_srgb, np.eye(3)),
    "heic 8": _stored("card.heic"),
    "heic 10": _stored("card_10.heic"),
    "heic alpha": _stored("card_alpha.heic"),
    "heic hlg": _stored("card_hlg.heic"),  # 12 bits
    "heic turned": _stored("card_turned.heic"),  # on its side, and turned back by its transform and its EXIF
    "nut ffv1": _video("yuv444p12le", tagged=False, codec="ffv1"),  # NUT has no place for tags
}
