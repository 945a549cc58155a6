"""Batches made while the network learns from others: by a thread beside it, or by processes where a GPU is faster than
one. numpy holds the interpreter's lock for much of a batch, so that more threads would wait for each other."""

import ctypes
import logging
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from ..errors import InputError

if TYPE_CHECKING:
    from .data import Batch, Samples

AHEAD = 2  # batches, of the thread or of each process
MOST_WORKERS = 16
NICENESS = 10  # of the processes: what keeps a GPU busy comes first
PIXEL_BYTES = 61  # of a batch: picture and maps in float32, five masks
SHARED = Path("/dev/shm")  # through which batches come from processes; containers are often given 64 MB
PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def most_workers(device: torch.device, pixels: int, ranks: int = 1) -> int:
    """How many processes make the batches of so many `pixels` for `device`: one a core, of which each of `ranks` takes
    its part, as far as there is shared memory; none, but a thread, for a CPU, whose cores are busy, and outside Linux,
    where forking is no safe thing."""
    if device.type != "cuda" or sys.platform != "linux":
        return 0
    cores = max(1, len(os.sched_getaffinity(0)) // ranks)
    rooms = shutil.disk_usage(SHARED).free // (2 * AHEAD * PIXEL_BYTES * pixels * ranks) if SHARED.exists() else 0
    return min(cores, rooms, MOST_WORKERS)


def batches_ahead(samples: "Samples", steps: Iterable[int], workers: int) -> Generator["Batch", None, None]:
    """The batches of `steps`, in their order. To be closed (`contextlib.closing`) by whoever leaves it early.

    Raises InputError as `Samples.batch` does.
    """
    return _by_processes(samples, steps, workers) if workers else _by_thread(samples, steps)


def _by_thread(samples: "Samples", steps: Iterable[int]) -> Generator["Batch", None, None]:
    waiting = iter(steps)
    pool = ThreadPoolExecutor(1, thread_name_prefix="mvinverse-samples")
    try:
        pending = deque(pool.submit(samples.batch, step) for step in islice(waiting, AHEAD))
        while pending:
            batch = pending.popleft().result()
            pending.extend(pool.submit(samples.batch, step) for step in islice(waiting, 1))
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)


def _by_processes(samples: "Samples", steps: Iterable[int], workers: int) -> Generator["Batch", None, None]:
    loader = DataLoader(
        _Made(samples),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=AHEAD,
        multiprocessing_context="fork",
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_begin_worker,
    )
    batches = iter(loader)
    try:
        for made, broken in batches:
            for index, reason in broken.items():
                samples.note(index, reason)
            if isinstance(made, InputError):
                raise made
            yield made
    finally:
        del batches  # ends the processes


class _Made(Dataset[tuple["Batch | InputError", dict[int, str]]]):
    """What a process sends: the batch of a step, or why there is none, and the scenes that it has found broken."""

    def __init__(self, samples: "Samples"):
        self.samples = samples

    def __getitem__(self, step: int) -> tuple["Batch | InputError", dict[int, str]]:
        made: Batch | InputError
        try:
            made = self.samples.batch(step)
        except InputError as error:  # as a value: raised here, it would come with the whole traceback as its message
            made = error
        return made, {index: reason for index, (_, reason) in self.samples.broken.items()}


def _begin_worker(worker: int) -> None:
    """Leaves signals and warnings to the process that this one was forked from, and ends with it: what a job's
    processes are all sent is for that one to answer, by a checkpoint."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    logging.disable(logging.WARNING)
    os.nice(NICENESS)
    cv2.setNumThreads(0)
