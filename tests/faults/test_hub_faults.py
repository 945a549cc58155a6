"""A hub that stalls, cuts and lies, as a farm's process meets it: an exit code, one line, and nothing written."""

import threading
from pathlib import Path

import pytest

from tests.frames.media import write_png
from tests.hub import OWNER, Hub, serve_hub

from .conftest import Run


def stall(hub: Hub) -> None:
    hub.stalled = threading.Event()


def cut_short(hub: Hub) -> None:
    hub.damage = lambda content: content[: len(content) // 2]


def lie(hub: Hub) -> None:
    hub.damage = lambda content: content[:-1] + bytes([content[-1] ^ 1])


def fail(hub: Hub) -> None:
    hub.refusal = (503, {})


@pytest.mark.slow  # tests/model/test_hub.py has these in one process
@pytest.mark.parametrize("fault", [lie, stall, cut_short, fail])
def test_a_hub_at_fault_ends_the_run_with_exit_5_and_no_file(apart: Run, tmp_path: Path, fault):
    with serve_hub() as hub:
        fault(hub)
        env = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_ETAG_TIMEOUT": "2",
            "HF_HUB_DOWNLOAD_TIMEOUT": "2",
            "HF_HUB_DISABLE_XET": "1",
        }
        ran = apart(write_png(tmp_path / "a.png"), model=OWNER, env=env)
        if hub.stalled is not None:
            hub.stalled.set()
    assert ran.code == 5, ran.err
    assert OWNER in ran.cause
    assert not (tmp_path / "out").exists()
    assert not [path for path in (tmp_path / "home").rglob("model.safetensors") if path.is_file()]
