"""`mvinverse weights`: data on stdout, errors typed, no request but for `pull`."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
import typer
from typer.testing import CliRunner

from mvinverse_cli.cli.main import main
from mvinverse_cli.cli.weights import app
from mvinverse_cli.errors import OptionError, OutputError, WeightsError
from mvinverse_cli.model.checkpoint import save_checkpoint
from mvinverse_cli.model.weights import OFFICIAL_REPOSITORY, OFFICIAL_REVISION
from tests.conftest import TINY
from tests.hub import OWNER, Hub, serve_hub, use_hub
from tests.scenes.views import make_scenes


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve_hub() as hub:
        hub.files[OFFICIAL_REPOSITORY] = hub.files[OWNER]
        hub.refs[OFFICIAL_REVISION] = OFFICIAL_REVISION
        use_hub(hub.url, tmp_path / "home", monkeypatch)
        yield hub
        huggingface_hub.close_session()


def stdout(*arguments: str) -> str:
    """What the command prints; an error that it raises is raised here."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_list_says_what_is_here_without_a_request(hub):
    header, small, official = stdout("list").splitlines()
    assert header.split() == ["NAME", "HERE", "SIZE", "LICENCE", "FROM"]
    assert small.startswith("small")
    assert official.split()[:2] == ["official", "no"]
    assert "non-commercial" in official
    assert official.endswith(f"{OFFICIAL_REPOSITORY}@{OFFICIAL_REVISION}")
    assert hub.requests == []
    stdout("pull")
    assert stdout("list").splitlines()[2].split()[:2] == ["official", "yes"]


def test_pull_prints_where_each_file_lies(hub):
    paths = [Path(line) for line in stdout("pull", OWNER, "official").splitlines()]
    assert [path.read_bytes() for path in paths] == 2 * [hub.files[OWNER]["model.safetensors"]]


def test_path_prints_the_path_alone_and_makes_no_request(hub):
    pulled = stdout("pull", OWNER)
    hub.requests.clear()
    assert stdout("path", OWNER) == pulled
    assert hub.requests == []


@pytest.mark.parametrize("command", [["list"], ["pull", OWNER], ["path", OWNER], ["verify", OWNER]])
def test_a_reader_that_has_gone_is_an_error_of_output(hub, command: list[str], monkeypatch: pytest.MonkeyPatch):
    def gone(text: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    stdout("pull", OWNER)
    monkeypatch.setattr(typer, "echo", gone)
    with pytest.raises(OutputError, match="stdout cannot be written: Broken pipe"):
        stdout(*command)


def test_path_of_what_is_not_here_is_an_error_without_a_request(hub):
    with pytest.raises(WeightsError, match="weights pull"):
        stdout("path", "official")
    assert hub.requests == []


@pytest.mark.parametrize("command", ["pull", "path", "verify"])
@pytest.mark.parametrize("name", ["nope", "nobody/nothing", "n" * 300])
def test_weights_that_are_not_there_are_named_and_no_flag_that_was_not_given(hub, command: str, name: str):
    with pytest.raises(WeightsError, match=f"^weights '{name}': ") as caught:
        stdout(command, name)
    assert f"--model {name}" not in str(caught.value)


def test_verify_prints_a_line_for_each_check(tmp_path, tiny_model):
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(tiny_model.state_dict(), TINY, path)
    lines = stdout("verify", str(path)).splitlines()
    assert [line.split(":")[0] for line in lines] == ["ok  sha256", "ok  network", "ok  values"]


def test_verify_finds_a_byte_that_turned_on_disk(hub):
    path = Path(stdout("pull", OWNER).strip())
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\x40")
    result = CliRunner().invoke(app, ["verify", OWNER])
    assert isinstance(result.exception, WeightsError)
    assert "sha256, network failed" in str(result.exception)
    assert result.stdout.startswith("FAILED  sha256")


def test_auto_is_what_this_machine_would_load(monkeypatch, hub):
    monkeypatch.setattr("mvinverse_cli.model.device.available_devices", lambda: ["cuda:0", "cpu"])
    assert OFFICIAL_REVISION in stdout("pull", "auto")


def test_mean_prints_the_path_that_it_wrote(tmp_path, tiny_file):
    output = tmp_path / "mean.safetensors"
    assert stdout("mean", str(tiny_file), str(tiny_file), "--shares", "2,1", "-o", str(output)) == f"{output}\n"
    assert output.stat().st_size > tiny_file.stat().st_size  # the metadata tells of both


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        pytest.param(("--shares", "much,little"), OptionError, "not numbers", id="words"),
        pytest.param(("--shares", "1"), OptionError, "1 for 2 weights", id="too few"),
        pytest.param(("-o", "mean.pt"), OptionError, "let the name end so", id="no safetensors"),
        pytest.param(("-o", "there.safetensors"), OutputError, "is there already", id="in the way"),
        pytest.param(("-o", f"{'x' * 300}.safetensors"), OutputError, "File name too long", id="too long a name"),
        pytest.param(
            ("-o", "there.safetensors/mean.safetensors"), OutputError, "is not a folder", id="a file for a folder"
        ),
    ],
)
def test_mean_overwrites_nothing_and_guesses_nothing(tmp_path, monkeypatch, tiny_file, arguments, error, said):
    monkeypatch.chdir(tmp_path)
    Path("there.safetensors").write_text("hours of work")
    output = () if "-o" in arguments else ("-o", "mean.safetensors")
    with pytest.raises(error, match=said):
        stdout("mean", str(tiny_file), str(tiny_file), *arguments, *output)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["hours of work"]


def test_mean_makes_the_folder_and_leaves_what_appears_there_meanwhile(tmp_path, monkeypatch, tiny_file):
    arguments = ("mean", str(tiny_file), str(tiny_file), "-o", str(tmp_path / "new" / "mean.safetensors"))
    stdout(*arguments)
    (mean,) = (tmp_path / "new").iterdir()
    mean.write_text("hours of work")
    monkeypatch.setattr("mvinverse_cli.cli.weights.check_new", lambda output: None)  # it was not there then
    with pytest.raises(OutputError, match="appeared meanwhile"):
        stdout(*arguments)
    assert [path.read_text() for path in (tmp_path / "new").iterdir()] == ["hours of work"]


def test_help_imports_neither_torch_nor_huggingface_hub():
    code = (
        "import sys, mvinverse_cli.cli.weights; sys.exit(str({'torch', 'huggingface_hub'} & {*sys.modules} or '') or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_calibrate_writes_weights_and_says_what_it_gained(tmp_path: Path, tiny_model):
    save_checkpoint(tiny_model.state_dict(), TINY, tmp_path / "tiny.safetensors")
    scenes, output = make_scenes(tmp_path / "scenes", (1, 2), views=2), tmp_path / "out.safetensors"
    arguments = ("calibrate", str(tmp_path / "tiny.safetensors"), "--data", str(scenes), "-o", str(output))
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.stdout == f"{output}\n"
    for name, error in (("albedo", "PSNR"), ("metallic", "RMSE"), ("roughness", "RMSE"), ("shading", "PSNR")):
        assert re.search(rf"logits of {name} times [\d.]+: {error} [\d.]+ before, [\d.]+ now", result.stderr)
    assert output.is_file()
    with pytest.raises(OutputError, match="is there already"):
        stdout(*arguments)
    output.unlink()
    next(scenes.glob("*1/view_1.exr")).unlink()
    assert main(["weights", *arguments]) == 3
    assert output.is_file()
    other = (*arguments[:-1], str(tmp_path / "other.safetensors"))
    with pytest.raises(OptionError, match="--limit 0"):
        stdout(*other, "--limit", "0")
    with pytest.raises(OptionError, match="normal has no logits"):
        stdout(*other, "--maps", "albedo,normal")
    assert "metallic" not in CliRunner().invoke(app, (*other, "--maps", "albedo"), catch_exceptions=False).stderr
