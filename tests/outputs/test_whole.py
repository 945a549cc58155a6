"""A final name is a complete file; anything else leaves nothing."""

import errno
import os
from pathlib import Path

import pytest

from mvinverse_cli.errors import OutputError
from mvinverse_cli.outputs.whole import WholeFile, write_whole


def test_the_content_and_its_folders_appear(tmp_path, files_under):
    path = tmp_path / "a" / "b" / "c.png"
    write_whole(path, b"whole", "error")
    assert path.read_bytes() == b"whole"
    assert files_under(tmp_path) == ["a/b/c.png"]


def test_the_name_does_not_exist_before_the_commit(tmp_path, files_under):
    whole = WholeFile(tmp_path / "a.png", "error")
    whole.file.write(b"half")
    (hidden,) = files_under(tmp_path)
    assert hidden.startswith(".mvinverse-")
    assert hidden.endswith(".part")
    whole.commit()
    assert files_under(tmp_path) == ["a.png"]


def test_a_discarded_file_leaves_nothing(tmp_path, files_under):
    whole = WholeFile(tmp_path / "a.png", "error")
    whole.discard()
    assert files_under(tmp_path) == []


def test_a_committed_file_is_not_discarded(tmp_path, files_under):
    whole = WholeFile(tmp_path / "a.png", "error")
    whole.commit()
    whole.discard()
    assert files_under(tmp_path) == ["a.png"]


@pytest.mark.parametrize(("on_exists", "content"), [("overwrite", b"new"), ("skip", b"old")])
def test_a_file_that_is_there_is_replaced_or_kept(tmp_path, files_under, on_exists, content):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    write_whole(path, b"new", on_exists)
    assert path.read_bytes() == content
    assert files_under(tmp_path) == ["a.png"]


@pytest.mark.parametrize("on_exists", ["overwrite", "skip", "error"])
def test_a_file_without_a_byte_is_replaced(tmp_path, files_under, on_exists):
    path = tmp_path / "a.png"
    path.touch()
    write_whole(path, b"new", on_exists)
    assert path.read_bytes() == b"new"
    assert files_under(tmp_path) == ["a.png"]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synced = tmp_path / "a.png", []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((os.fstat(file).st_size, path.exists())))
    write_whole(path, b"whole", "error")
    assert synced == [(5, False)]


def test_a_name_that_is_taken_in_the_last_moment_stays_with_who_took_it(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"of another run")
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda self: self != path and exists(self))  # as it looked a moment ago
    with pytest.raises(OutputError, match="appeared while this run was going"):
        write_whole(path, b"ours", "error")
    assert path.read_bytes() == b"of another run"


def test_a_file_that_appeared_meanwhile_is_not_overwritten_unasked(tmp_path, files_under):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"a\.png: appeared while this run was going"):
        write_whole(path, b"new", "error")
    assert path.read_bytes() == b"old"
    assert files_under(tmp_path) == ["a.png"]


def test_a_full_disk_leaves_no_file_and_names_the_path(small_disk, files_under):
    with pytest.raises(OutputError, match=r"big\.png: cannot write: No space left on device"):
        write_whole(small_disk / "big.png", bytes(2**20), "error")
    assert files_under(small_disk) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_a_failing_rename_leaves_no_file(tmp_path, files_under, monkeypatch, code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "replace", fail)
    monkeypatch.setattr(Path, "hardlink_to", fail)
    with pytest.raises(OutputError, match=rf"a\.png: cannot write: {os.strerror(code)}"):
        write_whole(tmp_path / "a.png", b"whole", "error")
    assert files_under(tmp_path) == []


def test_a_name_is_taken_once_where_there_are_no_hard_links(tmp_path, files_under, monkeypatch):
    def fail(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", fail)
    write_whole(tmp_path / "a.png", b"first", "error")
    with pytest.raises(OutputError, match="appeared while this run was going"):
        write_whole(tmp_path / "a.png", b"second", "error")
    assert (tmp_path / "a.png").read_bytes() == b"first"
    assert files_under(tmp_path) == ["a.png"]


def test_a_folder_under_a_file_cannot_be_made(tmp_path):
    (tmp_path / "plate.exr").write_bytes(b"")
    with pytest.raises(OutputError, match=r"plate\.exr/albedo/a\.png: cannot write"):
        write_whole(tmp_path / "plate.exr" / "albedo" / "a.png", b"", "error")


def test_the_longest_name_a_folder_holds_can_be_written(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    write_whole(path, b"whole", "error")
    assert path.read_bytes() == b"whole"


def test_files_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a.png", b"", "error")
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640
