"""The second look: smaller, mirrored, merged with the first so that what both agree on stays."""

import pytest
import torch
from torch.nn.functional import interpolate, normalize
from torch.testing import assert_close

from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.memory import pass_bytes
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.presets import PRESETS
from mvinverse_cli.model.second_look import cell_means, merged, second_size, seen_again

PATCH = 14


def maps_of(height: int, width: int) -> dict:
    """Smooth maps (1, 2, H, W, C) of any size, all different."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    planes = torch.stack([x, y, 0.5 + 0.3 * (x - y)], dim=-1)
    views = torch.stack([planes, planes.flip(0)])[None]  # (1, 2, H, W, 3)
    return {
        name: normalize(views - torch.tensor([0.5, 0.4, -0.6]), dim=-1)
        if name == "normal"
        else views[..., : SPECS[name].channels]
        for name in MAPS
    }


def in_a_mirror(maps: dict) -> dict:
    """The maps of the same surfaces, seen in a mirror."""
    return {
        name: values.flip(3) * (torch.tensor([-1, 1, 1]) if name == "normal" else 1) for name, values in maps.items()
    }


@pytest.mark.parametrize(
    ("size", "second"), [((294, 518), (196, 350)), ((378, 378), (252, 252)), ((14, 28), (14, 14)), ((28, 14), (14, 14))]
)
def test_the_second_look_is_two_thirds_of_the_first_in_whole_patches(size: tuple[int, int], second: tuple[int, int]):
    assert second_size(size, PATCH) == second


def test_the_second_look_shows_the_same_left_for_right():
    picture = maps_of(84, 126)["albedo"].permute(0, 1, 4, 2, 3)
    again = seen_again(picture, PATCH)
    assert again.shape == (1, 2, 3, 56, 84)
    expected = in_a_mirror(maps_of(56, 84))["albedo"].permute(0, 1, 4, 2, 3)
    assert_close(again, expected, atol=0.01, rtol=0)


def test_looks_that_agree_change_nothing():
    first = maps_of(84, 126)
    together = merged(first, in_a_mirror(maps_of(56, 84)), PATCH)
    for name in MAPS:
        assert together[name].shape == first[name].shape
        assert_close(together[name], first[name], atol=0.012, rtol=0)


def test_whole_areas_are_the_mean_of_both_and_detail_is_that_of_the_first():
    detail = torch.zeros(84, 84)
    detail[::2] = 0.1
    fine = (0.4 + detail)[None, None, :, :, None]
    other = torch.full((1, 1, 56, 56, 1), 0.85)
    together = merged({"roughness": fine}, {"roughness": other}, PATCH)["roughness"]
    assert_close(together, fine + 0.2, atol=1e-5, rtol=0)  # half the way from a mean of 0.45 to 0.85


@pytest.mark.parametrize(("size", "cells"), [((294, 518), (56, 100)), ((42, 56), (8, 12)), ((14, 28), (4, 4))])
def test_means_of_cells_are_those_of_adaptive_pooling(size: tuple[int, int], cells: tuple[int, int]):
    torch.manual_seed(0)
    values = torch.rand(2, 3, *size)
    assert_close(cell_means(values, cells), interpolate(values, cells, mode="area"), atol=1e-6, rtol=0)


def test_values_stay_in_their_range_and_normals_of_unit_length():
    torch.manual_seed(0)
    first = {name: torch.rand(1, 1, 42, 56, SPECS[name].channels).round() for name in MAPS}
    second = {name: torch.rand(1, 1, 28, 42, SPECS[name].channels).round() for name in MAPS}
    first["normal"] = normalize(first["normal"] - 0.3, dim=-1)
    together = merged(first, second, PATCH)
    for name in MAPS:
        if name == "normal":
            assert_close(together[name].norm(dim=-1), torch.ones(1, 1, 42, 56))
        else:
            assert together[name].min() >= 0
            assert together[name].max() <= 1


def test_the_network_merges_what_it_makes_of_both(tiny_model: MVInverse):
    images = torch.rand(1, 3, 3, 56, 84)
    with torch.inference_mode():
        twice = tiny_model.read_out(tiny_model.attend(images, looks=2), slice(None))
        expected = merged(tiny_model(images), tiny_model(seen_again(images, PATCH)), PATCH)
        part = tiny_model.read_out(tiny_model.attend(images, looks=2, frame_batch=2), slice(1, 2), ("normal",))
    assert_close(twice, expected)
    assert_close(part["normal"], twice["normal"][:, 1:2], atol=1e-4, rtol=0)


def test_one_look_is_what_it_was(tiny_model: MVInverse):
    images = torch.rand(1, 2, 3, 28, 42)
    attended = tiny_model.attend(images, looks=1)
    assert attended.again is None
    assert_close(tiny_model.read_out(attended, slice(None)), tiny_model(images), rtol=0, atol=0)


@pytest.mark.parametrize("config", [PRESETS["small"], ModelConfig()], ids=["small", "published"])
def test_a_second_look_takes_less_memory_than_the_first_did(config: ModelConfig):
    once, twice = (
        pass_bytes(config, frames=24, size=(294, 518), frame_batch=1, element_bytes=4, looks=looks) for looks in (1, 2)
    )
    assert once < twice < 2 * once
