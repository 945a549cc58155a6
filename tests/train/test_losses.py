"""Losses: against their equations written out, and blind to what is masked."""

import numpy as np
import pytest
import torch

from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.train.losses import (
    GAIN_RANGE,
    GOOD,
    LOG_MAPS,
    MAP_WEIGHTS,
    STRIDES,
    TYPICAL,
    LossForm,
    angle_loss,
    gradient_loss,
    least_squares_gain,
    log_loss,
    map_losses,
    metal_balance,
    total_loss,
)
from mvinverse_cli.trainings import TrainOptions

SHAPE = (2, 3, 20, 24)  # B, N, H, W
FORM = LossForm()
LOG = LossForm(picture_loss="log")


def random_maps(seed):
    generator = torch.Generator().manual_seed(seed)
    maps = {name: torch.rand(*SHAPE, SPECS[name].channels, generator=generator) for name in MAPS}
    maps["normal"] = torch.nn.functional.normalize(maps["normal"] - 0.5, dim=-1)
    return maps


def full_masks(value=True):
    return {name: torch.full((*SHAPE, 1), value) for name in MAPS}


def random_masks(seed=9):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(*SHAPE, 1, generator=generator) > 0.3 for name in MAPS}


def written_out_gradient(residual, mask, power):
    """The mean over pairs of valid neighbours on each stride's grid, one pair after another."""
    total = 0.0
    for stride in STRIDES:
        r, m = residual[:, :, ::stride, ::stride].double().numpy(), mask[:, :, ::stride, ::stride].numpy()
        for down, right in ((1, 0), (0, 1)):
            steps = [
                np.abs(r[b, n, y + down, x + right] - r[b, n, y, x]) ** power
                for b, n, y, x in np.ndindex(r.shape[0], r.shape[1], r.shape[2] - down, r.shape[3] - right)
                if m[b, n, y + down, x + right, 0] and m[b, n, y, x, 0]
            ]
            total += np.mean(steps)
    return total


@pytest.mark.parametrize(("kind", "power"), [("squared", 2), ("absolute", 1)])
def test_the_gradient_loss_is_its_equation(kind, power):
    residual, mask = random_maps(0)["albedo"], random_masks()["albedo"]
    assert gradient_loss(residual, mask, kind).item() == pytest.approx(
        written_out_gradient(residual, mask, power), 1e-5
    )


@pytest.mark.parametrize("name", ["albedo", "roughness", "shading"])
def test_without_edges_a_map_pays_its_mean_square_alone(name):
    predicted, wanted, masks = random_maps(0), random_maps(1), random_masks()
    residual, mask = predicted[name] - wanted[name], masks[name]
    square = residual[mask.expand_as(residual)].square().mean()
    assert map_losses(predicted, wanted, masks, LossForm(edges=0.0))[name].item() == pytest.approx(square.item(), 1e-5)


@pytest.mark.parametrize("name", ["albedo", "roughness", "shading"])
def test_a_map_pays_its_mean_square_and_its_gradients(name):
    predicted, wanted, masks = random_maps(0), random_maps(1), random_masks()
    residual, mask = predicted[name] - wanted[name], masks[name]
    square = residual[mask.expand_as(residual)].square().mean() + gradient_loss(residual, mask, "squared")
    assert map_losses(predicted, wanted, masks, FORM)[name].item() == pytest.approx(square.item(), 1e-5)


@pytest.mark.parametrize("form", [FORM, LOG])
def test_what_is_right_costs_nothing(form):
    maps = random_maps(0)
    assert all(abs(loss) < 1e-6 for loss in map_losses(maps, maps, full_masks(), form).values())


def test_the_log_loss_is_its_equation():
    residual, mask = torch.zeros(1, 3, 4, 5, 3), torch.ones(1, 3, 4, 5, 1)
    residual[0, 0], residual[0, 1], residual[0, 2] = 0.1, 0.2, 9.0
    mask[0, 2] = 0  # knows nothing
    mask[0, 1, :2] = 0
    residual[0, 1, :2] = 7.0
    expected = TYPICAL * np.log1p(np.array([0.01, 0.04]) / GOOD).mean()
    assert log_loss(residual, mask).item() == pytest.approx(expected, 1e-5)


@pytest.mark.parametrize("name", sorted(set(MAPS) - set(LOG_MAPS)))
def test_what_psnr_does_not_judge_pays_by_no_logarithm(name):
    maps = random_maps(0), random_maps(1), random_masks()
    assert map_losses(*maps, LOG)[name] == map_losses(*maps, FORM)[name]


@pytest.mark.parametrize("name", LOG_MAPS)
def test_by_logarithms_values_pay_and_gradients_as_before(name):
    predicted, wanted, masks = random_maps(0), random_maps(1), random_masks()
    paid = map_losses(predicted, wanted, masks, LOG)[name]
    residual = predicted[name] - wanted[name]
    edges = gradient_loss(residual, masks[name], "squared")
    assert paid.item() == pytest.approx((log_loss(residual, masks[name].float()) + edges).item(), 1e-5)


def test_a_hopeless_picture_pulls_less_than_a_good_one():
    residual = torch.tensor([0.05, TYPICAL**0.5, 1.0]).view(1, 3, 1, 1, 1).requires_grad_()
    log_loss(residual, torch.ones(1, 3, 1, 1, 1)).backward()
    mean = residual.detach() * 2 / 3  # what they pull under the plain mean
    good, usual, hopeless = (residual.grad / mean).flatten().tolist()
    assert good > 3
    assert usual == pytest.approx(1, abs=0.1)
    assert hopeless < 0.02


def test_a_constant_error_has_no_gradient():
    residual = torch.full((*SHAPE, 3), 0.3)
    assert gradient_loss(residual, full_masks()["albedo"], "absolute") == 0


def test_normals_pay_one_less_their_cosine():
    up, right = torch.tensor([0.0, 1, 0]), torch.tensor([1.0, 0, 0])
    mask = torch.ones(1, 1, 1, 1, 1, dtype=torch.bool)
    for wanted, loss in ((up, 0.0), (right, 1.0), (-up, 2.0)):
        assert angle_loss(up.view(1, 1, 1, 1, 3), wanted.view(1, 1, 1, 1, 3), mask).item() == pytest.approx(loss)


@pytest.mark.parametrize("form", [FORM, LossForm(gain=True), LOG])
def test_masked_pixels_change_no_loss_and_get_no_gradient(form):
    wanted, masks = random_maps(1), random_masks()
    losses = map_losses(random_maps(0), wanted, masks, form)
    spoilt = {name: torch.where(masks[name], value, 7.0) for name, value in random_maps(0).items()}
    spoilt = {name: value.requires_grad_() for name, value in spoilt.items()}
    spoilt_truth = {name: torch.where(masks[name], value, -3.0) for name, value in wanted.items()}
    again = map_losses(spoilt, spoilt_truth, masks, form)
    total_loss(again).backward()
    for name in MAPS:
        assert again[name].item() == pytest.approx(losses[name].item(), 1e-5)
        assert (spoilt[name].grad * ~masks[name]).abs().max() == 0


@pytest.mark.parametrize("picture_loss", ["mean", "log"])
def test_a_map_without_a_valid_pixel_costs_nothing_and_breaks_nothing(picture_loss):
    predicted = {name: value.requires_grad_() for name, value in random_maps(0).items()}
    losses = map_losses(predicted, random_maps(1), full_masks(False), LossForm(gain=True, picture_loss=picture_loss))
    total_loss(losses).backward()
    assert all(loss == 0 for loss in losses.values())
    assert all((value.grad == 0).all() for value in predicted.values())


def test_a_picture_smaller_than_the_largest_stride_has_a_loss():
    residual = torch.rand(1, 1, 3, 1, 3)
    assert gradient_loss(residual, torch.ones(1, 1, 3, 1, 1, dtype=torch.bool), "squared") > 0


def test_a_gain_makes_the_colour_of_albedo_and_shading_free_and_of_nothing_else():
    wanted, masks = random_maps(1), random_masks()
    scale = torch.tensor([0.6, 0.9, 1.5])
    predicted = {name: value * (scale if value.shape[-1] == 3 else 0.7) for name, value in wanted.items()}
    free, bound = (map_losses(predicted, wanted, masks, LossForm(gain=gain)) for gain in (True, False))
    assert free["albedo"] < 1e-10
    assert free["shading"] < 1e-10
    assert bound["albedo"] > 1e-2
    assert free["roughness"] == bound["roughness"] > 1e-3


def test_a_gain_is_of_each_picture_and_channel_and_never_far_from_one():
    wanted = random_maps(1)["albedo"]
    scale = torch.rand(*SHAPE[:2], 1, 1, 3) + 0.6
    gain = least_squares_gain(wanted / scale, wanted, full_masks()["albedo"])
    assert torch.allclose(gain, scale, atol=1e-5)
    assert least_squares_gain(wanted / 9, wanted, full_masks()["albedo"]).unique().tolist() == [GAIN_RANGE[1]]
    assert least_squares_gain(wanted * 9, wanted, full_masks()["albedo"]).unique().tolist() == [GAIN_RANGE[0]]


def test_no_gradient_passes_through_the_gain():
    predicted = random_maps(0)["albedo"].requires_grad_()
    assert not least_squares_gain(predicted, random_maps(1)["albedo"], full_masks()["albedo"]).requires_grad


def test_rare_metal_counts_up_to_its_cap_and_common_metal_no_more_than_the_rest():
    valid = torch.ones(1, 1, 10, 10, 1)
    metal = torch.zeros(1, 1, 10, 10, 1)
    for pixels, weight in ((1, 4.0), (25, 3.0), (50, 1.0), (90, 1.0), (0, 1.0)):
        metal.view(-1)[:] = 0
        metal.view(-1)[:pixels] = 1
        balance = metal_balance(metal, valid, 4.0)
        assert balance[metal > 0.5].tolist() == pytest.approx([weight] * pixels)
        assert (balance[metal < 0.5] == 1).all()


def test_what_is_not_metallic_pays_the_same_in_a_batch_without_metal():
    predicted, wanted = random_maps(0), random_maps(1)
    wanted["metallic"] = torch.zeros_like(wanted["metallic"])
    heavy, light = (
        map_losses(predicted, wanted, full_masks(), LossForm(metal_weight=weight))["metallic"] for weight in (8.0, 1.0)
    )
    assert heavy == light


def test_losses_are_float32_whatever_the_network_computes_in():
    predicted = {name: value.bfloat16() for name, value in random_maps(0).items()}
    with torch.autocast("cpu", torch.bfloat16):
        losses = map_losses(predicted, random_maps(1), full_masks(), FORM)
    assert {loss.dtype for loss in losses.values()} == {torch.float32}


def test_every_map_has_a_weight_and_their_sum_is_the_total():
    losses = {name: torch.tensor(float(i)) for i, name in enumerate(MAPS)}
    assert set(MAP_WEIGHTS) == set(MAPS)
    assert total_loss(losses).item() == pytest.approx(sum(MAP_WEIGHTS[name] * i for i, name in enumerate(MAPS)))


def test_the_form_is_what_the_options_say():
    options = TrainOptions(gradient_loss="absolute", gain=True, metal_weight=2.0, picture_loss="log")
    assert LossForm.of(options) == LossForm("absolute", True, 2.0, "log")
    assert LossForm.of(TrainOptions()) == LossForm()
