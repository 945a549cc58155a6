"""A hub on 127.0.0.1: the routes of huggingface.co that one file of a repository needs, and the ways they fail."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import huggingface_hub
import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OWNER = "owner/name"
CONFIG = json.dumps({"pos_type": "rope100", "dec_depth": 36}).encode()


def safetensors_bytes(value: float = 1.0) -> bytes:
    """The smallest file of weights: one number called `x`."""
    header = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return len(header).to_bytes(8, "little") + header + struct.pack("<f", value)


@dataclass
class Hub:
    """What the server holds, how it misbehaves, and what it was asked."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)  # repository -> file name -> content
    refs: dict[str, str] = field(default_factory=lambda: {"main": COMMIT, COMMIT: COMMIT})
    refusal: tuple[int, dict[str, str]] | None = None  # status and headers that answer everything
    damage: Callable[[bytes], bytes] = bytes  # what happens to a content between its headers and its body
    stalled: threading.Event | None = None  # answers wait for it
    requests: list[str] = field(default_factory=list)  # "HEAD /owner/name/resolve/main/config.json"
    tokens: list[str | None] = field(default_factory=list)  # their Authorization headers
    url: str = ""

    def asked(self, method: str) -> list[str]:
        """Names of the files asked for with `method`."""
        return [line.rsplit("/", 1)[1] for line in self.requests if line.startswith(method)]


class Handler(BaseHTTPRequestHandler):
    """Answers as huggingface.co does."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        hub = self.hub
        hub.requests.append(f"{self.command} {self.path}")
        hub.tokens.append(self.headers["Authorization"])
        if hub.stalled is not None:
            hub.stalled.wait(30)
        if hub.refusal is not None:
            return self.refuse(*hub.refusal)
        repository, _, rest = self.path.lstrip("/").partition("/resolve/")
        revision, filename = map(unquote, rest.split("/", 1))
        if repository not in hub.files:
            return self.refuse(404, {"X-Error-Code": "RepoNotFound"})
        if revision not in hub.refs:
            return self.refuse(404, {"X-Error-Code": "RevisionNotFound"})
        commit = {"X-Repo-Commit": hub.refs[revision]}
        if filename not in hub.files[repository]:
            return self.refuse(404, {"X-Error-Code": "EntryNotFound", **commit})
        content = hub.files[repository][filename]
        return self.send(content, commit | etags(filename, content))

    def refuse(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            body = self.hub.damage(content)
            self.wfile.write(body)
            self.close_connection = len(body) != len(content)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def etags(filename: str, content: bytes) -> dict[str, str]:
    """Small text files are named by git's sha1, large ones by the sha256 of what the pointer in git points to."""
    git = sha1(b"blob %d\0" % len(content) + content).hexdigest()
    if filename.endswith(".json"):
        return {"ETag": f'"{git}"'}
    return {"ETag": f'"{git}"', "X-Linked-Etag": f'"{sha256(content).hexdigest()}"', "X-Linked-Size": str(len(content))}


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """A running hub with one repository, `owner/name`."""
    hub = Hub({OWNER: {"config.json": CONFIG, "model.safetensors": safetensors_bytes()}})
    handler = type("HubHandler", (Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def use_hub(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points huggingface-hub, which read its environment when imported, to the hub at `url` and a cache in `home`.

    Connections to anything but this machine fail the test.
    """
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)  # or it asks the hub for its list of coding agents
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: tuple[str, int]) -> None:
        assert address[0] == "127.0.0.1", f"a connection to {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    huggingface_hub.close_session()
