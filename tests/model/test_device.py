"""Devices and dtypes by name."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mvinverse_cli.errors import OptionError
from mvinverse_cli.model import device
from mvinverse_cli.model.device import choose_device, choose_dtype, free_bytes


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


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch) -> Path:
    """A machine with 1000 bytes left, and this process in a control group of a control group."""
    (tmp_path / "farm" / "job").mkdir(parents=True)
    (tmp_path / "own").write_text("1:name=systemd:/elsewhere\n0::/farm/job\n")
    monkeypatch.setattr(device, "CGROUPS", tmp_path)
    monkeypatch.setattr(device, "OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(device.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    return tmp_path


def limit(group: Path, most: str, used: int, cached: int = 0) -> None:
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon {used - cached}\ninactive_file {cached}\n")


@pytest.mark.parametrize(
    ("group", "most", "used", "cached", "free"),
    [
        ("farm/job", "700", 300, 0, 400),
        ("farm", "700", 300, 0, 400),
        ("farm/job", "700", 300, 200, 600),
        ("farm/job", "700", 800, 0, 0),
        ("farm/job", "max", 300, 0, 1000),
        ("farm/job", "7000", 300, 0, 1000),
    ],
)
def test_the_cpu_has_what_the_machine_and_every_control_group_leave(
    cgroups: Path, group: str, most: str, used: int, cached: int, free: int
):
    limit(cgroups / group, most, used, cached)
    assert free_bytes(torch.device("cpu")) == free


def test_machines_without_control_groups_have_what_is_available(cgroups: Path):
    assert free_bytes(torch.device("cpu")) == 1000
    (cgroups / "own").unlink()
    assert free_bytes(torch.device("cpu")) == 1000


def test_this_machine_has_some_memory_left():
    assert free_bytes(torch.device("cpu")) > 2**20


def test_a_gpu_has_what_the_driver_leaves_and_what_is_held_for_reuse(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (500, 2000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 300)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 100)
    assert free_bytes(torch.device("cuda:0")) == 700


@pytest.mark.parametrize(("allocated", "free"), [(100, 400), (600, 0)])
def test_apple_gpus_have_what_is_recommended_less_what_is_taken(monkeypatch, allocated: int, free: int):
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 500)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: allocated)
    assert free_bytes(torch.device("mps")) == free
