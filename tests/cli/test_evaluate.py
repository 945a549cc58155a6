"""`mvinverse evaluate scenes`: tables and one JSON line on stdout, files whole, exit codes."""

import inspect
import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from PIL import Image

from mvinverse_cli.cli import evaluate, measuring
from mvinverse_cli.cli.main import main
from mvinverse_cli.options import EvaluateOptions
from tests.scenes.views import make_scenes


@pytest.fixture
def data(tmp_path) -> Path:
    return make_scenes(tmp_path / "held-out", range(2), size=(28, 42), split="held-out")


@pytest.mark.parametrize("field", fields(EvaluateOptions), ids=lambda field: field.name)
def test_every_option_has_a_flag_with_the_same_default(field):
    assert inspect.signature(evaluate.scenes).parameters[field.name].default == field.default


def test_figures_go_to_stdout_and_the_last_line_is_json(data, tiny_file, capsys):
    assert main(["evaluate", "scenes", "--data", str(data), "--model", str(tiny_file)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("ALBEDO ")
    last = json.loads(out.splitlines()[-1])
    assert last["event"] == "checks"
    assert last["scenes"] == 2
    assert {"name", "value", "relation", "asked", "against", "passed"} <= last["checks"][0].keys()
    assert last["missed"] == sum(not check["passed"] for check in last["checks"])
    assert "checks met" in err.splitlines()[-1]


def test_files_are_written_and_say_what_was_evaluated(data, tiny_file, tmp_path, capsys):
    paths = [tmp_path / "new" / name for name in ("figures.json", "figures.md", "sheet.png")]
    flags = ["--json", str(paths[0]), "--markdown", str(paths[1]), "--sheet", str(paths[2])]
    for _ in range(2):  # files of the last run are replaced
        assert (
            main(["evaluate", "scenes", "--data", str(data), "--model", str(tiny_file), "-q", "--limit", "1", *flags])
            == 0
        )
    content = json.loads(paths[0].read_text())
    assert (content["model"], content["scenes"], len(content["sha256"])) == (str(tiny_file), 1, 64)
    assert "| albedo | PSNR dB" in paths[1].read_text()
    with Image.open(paths[2]) as image:
        assert image.width > 1000
    assert capsys.readouterr().err == ""


def test_without_a_model_the_baselines_stand_alone(data, capsys):
    assert main(["evaluate", "scenes", "--data", str(data), "--model", "none", "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert "model, views together" not in out
    assert json.loads(out.splitlines()[-1])["checks"] == []


def test_many_broken_scenes_end_in_3(data, capsys):
    (data / "00000001" / "view_1.exr").unlink()
    assert main(["evaluate", "scenes", "--data", str(data), "--model", "none"]) == 3
    out, err = capsys.readouterr()
    assert "00000001" in err.splitlines()[-1]
    assert "ALBEDO" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--data", "nowhere", "--model", "none"], 4, "nowhere"),
        (["--data", ".", "--model", "none", "--limit", "0"], 2, "--limit 0"),
        (["--data", ".", "--model", "none", "--sheet", "x.png"], 2, "--sheet x.png"),
        (["--data", ".", "--model", "nothing.safetensors"], 5, "nothing.safetensors"),
        (["--data", ".", "--model", "none"], 4, "holds no scenes"),
    ],
)
def test_mistakes_are_one_line_and_an_exit_code(arguments, code, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "scenes", *arguments]) == code
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_missing_packages_are_named_with_the_command(monkeypatch, data, capsys):
    monkeypatch.setattr(measuring, "find_spec", lambda name: None if name == "skimage" else name)
    assert main(["evaluate", "scenes", "--data", str(data), "--model", "none"]) == 1
    assert "scikit-image: not installed; run pip install 'mvinverse[evaluate]'" in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from mvinverse_cli.cli.main import main; main(['evaluate', 'scenes', '--help']); "
        "sys.exit(str({'torch', 'cv2', 'scipy', 'skimage'} & {*sys.modules} or '') or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
