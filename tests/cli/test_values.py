"""Values that flags take as text."""

from pathlib import Path

import pytest

from mvinverse_cli.cli.main import main
from mvinverse_cli.cli.values import parse_output


@pytest.mark.parametrize(
    "arguments",
    [
        ["decompose", "a.png"],
        ["train", "--data", "scenes"],
        ["finetune", "a.mp4"],
        ["scenes", "render"],
        ["doctor"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_output_of_no_name_is_refused_and_not_taken_for_this_folder(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "-o", ""]) == 2
    assert capfd.readouterr() == (
        "",
        "mvinverse: error: --output: an empty name was given; an unset variable, perhaps?\n",
    )
    assert not [*tmp_path.iterdir()]


def test_a_folder_may_have_the_name_of_the_sign_for_stdout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert parse_output("-") == Path("-")
    assert parse_output("./-") == tmp_path / "-"
    assert parse_output("out") == Path("out")
