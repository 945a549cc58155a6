"""Runs the program as a farm does: a process of its own, which native code may crash without ending the tests."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.cli.conftest import run
from tests.cli.running import Ran

__all__ = ["run"]  # in this process, for faults that crash nothing

Start: TypeAlias = Callable[..., subprocess.Popen[str]]
Run: TypeAlias = Callable[..., Ran]

SECONDS = 120  # a run that takes longer hangs


@pytest.fixture
def start(tiny_file: Path, tmp_path: Path) -> Iterator[Start]:
    """`mvinverse decompose ARGUMENTS` with the tiny network, under way in a folder of its own.

    memory: bytes of address space that it may take.
    """
    begun: list[subprocess.Popen[str]] = []

    def start(
        *arguments: object,
        model: object = tiny_file,
        memory: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        limit = ["sh", "-c", 'ulimit -v "$0" && exec "$@"', str(memory // 1024)] if memory is not None else []
        command = [*limit, sys.executable, "-m", "mvinverse_cli", "decompose", "--device", "cpu", "--model", str(model)]
        begun.append(
            subprocess.Popen(
                [*command, *map(str, arguments)],
                cwd=tmp_path,
                env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="surrogateescape",
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def apart(start: Start) -> Run:
    """The same to its end."""

    def run(*arguments: object, **more: object) -> Ran:
        process = start(*arguments, **more)
        out, err = process.communicate(timeout=SECONDS)
        return Ran(process.returncode, out, err)

    return run


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`disk(options)` mounts a file system of that kind, such as `size=4m`, where the tests may mount one."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a file system takes root on Linux")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
