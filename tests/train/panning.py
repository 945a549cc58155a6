"""Clips whose motion is known, and flow that is known beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from mvinverse_cli.flow import PairFlow
from mvinverse_cli.train import finetuning
from mvinverse_cli.train.clips import Stretch
from tests.flow.motion import texture
from tests.frames.media import write_png

SIZE = (28, 42)  # (height, width)
STEP = 2  # pixels that what is seen moves to the left from frame to frame


def pan(count: int, seed: int = 0) -> list[np.ndarray]:
    """`count` frames (H, W, 3) uint8 of a camera that turns right over a texture."""
    wide = texture(64, 160, seed)
    return [wide[: SIZE[0], STEP * i : STEP * i + SIZE[1]] for i in range(count)]


def write_pan(folder: Path, count: int, seed: int = 0, first: int = 1) -> Path:
    """The frames as `pan.0001.png`, `pan.0002.png`, ... in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(pan(count, seed), first):
        write_png(folder / f"pan.{number:04d}.png", np.ascontiguousarray(frame))
    return folder


class KnownFlow:
    """The flow of a pan, of which `kept` of the pixels are said to be found again."""

    def __init__(self, kept: float = 1.0) -> None:
        self.kept = kept

    def pair(
        self, clip: str, position: int, first: np.ndarray, second: np.ndarray, size: tuple[int, int] | None = None
    ) -> PairFlow:
        flow = np.broadcast_to(np.float32([-STEP, 0]), (*first.shape[:2], 2)).copy()
        valid = np.zeros((*first.shape[:2], 1), bool)
        valid[:, : round(self.kept * first.shape[1])] = True
        valid[:, :STEP] = False
        return PairFlow(flow, valid)


def make_stretch(count: int = 6) -> Stretch:
    """A pan in memory."""
    frames = np.stack(pan(count)).astype(np.float16) / 255
    flow = KnownFlow().pair("", 0, frames[0], frames[1])
    return Stretch("pan", frames, dict.fromkeys(range(count - 1), flow))


@contextmanager
def quick_tuning() -> Iterator[None]:
    """Fine-tuning without drawing and without finding flow, which take longer than training here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetuning, "curves_png", lambda log, beside: b"curves")
        patch.setattr(finetuning, "flow_source", lambda folder: KnownFlow())
        yield
