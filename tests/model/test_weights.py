"""Names of weights: what each finds, which wins, and what is said where nothing is found."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import huggingface_hub
import pytest

from mvinverse_cli.errors import WeightsError
from mvinverse_cli.model import weights
from mvinverse_cli.model.config import ModelConfig
from mvinverse_cli.model.weights import (
    OFFICIAL_REPOSITORY,
    OFFICIAL_REVISION,
    choose_name,
    find_weights,
    hash_of,
)
from tests.conftest import TINY
from tests.hub import COMMIT, CONFIG, OWNER, Hub, safetensors_bytes, serve_hub, use_hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve_hub() as hub:
        use_hub(hub.url, tmp_path / "home", monkeypatch)
        yield hub
        huggingface_hub.close_session()


def test_auto_is_official_on_a_gpu_and_small_elsewhere():
    assert [choose_name("auto", device) for device in ("cuda", "mps", "cpu")] == ["official", "official", "small"]
    assert choose_name("owner/name", "cpu") == "owner/name"


def test_an_installation_without_small_says_so_plainly(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "__file__", str(tmp_path / "mvinverse_cli" / "model" / "weights.py"))
    with pytest.raises(WeightsError, match=r"small\.safetensors is not in this installation; .* --model official"):
        find_weights("small")


@pytest.mark.parametrize("folder", ["mvinverse_cli/weights", "weights"])
def test_small_is_found_in_the_wheel_and_in_the_checkout(tmp_path, monkeypatch, folder):
    monkeypatch.setattr(weights, "__file__", str(tmp_path / "mvinverse_cli" / "model" / "weights.py"))
    path = tmp_path / folder / "small.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(safetensors_bytes())
    assert find_weights("small").path == path.resolve()


def test_official_is_the_pinned_commit_and_names_its_licence(hub):
    hub.files[OFFICIAL_REPOSITORY] = hub.files[OWNER]
    hub.refs = {OFFICIAL_REVISION: OFFICIAL_REVISION}
    found = find_weights("official")
    assert (found.repository, found.revision) == (OFFICIAL_REPOSITORY, OFFICIAL_REVISION)
    assert "non-commercial" in (found.licence or "")
    hub.requests.clear()
    assert find_weights("official") == found
    assert hub.requests == []


def test_a_repository_gives_its_file_config_and_commit(hub):
    found = find_weights(OWNER)
    assert found.path.read_bytes() == safetensors_bytes()
    assert found.revision == COMMIT
    assert found.config == ModelConfig()
    assert found.config_source.endswith("config.json")
    assert found.licence is None


def test_a_branch_is_asked_for_once_and_then_its_commit(hub):
    hub.refs["fix/x"] = COMMIT
    find_weights(f"{OWNER}@fix/x")
    revisions = {request.rsplit("/", 2)[1] for request in hub.requests if not request.endswith("config.json")}
    assert revisions == {COMMIT}


def test_a_repository_without_safetensors_gives_its_pytorch_file(hub):
    hub.files[OWNER] = {"config.json": CONFIG, "pytorch_model.bin": b"PK"}
    assert find_weights(OWNER).path.name == "pytorch_model.bin"
    hub.requests.clear()
    assert find_weights(f"{OWNER}@{COMMIT}").path.name == "pytorch_model.bin"
    assert hub.requests == []


def test_a_repository_without_weights_says_which_files_were_wanted(hub):
    hub.files[OWNER] = {"config.json": CONFIG}
    with pytest.raises(WeightsError, match=r"holds no model.safetensors or pytorch_model.bin"):
        find_weights(OWNER)


def test_a_local_path_wins_over_a_repository(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path(OWNER)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(safetensors_bytes())
    assert find_weights(OWNER).path == folder / "model.safetensors"
    assert hub.requests == []


def test_a_path_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "w\udcff.safetensors"
    path.write_bytes(safetensors_bytes())
    with pytest.raises(WeightsError, match=r"no name in UTF-8.*rename it"):
        find_weights(str(path))


def test_neither_path_nor_repository_names_both_attempts(hub):
    with pytest.raises(
        WeightsError, match=r"nobody/nothing': no such file or folder; nobody/nothing@main on .*no such"
    ):
        find_weights("nobody/nothing")


@pytest.mark.parametrize("name", ["smal", "a/b/c", "../x", "missing.safetensors", "owner/missing.pt", "", "x" * 300])
def test_a_name_of_nothing_lists_the_choices_and_asks_nobody(hub, name):
    with pytest.raises(WeightsError, match=r"choose small, official|cannot be looked at|a folder without"):
        find_weights(name)
    assert hub.requests == []


def test_a_folder_needs_a_file_of_weights(tmp_path):
    with pytest.raises(WeightsError, match=r"a folder without model.safetensors or pytorch_model.bin"):
        find_weights(str(tmp_path))


def test_config_json_beside_the_file_is_read_before_its_metadata(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(asdict(TINY)))
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes())
    assert find_weights(str(tmp_path)).config == TINY


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "not readable as JSON"), ("[]", "must be a JSON object"), ('{"window": 3}', "unknown field 'window'")],
)
def test_a_damaged_config_is_named_by_its_path(tmp_path, text, said):
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "model.safetensors").write_bytes(safetensors_bytes())
    with pytest.raises(WeightsError, match=f"config.json: .*{said}"):
        find_weights(str(tmp_path))


def test_a_file_without_a_config_is_taken_for_the_published_network(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors_bytes())
    found = find_weights(str(path))
    assert found.config == ModelConfig()
    assert "as the file carries none" in found.config_source


def test_the_hash_of_a_local_file_is_computed_again_only_after_a_change(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    for second in (1, 2):
        path.write_bytes(safetensors_bytes(second))
        os.utime(path, (second, second))
        expected = sha256(path.read_bytes()).hexdigest()
        found = find_weights(str(path))
        assert hash_of(found) == expected
        with monkeypatch.context() as patch:
            patch.setattr(weights, "file_hash", None)
            assert hash_of(found) == expected


def test_the_hash_of_a_hub_file_is_known_without_reading_it(hub, monkeypatch):
    found = find_weights(OWNER)
    monkeypatch.setattr(weights, "file_hash", None)
    assert hash_of(found) == sha256(safetensors_bytes()).hexdigest()


def test_finding_weights_imports_no_torch():
    code = "import sys, mvinverse_cli.model.weights, mvinverse_cli.model.hub; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
