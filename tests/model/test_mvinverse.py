"""The network: published names, published numbers, and the same numbers however the work is cut up."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch.testing import assert_close

from benchmarks.plain import make_plain
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.checkpoint import load_model
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.mvinverse import MVInverse
from tests.conftest import TINY
from tests.data.parity.recipe import fill

PARITY = Path(__file__).parents[1] / "data" / "parity"


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """One scene of three views, 4 x 5 patches."""
    return torch.rand(1, 3, 3, 56, 70, generator=torch.Generator().manual_seed(1))


def test_every_published_name_has_a_home_of_its_shape_and_type():
    with torch.device("meta"):
        state = MVInverse(ModelConfig()).state_dict()
    ours = {name: [list(value.shape), str(value.dtype).removeprefix("torch.")] for name, value in state.items()}
    assert len(ours) == 1944
    assert ours == json.loads((PARITY / "state_dict.json").read_text())


@pytest.fixture(scope="module")
def recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the full-size network with the recipe's weights."""
    path = tmp_path_factory.mktemp("published") / "recipe.safetensors"
    names = json.loads((PARITY / "state_dict.json").read_text())
    save_file({name: torch.from_numpy(fill(name, tuple(shape))) for name, (shape, _) in names.items()}, path)
    return path


@pytest.mark.large
@pytest.mark.parametrize("frame_batch", [1, 2])
@pytest.mark.parametrize("case", ["one_view", "three_views"])
def test_full_size_network_agrees_with_the_published_one(recipe_file: Path, case: str, frame_batch: int):
    published = load_model(str(recipe_file), device="cpu")
    expected = np.load(PARITY / f"{case}.npz")
    views = torch.from_numpy(expected["images"]).permute(0, 3, 1, 2)[None].float() / 255
    with torch.inference_mode():
        outputs = published(views, frame_batch=frame_batch)
    for name in MAPS:
        error = np.abs(outputs[name][0, :, ::3, ::3].numpy() - expected[name]).max()
        assert error < (2e-4 if name == "normal" else 5e-5), name


@pytest.mark.large
def test_full_size_network_in_bfloat16_stays_near_float32(recipe_file: Path):
    half = load_model(str(recipe_file), device="cpu", dtype="bfloat16")
    expected = np.load(PARITY / "one_view.npz")
    views = torch.from_numpy(expected["images"]).permute(0, 3, 1, 2)[None].float() / 255
    with torch.inference_mode():
        outputs = half(views)
    for name in MAPS:
        error = np.abs(outputs[name][0, :, ::3, ::3].numpy() - expected[name]).mean()
        assert error < 0.02, name


def test_maps_have_their_shapes_ranges_and_unit_normals(tiny_model: MVInverse, images: torch.Tensor):
    outputs = tiny_model(images)
    assert tuple(outputs) == MAPS
    for name, values in outputs.items():
        assert values.shape == (1, 3, 56, 70, SPECS[name].channels)
        assert values.dtype == torch.float32
        assert values.min() >= SPECS[name].low
        assert values.max() <= SPECS[name].high
        assert values.std() > 0.001, "a test on constant maps would show nothing"
    assert_close(outputs["normal"].norm(dim=-1), torch.ones(1, 3, 56, 70))


@pytest.mark.parametrize("frame_batch", [1, 2, 3, 100])
def test_frame_batches_do_not_change_the_numbers(tiny: MVInverse, images: torch.Tensor, frame_batch: int):
    tiny.double()  # in float32 a normal that was 0.016 long before it was normalised differs by its rounding, 2e-5
    whole = tiny(images.double(), frame_batch=3)
    assert_close(tiny(images.double(), frame_batch=frame_batch), whole, rtol=0, atol=1e-6)


def test_plain_path_gives_the_same_numbers(tiny: MVInverse, images: torch.Tensor):
    fast = tiny(images)
    assert_close(make_plain(tiny)(images), fast, rtol=0, atol=1e-5)


@pytest.mark.parametrize("maps", [("normal",), ("metallic", "shading"), ("albedo",)])
def test_fewer_maps_are_the_same_maps(tiny_model: MVInverse, images: torch.Tensor, maps: tuple[str, ...]):
    every = tiny_model(images)
    assert_close(tiny_model(images, maps=maps), {name: every[name] for name in maps}, rtol=0, atol=0)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    scenes=st.integers(1, 2),
    views=st.integers(1, 7),
    grid=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    frame_batch=st.integers(1, 15),
)
def test_pieces_of_any_size_are_one_pass(
    tiny_model: MVInverse, scenes: int, views: int, grid: tuple[int, int], frame_batch: int
):
    seed = torch.Generator().manual_seed(views)
    images = torch.rand(scenes, views, 3, 14 * grid[0], 14 * grid[1], generator=seed)
    whole = make_plain(copy.deepcopy(tiny_model)).attend(images, frame_batch=scenes * views)
    pieces = tiny_model.attend(images, frame_batch=frame_batch)
    for level, expected in enumerate(whole.levels[0]):
        joined = torch.cat([batch[level].unflatten(0, (scenes, -1)) for batch in pieces.levels], dim=1)
        assert_close(joined.flatten(0, 1), expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=10)
@given(views=st.integers(1, 7), frame_batch=st.integers(1, 8), cut=st.tuples(st.integers(0, 6), st.integers(1, 7)))
def test_a_part_read_out_has_the_bits_of_the_whole(
    tiny_model: MVInverse, views: int, frame_batch: int, cut: tuple[int, int]
):
    part = slice(min(cut[0], views - 1), max(cut[1], cut[0] + 1))
    attended = tiny_model.attend(torch.rand(1, views, 3, 28, 42), frame_batch=frame_batch)
    whole = tiny_model.read_out(attended, slice(None), ("albedo", "normal"))
    read = tiny_model.read_out(attended, part, ("albedo", "normal"))
    assert_close(read, {name: values[:, part] for name, values in whole.items()}, rtol=0, atol=0)


def test_heads_of_other_maps_do_not_run(tiny: MVInverse, images: torch.Tensor):
    for name in ("albedo_head", "shading_head", "res_encoder", "metallic_head", "roughness_head"):
        delattr(tiny, name)
    assert tuple(tiny(images, maps=("normal",))) == ("normal",)


@pytest.mark.parametrize("frame_batch", [1, *(pytest.param(count, marks=pytest.mark.slow) for count in (2, 4)), 6])
def test_scenes_of_a_batch_do_not_see_each_other(tiny: MVInverse, images: torch.Tensor, frame_batch: int):
    tiny.double()
    images = images.double()
    other = images.flip(-1)
    both = tiny(torch.cat([images, other]), frame_batch=frame_batch)
    for scene, alone in enumerate((tiny(images), tiny(other))):
        assert_close({name: both[name][scene : scene + 1] for name in MAPS}, alone, rtol=0, atol=1e-6)


def test_views_of_a_scene_see_each_other_in_any_order(tiny_model: MVInverse, images: torch.Tensor):
    joint = tiny_model(images)
    order = [2, 0, 1]
    assert_close(tiny_model(images[:, order])["albedo"], joint["albedo"][:, order], rtol=0, atol=1e-5)
    alone = tiny_model(images[:, :1])
    assert (alone["albedo"] - joint["albedo"][:, :1]).abs().max() > 1e-3


@pytest.mark.parametrize(("height", "width"), [(14, 14), (14, 70), (42, 28), (154, 14)])
def test_odd_and_tiny_grids_come_back_at_their_size(tiny_model: MVInverse, height: int, width: int):
    outputs = tiny_model(torch.rand(1, 2, 3, height, width))
    assert outputs["shading"].shape == (1, 2, height, width, 3)


def test_pictures_that_are_no_whole_patches_are_refused(tiny_model: MVInverse):
    with pytest.raises(ValueError, match=r"71x70.*multiples of 14"):
        tiny_model(torch.rand(1, 1, 3, 70, 71))


@pytest.mark.slow
def test_forward_never_waits_for_the_device():
    with torch.device("meta"):  # where any `.item()` or data-dependent branch fails
        model = MVInverse(TINY).eval()
        outputs = model(torch.rand(1, 2, 3, 28, 28))
    assert outputs["albedo"].is_meta


def test_gradients_reach_every_parameter(tiny: MVInverse, images: torch.Tensor):
    tiny.requires_grad_(True)
    sum(values.square().sum() for values in tiny(images).values()).backward()
    without = [name for name, value in tiny.named_parameters() if value.grad is None]
    assert without == []


def test_levels_may_be_any_pairs(images: torch.Tensor):
    model = MVInverse(replace(TINY, decoder_depth=12, levels=(1, 2, 4, 5))).eval()
    assert model(images)["albedo"].shape == (1, 3, 56, 70, 3)


@pytest.mark.parametrize("patch_size", [8, 16])
def test_patches_may_be_of_another_side(patch_size: int):
    model = MVInverse(replace(TINY, patch_size=patch_size, bypass_tokens=True)).eval()
    with torch.inference_mode():
        maps = model(torch.rand(1, 2, 3, 3 * patch_size, 4 * patch_size))
    assert {name: values.shape[2:4] for name, values in maps.items()} == dict.fromkeys(
        MAPS, (3 * patch_size, 4 * patch_size)
    )
