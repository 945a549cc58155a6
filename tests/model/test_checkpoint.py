"""Checkpoints: the same network back, pages of the file where they can be, and no file that does not fit."""

import logging
import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mvinverse_cli.errors import DeviceMemoryError, OptionError, OutputError, WeightsError
from mvinverse_cli.model.checkpoint import load_model, load_weights, save_checkpoint
from mvinverse_cli.model.header import read_header
from mvinverse_cli.model.weights import OFFICIAL, find_weights
from tests.conftest import TINY

State = dict[str, torch.Tensor]


@pytest.fixture
def state(tiny_model) -> State:
    """Tensors by name, a dictionary of the test's own."""
    return dict(tiny_model.state_dict())


@pytest.fixture
def file(tmp_path, state) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(state, TINY, path)
    return path


def assert_same(model: torch.nn.Module, state: State) -> None:
    loaded = model.state_dict()
    assert loaded.keys() == state.keys()
    for name, value in state.items():
        assert torch.equal(loaded[name], value), name


def test_a_saved_network_comes_back_ready_to_run(file, state):
    model = load_model(str(file))
    assert_same(model, state)
    assert model.config == TINY
    assert not model.training
    assert not any(value.requires_grad or value.is_meta for value in (*model.parameters(), *model.buffers()))


def test_a_folder_with_a_config_loads(tmp_path, state):
    (tmp_path / "config.json").write_text(read_config_text(tmp_path, state))
    save_file(state, tmp_path / "model.safetensors")
    assert_same(load_model(str(tmp_path)), state)


def read_config_text(folder: Path, state: State) -> str:
    """The config that a saved checkpoint carries."""
    save_checkpoint(state, TINY, folder / "other.safetensors")
    return read_header(folder / "other.safetensors").metadata["config"]


@pytest.mark.parametrize("wrapped", [lambda state: state, lambda state: {"state_dict": state, "epoch": 3}])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pytorch_file_of_tensors_loads(tmp_path, state, wrapped, zipped):
    (tmp_path / "config.json").write_text(read_config_text(tmp_path, state))
    torch.save(wrapped(state), tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    assert_same(load_model(str(tmp_path)), state)


class Payload:
    """A pickle that makes a folder when it is loaded as pickles usually are."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, 2))])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt"])
def test_code_in_a_pickle_is_refused_and_never_run(tmp_path, save, suffix):
    save({"weight": Payload(tmp_path / "owned")}, tmp_path / f"bad{suffix}")
    with pytest.raises(WeightsError, match=r"refused: .*never run.*\.safetensors"):
        load_model(str(tmp_path / f"bad{suffix}"))
    assert not (tmp_path / "owned").exists()


def test_a_pytorch_file_of_anything_but_tensors_is_refused(tmp_path):
    torch.save({"weight": 3}, tmp_path / "x.pt")
    with pytest.raises(WeightsError, match="holds no state dict"):
        load_model(str(tmp_path / "x.pt"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda: {1: torch.ones(2)}, "holds no state dict"),
        (lambda: {"weight": torch.eye(3).to_sparse()}, "weight is a sparse or quantized tensor"),
        (lambda: {"weight": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, "weight is a sparse"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # such tensors are about to go out of use
def test_tensors_that_are_no_plain_ones_are_refused_by_name(tmp_path, content, said):
    torch.save(content(), tmp_path / "x.pt")
    with pytest.raises(WeightsError, match=said):
        load_model(str(tmp_path / "x.pt"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git-LFS pointer"),
        (b"<!doctype html>", "web page"),
        (b"PK\x03\x04 and no more", "not readable as a PyTorch file"),
        (pickle.dumps([1, 2], 2), "not readable as a PyTorch file"),
    ],
)
def test_what_is_no_pytorch_file_is_said(tmp_path, content, said):
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        load_model(str(path))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_on_the_cpu_parameters_are_the_pages_of_the_file(file):
    model = load_model(str(file), device="cpu")
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(file))]
    pages = [tuple(int(end, 16) for end in line[0].split("-")) for line in lines]
    for name, value in model.state_dict().items():
        assert any(first <= value.data_ptr() < last for first, last in pages), name


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_keeps_counters_and_the_picture_statistics(file, state, dtype):
    wanted = getattr(torch, dtype)
    for name, value in load_model(str(file), device="cpu", dtype=dtype).state_dict().items():
        kept = name.startswith("image_") or not value.is_floating_point()
        assert value.dtype == (state[name].dtype if kept else wanted), name
        assert torch.equal(value, state[name].to(value.dtype)), name


def test_a_file_in_half_precision_is_computed_in_float32_on_the_cpu(tmp_path, state):
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_checkpoint(half, TINY, tmp_path / "half.safetensors")
    model = load_model(str(tmp_path / "half.safetensors"), device="cpu")
    assert_same(model, {name: value.to(state[name].dtype) for name, value in half.items()})


def test_names_that_do_not_fit_are_counted_and_the_first_three_named(tmp_path, state):
    missing = [name for name in state if name.startswith("albedo_head")]
    kept = {name: value for name, value in state.items() if name not in missing}
    kept |= {f"extra.{index}": torch.zeros(1) for index in range(2)}
    save_checkpoint(kept, TINY, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="does not fit") as caught:
        load_model(str(tmp_path / "x.safetensors"))
    assert f"{len(missing)} missing ({', '.join(missing[:3])}, ...)" in str(caught.value)
    assert "2 unexpected (extra.0, extra.1)" in str(caught.value)
    assert f"file {len(kept)} tensors, network {len(state)}" in str(caught.value)


def test_shapes_and_types_that_do_not_fit_are_shown(tmp_path, state):
    state["image_mean"] = torch.zeros(3)
    state["register_token"] = state["register_token"].int()
    save_checkpoint(state, TINY, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError) as caught:
        load_model(str(tmp_path / "x.safetensors"))
    assert "1 of another shape (image_mean [3] instead of [1, 3, 1, 1])" in str(caught.value)
    assert "1 of another type (register_token I32 instead of F32)" in str(caught.value)


def test_a_mismatch_with_an_assumed_config_says_so(tmp_path, state):
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="built from the published configuration, as the file carries none"):
        load_model(str(tmp_path / "x.safetensors"))


def test_a_cut_file_is_refused_before_it_is_mapped(file):
    os.truncate(file, file.stat().st_size - 1)
    with pytest.raises(WeightsError, match="cut short"):
        load_model(str(file))


def test_overlapping_tensors_are_refused(file):
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"data_offsets":[0,', b'"data_offsets":[8,', 1))
    with pytest.raises(WeightsError, match="damaged"):
        load_model(str(file))


def test_a_device_that_is_not_there_is_refused_before_weights_are_sought():
    with pytest.raises(OptionError, match=r"--device cuda:99: not on this machine; choose from auto, .*cpu"):
        load_model("no-such-weights", device="cuda:99")


def test_the_licence_of_official_weights_is_said(file, caplog):
    weights = replace(find_weights(str(file)), name="official", licence=OFFICIAL.licence)
    with caplog.at_level(logging.WARNING):
        load_weights(weights, torch.device("cpu"), torch.float32)
    assert [record.message for record in caplog.records] == [f"weights official: {OFFICIAL.licence}"]


def test_the_same_state_is_saved_as_the_same_bytes(tmp_path, state):
    texts = dict.fromkeys("abcdefgh", 'café\n"\\\x7f\x01')
    contents = set()
    for order in (texts, dict(reversed(texts.items()))):
        save_checkpoint(state, TINY, tmp_path / "x.safetensors", order)
        contents.add((tmp_path / "x.safetensors").read_bytes())
    assert len(contents) == 1
    assert texts.items() <= read_header(tmp_path / "x.safetensors").metadata.items()
    assert_same(load_model(str(tmp_path / "x.safetensors")), state)


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one_and_nothing_else(file, state, monkeypatch):
    before = file.read_bytes()
    monkeypatch.setattr("mvinverse_cli.model.checkpoint.sort_metadata", fail)
    with pytest.raises(OutputError, match=r"tiny.safetensors: cannot be written: no room"):
        save_checkpoint(state, TINY, file)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert file.read_bytes() == before


def fail(path: Path) -> None:
    raise OSError("no room")


def test_a_checkpoint_may_be_read_by_whom_the_umask_allows(file):
    plain = file.with_name("plain")
    plain.touch()
    assert file.stat().st_mode == plain.stat().st_mode


def test_a_checkpoint_into_no_folder_is_an_output_error(tmp_path, state):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(state, TINY, tmp_path / "file" / "x.safetensors")


def test_a_device_without_room_for_the_weights_is_said(file, monkeypatch):
    def full(self, *arguments):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB")

    monkeypatch.setattr(torch.Tensor, "to", full)
    with pytest.raises(DeviceMemoryError, match=r"no room for the weights .*--device cpu"):
        load_model(str(file), device="cpu")
