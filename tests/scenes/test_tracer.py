"""Path tracing against what is known without it, and reflections that few paths show."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.scenes.layouts import NO_SUN
from mvinverse_cli.scenes.materials import Material
from mvinverse_cli.scenes.record import Camera, View
from mvinverse_cli.scenes.renderer import load
from mvinverse_cli.scenes.shapes import quad
from mvinverse_cli.scenes.stage import Lamp, Part, Scenery
from mvinverse_cli.scenes.tracer import Quality, trace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("renderer")]

SIZE = (28, 42)
FLOOR = quad((-4, 0, 4), (8, 0, 0), (0, 0, -8))
PANES = tuple(quad((x, 0.3, -1.5), (0.3, 0, 0), (0, 1, 0)) for x in (-0.9, -0.3, 0.3, 0.9))


def material(color: tuple[float, float, float], *, roughness: float, metallic: float) -> Material:
    even = np.ones((2, 2, 1), np.float32)
    return Material((even * color).astype(np.float32), roughness * even, metallic * even, None, 1.0)


def floor(surface: Material, sky: float, *lamps: Lamp, others: tuple[Part, ...] = ()) -> Scenery:
    """A floor under an even sky, seen from above at 45 degrees."""
    to_world = np.eye(4)
    slant = np.sqrt(0.5)
    to_world[:3, :3] = [[1, 0, 0], [0, slant, slant], [0, -slant, slant]]
    to_world[:3, 3] = (0, 1.5, 1.5)
    every = np.full((2, 4, 3), sky, np.float32)
    return Scenery((Part((FLOOR,), surface), *others), lamps, every, *NO_SUN, (Camera(to_world, 40.0),), "floor")


def seen(scenery: Scenery, samples: int, seed: int = 0, quality: Quality = "high") -> View:
    (view,) = trace(load(scenery), scenery.cameras, *SIZE, samples, seed, quality)
    return view


@pytest.mark.parametrize(
    ("metallic", "least", "most"),
    [(1.0, (0.74, 0.46, 0.18), (0.82, 0.53, 0.25)), (0.0, (0.8, 0.51, 0.22), (0.88, 0.6, 0.31))],
)
def test_under_an_even_sky_a_floor_sends_back_what_its_material_says(metallic, least, most):
    view = seen(floor(material((0.8, 0.5, 0.2), roughness=0.3, metallic=metallic), 1.0), 64)
    assert view.mask.all()
    assert view.maps["shading"].mean() == pytest.approx(1, abs=0.01)
    assert view.maps["shading"].std() < 0.05
    assert (view.color.mean((0, 1)) > least).all()
    assert (view.color.mean((0, 1)) < most).all()


@pytest.mark.parametrize(("quality", "alike"), [("high", 0.95), ("balanced", 0.93)])
def test_few_paths_show_what_a_smooth_floor_mirrors_and_a_matte_one_does_not(quality: Quality, alike: float):
    panes = Lamp(PANES, np.full(3, 12, np.float32))

    def reflection(roughness: float, samples: int, seed: int = 0):
        scenery = floor(material((0.3, 0.3, 0.3), roughness=roughness, metallic=0), 0.2, panes)
        view = seen(scenery, samples, seed, quality)
        return (view.color - view.maps["albedo"] * view.maps["shading"])[view.mask[..., 0]].ravel()

    true = reflection(0.15, 128)
    assert true.std() > 0.1
    assert np.corrcoef(true, reflection(0.15, 4, 1))[0, 1] > alike
    assert reflection(0.9, 4).std() < 0.03


def test_where_a_pixel_holds_two_surfaces_it_has_the_average_of_their_light():
    """A dark board in bright light before a white floor in shade: nowhere the floor's colour in the board's light."""
    board = Part((quad((-0.5, 0.6, 0.2), (1, 0, 0), (0, 0, -0.8)),), material((0.03,) * 3, roughness=0.9, metallic=0))
    beside = Lamp((quad((-0.55, 0.62, -0.6), (0, 0.3, 0), (0, 0, 0.8)),), np.full(3, 20, np.float32))
    view = seen(floor(material((0.9,) * 3, roughness=0.9, metallic=0), 0.05, beside, others=(board,)), 8)
    alone = view.maps["albedo"] * view.maps["shading"]
    edges = (view.maps["albedo"] > 0.1) & (view.maps["albedo"] < 0.8) & view.mask
    assert edges.any()
    flat = ~edges & view.mask
    assert view.color[edges].max() < 1.2 * view.color[flat].max()
    assert alone[edges].max() > 1.5 * view.color[edges].max()  # what the product of averages would have made of them


def test_no_light_comes_through_a_wall_whatever_its_relief():
    slope = np.float32([np.sin(0.4), 0, np.cos(0.4)])
    normal = np.stack([slope, slope * [-1, 1, 1]])[None].repeat(2, axis=0).astype(np.float32)
    wall = replace(material((0.5,) * 3, roughness=0.8, metallic=0), normal=normal, repeats=4.0)
    box = [FLOOR, quad((-4, 3, -4), (8, 0, 0), (0, 0, 8))]
    box += [quad((-4, 0, -4), (8, 0, 0), (0, 3, 0)), quad((4, 0, 4), (-8, 0, 0), (0, 3, 0))]
    box += [quad((-4, 0, 4), (0, 0, -8), (0, 3, 0)), quad((4, 0, -4), (0, 0, 8), (0, 3, 0))]
    shut = replace(floor(wall, 3.0), parts=(Part(tuple(box), wall),))
    view = seen(shut, 8)
    assert view.maps["shading"].max() < 1e-4
    assert view.color.max() < 1e-4
