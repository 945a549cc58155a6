"""`mvinverse evaluate`: tables and one JSON line on stdout, files whole, exit codes."""

import inspect
import json
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from PIL import Image

from mvinverse_cli.cli import console, evaluate, measuring
from mvinverse_cli.cli.main import main
from mvinverse_cli.options import EvaluateOptions
from mvinverse_cli.protocols import FlickerOptions, HypersimOptions, InteriorVerseOptions, MeasureOptions
from tests.evaluate.sets import write_hypersim, write_interiorverse, write_pictures
from tests.scenes.views import make_scenes


@pytest.fixture
def data(tmp_path) -> Path:
    return make_scenes(tmp_path / "held-out", range(2), size=(28, 42), split="held-out")


PROTOCOLS = {
    "scenes": EvaluateOptions,
    "interiorverse": InteriorVerseOptions,
    "hypersim": HypersimOptions,
    "flicker": FlickerOptions,
    "normals": MeasureOptions,
}
SETS = {
    "interiorverse": lambda folder: write_interiorverse(folder, {"L3A": 2}),
    "hypersim": lambda folder: write_hypersim(folder, frames=3),
    "flicker": lambda folder: write_pictures(folder / "a", 3, step=0).parent,
    "normals": lambda folder: write_interiorverse(folder, {"L3A": 2}),
}
EVERY_FIELD = [(protocol, field) for protocol, options in PROTOCOLS.items() for field in fields(options)]


@pytest.mark.parametrize(("protocol", "field"), EVERY_FIELD, ids=lambda value: getattr(value, "name", value))
def test_every_option_has_a_flag_with_the_same_default(protocol, field):
    parameter = inspect.signature(getattr(evaluate, protocol)).parameters[field.name]
    assert parameter.default == field.default
    declared = parameter.annotation.__metadata__[0].param_decls
    assert not declared or "--" + field.name.replace("_", "-") in declared


OTHERS = {
    "interiorverse": InteriorVerseOptions(
        model="m", device="cpu", dtype="float32", limit=3, looks=2, max_size=42, input_transfer="linear", split="val",
        scenes="list", space="linear", align="channel", mask="none", grid=True,
    ),
    "hypersim": HypersimOptions(
        model="m", device="cpu", dtype="float32", limit=3, looks=2, max_size=42, input_transfer="linear", views=5
    ),
    "flicker": FlickerOptions(
        model="m", device="cpu", dtype="float32", limit=3, looks=2, max_size=42, input_transfer="linear", flow="flows",
        frames="1-9", cuts="off",
    ),
    "normals": MeasureOptions(
        model="m", device="cpu", dtype="float32", limit=3, looks=2, max_size=42, input_transfer="linear"
    ),
}  # fmt: skip


@pytest.mark.parametrize("protocol", OTHERS)
def test_every_flag_reaches_the_protocol(protocol, monkeypatch, tmp_path):
    given = OTHERS[protocol]
    plain = PROTOCOLS[protocol]()
    assert all(value != getattr(plain, name) for name, value in asdict(given).items())
    received = []
    monkeypatch.setattr(evaluate, "run", lambda data, options, files, measure: received.append(options))
    flags = []
    for name, value in asdict(given).items():
        flags += ["--" + name.replace("_", "-"), *([] if value is True else [str(value)])]
    main(["evaluate", protocol, "--data", str(tmp_path), *flags])
    assert received == [given]


@pytest.mark.parametrize("protocol", SETS)
def test_a_protocol_prints_tables_and_writes_files(protocol, tmp_path, tiny_file, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    paths = [tmp_path / "new" / name for name in ("figures.json", "figures.md", "sheet.png")]
    files = ["--json", str(paths[0]), "--markdown", str(paths[1]), "--sheet", str(paths[2])]
    data = SETS[protocol](tmp_path / "data")
    assert main(["evaluate", protocol, "--data", str(data), "--model", str(tiny_file), "-q", *files]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["protocol"], last["broken"]) == ("figures", protocol, 0)
    content = json.loads(paths[0].read_text())
    assert content["rows"] == last["rows"]
    assert {"protocol", "model", "sha256", "max_size", "metrics", "broken"} <= content.keys()
    assert paths[1].read_text().startswith(f"protocol: `{protocol}`")
    with Image.open(paths[2]) as image:
        assert image.width > 1000
    if protocol == "interiorverse":
        assert "LPIPS is not measured" in out


@pytest.mark.parametrize(("protocol", "folder"), [("flicker", "a"), ("hypersim", "ai_001_001")])
def test_the_folder_one_stands_in_has_its_name(protocol, folder, tmp_path, tiny_file, monkeypatch, capsys):
    SETS[protocol](tmp_path)
    monkeypatch.chdir(tmp_path / folder)
    arguments = ["--data", ".", "--model", str(tiny_file), "--json", str(tmp_path / "figures.json")]
    assert main(["evaluate", protocol, *arguments]) == 0
    if protocol == "flicker":
        assert list(json.loads((tmp_path / "figures.json").read_text())["per_clip"]) == [folder]


@pytest.mark.parametrize("protocol", SETS)
def test_what_is_missing_is_one_line_each_and_ends_in_3(protocol, tmp_path, tiny_file, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    data = SETS[protocol](tmp_path / "data")
    gone = {
        "interiorverse": data / "test" / "L3A" / "001_im.exr",
        "hypersim": data / "ai_001_001" / "images" / "scene_cam_00_geometry_hdf5" / "frame.0001.position.hdf5",
        "flicker": write_pictures(data / "b", 2) / "f.0001.png",
        "normals": data / "test" / "L3A" / "001_normal.exr",
    }[protocol]
    gone.unlink()
    assert main(["evaluate", protocol, "--data", str(data), "--model", str(tiny_file)]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["broken"] == 1
    assert len([line for line in err.splitlines() if "left out" in line]) == 1
    assert err.splitlines()[-1].startswith("mvinverse: error: 1 of ")
    assert err.splitlines()[-1].count(str(data)) == 1


@pytest.mark.parametrize("protocol", SETS)
def test_an_empty_folder_is_one_line_and_ends_in_4(protocol, tmp_path, tiny_file, capsys):
    data = tmp_path / "empty"
    (data / "test").mkdir(parents=True)
    assert main(["evaluate", protocol, "--data", str(data), "--model", str(tiny_file)]) == 4
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert str(data) in err


def test_only_scenes_does_without_a_model(tmp_path, capsys):
    assert main(["evaluate", "normals", "--data", str(tmp_path), "--model", "none"]) == 2
    assert "--model none: there is nothing to measure" in capsys.readouterr().err


def test_hypersim_asks_for_its_package(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(measuring, "find_spec", lambda name: None if name == "h5py" else name)
    assert main(["evaluate", "hypersim", "--data", str(tmp_path), "--model", "small"]) == 1
    assert "h5py: not installed; run pip install 'mvinverse[evaluate]'" in capsys.readouterr().err


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


@pytest.mark.slow
def test_files_are_written_and_say_what_was_evaluated(data, tiny_file, tmp_path, capsys):
    paths = [tmp_path / "new" / name for name in ("figures.json", "figures.md", "sheet.png")]
    flags = ["--json", str(paths[0]), "--markdown", str(paths[1]), "--sheet", str(paths[2])]
    for _ in range(2):  # files of the last run are replaced
        assert (
            main(["evaluate", "scenes", "--data", str(data), "--model", str(tiny_file), "-q", "--limit", "1", *flags])
            == 0
        )
    content = json.loads(paths[0].read_text())
    assert (content["model"], content["counts"]["scenes"], len(content["sha256"])) == (str(tiny_file), 1, 64)
    assert "| albedo | PSNR dB" in paths[1].read_text()
    with Image.open(paths[2]) as image:
        assert image.width > 1000
    assert capsys.readouterr().err == ""


def test_without_a_model_the_baselines_stand_alone(data, capsys):
    assert main(["evaluate", "scenes", "--data", str(data), "--model", "none", "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert "model, views together" not in out
    assert json.loads(out.splitlines()[-1])["checks"] == []


def test_the_least_size_is_the_one_of_decompose_and_no_other_is_shown(capsys):
    assert main(["evaluate", "flicker", "--data", ".", "--max-size", "0"]) == 2
    assert "--max-size 0: must be at least 14" in capsys.readouterr().err
    main(["evaluate", "flicker", "--help"])
    assert "x>=1" not in capsys.readouterr().out


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
        (["--data", "nowhere", "--model", "none", "--json", "."], 7, ".: is a folder"),
        (["--data", "nowhere", "--model", "none", "--json", "x" * 300], 7, "File name too long"),
        (["--data", "nowhere", "--model", "none", "--markdown", "/dev/null/x.md"], 7, "/dev/null is not a folder"),
        (
            ["--data", "nowhere", "--model", "none", "--json", "x", "--markdown", "x"],
            2,
            "x: one file for two of --json",
        ),
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


def test_a_reader_that_has_gone_is_the_cause_and_the_files_are_written(data, tmp_path, monkeypatch, capsys):
    def gone(text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(console.typer, "echo", gone)
    assert main(["evaluate", "scenes", "--data", str(data), "--model", "none", "--json", str(tmp_path / "x.json")]) == 7
    assert capsys.readouterr().err.splitlines()[-1] == "mvinverse: error: stdout cannot be written: Broken pipe"
    assert json.loads((tmp_path / "x.json").read_text())["counts"]["scenes"] == 2


def test_missing_packages_are_named_with_the_command(monkeypatch, data, capsys):
    monkeypatch.setattr(measuring, "find_spec", lambda name: None if name == "skimage" else name)
    assert main(["evaluate", "scenes", "--data", str(data), "--model", "none"]) == 1
    assert "scikit-image: not installed; run pip install 'mvinverse[evaluate]'" in capsys.readouterr().err


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from mvinverse_cli.cli.main import main; main(['evaluate', 'flicker', '--help']); "
        "sys.exit(str({'torch', 'cv2', 'scipy', 'skimage', 'h5py'} & {*sys.modules} or '') or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
