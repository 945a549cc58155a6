"""Attention across frames: in pieces and with thinned keys, against the whole matrix written out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.attention import attend_across, choose_seen, on_grid
from mvinverse_cli.model.block import Block
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.rope import Rope, patch_positions, rope_table, rotate

CPU = torch.device("cpu")
REGISTERS = 2


@pytest.fixture(scope="module")
def block() -> Block:
    """In which attention is not lost beside the shortcut."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        block = Block(16, 2, 2.0, qk_norm=True, scale=1.0)
        torch.nn.init.normal_(block.attn.qkv.weight)
    return block.double().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> Tensor:
    """One scene of five views, 4 x 5 patches."""
    return torch.rand(1, 5, 3, 56, 70, generator=torch.Generator().manual_seed(1))


def rope_of(grid: tuple[int, int]) -> Rope:
    return rope_table(patch_positions(*grid, REGISTERS, CPU), 8, 100.0)


def written_out(block: Block, x: Tensor, grid: tuple[int, int], stride: int, mean: bool) -> Tensor:
    """x (B, N, T, C) -> the same, with the keys of each frame picked one by one and the softmax as a matrix."""
    normed = block.norm1(x.flatten(1, 2))
    q, k, v = block.attn.qkv(normed).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
    q, k = (rotate(norm(part), rope_of(grid)) for norm, part in ((block.attn.q_norm, q), (block.attn.k_norm, k)))
    tokens = x.shape[2]
    kept = [True] * REGISTERS + [on_grid(y, x, stride) for y in range(grid[0]) for x in range(grid[1])]
    keys, values = [], []
    for frame in range(x.shape[1]):
        for part, seen in ((k, keys), (v, values)):
            own = part[:, :, frame * tokens : (frame + 1) * tokens]
            seen += [own[:, :, i] for i in range(tokens) if kept[i]]
            dropped = [own[:, :, i] for i in range(tokens) if not kept[i]]
            if mean and dropped:
                seen.append(sum(dropped) / len(dropped))
    k, v = torch.stack(keys, dim=2), torch.stack(values, dim=2)
    out = (q @ k.mT * 8**-0.5).softmax(dim=-1) @ v
    x = x + block.ls1(block.attn.proj(out.transpose(1, 2).flatten(2))).view_as(x)
    return x + block.ls2(block.mlp(block.norm2(x)))


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 5)),
    grid=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.sampled_from([1, 2, 4, 9]),
    mean=st.booleans(),
    piece=st.integers(1, 6),
)
def test_pieces_and_thinned_keys_are_the_written_out_softmax(
    block: Block, shape: tuple[int, int], grid: tuple[int, int], stride: int, mean: bool, piece: int
):
    seed = torch.Generator().manual_seed(piece)
    x = torch.randn(*shape, REGISTERS + grid[0] * grid[1], 16, generator=seed, dtype=torch.float64)
    seen = choose_seen(grid, REGISTERS, stride=stride, mean=mean, device=CPU)
    pieces = torch.cat([*attend_across(block, x.split(piece, dim=1), rope_of(grid), seen)], dim=1)
    assert_close(pieces, written_out(block, x, grid, stride, mean), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("stride", "rows"),
    [
        (2, ["x.x.x", ".x.x.", "x.x.x", ".x.x."]),
        (4, ["x.x.x", ".....", "x.x.x", "....."]),
        (9, ["x..x.", ".....", ".....", "x..x."]),
    ],
)
def test_thinning_keeps_the_registers_and_a_grid_of_patches(stride: int, rows: list[str]):
    seen = choose_seen((4, 5), REGISTERS, stride=stride, mean=True, device=CPU)
    patches = [REGISTERS + i for i, mark in enumerate("".join(rows)) if mark == "x"]
    assert seen.kept.tolist() == [*range(REGISTERS), *patches]
    assert sorted([*seen.kept.tolist(), *seen.averaged.tolist()]) == [*range(REGISTERS + 20)]


@pytest.mark.parametrize("stride", [0, 3, 16])
def test_a_stride_of_no_grid_is_refused(tiny_model: MVInverse, images: Tensor, stride: int):
    with pytest.raises(ValueError, match=f"kv_stride {stride}: 1, 2, 4 or 9"):
        tiny_model.attend(images, kv_stride=stride)


@pytest.mark.parametrize(("mean", "tokens"), [(False, REGISTERS + 6), (True, REGISTERS + 20)])
def test_dropped_tokens_are_projected_for_their_mean_alone(block: Block, mean: bool, tokens: int):
    seen = choose_seen((4, 5), REGISTERS, stride=4, mean=mean, device=CPU)
    projected = []
    hook = block.norm1.register_forward_hook(lambda module, inputs, output: projected.append(output.shape[1]))
    next(attend_across(block, [torch.rand(1, 3, REGISTERS + 20, 16).double()], rope_of((4, 5)), seen))
    hook.remove()
    assert projected == [3 * tokens, 3 * (REGISTERS + 20)]


@pytest.mark.parametrize("mean", [True, False])
def test_stride_one_has_the_bits_of_no_thinning(tiny_model: MVInverse, images: Tensor, mean: bool):
    thinned = tiny_model.attend(images, kv_stride=1, kv_mean=mean)
    assert_close(thinned.levels, tiny_model.attend(images).levels, rtol=0, atol=0)


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("stride", [2, 4, 9])
def test_thinning_shows_and_every_frame_batch_gives_the_same(tiny: MVInverse, images: Tensor, stride: int, mean: bool):
    tiny.double()
    images = images.double()
    maps = []
    for options in ({}, {"kv_stride": stride, "kv_mean": mean}, {"kv_stride": stride, "kv_mean": mean}):
        attended = tiny.attend(images, frame_batch=2 + len(maps), **options)
        maps.append(tiny.read_out(attended, slice(None)))
    assert_close(maps[1], maps[2], rtol=0, atol=1e-6)
    assert (maps[0]["albedo"] - maps[1]["albedo"]).abs().max() > 1e-4


def test_gradients_pass_through_pieces_as_through_the_whole(tiny: MVInverse, images: Tensor):
    tiny.double().requires_grad_(True)
    found = []
    for frame_batch in (5, 2):
        tiny.zero_grad()
        sum(values.square().sum() for values in tiny(images.double(), frame_batch=frame_batch).values()).backward()
        found.append({name: value.grad for name, value in tiny.named_parameters()})
    assert_close(found[0], found[1], rtol=1e-4, atol=1e-4)  # the maps themselves are float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_levels_kept_in_half_precision_are_half_as_large_and_near(
    tiny_model: MVInverse, images: Tensor, dtype: torch.dtype
):
    attended = tiny_model.attend(images, levels_dtype=dtype, levels_device=CPU)
    assert {level.dtype for batch in attended.levels for level in batch} == {dtype}
    expected, near = tiny_model(images), tiny_model.read_out(attended, slice(None))
    for name in MAPS:
        assert 0 < (near[name] - expected[name]).abs().mean() < 0.01, name
        assert near[name].dtype == torch.float32
