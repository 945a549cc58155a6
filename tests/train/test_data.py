"""Batches from scenes: the same in every run, true, and of the size that was asked for."""

import multiprocessing
import sys
import threading
import warnings
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from mvinverse_cli.color import linear_to_srgb
from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import resize
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.scenes.record import View, view_path, write_scene
from mvinverse_cli.scenes.store import find_scenes
from mvinverse_cli.train import data
from mvinverse_cli.train.augment import MOST_ENLARGED
from mvinverse_cli.train.data import Samples, resized, views_batch
from mvinverse_cli.trainings import TrainOptions
from tests.scenes.views import make_scenes, make_view

SIZE = (56, 84)
CONFIG = ModelConfig()
OPTIONS = TrainOptions(min_side=28, max_side=56, pixels=20_000)


FORKS = pytest.param(
    2,
    marks=[
        pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone"),
        pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # on a single core
    ],
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("scenes"), range(1, 13), size=SIZE)


def open_samples(folder, options=OPTIONS, config=CONFIG, **keywords):
    return Samples(find_scenes(folder).scenes, config, options, **keywords)


def same(first, second):
    return (
        first.names == second.names
        and torch.equal(first.images, second.images)
        and all(torch.equal(first.maps[name], second.maps[name]) for name in MAPS)
        and all(torch.equal(first.masks[name], second.masks[name]) for name in MAPS)
    )


@pytest.fixture
def unrevised(monkeypatch):
    """Samples keep their paint and light, most of the work, where order and shapes alone are looked at."""
    monkeypatch.setattr(data, "revise", lambda views, rng: None)


def test_a_step_is_the_same_batch_whatever_came_before(folder):
    went_on, resumed = open_samples(folder), open_samples(folder, cache_bytes=0)
    for step in range(3):
        went_on.batch(step)
    assert same(went_on.batch(3), resumed.batch(3))


def test_another_step_or_seed_is_another_batch(folder):
    samples = open_samples(folder)
    assert not same(samples.batch(0), samples.batch(1))
    assert not same(samples.batch(0), open_samples(folder, replace(OPTIONS, seed=1)).batch(0))


@pytest.mark.parametrize("workers", [0, FORKS])
def test_batches_made_ahead_are_those_of_their_steps_in_order(folder, workers):
    samples, alone = open_samples(folder), open_samples(folder)
    with closing(samples.batches(range(5, 20, 2), workers=workers)) as batches:
        for step, batch in zip(range(5, 20, 2), batches, strict=True):
            assert same(batch, alone.batch(step))


@pytest.mark.parametrize("workers", [0, FORKS])
def test_leaving_early_ends_what_makes_them(folder, workers):
    with closing(open_samples(folder).batches(range(1000), workers=workers)) as batches:
        next(batches)
    assert not multiprocessing.active_children()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mvinverse-samples")]


def test_shapes_types_and_ranges_are_those_of_the_contract(folder):
    shares = []
    for step in range(6):
        batch = open_samples(folder).batch(step)
        samples, views, channels, height, width = batch.images.shape
        assert channels == 3
        assert batch.images.dtype == torch.float32
        assert 0 <= batch.images.min() < batch.images.max() <= 1
        assert len(batch.names) == samples
        assert tuple(batch.maps) == tuple(batch.masks) == MAPS
        for name in MAPS:
            assert batch.maps[name].shape == (samples, views, height, width, SPECS[name].channels)
            assert batch.maps[name].dtype == torch.float32
            assert SPECS[name].low <= batch.maps[name].min() <= batch.maps[name].max() <= SPECS[name].high
            assert batch.masks[name].shape == (samples, views, height, width, 1)
            assert batch.masks[name].dtype == torch.bool
            shares.append(float(batch.masks[name].float().mean()))
    assert 0 < min(shares) < 1  # a crop may show surfaces alone


@pytest.mark.usefixtures("unrevised")
def test_views_and_sizes_are_mixed_and_the_pixels_stay_within_their_budget(folder):
    samples = open_samples(folder)
    shapes = [samples.batch(step).images.shape for step in range(40)]
    assert {shape[1] for shape in shapes} == {2, 3, 4}
    assert len({shape[3:] for shape in shapes}) > 4
    for count, views, _, height, width in shapes:
        assert height % 14 == width % 14 == 0
        assert 28 <= min(height, width) <= max(height, width) <= 56
        one = views * height * width
        assert abs(count * one - OPTIONS.pixels) <= one / 2 or count == len(samples.scenes)


@pytest.mark.usefixtures("unrevised")
def test_as_many_shapes_as_are_allowed_and_scenes_as_before(folder):
    few = open_samples(folder, replace(OPTIONS, shapes=3))
    batches = [few.batch(step) for step in range(30)]
    assert 1 < len({batch.images.shape[1:] for batch in batches}) <= 3
    assert len({batch.names for batch in batches}) > 10
    assert same(batches[7], open_samples(folder, replace(OPTIONS, shapes=3)).batch(7))


@pytest.mark.usefixtures("unrevised")
def test_steps_side_by_side_have_one_shape_and_scenes_of_their_own(folder):
    samples = open_samples(folder, abreast=2)
    batches = [samples.batch(step) for step in range(20)]
    pairs = list(zip(batches[::2], batches[1::2], strict=True))
    assert all(first.images.shape == second.images.shape for first, second in pairs)
    assert len({first.images.shape for first, _ in pairs}) > 4
    assert all(first.names != second.names for first, second in pairs)


def test_one_sample_is_drawn_where_it_fills_the_budget_alone(folder):
    assert open_samples(folder, replace(OPTIONS, pixels=200)).batch(0).images.shape[0] == 1


@pytest.mark.usefixtures("unrevised")
def test_the_scenes_of_a_batch_differ(folder):
    samples = open_samples(folder)
    for step in range(10):
        names = samples.batch(step).names
        assert len(set(names)) == len(names)


@pytest.mark.usefixtures("unrevised")
def test_every_scene_has_its_turn(folder):
    samples = open_samples(folder)
    assert {name for step in range(30) for name in samples.batch(step).names} == {s.name for s in samples.scenes}


@pytest.mark.usefixtures("unrevised")
def test_small_scenes_keep_no_batch_small_and_are_not_enlarged_beyond_measure(tmp_path):
    make_scenes(tmp_path, (1, 2, 3), size=(28, 28))
    make_scenes(tmp_path, (4, 5, 6), size=(112, 112))
    options = replace(OPTIONS, max_side=112, pixels=196)
    batches = [open_samples(tmp_path, options).batch(step) for step in range(60)]
    large = {name for batch in batches if max(batch.images.shape[3:]) > 28 * MOST_ENLARGED for name in batch.names}
    small = {name for batch in batches if max(batch.images.shape[3:]) <= 28 * MOST_ENLARGED for name in batch.names}
    assert large == {"00000004", "00000005", "00000006"}
    assert small > large


def test_small_scenes_stand_in_where_larger_ones_do_not_suffice(tmp_path):
    make_scenes(tmp_path, (1, 2), size=(28, 28))
    make_scenes(tmp_path, (3,), size=(112, 112))
    options = replace(OPTIONS, min_side=98, max_side=112, pixels=10**6)
    assert set(open_samples(tmp_path, options).batch(0).names) == {"00000001", "00000002", "00000003"}


@pytest.mark.usefixtures("unrevised")
def test_scenes_of_few_views_take_part_where_these_suffice(tmp_path):
    make_scenes(tmp_path, (1, 2), views=2)
    make_scenes(tmp_path, (3,), views=3)
    samples = open_samples(tmp_path)
    batches = [samples.batch(step) for step in range(12)]
    assert {batch.images.shape[1] for batch in batches} == {2, 3}
    assert {batch.names for batch in batches if batch.images.shape[1] == 3} == {("00000003",)}


def undisturbed(monkeypatch):
    """Leaves the crops and takes away all else that a sample goes through."""
    monkeypatch.setattr(data, "revise", lambda views, rng: None)
    monkeypatch.setattr(data, "light_gain", lambda rng: np.ones(3, np.float32))
    monkeypatch.setattr(data, "bright_gain", lambda rng: 1.0)
    monkeypatch.setattr(data, "sensor_white", lambda rng: 1.0)
    monkeypatch.setattr(data, "photographed", lambda color, rng: np.rint(255 * linear_to_srgb(np.clip(color, 0, 1))))


def linear(encoded):
    return torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def test_the_truth_of_a_batch_fits_its_pictures(folder, monkeypatch):
    undisturbed(monkeypatch)
    for step in range(6):
        batch = open_samples(folder).batch(step)
        diffuse = linear(batch.maps["albedo"]) * linear(batch.maps["shading"])
        seen = linear(batch.images.permute(0, 1, 3, 4, 2))
        assert (diffuse - seen).abs().max() < 0.02  # the mean of products is not the product of means


def test_light_changes_picture_and_shading_together(folder, monkeypatch):
    undisturbed(monkeypatch)
    before = open_samples(folder).batch(2)
    gain = np.array([0.5, 0.6, 0.4], np.float32)
    monkeypatch.setattr(data, "light_gain", lambda rng: gain)
    after = open_samples(folder).batch(2)
    factor = torch.from_numpy(gain)
    assert torch.allclose(linear(after.maps["shading"]), factor * linear(before.maps["shading"]), atol=1e-4)
    pictures = [linear(batch.images.permute(0, 1, 3, 4, 2)) for batch in (before, after)]
    assert torch.allclose(pictures[1], factor * pictures[0], atol=0.01)
    for name in set(MAPS) - {"shading"}:
        assert torch.equal(after.maps[name], before.maps[name]), name


def test_paint_is_part_of_most_samples_and_leaves_their_geometry(folder, monkeypatch):
    painted = open_samples(folder).batch(1)
    monkeypatch.setattr(data, "revise", lambda views, rng: None)
    plain = open_samples(folder).batch(1)
    changed = (painted.maps["albedo"] != plain.maps["albedo"]).flatten(1).any(dim=1)
    assert changed.float().mean() > 0.3
    assert torch.equal(painted.maps["normal"], plain.maps["normal"])


def test_degrading_the_picture_never_touches_the_truth(folder, monkeypatch):
    before = open_samples(folder).batch(1)
    monkeypatch.setattr(data, "photographed", lambda color, rng: np.zeros(color.shape, np.uint8))
    after = open_samples(folder).batch(1)
    assert after.images.max() == 0
    assert all(torch.equal(before.maps[name], after.maps[name]) for name in MAPS)
    assert all(torch.equal(before.masks[name], after.masks[name]) for name in MAPS)


def test_normals_have_unit_length_and_data_is_not_encoded(folder):
    batch = open_samples(folder).batch(0)
    assert torch.allclose(batch.maps["normal"].norm(dim=-1), torch.ones(()), atol=1e-5)
    view = make_view(10, SIZE)
    whole = views_batch([view], CONFIG, SIZE)
    assert np.allclose(whole.maps["roughness"][0, 0].numpy(), view.maps["roughness"], atol=1e-3)


def test_both_ways_of_a_flip_occur_and_turn_the_normals(folder, monkeypatch):
    normals = {}
    for flips in (0.0, 1.0):
        monkeypatch.setattr(data, "flipped", lambda *arrays, flips=flips: arrays if flips else turned(*arrays))
        normals[flips] = open_samples(folder).batch(3).maps["normal"]
    turned_samples = (normals[0.0] != normals[1.0]).flatten(1).any(dim=1)
    assert 0 < turned_samples.float().mean() < 1
    assert torch.equal(normals[1.0][turned_samples].flip(3) * torch.tensor([-1, 1, 1]), normals[0.0][turned_samples])


turned = data.flipped


@pytest.mark.parametrize("transfer", ["srgb", "linear"])
def test_the_config_says_which_curves_are_used(transfer):
    config = ModelConfig(input_transfer=transfer, albedo_transfer=transfer, shading_transfer=transfer)
    view = make_view(3, SIZE)
    batch = views_batch([view], config, SIZE, name="attic")
    on_curve = linear_to_srgb if transfer == "srgb" else np.array
    assert np.allclose(batch.images[0, 0].permute(1, 2, 0).numpy(), on_curve(view.color), atol=1e-3)
    assert np.allclose(batch.maps["albedo"][0, 0].numpy(), on_curve(view.maps["albedo"]), atol=1e-3)
    assert np.allclose(batch.maps["shading"][0, 0].numpy(), on_curve(view.maps["shading"]), atol=1e-3)
    assert batch.names == ("attic",)


def test_the_input_of_a_sample_is_on_the_models_curve(folder):
    encoded = open_samples(folder).batch(0).images
    straight = open_samples(folder, config=ModelConfig(input_transfer="linear")).batch(0).images
    assert torch.allclose(linear(encoded), straight, atol=1e-5)


def test_a_map_that_a_scene_lacks_is_masked_out(tmp_path):
    make_scenes(tmp_path, (1, 2), maps=("albedo", "normal", "shading"))
    for batch in (
        open_samples(tmp_path).batch(0),
        views_batch([make_view(), make_view(1, maps=("albedo", "normal", "shading"))], CONFIG, (42, 56)),
    ):
        for name in MAPS:
            assert bool(batch.masks[name].any()) == (name not in ("metallic", "roughness"))
    assert batch.maps["metallic"].shape[-1] == 1


def test_all_views_are_in_a_batch_without_augmentation_at_the_size_asked_for():
    views = [make_view(seed, SIZE) for seed in range(3)]
    batch = views_batch(views, CONFIG, (28, 42))
    assert batch.images.shape == (1, 3, 3, 28, 42)
    assert same(batch, views_batch(views, CONFIG, (28, 42)))


def test_a_pixel_counts_only_where_all_that_went_into_it_does():
    view = make_view(0, SIZE)  # without its left and upper 4 pixels
    shrunk = views_batch([view], CONFIG, (28, 42)).masks["albedo"][0, 0, ..., 0]
    grown = views_batch([view], CONFIG, (112, 168)).masks["albedo"][0, 0, ..., 0]
    assert not shrunk[:2].any()
    assert shrunk[2:, 2:].all()
    assert not grown[:11].any()  # a pixel of a cubic hangs on two to each side
    assert grown[11:, 11:].all()


def test_highlights_are_clipped_before_pixels_are_averaged():
    view = make_view(0, (28, 28))
    color = np.zeros_like(view.color)
    color[::2, ::2] = 50.0
    batch = views_batch([View(color, view.maps, None, view.mask, None)], CONFIG, (14, 14))
    assert torch.allclose(linear(batch.images), torch.tensor(0.25), atol=1e-3)


def test_what_grows_is_nearly_what_it_was_once_it_shrinks_again():
    before = np.random.default_rng(0).random((4, *SIZE, 4), np.float32)
    grown = resized(before, (2 * SIZE[0], 2 * SIZE[1]))
    bilinear = np.stack([resize(picture, grown.shape[1:3]) for picture in before])
    lost = [
        np.abs(values.reshape(4, SIZE[0], 2, SIZE[1], 2, 4).mean(axis=(2, 4)) - before).mean()
        for values in (grown, bilinear)
    ]
    assert lost[0] < 0.7 * lost[1]


def test_no_dark_rim_grows_around_a_highlight():
    board = np.full((4, 28, 28, 4), 0.2, np.float32)
    board[:, 10:18, 10:18] = 8
    assert resized(board, (56, 56))[0, ..., :3].min() > 0.12


def test_colours_are_averaged_as_light():
    board = np.zeros((4, 28, 28, 4), np.float32)
    board[:, ::2] = 1
    assert np.allclose(resized(board, (14, 28)), 0.5)


def test_a_scene_that_breaks_while_training_is_named_once_and_replaced(folder, tmp_path, caplog):
    make_scenes(tmp_path, range(1, 13), size=SIZE)
    for seed in (2, 5):
        path = view_path(tmp_path / f"{seed:08d}", 1)
        path.write_bytes(path.read_bytes()[:-200])  # its header is whole
    options = replace(OPTIONS, min_views=4)
    samples, again = open_samples(tmp_path, options), open_samples(tmp_path, options)
    assert len(samples.scenes) == 12
    batches = [samples.batch(step) for step in range(8)]
    names = {name for batch in batches for name in batch.names}
    assert len(names) == 10
    assert not names & {"00000002", "00000005"}
    assert {path.name for path, _ in samples.broken.values()} == {"00000002", "00000005"}
    assert sorted(record.message.split("/")[-2] for record in caplog.records) == ["00000002", "00000005"]
    assert all(same(batch, again.batch(step)) for step, batch in enumerate(batches))
    whole = [open_samples(folder, options).batch(step).images.shape for step in range(8)]
    assert [batch.images.shape for batch in batches] == [(min(shape[0], 10), *shape[1:]) for shape in whole]


def test_scenes_of_fewer_views_stand_in_for_those_of_many_that_are_all_broken(tmp_path):
    make_scenes(tmp_path, (1, 2), views=2)
    make_scenes(tmp_path, (3,), views=4)
    for i in range(4):
        path = view_path(tmp_path / "00000003", i)
        path.write_bytes(path.read_bytes()[:-200])  # its header is whole
    options = replace(OPTIONS, min_views=4)
    samples, again = open_samples(tmp_path, options), open_samples(tmp_path, options)
    batches = [samples.batch(step) for step in range(4)]
    assert {batch.images.shape[1] for batch in batches} == {2}
    assert {name for batch in batches for name in batch.names} == {"00000001", "00000002"}
    assert all(same(batch, again.batch(step)) for step, batch in enumerate(batches))


def test_scenes_that_are_all_broken_end_the_training(tmp_path, caplog):
    make_scenes(tmp_path, (1, 2))
    samples = open_samples(tmp_path)
    for scene in samples.scenes:
        for i in range(4):
            view_path(scene.path, i).unlink()
    with pytest.raises(InputError, match="none of 2 scenes can be read"):
        samples.batch(0)
    assert len(caplog.records) == 2


def test_no_scene_at_all_is_a_defect():
    with pytest.raises(ValueError, match="no scene"):
        Samples((), CONFIG, OPTIONS)


def test_a_view_is_read_once_and_kept_as_far_as_there_is_room(folder, monkeypatch):
    reads = []
    monkeypatch.setattr(data, "decode", lambda view, decode=data.decode: reads.append(view) or decode(view))
    samples = open_samples(folder)
    samples.batch(0)
    first = len(reads)
    samples.batch(0)
    assert len(reads) == first
    one_view = SIZE[0] * SIZE[1] * (4 * 4 + 3) * 2  # pixels and points, in halves
    tight = open_samples(folder, cache_bytes=3 * one_view)
    reads.clear()
    tight.batch(0)
    tight.batch(0)
    assert len(reads) == 2 * first - 3


def test_a_batch_moves_as_a_whole(folder):
    batch = open_samples(folder).batch(0)
    moved = batch.to(torch.device("meta"))
    assert moved.images.device.type == moved.maps["normal"].device.type == moved.masks["shading"].device.type == "meta"
    assert moved.names == batch.names


def test_what_a_denoiser_leaves_below_zero_can_be_trained_on(tmp_path):
    views = [make_view(seed, SIZE) for seed in range(2)]
    for view in views:
        for name in ("albedo", "roughness", "shading"):
            view.maps[name][:, ::5] = -0.001
    write_scene(tmp_path, 1, views, layout="room", split="train", generator=1)
    samples = Samples(find_scenes(tmp_path).scenes, CONFIG, OPTIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(30):
            batch = samples.batch(step)
            assert batch.images.isfinite().all()
            assert all(values.isfinite().all() for values in batch.maps.values())
