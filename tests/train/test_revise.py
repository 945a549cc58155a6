"""Other paint and light on a sample: what changes, that truth and picture change alike, and that views agree."""

import numpy as np
import pytest

from mvinverse_cli.maps import MAPS
from mvinverse_cli.train import relight
from mvinverse_cli.train import revise as revising
from mvinverse_cli.train.decoded import COLOR, MASK, PLACES
from mvinverse_cli.train.revise import revise
from tests.train.cut import DRAWS, cut_views, picture


def revised(seed):
    views = cut_views()
    revise(views, np.random.default_rng(seed))
    return views


def test_albedo_times_shading_stays_the_picture_of_a_diffuse_scene(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relight, "gloss", lambda surface, light: np.float32(0))
    for share in ("COATED_SHARE", "MATTED_SHARE"):  # both mirror light
        monkeypatch.setattr(revising, share, 0.0)
    changed = 0
    for seed in DRAWS:
        for view, before in zip(revised(seed), cut_views(), strict=True):
            known = picture(view, MASK)[..., 0] > 0
            diffuse = picture(view, PLACES["albedo"]) * picture(view, PLACES["shading"])
            assert np.allclose(picture(view, COLOR)[known], diffuse[known], atol=2e-3)  # the cache holds halves
            changed += not np.array_equal(view.pixels, before.pixels)
    assert 0 < changed < 2 * len(DRAWS)  # some samples of two views, and not all


def test_normals_are_never_touched():
    for seed in DRAWS:
        for view, before in zip(revised(seed), cut_views(), strict=True):
            assert np.array_equal(picture(view, PLACES["normal"]), picture(before, PLACES["normal"]))


def test_every_sample_gets_its_new_finish(monkeypatch: pytest.MonkeyPatch):
    for share in ("COATED", "LACQUERED", "PAINTED", "WHITENED", "TINGED", "LIT"):
        monkeypatch.setattr(revising, f"{share}_SHARE", 0.0)
    monkeypatch.setattr(revising, "MATTED_SHARE", 1.0)
    for seed in DRAWS:
        pairs = list(zip(revised(seed), cut_views(), strict=True))
        rougher = [picture(view, PLACES["roughness"]) - picture(before, PLACES["roughness"]) for view, before in pairs]
        assert max(change.max() for change in rougher) > 0.1
        for view, before in pairs:
            for name in ("albedo", "metallic", "shading"):
                assert np.array_equal(picture(view, PLACES[name]), picture(before, PLACES[name]))


def test_a_scene_without_depth_camera_or_a_map_stays_as_it_is():
    lacking = ({"points": None, "to_world": None}, {"present": frozenset(MAPS) - {"metallic"}})
    for seed in DRAWS:
        for changes in lacking:
            views = cut_views(**changes)
            revise(views, np.random.default_rng(seed))
            for view, before in zip(views, cut_views(), strict=True):
                assert np.array_equal(view.pixels, before.pixels)


def test_a_scene_without_roughness_gets_paint_and_nothing_that_hangs_on_gloss(monkeypatch: pytest.MonkeyPatch):
    for share in ("LACQUERED_SHARE", "MATTED_SHARE", "LIT_SHARE", "PAINTED_SHARE"):
        monkeypatch.setattr(revising, share, 1.0)
    monkeypatch.setattr(revising, "COATED_SHARE", 0.0)
    views = cut_views(present=frozenset(MAPS) - {"roughness"})
    revise(views, np.random.default_rng(0))
    for view, before in zip(views, cut_views(), strict=True):
        assert not np.array_equal(picture(view, PLACES["albedo"]), picture(before, PLACES["albedo"]))
        for name in ("metallic", "roughness"):
            assert np.array_equal(picture(view, PLACES[name]), picture(before, PLACES[name]))


def test_the_same_generator_makes_the_same_sample():
    for first, second in zip(revised(3), revised(3), strict=True):
        assert np.array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("name", ["albedo", "shading"])
def test_nothing_becomes_negative_or_infinite(name):
    for seed in DRAWS:
        for view in revised(seed):
            for place in (COLOR, PLACES[name]):
                assert np.isfinite(picture(view, place)).all()
                assert picture(view, place).min() >= 0
