"""The mean of weights: number by number, of one network alone, open about where it comes from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mvinverse_cli.errors import OptionError, WeightsError
from mvinverse_cli.model.checkpoint import load_model, save_checkpoint
from mvinverse_cli.model.header import read_header
from mvinverse_cli.model.mean import write_mean
from mvinverse_cli.model.weights import file_hash, find_weights
from tests.conftest import TINY


def save(path: Path, state, config=TINY, **metadata) -> str:
    save_checkpoint(state, config, path, metadata)
    return str(path)


def scaled(model, factor):
    return {
        name: value * factor if value.is_floating_point() and not name.startswith("image_") else value
        for name, value in model.state_dict().items()
    }


def mean(output, names, shares=()):
    write_mean([find_weights(name) for name in names], shares, output)
    return load_file(output)


@pytest.fixture
def names(tmp_path, tiny_model):
    """The tiny network, and the same with every number three times as large."""
    return [
        save(tmp_path / f"{factor}.safetensors", scaled(tiny_model, factor), step=f"{factor} of 3") for factor in (1, 3)
    ]


@pytest.mark.parametrize(
    ("shares", "factor"), [pytest.param((), 2, id="alike"), pytest.param((3, 1), 1.5, id="by their shares")]
)
def test_every_number_is_the_mean_of_its_own(tmp_path, tiny_model, names, shares, factor):
    found = mean(tmp_path / "mean.safetensors", names, shares)
    for name, value in scaled(tiny_model, factor).items():
        assert torch.allclose(found[name], value, rtol=1e-6, atol=0), name


def test_what_is_the_same_in_all_stays_so_to_the_bit(tmp_path, names):
    one = mean(tmp_path / "mean.safetensors", [names[0]] * 3)
    assert all(torch.equal(value, one[name]) for name, value in load_file(names[0]).items())


def test_tensors_have_the_type_of_the_first_file(tmp_path, tiny_model, names):
    halves = {name: value.half() for name, value in tiny_model.named_parameters()}
    first = save(tmp_path / "half.safetensors", {**tiny_model.state_dict(), **halves})
    found = mean(tmp_path / "mean.safetensors", [first, names[0]])
    assert {name: value.dtype for name, value in found.items()} == {
        name: value.dtype for name, value in load_file(first).items()
    }


def test_the_mean_is_a_network_that_runs(tmp_path, names):
    mean(tmp_path / "mean.safetensors", names)
    maps = load_model(str(tmp_path / "mean.safetensors"), device="cpu")(torch.rand(1, 2, 3, 28, 28))
    assert all(values.isfinite().all() for values in maps.values())


def test_the_metadata_is_that_of_the_first_and_tells_all(tmp_path, names):
    mean(tmp_path / "mean.safetensors", names, (3, 1))
    told = read_header(tmp_path / "mean.safetensors").metadata
    assert told["step"] == "1 of 3"
    assert json.loads(told["mean"]) == [
        {"name": names[0], "sha256": file_hash(Path(names[0])), "share": 0.75, "step": "1 of 3"},
        {"name": names[1], "sha256": file_hash(Path(names[1])), "share": 0.25, "step": "3 of 3"},
    ]


def test_every_licence_is_carried_on(tmp_path, tiny_model, names):
    state = tiny_model.state_dict()
    bound = save(tmp_path / "bound.safetensors", state, licence="CC BY-NC 4.0: non-commercial use only")
    free = save(tmp_path / "free.safetensors", state, licence="Apache-2.0")
    mean(tmp_path / "mean.safetensors", [names[0], free, bound, free])
    found = find_weights(str(tmp_path / "mean.safetensors"))
    assert found.licence == "Apache-2.0; CC BY-NC 4.0: non-commercial use only"


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        pytest.param((1,), "1 for 2 weights", id="too few"),
        pytest.param((1, 2, 3), "3 for 2 weights", id="too many"),
        pytest.param((1, 0), "more than 0", id="nothing of one"),
        pytest.param((1, -1), "more than 0", id="less than nothing"),
        pytest.param((1, float("nan")), "more than 0", id="no number"),
        pytest.param((1, float("inf")), "more than 0", id="without end"),
    ],
)
def test_shares_that_cannot_be_are_refused(tmp_path, names, shares, said):
    with pytest.raises(OptionError, match=said):
        mean(tmp_path / "mean.safetensors", names, shares)
    assert not (tmp_path / "mean.safetensors").exists()


@pytest.mark.slow
def test_a_mean_of_means_tells_of_each_without_texts_in_texts(tmp_path, tiny_model):
    options = {"optimizer": "muon", "seed": 3}
    name = save(tmp_path / "run.safetensors", tiny_model.state_dict(), training=json.dumps(options), data="[cut")
    for depth in range(4):
        output = tmp_path / f"{depth}.safetensors"
        mean(output, [name, str(tmp_path / "run.safetensors")])
        name = str(output)
    told = read_header(Path(name)).metadata["mean"]
    assert "\\" not in told
    deepest = json.loads(told)
    for _ in range(3):
        deepest = deepest[0]["mean"]
    assert [(part["training"], part["data"]) for part in deepest] == [(options, "[cut")] * 2


@pytest.mark.parametrize("deep", [500, 100_000])
def test_metadata_that_is_nested_without_end_is_carried_as_it_is(tmp_path, tiny_model, names, deep):
    endless = save(tmp_path / "endless.safetensors", tiny_model.state_dict(), training="[" * deep + "]" * deep)
    told = mean(tmp_path / "mean.safetensors", [endless, names[0]])
    assert set(told) == set(tiny_model.state_dict())


@pytest.mark.slow
def test_shares_may_be_of_any_size(tmp_path, names):
    for at, share in enumerate((1e308, 1e-300)):
        mean(tmp_path / f"mean{at}.safetensors", names, (share, share))
    assert file_hash(tmp_path / "mean0.safetensors") == file_hash(tmp_path / "mean1.safetensors")


def test_numbers_that_are_none_are_refused_and_named(tmp_path, tiny_model, names):
    broken = scaled(tiny_model, float("nan"))
    with pytest.raises(WeightsError, match=r"broken\.safetensors: NaN or infinity in \S+; see"):
        mean(tmp_path / "mean.safetensors", [names[0], save(tmp_path / "broken.safetensors", broken)])
    assert not (tmp_path / "mean.safetensors").exists()


def test_one_has_no_mean(tmp_path, names):
    with pytest.raises(OptionError, match="two weights or more"):
        mean(tmp_path / "mean.safetensors", names[:1])


def test_weights_that_see_pictures_at_other_sizes_are_of_one_network(tmp_path, tiny_model, names):
    larger = save(tmp_path / "larger.safetensors", tiny_model.state_dict(), replace(TINY, min_size=280))
    mean(tmp_path / "mean.safetensors", [larger, *names])
    assert find_weights(str(tmp_path / "mean.safetensors")).config.min_size == 280


def test_another_network_is_refused_by_what_differs(tmp_path, tiny_model, names):
    config = replace(TINY, albedo_transfer="linear")
    other = save(tmp_path / "linear.safetensors", tiny_model.state_dict(), config)
    with pytest.raises(WeightsError, match="albedo_transfer linear instead of srgb"):
        mean(tmp_path / "mean.safetensors", [names[0], other])


def test_a_file_that_lacks_tensors_is_refused(tmp_path, names):
    other = save(tmp_path / "x.safetensors", {"x": torch.ones(1)})
    with pytest.raises(WeightsError, match="does not fit the network"):
        mean(tmp_path / "mean.safetensors", [names[0], other])
