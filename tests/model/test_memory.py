"""The formula of memory: it never falls as work grows, and holds against the resident memory of a process."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.memory import frame_bytes, pass_bytes, weights_bytes, widest_bypass
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.presets import PRESETS
from tests.conftest import TINY

SMALL = PRESETS["small"]
RESNEXT = replace(SMALL, bypass="resnext", bypass_maps=("albedo", "shading"), bypass_tokens=False, features=64)
ROOT = Path(__file__).parents[2]
TERMS: dict[str, Any] = {"frames": 16, "size": (140, 252), "frame_batch": 2, "element_bytes": 4}

# A process that lets N frames see each other, reads them out, and prints by how much its resident memory rose.
MEASURE = """
import sys, torch
from pathlib import Path
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.presets import PRESETS

frames, height, width, batch, looks = map(int, sys.argv[1:])
model = MVInverse(PRESETS["small"]).eval().requires_grad_(False)
def peak():  # unlike getrusage's it does not begin with the parent's
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024
def run(images):
    attended = model.attend(images, frame_batch=batch, looks=looks)
    for first in range(0, images.shape[1], batch):
        maps = model.read_out(attended, slice(first, first + batch))
with torch.inference_mode():
    run(torch.rand(1, 1, 3, 28, 28))  # loads the kernels
    before = peak()
    run(torch.rand(1, frames, 3, height, width))
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("frames", "size", "batch", "looks"), [(48, (140, 252), 1, 1), (4, (294, 518), 1, 1), (48, (140, 252), 1, 2)]
)
def test_formula_holds_against_resident_memory(frames: int, size: tuple[int, int], batch: int, looks: int):
    arguments = map(str, (frames, *size, batch, looks))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = pass_bytes(SMALL, frames=frames, size=size, frame_batch=batch, element_bytes=4, looks=looks)
    assert 0.9 < expected / int(done.stdout) < 1.35


@pytest.mark.parametrize("config", [SMALL, ModelConfig(), TINY], ids=["small", "published", "tiny"])
@given(
    frames=st.integers(1, 2000),
    grid=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    frame_batch=st.integers(1, 64),
    kv_stride=st.sampled_from([1, 2, 4, 9]),
    levels_bytes=st.sampled_from([None, 2, 4]),
    grown=st.sampled_from(["frames", "rows", "columns", "frame_batch"]),
)
def test_more_work_never_takes_less(
    config: ModelConfig,
    frames: int,
    grid: tuple[int, int],
    frame_batch: int,
    kv_stride: int,
    levels_bytes: int | None,
    grown: str,
):
    def needed(**more: int) -> int:
        size = (14 * (grid[0] + more.get("rows", 0)), 14 * (grid[1] + more.get("columns", 0)))
        return pass_bytes(
            config,
            frames=frames + more.get("frames", 0),
            size=size,
            frame_batch=frame_batch + more.get("frame_batch", 0),
            element_bytes=4,
            kv_stride=kv_stride,
            levels_bytes=levels_bytes,
        )

    assert needed() <= needed(**{grown: 1})


@pytest.mark.parametrize(
    "less", [{"element_bytes": 2}, {"levels_bytes": 2}, {"kv_stride": 4}, {"frame_batch": 1}], ids=str
)
def test_what_saves_memory_is_seen_to(less: dict[str, int]):
    many = TERMS | {"frames": 500}
    assert pass_bytes(SMALL, **many | less) < pass_bytes(SMALL, **many)


def test_fewer_maps_take_no_more():
    assert pass_bytes(SMALL, **TERMS, read_maps=("albedo",)) <= pass_bytes(SMALL, **TERMS)
    assert pass_bytes(RESNEXT, **TERMS, read_maps=("normal",)) < pass_bytes(RESNEXT, **TERMS, read_maps=("albedo",))


@pytest.mark.parametrize("config", [SMALL, TINY], ids=["small", "tiny"])
def test_what_is_held_of_each_frame_is_counted_exactly(config: ModelConfig):
    attended = MVInverse(config).eval().requires_grad_(False).attend(torch.rand(1, 1, 3, 70, 98))
    one = frame_bytes(config, (70, 98), 4, 4, kv_stride=1, read_maps=())
    assert one.picture == attended.images.nbytes
    assert one.levels == sum(level.nbytes for level in attended.levels[0])
    assert one.pyramid == sum(level.nbytes for level in attended.pyramids[0])


@pytest.mark.parametrize("config", [SMALL, TINY], ids=["small", "tiny"])
def test_no_layer_of_the_bypass_is_wider_than_the_widest(config: ModelConfig):
    model = MVInverse(config).eval()
    counts = []
    for module in model.res_encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda module, inputs, output: counts.append(output[0].numel()))
    model.res_encoder(torch.rand(1, 3, 160, 288))
    assert max(counts) == widest_bypass(config) * 160 * 288


@pytest.mark.parametrize("element_bytes", [2, 4])
def test_weights_are_counted(tiny_model: MVInverse, element_bytes: int):
    numbers = sum(value.numel() for value in tiny_model.state_dict().values())
    assert weights_bytes(TINY, element_bytes) == numbers * element_bytes
