"""How many processes make batches, and what they leave to the one that they were forked from."""

import multiprocessing
import os
import shutil
import signal
import sys
from contextlib import closing
from types import SimpleNamespace

import pytest
import torch

from mvinverse_cli.errors import InputError
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.scenes.record import view_path
from mvinverse_cli.scenes.store import find_scenes
from mvinverse_cli.train.ahead import PIXEL_BYTES, most_workers
from mvinverse_cli.train.data import Samples
from mvinverse_cli.trainings import TrainOptions
from tests.scenes.views import make_scenes

CUDA = torch.device("cuda")
OPTIONS = TrainOptions(min_side=28, max_side=56, pixels=20_000)
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),  # on a single core
]


@pytest.fixture
def scenes(tmp_path):
    return find_scenes(make_scenes(tmp_path, range(1, 7), size=(56, 84))).scenes


def given(monkeypatch, cores, free=2**40):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))


@pytest.mark.parametrize(("cores", "ranks", "wanted"), [(1, 1, 1), (8, 1, 8), (8, 2, 4), (8, 16, 1), (128, 1, 16)])
def test_as_many_as_there_are_cores_for_a_gpu(monkeypatch, cores, ranks, wanted):
    given(monkeypatch, cores)
    assert most_workers(CUDA, 200_000, ranks) == wanted


def test_none_for_a_cpu_and_for_a_container_without_shared_memory(monkeypatch):
    given(monkeypatch, 8)
    assert most_workers(torch.device("cpu"), 200_000) == 0
    given(monkeypatch, 8, free=64 * 2**20)
    assert most_workers(CUDA, 2_000_000) == 0
    given(monkeypatch, 8, free=4 * 3 * PIXEL_BYTES * 200_000)
    assert most_workers(CUDA, 200_000) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_scenes_are_told_of_once_and_known_here(scenes, workers, caplog):
    view_path(scenes[2].path, 1).write_bytes(b"")
    samples = Samples(scenes, ModelConfig(), OPTIONS)
    with closing(samples.batches(range(12), workers=workers)) as batches:
        assert len(list(batches)) == 12
    assert list(samples.broken) == [2]
    assert [record.message for record in caplog.records].count(f"skipped: {samples.broken[2][1]}") == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_no_scene_to_be_read_is_said_as_ever(scenes, workers):
    for scene in scenes:
        for view in range(scene.views):
            view_path(scene.path, view).write_bytes(b"")
    samples = Samples(scenes, ModelConfig(), OPTIONS)
    with (
        closing(samples.batches(range(12), workers=workers)) as batches,
        pytest.raises(InputError, match=r"^none of 6 scenes can be read"),
    ):
        next(batches)


def test_signals_to_all_of_a_job_do_not_end_them(scenes):
    samples = Samples(scenes, ModelConfig(), OPTIONS)
    with closing(samples.batches(range(40), workers=2)) as batches:
        next(batches)
        for worker in multiprocessing.active_children():
            for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(worker.pid, ending)
        assert len(list(batches)) == 39
