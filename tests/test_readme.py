"""What the README tells a newcomer is true."""

import re
import shlex
from pathlib import Path

import pytest

from mvinverse_cli.cli.main import main
from mvinverse_cli.maps import MAPS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SHELL = [
    line.split("#")[0] if " # " in line else line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()
]


def test_it_is_short_and_its_files_are_there():
    assert len(README.splitlines()) < 150
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_the_two_commands_that_set_up_everything_are_there():
    assert 'pip install -c constraints.txt -e ".[test]" && pytest' in SHELL
    assert any(line.startswith("pip install -c constraints.txt . && mvinverse decompose examples/") for line in SHELL)


def test_the_first_command_runs_on_the_example(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(ROOT)
    (first,) = [line for line in SHELL if line.startswith("pip install -c constraints.txt .")]
    words = shlex.split(first)[shlex.split(first).index("mvinverse") + 1 :]
    words[words.index("out/")] = str(tmp_path)
    words[words.index("1-8")] = "1"
    assert main([*words, "--max-size", "252"]) == 0, capfd.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {*MAPS, "mvinverse.json"}


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("mvinverse decompose")])
def test_every_flag_it_shows_is_understood(line: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    code = main([*shlex.split(line)[1:], "--dry-run", "-o", str(tmp_path / "out")])
    assert code in (0, 4), capfd.readouterr().err  # 4: it names files of the reader's own
    assert not (tmp_path / "out").exists()


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch, tiny_file: Path, capfd: pytest.CaptureFixture[str]):
    monkeypatch.chdir(ROOT)
    (example,) = [text for kind, text in BLOCKS if kind == "python"]
    exec(example.replace('"small"', repr(str(tiny_file))).replace('"1-8"', '"1-2", max_size=252'), {})
    assert capfd.readouterr().out == "1001 0 (360, 640, 3)\n1002 1/24 (360, 640, 3)\n"
