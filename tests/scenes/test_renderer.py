"""What is loaded beside a scene's own parts, so that scenes share a kernel."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.scenes.layouts import compose
from mvinverse_cli.scenes.renderer import FILLED_TO, filled
from mvinverse_cli.scenes.shapes import triangles


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_scene_is_filled_to_a_round_number_and_reach_by_parts_without_a_surface(seed: int):
    scenery = compose(seed, "train", 0)
    parts = filled(scenery)
    assert parts[: len(scenery.parts)] == list(scenery.parts)
    assert len(parts) % FILLED_TO == 0
    assert 2 <= len(parts) - len(scenery.parts) < FILLED_TO + 2
    added = [triangles(part.lattices) for part in parts[len(scenery.parts) :]]
    for mesh in added:
        a, b, c = (mesh.points[mesh.faces[:, corner]] for corner in range(3))
        assert not np.cross(b - a, c - a).any()
    own = np.concatenate([triangles(part.lattices).points for part in scenery.parts])
    corners = np.concatenate([mesh.points for mesh in added])
    reach = corners.max()
    assert np.array_equal(np.unique(corners), [-reach, reach])  # a cube about the origin, whatever the scene
    assert np.log2(reach) % 2 == 0
    assert np.abs(own).max() <= reach


def test_scenes_of_about_as_many_parts_are_filled_alike():
    scenery = compose(0, "train", 0)
    fewer = replace(scenery, parts=scenery.parts[:-1])
    assert len(filled(fewer)) == len(filled(scenery))
