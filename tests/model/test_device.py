"""Devices and dtypes by name."""

from contextlib import nullcontext

import pytest
import torch

from mvinverse_cli.errors import OptionError
from mvinverse_cli.model import device
from mvinverse_cli.model.device import choose_device, choose_dtype


def test_the_cpu_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")


def test_auto_takes_the_fastest(monkeypatch):
    monkeypatch.setattr(device, "available_devices", lambda: ["cuda:0", "cuda:1", "cpu"])
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda:0")
    assert choose_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.parametrize("name", ["cuda:7", "mps", "tpu", ""])
def test_a_device_that_is_not_there_is_refused_with_a_list(monkeypatch, name):
    monkeypatch.setattr(device, "available_devices", lambda: ["cuda:0", "cpu"])
    with pytest.raises(OptionError, match="choose from auto, cuda:0, cpu"):
        choose_device(name)


def test_auto_computes_in_float32_on_the_cpu_and_in_half_precision_on_mps():
    assert choose_dtype("auto", torch.device("cpu")) == torch.float32
    assert choose_dtype("auto", torch.device("mps")) == torch.float16


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_auto_computes_in_bfloat16_on_gpus_that_have_it(monkeypatch, supported, dtype):
    monkeypatch.setattr(torch.cuda, "device", nullcontext)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert choose_dtype("auto", torch.device("cuda:0")) == dtype


def test_a_dtype_asked_for_is_taken_everywhere():
    assert choose_dtype("bfloat16", torch.device("cpu")) == torch.bfloat16


def test_an_unknown_dtype_is_refused():
    with pytest.raises(OptionError, match="choose from auto, float32"):
        choose_dtype("int8", torch.device("cpu"))
