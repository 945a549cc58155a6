"""Shots and frames to write, and a disk that is full."""

import os
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mvinverse_cli.maps import MAPS, SPECS, FrameMaps
from mvinverse_cli.options import WriteOptions
from mvinverse_cli.outputs import About, ShotOutputs

MakeShot = Callable[..., ShotOutputs]
MakeFrame = Callable[..., FrameMaps]


@pytest.fixture
def about() -> About:
    return About(
        software="mvinverse 0.1.0",
        model="small",
        revision="50e7bd08",
        sha256="ab" * 32,
        source="/plates/küche.mov",
        input_transfer="srgb",
        albedo_transfer="srgb",
        shading_transfer="linear",
    )


@pytest.fixture
def make_shot(tmp_path: Path) -> MakeShot:
    """A shot `clip` of numbered frames in the folder `out`; write options are given by name."""

    def make(**choices: Any) -> ShotOutputs:
        fields = {"folder": tmp_path / "out", "stem": "clip", "stills": False, "maps": MAPS, "rate": None}
        given = {name: choices.pop(name) for name in fields if name in choices}
        return ShotOutputs(**(fields | given), options=WriteOptions(**choices))

    return make


def gradients(height: int, width: int, index: int = 0) -> dict[str, np.ndarray]:
    """Five smooth maps, each channel of another slope, that move a little with `index`."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    ramp = (x / max(width - 1, 1) + y / max(height - 1, 1)) / 2
    maps = {}
    for place, name in enumerate(MAPS):
        phases = [np.cos(ramp * 2 + place + channel + index / 9) for channel in range(SPECS[name].channels)]
        values = np.stack(phases, axis=-1)  # (H, W, C)
        if name == "normal":
            values /= np.linalg.norm(values, axis=-1, keepdims=True)
        else:
            values = values * 0.5 + 0.5
        maps[name] = values.astype(np.float32)
    return maps


@pytest.fixture
def make_frame() -> MakeFrame:
    """Frame 1001 + index; `maps` in place of the usual gradients, the rest by name."""

    def make(index: int = 0, size: tuple[int, int] = (6, 8), **fields: Any) -> FrameMaps:
        usual = {
            "maps": gradients(*size, index),
            "shot": "clip",
            "index": index,
            "number": 1001 + index,
            "name": f"view{index}",
            "time": Fraction(index, 24),
            "source": f"plate.{1001 + index}.exr",
        }
        return FrameMaps(**(usual | fields))

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, where the tests may mount one."""
    folder = tmp_path / "small_disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system takes root on Linux")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def files_under() -> Callable[[Path], list[str]]:
    """Lists every file, hidden ones too, relative to a folder."""
    return lambda folder: sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
