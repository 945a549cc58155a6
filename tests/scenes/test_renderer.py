"""What is loaded beside a scene's own parts and lamps, so that scenes share a kernel."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from mvinverse_cli.scenes.layouts import compose
from mvinverse_cli.scenes.renderer import (
    FILLED_TO,
    LAMP_FACES,
    LAMPS_FILLED_TO,
    REACH,
    filled,
    shining,
)
from mvinverse_cli.scenes.shapes import Mesh, quad, triangles
from mvinverse_cli.scenes.stage import Scenery


def areas(mesh: Mesh) -> np.ndarray:
    """Of each face."""
    a, b, c = (mesh.points[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def all_lit(seed: int, lamps: int) -> Scenery:
    """The scene of a seed with so many lamps, which are copies of one."""
    scenery = compose(seed, "train", 0)
    return replace(scenery, lamps=scenery.lamps[:1] * lamps)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_scene_is_filled_to_a_round_number_by_parts_without_a_surface_and_dark_specks(seed: int):
    scenery = compose(seed, "train", 0)
    parts, lamps = filled(scenery)
    assert parts[: len(scenery.parts)] == list(scenery.parts)
    assert lamps[: len(scenery.lamps)] == list(scenery.lamps)
    assert len(parts) % FILLED_TO == len(lamps) % LAMPS_FILLED_TO == 0
    assert 2 <= len(parts) - len(scenery.parts) < FILLED_TO + 2
    assert 1 <= len(lamps) - len(scenery.lamps) <= LAMPS_FILLED_TO
    added = [triangles(part.lattices) for part in parts[len(scenery.parts) :]]
    assert not any(areas(mesh).any() for mesh in added)
    corners = np.concatenate([mesh.points for mesh in added])
    assert np.array_equal(np.unique(corners), [-REACH, REACH])  # a cube about the origin, whatever the scene
    for lamp in lamps[len(scenery.lamps) :]:
        mesh = triangles(lamp.lattices)
        assert not lamp.radiance.any()
        assert 0 < areas(mesh).sum() < 1e-5
        assert np.abs(mesh.points - REACH).max() < 0.01
    own = [part.lattices for part in chain(scenery.parts, scenery.lamps)]
    assert max(np.abs(triangles(lattices).points).max() for lattices in own) < REACH


def test_a_scene_that_reaches_further_is_filled_to_the_next_power_of_four():
    scenery = compose(0, "train", 0)
    far = replace(scenery.parts[0], lattices=(quad((100, 0, 0), (1, 0, 0), (0, 1, 0)),))
    parts, _ = filled(replace(scenery, parts=(*scenery.parts, far)))
    assert np.abs(triangles(parts[-1].lattices).points).min() == 256


@pytest.mark.parametrize("count", [0, 1, 11, 12])
def test_a_dark_lamp_is_there_however_many_shine(count: int):
    """Mitsuba samples lamps that all count the same in another way, in another kernel."""
    _, lamps = filled(all_lit(1, count))
    assert len(lamps) > count
    assert len(lamps) % LAMPS_FILLED_TO == 0


def test_scenes_of_about_as_many_parts_are_filled_alike():
    scenery = compose(0, "train", 0)
    fewer = replace(scenery, parts=scenery.parts[:-1])
    assert list(map(len, filled(fewer))) == list(map(len, filled(scenery)))


def test_a_lamp_of_more_faces_shines_as_before():
    pane = triangles((quad((1, 2, 3), (0.5, 0, 0), (0, 0.25, 0)),))
    more = shining(pane)
    assert more.faces.shape == (LAMP_FACES, 3)
    assert np.array_equal(more.faces[: len(pane.faces)], pane.faces)
    found = areas(more)
    assert found[len(pane.faces) : -1].max() == 0
    assert 0 < found[-1] < 1e-5 * found[0]  # the last counts, so that all are searched
    assert found.sum() == pytest.approx(areas(pane).sum(), rel=1e-5)
    assert np.array_equal(np.unique(more.points.round(2), axis=0), np.unique(pane.points.round(2), axis=0))
    assert shining(more) is more
