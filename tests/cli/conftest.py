"""The command, run with the tiny network."""

from pathlib import Path

import pytest

from mvinverse_cli.cli.main import main

from .running import Ran


@pytest.fixture
def run(tiny_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """`mvinverse decompose ARGUMENTS` with the tiny network, in a folder of its own and in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, model: object = tiny_file) -> Ran:
        capfd.readouterr()
        code = main(["decompose", "--device", "cpu", "--model", str(model), *map(str, arguments)])
        return Ran(code, *capfd.readouterr())

    return run
