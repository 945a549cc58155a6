"""No test of the evaluation fetches weights: what is not in an empty cache is not there."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_weights_cached(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("torch-home")
    monkeypatch.setenv("TORCH_HOME", str(home))
    return home
