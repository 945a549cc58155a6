"""Steps: the same twice, the same after a stop, and what they change."""

import copy
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from mvinverse_cli.errors import DeviceMemoryError, TrainingError
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.initial import initialize
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.train.data import Batch
from mvinverse_cli.train.loop import choose_precision
from mvinverse_cli.train.ranks import Ranks
from mvinverse_cli.train.schedule import FLOOR, decay_at, rate_at
from mvinverse_cli.train.trainer import Trainer, parameter_groups
from mvinverse_cli.trainings import TrainOptions
from tests.conftest import TINY

OPTIONS = TrainOptions(steps=20, warmup=2, dtype="float32", device="cpu")
CPU = torch.device("cpu")


def make_batch(step: int, side: int = 28) -> Batch:
    generator = torch.Generator().manual_seed(step)
    shape = (1, 2, side, side)
    maps = {name: torch.rand(*shape, SPECS[name].channels, generator=generator) for name in MAPS}
    maps["normal"] = nn.functional.normalize(maps["normal"] - 0.5, dim=-1)
    masks = {name: torch.rand(*shape, 1, generator=generator) > 0.2 for name in MAPS}
    images = (maps["albedo"] * maps["shading"]).permute(0, 1, 4, 2, 3)
    return Batch(images, maps, masks, (f"scene-{step}",))


def make_trainer(options: TrainOptions = OPTIONS, config: ModelConfig = TINY, ranks: Ranks | None = None) -> Trainer:
    model = MVInverse(config)
    initialize(model, torch.Generator().manual_seed(options.seed))
    return Trainer(model, options, CPU, ranks)


def train(trainer: Trainer, until: int) -> Trainer:
    while trainer.step < until:
        trainer.take_step(make_batch(trainer.step))
    return trainer


def same(first: Trainer, second: Trainer) -> bool:
    states = first.model.state_dict(), second.model.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0]) and all(
        torch.equal(a, b) for a, b in zip(first.mean, second.mean, strict=True)
    )


@pytest.mark.slow
def test_one_seed_is_one_run():
    assert same(train(make_trainer(), 3), train(make_trainer(), 3))
    assert not same(train(make_trainer(), 3), train(make_trainer(replace(OPTIONS, seed=1)), 3))


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_a_run_stopped_and_resumed_ends_in_the_weights_of_an_undisturbed_one(dtype, tmp_path: Path):
    options = replace(OPTIONS, dtype=dtype)
    undisturbed = train(make_trainer(options), 4)
    torch.save(train(make_trainer(options), 2).state(), tmp_path / "state.pt")
    resumed = make_trainer(replace(options, seed=5))
    resumed.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert resumed.step == 2
    assert same(undisturbed, train(resumed, 4))


def test_steps_on_one_batch_learn_it():
    trainer = make_trainer(replace(OPTIONS, learning_rate=3e-3))
    losses = []
    for _ in range(15):
        trainer.take_step(make_batch(0))
        losses.append(trainer.read_losses()["total"])
    assert losses[-1] < 0.9 * losses[0]


def test_losses_are_read_as_means_of_the_steps_since_the_last_reading():
    trainer, single = make_trainer(), make_trainer()
    first, second = [train(single, step).read_losses() for step in (1, 2)]
    both = train(trainer, 2).read_losses()
    assert set(both) == {*MAPS, "total", "gradient"}
    assert both == pytest.approx({name: (first[name] + second[name]) / 2 for name in both})
    assert trainer.read_losses() == {}


def test_a_loss_that_is_no_number_names_step_and_sample():
    trainer = train(make_trainer(), 1)
    batch = make_batch(1)
    trainer.take_step(replace(batch, images=batch.images * float("nan"), names=("00000042", "00000007")))
    with pytest.raises(TrainingError, match=r"step 2: .*albedo nan.*00000042, 00000007; the last checkpoint is kept"):
        train(trainer, 3).read_losses()


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
    ids=["GPU", "CPU"],
)
@pytest.mark.parametrize("place", ["losses_of", "optimizer"])
def test_a_step_without_memory_says_so(error: RuntimeError, place: str, monkeypatch: pytest.MonkeyPatch):
    def out_of_memory(*values):
        raise error

    trainer = make_trainer()
    taker, name = (trainer, place) if place == "losses_of" else (trainer.optimizers[0], "step")
    monkeypatch.setattr(taker, name, out_of_memory)
    with pytest.raises(DeviceMemoryError, match=r"cpu: out of memory in a training step; lower --pixels"):
        trainer.take_step(make_batch(0))


def test_matrices_and_kernels_decay_and_nothing_else():
    model = MVInverse(TINY)
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = parameter_groups(model, OPTIONS)
    assert sorted(names[p] for group in groups for p in group["params"]) == sorted(names.values())
    still = {names[p] for group in groups if group["weight_decay"] == 0 for p in group["params"]}
    kinds = ("bias", "gamma", "token", "tokens", "pos_embed")
    norms = {
        f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.LayerNorm | nn.BatchNorm2d)
    }
    assert still == norms | {name for name in names.values() if name.endswith(kinds)}


def test_a_bypass_from_imagenet_learns_at_its_own_rate_and_at_none_stays_as_it_is():
    slow = make_trainer(replace(OPTIONS, imagenet=True, bypass_rate=0.25))
    train(slow, 1)
    rates = {group["rate"]: group["lr"] for optimizer in slow.optimizers for group in optimizer.param_groups}
    assert rates[0.25] == 0.25 * rates[1.0] == 0.25 * OPTIONS.learning_rate / OPTIONS.warmup
    frozen = make_trainer(replace(OPTIONS, imagenet=True, bypass_rate=0))
    before = copy.deepcopy(frozen.model.res_encoder.state_dict())
    after = train(frozen, 2).model.res_encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert len(frozen.mean) == len(frozen.names) < len(list(frozen.model.parameters()))


def test_heads_learn_alone_what_they_learn_beside_a_still_trunk():
    options = replace(OPTIONS, weights="w", train="heads", maps=("roughness", "normal"))
    trainer = make_trainer(options)
    before = copy.deepcopy(trainer.model.state_dict())
    train(trainer, 2)
    after = trainer.model.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"roughness_head", "normal_head"}
    told = trainer.read_losses()
    assert set(told) == {"roughness", "normal", "total", "gradient"}
    whole = make_trainer(replace(OPTIONS, weights="w"))  # the same first step, of the whole network
    train(whole, 1)
    first = make_trainer(options)
    train(first, 1)
    assert first.unread[0].told["roughness"] == pytest.approx(whole.unread[0].told["roughness"], abs=1e-6)


def test_statistics_of_batch_norms_stay_as_they_are_and_its_weights_learn():
    trainer = make_trainer()
    before = copy.deepcopy(trainer.model.res_encoder.layer1[1].state_dict())
    after = train(trainer, 2).model.res_encoder.layer1[1].state_dict()
    assert torch.equal(before["running_mean"], after["running_mean"])
    assert torch.equal(before["running_var"], after["running_var"])
    assert not torch.equal(before["weight"], after["weight"])


def test_the_mean_of_the_weights_forgets_the_first_soon_and_is_lent_for_a_block():
    trainer = make_trainer()
    wanted = trainer.parameters[3].detach().clone()
    for step in range(3):
        train(trainer, step + 1)
        decay = (1 + step) / (10 + step)
        wanted = decay * wanted + (1 - decay) * trainer.parameters[3].detach()
    own = trainer.parameters[3].detach().clone()
    with trainer.with_mean_weights() as model:
        assert not model.training
        assert torch.allclose(dict(model.named_parameters())[trainer.names[3]], wanted, atol=1e-7)
    assert torch.equal(trainer.parameters[3], own)
    assert trainer.model.training
    assert not trainer.model.res_encoder.layer1[1].training


def test_the_gradient_is_clipped_before_it_is_used():
    trainer = make_trainer(replace(OPTIONS, clip=1e-3))
    trainer.take_step(make_batch(0))
    squares = [p.grad.square().sum() for p in trainer.parameters if p.grad is not None]
    assert torch.stack(squares).sum().sqrt().item() == pytest.approx(1e-3, rel=1e-2)
    assert trainer.read_losses()["gradient"] > 1e-3


def test_the_rate_rises_in_a_line_and_falls_in_half_a_cosine_to_its_floor():
    rates = [rate_at(step, steps=101, warmup=10) for step in range(101)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10] == 1
    assert rates[55] == pytest.approx((1 + FLOOR) / 2)
    assert rates[100] == FLOOR == rate_at(500, steps=101, warmup=10)
    assert rate_at(0, steps=1, warmup=0) == 1
    assert [decay_at(0, 0.999), decay_at(90, 0.999), decay_at(10**6, 0.999)] == [0.1, 0.91, 0.999]


@pytest.mark.parametrize(("has", "wanted"), [(True, torch.bfloat16), (False, torch.float32)])
def test_bfloat16_is_taken_where_the_cpu_multiplies_in_it(has, wanted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert choose_precision("auto", CPU) == wanted
    assert choose_precision("float32", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16


TWO_PROCESSES = """
import sys, torch, weakref
from dataclasses import replace
from mvinverse_cli.errors import OptionError, TrainingError
from mvinverse_cli.model.device import choose_device
from mvinverse_cli.train.ranks import join_ranks
from tests.train.test_loop import CPU, OPTIONS, make_batch, make_trainer
with join_ranks(CPU) as ranks:
    group = weakref.ref(torch.distributed.group.WORLD)
    trainer = make_trainer(replace(OPTIONS, optimizer=sys.argv[2]), ranks=ranks)
    for step in range(2):
        trainer.take_step(make_batch(10 * step + ranks.rank))
    assert ranks.any(ranks.rank == 1) and not ranks.any(False)
    try:
        ranks.lead(lambda: choose_device("abacus"))
    except (OptionError if ranks.leads else TrainingError) as error:
        print(error)
    assert ranks.gather(ranks.rank) == [0, 1]
    torch.save(trainer.state()["model"], f"{sys.argv[1]}/{ranks.rank}.pt")
    batch = make_batch(ranks.rank)
    trainer.take_step(replace(batch, images=batch.images * (float("nan") if ranks.rank else 1)))
    try:
        trainer.read_losses()
    except TrainingError as error:
        assert "step 3" in str(error) and f"on {make_batch(1).names[0]}" in str(error), error
    else:
        raise AssertionError("a loss that is no number was overlooked")
assert group() is None, "the group outlives its end; its threads may abort the process"
"""


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_processes_that_train_together_keep_the_same_weights_from_the_mean_of_their_gradients(
    optimizer, tmp_path: Path
):
    script = tmp_path / "train.py"
    script.write_text(TWO_PROCESSES)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    here = Path(__file__).parents[2]
    subprocess.run(
        [*command, str(script), str(tmp_path), optimizer],
        check=True,
        env={**os.environ, "PYTHONPATH": str(here)},
        cwd=here,
    )
    states = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    alone = make_trainer(replace(OPTIONS, optimizer=optimizer))
    for step in range(2):
        gradients = []
        for rank in (0, 1):
            alone.model.zero_grad()
            alone.losses_of(make_batch(10 * step + rank))[1].backward()
            gradients.append([p.grad.clone() for p in alone.parameters])
        for parameter, first, second in zip(alone.parameters, *gradients, strict=True):
            parameter.grad = (first + second) / 2
        nn.utils.clip_grad_norm_(alone.parameters, OPTIONS.clip)
        for own in alone.optimizers:
            for group in own.param_groups:
                group["lr"] = alone.learning_rate
            own.step()
        alone.step += 1
    wanted = alone.model.state_dict()
    assert all(torch.allclose(states[0][name], wanted[name], atol=1e-4) for name in wanted)
