"""Slopes on either side of one half: what is over it stays over it, and the network applies them last."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from mvinverse_cli.maps import MAPS
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.model.slopes import steepened

SLOPES = (2.5, 0.7)


def test_each_side_has_its_own_slope_and_one_half_stays():
    logits = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0])
    expected = torch.tensor([-7.5, -2.5, 0.0, 0.7, 2.1]).sigmoid()
    assert_close(steepened(logits.sigmoid(), *SLOPES), expected)


@pytest.mark.parametrize("slopes", [(1.0, 1.0), SLOPES, (0.25, 8.0)])
def test_the_order_of_values_stays_and_so_does_the_side_that_they_are_on(slopes: tuple[float, float]):
    values = torch.linspace(0, 1, 1000)
    bent = steepened(values, *slopes)
    assert bent.min() >= 0
    assert bent.max() <= 1
    assert (bent.diff() >= 0).all()
    assert torch.equal(bent >= 0.5, values >= 0.5)


def test_slopes_of_one_change_nothing():
    values = torch.linspace(0, 1, 1001)
    assert_close(steepened(values, 1, 1), values, atol=2e-6, rtol=0)


def test_what_is_quite_sure_still_learns_nothing_that_is_no_number():
    values = torch.tensor([0.0, 1e-7, 0.3, 0.5, 0.7, 1.0], requires_grad=True)
    steepened(values, *SLOPES).sum().backward()
    assert values.grad is not None
    assert values.grad.isfinite().all()
    assert (values.grad[2:5] > 0).all()


@pytest.mark.parametrize("looks", [1, 2])
def test_the_network_makes_a_map_steeper_once_both_looks_are_one(tiny_model: MVInverse, looks: int):
    model = MVInverse(replace(tiny_model.config, sloped_maps=("metallic",))).eval().requires_grad_(False)
    model.load_state_dict(tiny_model.state_dict() | {"metallic_slopes": torch.tensor(SLOPES)})
    images = torch.rand(1, 2, 3, 28, 42, generator=torch.Generator().manual_seed(0))
    plain, bent = (net.read_out(net.attend(images, looks=looks), slice(None)) for net in (tiny_model, model))
    for name in MAPS:
        expected = steepened(plain[name], *SLOPES) if name == "metallic" else plain[name]
        assert_close(bent[name], expected, atol=1e-6, rtol=0)
    assert not torch.equal(bent["metallic"], plain["metallic"])
