"""No test of the evaluation fetches weights: what is not in an empty cache is not there."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_weights_cached(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("torch-home")
    monkeypatch.setenv("TORCH_HOME", str(home))
    return home


@pytest.fixture
def close(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Closes a folder: nobody may look into it, nor root, who may run the tests and is denied nothing."""

    def close(closed: Path) -> None:
        inside = Path.iterdir

        def denied(path: Path) -> Iterator[Path]:
            if path == closed:
                raise PermissionError(errno.EACCES, "Permission denied")
            return inside(path)

        monkeypatch.setattr(Path, "iterdir", denied)

    return close
