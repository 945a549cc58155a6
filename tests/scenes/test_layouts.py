"""Layouts: a seed is a scene, the held-out half of the vocabulary is its own, walls face the room."""

import numpy as np
import pytest

from mvinverse_cli.scenes.clutter import SMALL_THINGS
from mvinverse_cli.scenes.held_out_layouts import HELD_OUT_LAYOUTS
from mvinverse_cli.scenes.layouts import Layout, compose
from mvinverse_cli.scenes.rooms import Room
from mvinverse_cli.scenes.shapes import triangles
from mvinverse_cli.scenes.stage import Scenery, Stage
from mvinverse_cli.scenes.train_fronts import counter, crates, porch, sill
from mvinverse_cli.scenes.train_interiors import corridor, furnished_room, hall, stairwell, steps, workshop
from mvinverse_cli.scenes.train_layouts import TRAIN_LAYOUTS


def outline(scenery: Scenery) -> list[float]:
    """Numbers that tell two sceneries apart."""
    points = [float(np.abs(triangles(part.lattices).points).sum()) for part in scenery.parts]
    colors = [float(part.material.base_color.sum()) for part in scenery.parts]
    return [*points, *colors, *scenery.sun.tolist(), *scenery.cameras[-1].to_world.ravel().tolist()]


@pytest.mark.parametrize("split", ["train", "held-out"])
def test_a_seed_makes_the_same_scene_again(split):
    assert outline(compose(7, split)) == outline(compose(7, split))
    assert outline(compose(7, split)) != outline(compose(8, split))
    assert outline(compose(7, split)) != outline(compose(7, split, attempt=1))


def test_training_and_held_out_share_no_layout():
    trained = {layout(Stage(np.random.default_rng(0), "train")).layout for layout, _ in TRAIN_LAYOUTS}
    held_out = {layout(Stage(np.random.default_rng(0), "held-out")).layout for layout, _ in HELD_OUT_LAYOUTS}
    interiors = {"room", "corridor", "hall", "stairwell", "workshop"}
    fronts = {"counter", "crates", "sill", "porch"}
    assert trained == interiors | fronts | {"corner", "still life", "courtyard", "heap"}
    assert held_out == {"loft", "niche", "arcade"}
    assert sum(share for _, share in TRAIN_LAYOUTS) == pytest.approx(1)
    assert sum(share for _, share in HELD_OUT_LAYOUTS) == pytest.approx(1)


@pytest.mark.parametrize("layout", [counter, crates, sill, porch])
def test_what_stands_before_a_wall_is_seen_from_its_side(layout: Layout):
    for seed in range(6):
        scenery = layout(Stage(np.random.default_rng(seed), "train"))
        for camera in scenery.cameras:
            assert camera.to_world[2, 3] > (0.4 if layout is not porch else -1.6)  # the wall is at 0, the house at -2.8
            assert camera.to_world[1, 3] > 0


@pytest.mark.parametrize("layout", [furnished_room, corridor, hall, stairwell, workshop])
def test_a_room_is_seen_from_inside(layout: Layout):
    for seed in range(3):
        scenery = layout(Stage(np.random.default_rng(seed), "train"))
        floor = triangles(scenery.parts[0].lattices).points
        low, high = floor.min(axis=0), floor.max(axis=0)
        for camera in scenery.cameras:
            x, y, z = camera.to_world[:3, 3]
            assert low[0] < x < high[0]
            assert low[2] < z < high[2]
            assert y > 0.2


@pytest.mark.parametrize("count", [3, 9])
def test_stairs_rise_backwards_step_by_step(count: int):
    for seed in range(6):
        stage = Stage(np.random.default_rng(seed), "train")
        up, back = steps(stage, (1.0, 0.0, 5.0), 0.0, 1.2, count)
        bodies, treads = (triangles(part.lattices).points for part in stage.parts[:2])
        assert bodies[:, 1].max() == pytest.approx(up)
        assert bodies[:, 2].min() == pytest.approx(5 - back)
        assert len(set(treads[:, 1].round(4))) == 2 * count  # the upper and the lower side of each
        assert bodies[:, 1].min() >= -0.4 * up / count - 1e-6  # nothing hangs far below the floor


def test_only_vessels_stand_in_both_halves():
    shared = set(SMALL_THINGS["train"]) & set(SMALL_THINGS["held-out"])
    assert {thing.__name__ for thing in shared} == {"vessel"}


@pytest.mark.parametrize("seed", range(8))
def test_a_scene_has_light_and_four_cameras_of_one_angle(seed: int):
    scenery = compose(seed, "train")
    assert scenery.sky.max() > 0
    assert scenery.lamps or scenery.sun.max() > 0
    assert len(scenery.cameras) == 4
    assert len({camera.fov_x_deg for camera in scenery.cameras}) == 1
    for camera in scenery.cameras:
        rotation = camera.to_world[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(1)


def test_every_wall_is_seen_from_inside_the_room():
    room = Room(4.0, 2.5, 6.0)
    middle = np.array([2.0, 1.0, 3.0])
    for wall in room.walls:
        left, right, inside = (
            np.array(wall.point(*at)) for at in ((0, 1, 0), (wall.length, 1, 0), (wall.length / 2, 1, 1))
        )
        assert np.linalg.norm(right - left) == pytest.approx(wall.length)
        on_wall = (left + right) / 2
        np.testing.assert_allclose(inside - on_wall, (middle - on_wall) / np.linalg.norm(middle - on_wall), atol=1e-9)
        # seen from inside, s runs from left to right
        assert np.cross(right - left, (0, 1, 0)) @ (middle - on_wall) > 0
