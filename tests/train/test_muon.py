"""Steps of matrices: as long in every direction, the same by one process and by several."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mvinverse_cli.train.muon import LENGTH, MOMENTUM, Muon, orthogonalize, suits_muon
from mvinverse_cli.train.ranks import Ranks
from tests.train.test_loop import OPTIONS, make_batch, make_trainer, same, train


def matrices(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def muon(parameters: list[nn.Parameter], rate: float = 0.1, decay: float = 0.0) -> Muon:
    return Muon([{"params": parameters, "weight_decay": decay}], rate, torch.float32)


@pytest.mark.parametrize("shape", [(3, 20, 50), (3, 50, 20), (2, 16, 16)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_singular_values_come_to_about_one_and_directions_stay(shape, dtype):
    given = matrices(*shape)
    made = orthogonalize(given.to(dtype))
    assert made.dtype == dtype
    assert made.shape == given.shape
    values = torch.linalg.svdvals(made.float())
    assert values.min() > 0.5
    assert values.max() < 1.3
    left, _, right = torch.linalg.svd(given, full_matrices=False)
    along = (left.mT @ made.float() @ right.mT).diagonal(dim1=1, dim2=2)  # the nearest orthogonal one is U V^T
    assert along.min() > 0.5


def test_a_matrix_of_nothing_stays_nothing():
    assert torch.equal(orthogonalize(torch.zeros(1, 16, 20)), torch.zeros(1, 16, 20))


def test_matrices_and_kernels_of_a_width_suit_it_and_narrow_ones_do_not():
    suited = ((16, 16), (32, 4, 2, 2), (192, 576))
    narrow = ((16,), (3, 64), (64, 1, 3, 3), (15, 400), (2, 16, 3, 3))
    assert all(suits_muon(torch.zeros(shape)) for shape in suited)
    assert not any(suits_muon(torch.zeros(shape)) for shape in narrow)


def test_a_step_has_the_length_of_one_of_adamw_whatever_the_gradient():
    for scale in (1e-4, 1e4):
        kernel = nn.Parameter(torch.zeros(32, 8, 3, 3))
        kernel.grad = scale * matrices(32, 8, 3, 3)
        muon([kernel], rate=0.1).step()
        assert kernel.detach().square().mean().sqrt() == pytest.approx(0.1 * LENGTH, rel=0.25)
        assert (kernel.detach() * kernel.grad).sum() < 0  # downhill


def test_weights_decay_as_in_adamw_and_what_has_no_gradient_stays():
    moved, still = nn.Parameter(torch.ones(16, 16)), nn.Parameter(torch.ones(16, 16))
    moved.grad = torch.zeros(16, 16)
    muon([moved, still], rate=0.1, decay=0.5).step()
    assert torch.allclose(moved, torch.full((16, 16), 0.95))
    assert torch.equal(still, torch.ones(16, 16))


def test_gradients_are_remembered():
    weight = nn.Parameter(torch.zeros(16, 16))
    first, second = matrices(2, 16, 16)
    optimizer = muon([weight])
    for gradient in (first, second):
        before = weight.detach().clone()
        weight.grad = gradient.clone()
        optimizer.step()
    mean = MOMENTUM * (1 - MOMENTUM) * first + (1 - MOMENTUM) * second
    wanted = orthogonalize((MOMENTUM * mean + (1 - MOMENTUM) * second)[None])[0]
    assert torch.allclose(before - weight.detach(), 0.1 * LENGTH * 4 * wanted, atol=1e-6)


def test_the_network_s_narrow_and_undecayed_parameters_are_left_to_adamw():
    trainer = make_trainer(replace(OPTIONS, optimizer="muon"))
    names = {parameter: name for name, parameter in trainer.model.named_parameters()}
    others, matrices = ([p for group in o.param_groups for p in group["params"]] for o in trainer.optimizers)
    assert sorted(names[p] for p in (*others, *matrices)) == sorted(trainer.names)
    assert {f"{kind}.weight" for kind in ("decoder.0.attn.qkv", "decoder.1.mlp.fc1")} <= {names[p] for p in matrices}
    assert all(suits_muon(p) for p in matrices)
    assert not any(suits_muon(p) for p in others)
    assert not any("pos_embed" in names[p] or "token" in names[p] for p in matrices)
    assert len(make_trainer().optimizers) == 1


@pytest.mark.slow
def test_a_run_by_muon_learns_and_goes_on_where_it_was():
    options = replace(OPTIONS, optimizer="muon", learning_rate=3e-3)
    trainer = make_trainer(options)
    losses = []
    for _ in range(20):
        trainer.take_step(make_batch(0))
        losses.append(trainer.read_losses()["total"])
    assert losses[-1] < 0.85 * losses[0]
    resumed = make_trainer(replace(options, seed=5))
    resumed.load_state(train(make_trainer(options), 2).state())
    assert same(train(make_trainer(options), 4), train(resumed, 4))


def test_shares_of_several_processes_are_the_whole(monkeypatch: pytest.MonkeyPatch):
    work = matrices(5, 16, 20)
    shares: list[torch.Tensor] = []
    monkeypatch.setattr("mvinverse_cli.train.ranks.distributed.all_reduce", lambda done: shares.append(done.clone()))
    for rank in range(3):
        Ranks(rank, 3).share(work, orthogonalize)
    assert torch.allclose(torch.stack(shares).sum(0), orthogonalize(work), atol=1e-5)
    assert all((share.flatten(1).abs().sum(1) > 0).sum() <= 2 for share in shares)
