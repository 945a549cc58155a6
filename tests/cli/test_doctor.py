"""`mvinverse doctor`: every check says what it found, and a red one what to do."""

import json
from pathlib import Path

import pytest

from mvinverse_cli import doctor
from mvinverse_cli.cli.main import main
from tests.hub import serve_hub, use_hub

CHECKS = ["versions", "device", "codecs", "weights", "cache", "hub", "rendering", "disk"]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """The exit code and the findings of `mvinverse doctor --json`, by name, with a hub on this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 0)
    monkeypatch.setattr(doctor, "LEAST_MEMORY_BYTES", 0)

    def examine(*arguments: str) -> tuple[int, dict[str, dict]]:
        capfd.readouterr()
        code = main(["doctor", "--json", *arguments])
        findings = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        return code, {finding["check"]: finding for finding in findings}

    with serve_hub() as hub:
        hub.files["api/models/maddog241/mvinverse"] = {}
        use_hub(hub.url, tmp_path / "home", monkeypatch)
        yield examine


def test_every_check_is_made_and_a_red_one_says_what_to_do(examine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "ENCODERS", ("libx264", "no_such_encoder"))
    (tmp_path / "file").touch()
    code, findings = examine("--output", "file/out")
    assert code == 1
    assert [*findings] == CHECKS
    assert findings["versions"]["ok"]
    assert "torch" in findings["versions"]["said"]
    assert findings["weights"]["said"].startswith("small")
    assert findings["codecs"]["said"] == "no_such_encoder missing"
    assert "pip install" in findings["codecs"]["advice"]
    assert not findings["disk"]["ok"]
    assert "--output" in findings["disk"]["advice"]
    assert not findings["hub"]["ok"]  # it answers 404 here
    assert not (tmp_path / "out").exists()


def test_all_is_well_where_all_is_well(examine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    code, findings = examine()
    assert code == 0
    assert all(finding["ok"] and not finding["advice"] for finding in findings.values())
    assert main(["doctor"]) == 0
    assert all(line.startswith("ok   ") for line in capfd.readouterr().out.splitlines())


def test_a_renderer_without_llvm_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("mitsuba")
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", str(tmp_path / "none.so"))
    finding = doctor.check_renderer()
    assert not finding.passed
    assert "libllvm19" in finding.advice
