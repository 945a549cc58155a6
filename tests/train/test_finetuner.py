"""Steps of fine-tuning: what learns, what counts, and that maps come to hold still."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.scenes.store import find_scenes
from mvinverse_cli.train.data import Samples
from mvinverse_cli.train.finetuner import BEFORE, FineTuner
from mvinverse_cli.train.lessons import Lesson, draw_triplet
from mvinverse_cli.train.lora import plain_state
from mvinverse_cli.train.losses import map_losses
from mvinverse_cli.train.muon import Muon
from mvinverse_cli.trainings import FinetuneOptions, TrainOptions
from tests.conftest import TINY
from tests.scenes.views import make_scenes
from tests.train.panning import make_stretch

OPTIONS = FinetuneOptions(steps=20, warmup=2, learning_rate=1e-3, dtype="float32", device="cpu")
CPU = torch.device("cpu")
ALL = dict.fromkeys(MAPS, 1.0)


def make_tuner(model: MVInverse, **options) -> FineTuner:
    return FineTuner(copy.deepcopy(model), FinetuneOptions(**{**vars(OPTIONS), **options}), CPU)


def lesson(step: int) -> Lesson:
    return Lesson(draw_triplet([make_stretch()], OPTIONS, TINY, step))


def take(tuner: FineTuner, until: int) -> FineTuner:
    while tuner.step < until:
        tuner.take_step(lesson(tuner.step))
    return tuner


@pytest.mark.parametrize(
    ("part", "learns", "stays"),
    [
        ("heads", ("albedo_head", "normal_head"), ("decoder.0", "encoder.", "res_encoder")),
        ("lora", ("albedo_head", "decoder.0.attn.qkv"), ("encoder.", "res_encoder", "decoder.0.norm1")),
        ("decoder", ("albedo_head", "decoder.0"), ("encoder.", "res_encoder")),
        ("all", ("albedo_head", "decoder.0", "encoder.", "res_encoder"), ()),
    ],
)
def test_the_chosen_part_learns_and_nothing_else(tiny_model: MVInverse, part, learns, stays):
    tuner = take(make_tuner(tiny_model, train=part), 1)
    before = tiny_model.state_dict()
    changed = [name for name, values in plain_state(tuner.model).items() if not torch.equal(values, before[name])]
    assert all(any(name.startswith(prefix) for name in changed) for prefix in learns)
    assert not any(name.startswith(prefix) for name in changed for prefix in stays)


@pytest.mark.parametrize("part", ["heads", "lora", "decoder"])
def test_the_anchor_holds_the_first_frame_where_it_was(tiny_model: MVInverse, part):
    tuner = make_tuner(tiny_model, train=part, anchor_weight=0.5)
    losses, total = tuner.losses_of(lesson(0))
    assert set(losses) == {*MAPS, "anchor", "contrast"}
    assert losses["anchor"] == losses["contrast"] == 0
    take(tuner, 1)
    losses, total = tuner.losses_of(lesson(0))
    assert losses["anchor"] > 0
    wanted = sum(losses[name].item() for name in MAPS) + 0.5 * losses["anchor"].item()
    assert total.item() == pytest.approx(wanted, rel=1e-5)


def test_a_flatter_map_counts_by_its_weight(tiny_model: MVInverse):
    tuner = make_tuner(tiny_model, anchor_weight=0.0, contrast_weight=2.0)
    with torch.no_grad():
        for name in MAPS:
            tuner.model.get_submodule(f"{name}_head").scratch.output_conv2[-1].weight.mul_(0.1)
    losses, total = tuner.losses_of(lesson(0))
    assert losses["contrast"] > 0
    wanted = sum(losses[name].item() for name in MAPS) + 2 * losses["contrast"].item()
    assert total.item() == pytest.approx(wanted, rel=1e-5)


def test_with_scenes_every_map_counts_the_same(tiny_model: MVInverse, tmp_path):
    scenes = find_scenes(make_scenes(tmp_path, range(2))).scenes
    samples = Samples(scenes, tiny_model.config, TrainOptions(min_side=28, max_side=42, pixels=5000))
    tuner = make_tuner(tiny_model)
    batches = [samples.batch(step) for step in range(2)]
    with torch.no_grad():
        errors = [tuner.truth_losses(batch) for batch in batches]
    flicker = {name: 0.1 * (place + 1) for place, name in enumerate(MAPS)}
    tuner.balance(flicker, batches)
    level = np.mean([value**2 for value in flicker.values()])
    for name in MAPS:
        error = (errors[0][name].item() + errors[1][name].item()) / 2
        assert tuner.truth_scales[name] * error == pytest.approx(level, rel=1e-5)
        assert tuner.clip_scales[name] * flicker[name] ** 2 == pytest.approx(level, rel=1e-5)
    for batch in batches:
        batch.masks["metallic"][:] = False
    tuner.balance(flicker, batches)
    assert tuner.truth_scales["metallic"] == 0
    resumed = make_tuner(tiny_model)
    resumed.load_state(tuner.state())
    assert (resumed.truth_scales, resumed.clip_scales) == (tuner.truth_scales, tuner.clip_scales)


def test_scenes_beside_the_clip_count_by_their_weight(tiny_model: MVInverse, tmp_path):
    scenes = find_scenes(make_scenes(tmp_path, range(2))).scenes
    views = Samples(scenes, tiny_model.config, TrainOptions(min_side=28, max_side=42, pixels=5000)).batch(0)
    taught = replace(lesson(0), scenes=views)
    tuner = make_tuner(tiny_model, train="all", scenes="scenes", scenes_weight=0.25)
    losses, total = tuner.losses_of(taught)
    assert set(losses) == {*MAPS, "anchor", "contrast", "scenes"}
    assert losses["scenes"] > 0
    wanted = sum(losses[name].item() for name in MAPS) + 0.1 * losses["anchor"].item() + 0.25 * losses["scenes"].item()
    assert total.item() == pytest.approx(wanted, rel=1e-5)
    truths = []
    for _ in range(6):
        tuner.take_step(taught)
        truths.append(tuner.read_losses()["scenes"])
    assert truths[-1] < truths[0]


@pytest.mark.parametrize("part", ["heads", "all"])
def test_scenes_may_be_held_where_they_were_instead_of_at_their_truth(tiny_model: MVInverse, tmp_path, part):
    scenes = find_scenes(make_scenes(tmp_path, range(2))).scenes
    views = Samples(scenes, tiny_model.config, TrainOptions(min_side=28, max_side=42, pixels=5000)).batch(0)
    tuner = make_tuner(tiny_model, train=part, scenes="scenes", scenes_target="before")
    assert all(loss.item() == pytest.approx(0, abs=1e-6) for loss in tuner.scene_losses(views).values())
    assert all(loss > 1e-4 for loss in tuner.truth_losses(views).values())
    take(tuner, 2)
    moved = tuner.scene_losses(views)
    assert all(loss > 1e-9 and loss.requires_grad for loss in moved.values())
    before, now = tuner.before_and_now(views.images, slice(None), slice(None))
    values = map_losses(now, before, views.masks, replace(BEFORE, edges=0.0))
    assert all(moved[name] > values[name] for name in set(MAPS) - {"normal"})  # their edges count as well
    with tuner.with_weights(tuner.begun):
        assert all(loss.item() == pytest.approx(0, abs=1e-6) for loss in tuner.scene_losses(views).values())


@pytest.mark.parametrize(("name", "kinds"), [("adamw", [torch.optim.AdamW]), ("muon", [torch.optim.AdamW, Muon])])
def test_steps_of_either_optimizer_steady_the_maps(tiny_model: MVInverse, name, kinds):
    tuner = make_tuner(tiny_model, optimizer=name)
    assert [type(optimizer) for optimizer in tuner.optimizers] == kinds
    assert all("_head." in learning for learning in tuner.names)
    triplet = draw_triplet([make_stretch()], OPTIONS, TINY, 0)
    totals = []
    for _ in range(6):
        tuner.take_step(Lesson(triplet))
        totals.append(tuner.read_losses()["total"])
    assert totals[-1] < 0.9 * totals[0]


def test_a_run_stopped_and_resumed_ends_in_the_weights_of_an_undisturbed_one(tiny_model: MVInverse, tmp_path):
    undisturbed = take(make_tuner(tiny_model), 2)
    half = take(make_tuner(tiny_model), 1)
    half.keep(ALL)
    half.anchor_weights["normal"] = 3.0
    torch.save(half.state(), tmp_path / "state.pt")
    resumed = make_tuner(tiny_model)
    resumed.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert (resumed.step, resumed.good_steps, resumed.anchor_weights["normal"]) == (1, dict.fromkeys(MAPS, 1), 3.0)
    resumed.anchor_weights = undisturbed.anchor_weights
    assert all(torch.equal(a, b) for a, b in zip(resumed.good, half.mean, strict=True))
    take(resumed, 2)
    assert all(torch.equal(a, b) for a, b in zip(undisturbed.parameters, resumed.parameters, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(undisturbed.mean, resumed.mean, strict=True))


def test_what_is_kept_of_the_heads_is_kept_map_by_map_and_of_more_only_together(tiny_model: MVInverse):
    tuner = take(make_tuner(tiny_model), 1)
    tuner.keep(ALL)
    first = tuner.good
    take(tuner, 2)
    tuner.keep({name: 0.5 if name == "normal" else 1.0 for name in MAPS if name != "roughness"})
    assert tuner.good_steps == {name: 1 if name == "roughness" else 2 for name in MAPS}
    assert tuner.ways == {name: 0.5 if name == "normal" else 1.0 for name in MAPS}
    for name, good, before, begun, mean in zip(tuner.names, tuner.good, first, tuner.begun, tuner.mean, strict=True):
        wanted = {"roughness_head": before, "normal_head": (begun + mean) / 2}.get(name.split(".")[0], mean)
        assert torch.allclose(good, wanted, atol=1e-6)
    decoder = take(make_tuner(tiny_model, train="decoder"), 1)
    decoder.keep({"albedo": 1.0})
    assert decoder.good_steps["albedo"] == 0
    decoder.keep(dict.fromkeys(MAPS, 0.0))
    assert all(torch.equal(good, begun) for good, begun in zip(decoder.good, decoder.begun, strict=True))
