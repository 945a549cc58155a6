"""The hub wing against a hub on this machine: whole files, few requests, and one clear line for each misfortune."""

import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from mvinverse_cli.errors import WeightsError
from mvinverse_cli.model.hub import HubFile, fetch
from tests.hub import COMMIT, OWNER, Hub, serve_hub, use_hub

FILE = "model.safetensors"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve_hub() as hub:
        use_hub(hub.url, tmp_path, monkeypatch)
        yield hub
        huggingface_hub.close_session()


def fetched(revision: str = COMMIT) -> HubFile:
    file = fetch(OWNER, revision, FILE)
    assert file is not None
    return file


def test_a_file_arrives_with_its_commit_and_hash(hub):
    file = fetched("main")
    assert file.path.read_bytes() == hub.files[OWNER][FILE]
    assert file.commit == COMMIT
    assert len(file.sha256 or "") == 64


def test_a_commit_in_the_cache_makes_no_request(hub):
    fetched()
    fetch(OWNER, COMMIT, "absent.bin")
    hub.requests.clear()
    assert fetched().sha256 is not None
    assert fetch(OWNER, COMMIT, "absent.bin") is None
    assert hub.requests == []


def test_a_file_is_downloaded_once(hub):
    fetched("main")
    fetched("main")
    assert hub.asked("GET") == [FILE]


def test_offline_the_cache_serves_a_branch(hub, monkeypatch):
    fetched("main")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert fetched("main").commit == COMMIT
    assert hub.requests == []


@pytest.mark.parametrize("revision", ["main", COMMIT])
def test_offline_an_uncached_file_is_named_and_no_request_made(hub, monkeypatch, revision):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match=f"{FILE} is not in the cache .*HF_HUB_OFFLINE is set.*weights pull {OWNER}"):
        fetched(revision)
    assert hub.requests == []


def test_without_download_no_request_is_made(hub):
    with pytest.raises(WeightsError, match="nothing was downloaded"):
        fetch(OWNER, COMMIT, FILE, download=False)
    assert hub.requests == []


def test_a_branch_is_served_from_the_cache_while_the_hub_fails(hub, caplog):
    fetched("main")
    hub.refusal = (503, {})
    with caplog.at_level(logging.WARNING):
        assert fetched("main").commit == COMMIT
    assert "answered 503" in caplog.text
    assert "using the copy in the cache" in caplog.text


def test_a_file_that_the_repository_has_not_is_none(hub):
    assert fetch(OWNER, "main", "absent.bin") is None
    hub.refusal = (503, {})
    assert fetch(OWNER, "main", "absent.bin") is None  # the cache remembers


REFUSALS = {
    "repository": (404, {"X-Error-Code": "RepoNotFound"}, "no such repository, or a private one"),
    "revision": (404, {"X-Error-Code": "RevisionNotFound"}, "no such revision"),
    "gated": (403, {"X-Error-Code": "GatedRepo"}, "access must be granted.*HF_TOKEN"),
    "unauthorised": (401, {}, r"refused \(401\).*HF_TOKEN"),
    "forbidden": (403, {}, r"refused \(403\).*HF_TOKEN"),
    "too many": (429, {"Retry-After": "3600"}, "too many requests"),
    "defect": (500, {}, "answered 500: try again.*HF_ENDPOINT.*--model FILE"),
    "gateway": (504, {}, "answered 504"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_one_line_that_says_what_to_do_after_one_request(hub, case):
    status, headers, said = REFUSALS[case]
    hub.refusal = (status, headers)
    with pytest.raises(WeightsError, match=said) as caught:
        fetched()
    assert "\n" not in str(caught.value)
    assert f"{OWNER}@{COMMIT} on {hub.url}" in str(caught.value)
    assert len(hub.requests) == 1


def test_a_server_that_is_no_hub_is_recognised(hub):
    hub.refusal = (200, {})
    with pytest.raises(WeightsError, match="not the answer of a hub: check HF_ENDPOINT"):
        fetched()


def test_a_hub_that_is_not_there_says_what_to_do(tmp_path, monkeypatch):
    use_hub("http://127.0.0.1:1", tmp_path, monkeypatch)
    with pytest.raises(WeightsError, match=r"ConnectError.*HF_ENDPOINT.*--model FILE"):
        fetched()


def test_a_hub_that_never_answers_is_given_up(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.1)
    hub.stalled = threading.Event()
    with pytest.raises(WeightsError, match=r"ReadTimeout.*try again"):
        fetched()
    hub.stalled.set()


def test_half_a_download_is_an_error_and_leaves_no_file(hub, tmp_path):
    hub.damage = lambda content: content[: len(content) // 2]
    with pytest.raises(WeightsError, match=r"download failed.*try again"):
        fetched()
    assert blobs(tmp_path) == []


@pytest.mark.parametrize("name", [FILE, "config.json"])
def test_a_flipped_byte_is_refused_and_the_next_run_downloads_again(hub, tmp_path, name):
    hub.damage = lambda content: content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(WeightsError, match=r"damaged on its way.*the hub says"):
        fetch(OWNER, COMMIT, name)
    assert blobs(tmp_path) == []
    hub.damage = bytes
    file = fetch(OWNER, COMMIT, name)
    assert file is not None
    assert file.path.read_bytes() == hub.files[OWNER][name]


def test_a_file_that_another_program_cached_is_hashed_before_use(hub, tmp_path):
    path = fetched().path
    for note in tmp_path.rglob(f".mvinverse/{COMMIT}/*"):
        note.unlink()
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(WeightsError, match="damaged"):
        fetched()


def test_a_cached_file_that_may_not_be_read_is_named(hub, tmp_path, monkeypatch):
    path = fetched().path
    for note in tmp_path.rglob(f".mvinverse/{COMMIT}/*"):
        note.unlink()

    def denied(*arguments):  # root, who may run the tests, is denied nothing
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("mvinverse_cli.model.hub.content_hash", denied)
    with pytest.raises(WeightsError, match=f"{path.name}: cannot be read: Permission denied"):
        fetched()


def test_a_checked_file_is_not_hashed_again(hub, monkeypatch):
    fetched()
    monkeypatch.setattr("mvinverse_cli.model.hub.content_hash", None)
    assert fetched().sha256 is not None


def test_a_cache_that_cannot_be_written_is_named(hub, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    with pytest.raises(WeightsError, match="cannot be written: set HF_HUB_CACHE"):
        fetched()


def test_a_full_disk_is_named(hub, monkeypatch):
    def fail(*args: object, **options: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("mvinverse_cli.model.hub.hf_hub_download", fail)
    with pytest.raises(WeightsError, match=r"no room in the cache .*HF_HUB_CACHE"):
        fetched()


def test_a_name_that_no_repository_can_have_is_refused(hub):
    with pytest.raises(WeightsError, match="no name of a hub repository"):
        fetch("owner/na--me", "main", FILE)


def test_the_token_goes_with_every_request(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetched()
    assert set(hub.tokens) == {"Bearer hf_secret"}


def test_without_a_token_none_is_sent(hub):
    fetched()
    assert set(hub.tokens) == {None}


def test_the_environment_is_honoured(hub, tmp_path):
    """A fresh process, as huggingface-hub reads its environment once."""
    code = f"from mvinverse_cli.model.hub import fetch; print(fetch({OWNER!r}, 'main', {FILE!r}).path)"
    home = tmp_path / "home"
    environment = os.environ | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_TOKEN": "hf_secret",
        "HF_HUB_DISABLE_TELEMETRY": "1",  # or it asks the hub for its list of coding agents
    }
    run = [sys.executable, "-W", "error", "-c", code]
    online = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    assert Path(online.stdout.strip()).is_relative_to(home)
    assert online.stderr == ""  # no progress bar where there is no terminal
    assert set(hub.tokens) == {"Bearer hf_secret"}
    hub.requests.clear()
    offline = subprocess.run(run, env=environment | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=True)
    assert offline.stdout == online.stdout
    assert hub.requests == []


def blobs(home: Path) -> list[Path]:
    """Contents in the cache, and links to them."""
    return [path for folder in ("blobs", "snapshots") for path in home.rglob(f"{folder}/**/*") if not path.is_dir()]
