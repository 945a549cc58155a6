"""Verification: a whole file passes every check, and each fault fails its own."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mvinverse_cli.model.checkpoint import save_checkpoint
from mvinverse_cli.model.verify import Check, verify_weights
from mvinverse_cli.model.weights import find_weights, hash_of
from tests.conftest import TINY


def checks(path: Path, sha256: str | None = None) -> dict[str, Check]:
    return {check.name: check for check in verify_weights(replace(find_weights(str(path)), sha256=sha256))}


@pytest.fixture
def file(tmp_path, tiny_model) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(tiny_model.state_dict(), TINY, path)
    return path


def test_a_whole_file_passes_every_check(file, tiny_model):
    found = checks(file, hash_of(find_weights(str(file))))
    assert [check.passed for check in found.values()] == [True, True, True]
    assert "as the hub says" in found["sha256"].said
    assert f"{len(tiny_model.state_dict())} tensors fit" in found["network"].said


def test_a_file_of_unknown_origin_has_no_hash_to_compare_with(file):
    assert checks(file)["sha256"].said.endswith("(no published hash to compare with)")


def test_another_content_fails_the_hash(file):
    found = checks(file, "0" * 64)
    assert [name for name, check in found.items() if not check.passed] == ["sha256"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_broken_number_fails_the_values_and_its_tensor_is_named(tmp_path, tiny, value):
    tiny.res_encoder.layer1[1].running_var[0] = value
    save_checkpoint(tiny.state_dict(), TINY, tmp_path / "x.safetensors")
    found = checks(tmp_path / "x.safetensors")
    assert [name for name, check in found.items() if not check.passed] == ["values"]
    assert found["values"].said == "NaN or infinity in 1 tensors: res_encoder.layer1.1.running_var"


def test_floats_of_one_byte_fail_the_network_and_are_read_on(tmp_path, tiny):
    state = tiny.state_dict() | {"register_token": tiny.register_token.to(torch.float8_e4m3fn)}
    save_checkpoint(state, TINY, tmp_path / "x.safetensors")
    found = checks(tmp_path / "x.safetensors")
    assert [name for name, check in found.items() if not check.passed] == ["network"]


def test_a_file_that_does_not_fit_fails_the_network_and_is_read_on(tmp_path):
    save_checkpoint({"x": torch.ones(1)}, TINY, tmp_path / "x.safetensors")
    found = checks(tmp_path / "x.safetensors")
    assert not found["network"].passed
    assert "1 unexpected (x)" in found["network"].said
    assert found["values"].passed
