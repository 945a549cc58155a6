"""`--files-from` and `--null`: inputs out of a list."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.cli.files_from import gather_inputs, split_list
from mvinverse_cli.errors import InputError, OptionError
from tests.cli.running import files_in
from tests.frames.media import write_png

NAMES = st.lists(st.binary(min_size=1, max_size=8).filter(lambda name: b"\0" not in name), max_size=5)


def say(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    """Puts `text` on stdin."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))


def test_the_inputs_of_a_list_come_behind_those_given(run):
    for name in ("one.png", "two words.png", "three.png"):
        write_png(Path(name))
    Path("list").write_text("two words.png\r\n\nthree.png", "utf-8-sig")  # as Windows editors write it
    ran = run("one.png", "--files-from", "list", "--maps", "albedo")
    assert ran.code == 0, ran.err
    written = [name for name in files_in(Path("out")) if name.endswith(".png")]
    assert written == [f"albedo/{stem}_albedo.png" for stem in ("one", "three", "two words")]


def test_a_list_on_stdin_may_be_all_there_is(run, monkeypatch: pytest.MonkeyPatch):
    write_png(Path("new\nline.png"))
    say(monkeypatch, b"new\nline.png\0")
    ran = run("--files-from", "-", "--null", "--dry-run")
    assert ran.code == 0, ran.err
    assert "new\\nline" in ran.out


@given(NAMES)
def test_every_name_comes_through_a_list_with_null(names: list[bytes]):
    assert split_list(b"".join(name + b"\0" for name in names), null=True) == [os.fsdecode(name) for name in names]


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_a_list_that_names_nothing_is_said(run, text: str):
    write_png(Path("a.png"))
    Path("list").write_text(text)
    for inputs in ([], ["a.png"]):
        ran = run(*inputs, "--files-from", "list")
        assert ran.code == 4
        assert ran.cause.endswith("--files-from list: names no input")


def test_a_list_that_is_not_there_or_a_folder_is_said(run):
    ran = run("--files-from", "nowhere")
    assert (ran.code, ran.cause) == (4, "mvinverse: error: --files-from nowhere: No such file or directory")
    assert run("--files-from", ".").code == 4


def test_a_program_without_stdin_has_no_list_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="there is no stdin"):
        gather_inputs([], "-", null=False)


def test_a_list_with_nul_characters_wants_null():
    with pytest.raises(InputError, match="--null"):
        split_list(b"a.png\0b.png\0", null=False)


def test_stdin_cannot_be_the_list_and_an_input(monkeypatch: pytest.MonkeyPatch):
    say(monkeypatch, b"a.png\n")
    with pytest.raises(OptionError, match="stdin is the list"):
        gather_inputs(["-"], "-", null=False)


def test_null_without_a_list_is_a_mistake(run):
    ran = run("a.png", "--null")
    assert ran.code == 2
    assert "--files-from" in ran.cause
