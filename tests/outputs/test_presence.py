"""Who is at work in a folder, and what becomes of the unfinished files of those who no longer are."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from mvinverse_cli.errors import OutputError
from mvinverse_cli.outputs import open_presence, presence
from mvinverse_cli.outputs.presence import LOCK_NAME, RUNS_NAME, Presence, open_alone
from mvinverse_cli.outputs.whole import WholeFile

PART = ".mvinverse-0123456789ab.part"

AT_WORK = """
import sys
from pathlib import Path
from mvinverse_cli.outputs.presence import open_presence
from mvinverse_cli.outputs.whole import WholeFile
folder = Path(sys.argv[1])
with open_presence(folder):
    whole = WholeFile(folder / "albedo" / "a.png", "error")
    print("ready", flush=True)
    sys.stdin.read()
"""


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_unfinished_files_go_when_their_writer_is_dead_and_not_before(tmp_path: Path):
    command = [sys.executable, "-c", AT_WORK, str(tmp_path)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    (part,) = (tmp_path / "albedo").iterdir()
    with open_presence(tmp_path, [tmp_path / "albedo"]):
        assert part.exists()
    assert part.exists()
    writer.kill()
    writer.communicate()
    with open_presence(tmp_path, [tmp_path / "albedo"]):
        assert not part.exists()
    assert names_in(tmp_path) == ["albedo"]


def test_a_run_in_a_folder_of_another_leaves_what_that_one_writes_and_the_other_way_round(tmp_path: Path):
    shot = tmp_path / "shot"
    with open_presence(tmp_path, [shot]):
        above = WholeFile(shot / "a.mp4", "error")
        (shot / PART).touch()  # of one that is dead
        with open_presence(shot):
            assert [path for path in shot.iterdir() if path.suffix == ".part"] == [Path(above.file.name)]
            below = WholeFile(shot / "b.mp4", "error")
        above.commit()
    with open_presence(tmp_path, [shot]):
        pass
    below.commit()
    assert names_in(tmp_path) == ["shot", "shot/a.mp4", "shot/b.mp4"]


def test_a_run_that_ends_last_removes_what_another_left_that_was_killed_beside_it(tmp_path: Path):
    with open_presence(tmp_path):
        (tmp_path / PART).touch()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", [LOCK_NAME, RUNS_NAME])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path, name: str, link: Callable[[Path, Path], None]):
    private, folder = tmp_path / "private", tmp_path / "out"
    folder.mkdir()
    private.write_bytes(b"precious")
    private.chmod(0o600)
    link(private, folder / name)
    with pytest.raises(OutputError, match=re.escape(str(folder / name))):
        Presence(folder)
    assert private.read_bytes() == b"precious"
    assert private.stat().st_mode & 0o777 == 0o600


HOLDS_BOOKS = """
import sys
from pathlib import Path
from mvinverse_cli.outputs.presence import open_presence
with open_presence(Path(sys.argv[1])) as presence:
    with presence.alone_with_books():
        print("ready", flush=True)
        sys.stdin.readline()
        print("done", flush=True)
    sys.stdin.read()
"""


def test_the_books_are_one_runs_at_a_time(tmp_path: Path):
    command = [sys.executable, "-c", HOLDS_BOOKS, str(tmp_path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    events: list[str] = []

    def enter() -> None:
        with open_presence(tmp_path) as presence, presence.alone_with_books():
            events.append("entered")

    waiting = Thread(target=enter)
    waiting.start()
    waiting.join(0.3)
    assert not events
    (tmp_path / LOCK_NAME).rename(tmp_path / "old")  # as the last run does that leaves, and another makes it anew
    (tmp_path / LOCK_NAME).touch()
    other.stdin.write("\n")
    other.stdin.flush()
    assert other.stdout.readline() == "done\n"
    waiting.join(10)
    assert events == ["entered"]
    other.communicate()


def test_a_lock_that_was_replaced_while_it_was_waited_for_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / LOCK_NAME
    locked = []

    def replaced_once(file: int, *, shared: bool, wait: bool) -> str:
        locked.append(os.fstat(file).st_ino)
        if len(locked) == 1:
            path.rename(tmp_path / "old")
            path.touch()
        return "held"

    monkeypatch.setattr(presence, "lock", replaced_once)
    held = presence.hold(path)
    assert os.fstat(held).st_ino == path.stat().st_ino == locked[1] != locked[0]
    os.close(held)


def test_what_a_killed_run_leaves_may_be_locked_by_every_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    presence = Presence(tmp_path)  # and killed
    before = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert before == {LOCK_NAME: 0o666, RUNS_NAME: 0o666}
    really_open = os.open

    def of_another_user(path: Path, flags: int, *mode: int) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return really_open(path, flags, *mode)

    def not_yours(path: Path, **_: bool) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    os.close(presence._runs)
    monkeypatch.setattr(os, "open", of_another_user)
    monkeypatch.setattr(Path, "unlink", not_yours)
    with open_presence(tmp_path) as again, again.alone_with_books():
        assert again.is_alone()
        assert not again.may_be_written(("", "shot"))
    with open_presence(tmp_path) as again, open_presence(tmp_path), again.alone_with_books():
        again.begin(("", "shot"))  # which cannot be noted in a file of another user
        assert again.may_be_written(("", "other"))
    assert names_in(tmp_path) == [LOCK_NAME, RUNS_NAME]


def test_what_was_begun_here_is_known_for_as_long_as_somebody_is_at_work(tmp_path: Path):
    shots = ("", "a shot"), ("sub", "n\udce4me\n")
    killed = Presence(tmp_path)
    with open_presence(tmp_path) as first, open_presence(tmp_path) as second:
        with killed.alone_with_books():
            killed.begin(shots[0])
        with second.alone_with_books():
            second.begin(shots[1])
        os.close(killed._runs)
        with first.alone_with_books():
            assert [first.may_be_written(shot) for shot in (*shots, ("sub", "other"))] == [True, True, False]
    killed = Presence(tmp_path)
    with killed.alone_with_books():
        killed.begin(shots[0])
    os.close(killed._runs)
    with open_presence(tmp_path) as first, open_presence(tmp_path), first.alone_with_books():
        assert not first.may_be_written(shots[0])


def test_half_a_note_is_not_in_the_way_of_the_next(tmp_path: Path):
    with open_presence(tmp_path) as first, open_presence(tmp_path) as second:
        with second.alone_with_books():
            os.write(second._runs, b'\n["", "fir')
            second.begin(("", "shot"))
        with first.alone_with_books():
            assert first.may_be_written(("", "shot"))
            assert not first.may_be_written(("", "other"))


def test_a_file_of_another_user_is_opened_where_it_could_not_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    really_open = os.open

    def of_another_user(path: Path, flags: int, *mode: int) -> int:  # as Linux does in /tmp
        if flags & os.O_CREAT and path.exists():
            raise PermissionError(errno.EACCES, "Permission denied")
        return really_open(path, flags, *mode)

    with open_presence(tmp_path) as first:
        monkeypatch.setattr(os, "open", of_another_user)
        with open_presence(tmp_path) as second:
            with second.alone_with_books():
                second.begin(("", "shot"))
            with first.alone_with_books():
                assert first.may_be_written(("", "shot"))


def test_nothing_is_removed_but_our_own_unfinished_files_in_the_folders_written_to(tmp_path: Path):
    for name in ("a.part", ".mvinverse-0123.part", f"{PART}.png", "x" + PART):
        (tmp_path / name).touch()
    (tmp_path / ".mvinverse-aaaaaaaaaaaa.part").mkdir()
    (tmp_path / ".mvinverse-bbbbbbbbbbbb.part").symlink_to("a.part")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / PART).touch()
    before = names_in(tmp_path)
    (tmp_path / PART).touch()
    with open_presence(tmp_path, [tmp_path / "normal"]):
        pass
    assert names_in(tmp_path) == before


def test_where_there_are_no_locks_nothing_is_known_and_nothing_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(presence, "lock", lambda file, shared, wait: "unknown")
    (tmp_path / PART).touch()
    with open_presence(tmp_path):
        pass
    assert (tmp_path / PART).exists()
    assert "no locks on this file system" in caplog.text


def test_a_folder_is_for_one_process_alone_until_it_leaves(tmp_path: Path):
    folder = tmp_path / "new" / "run"
    with open_alone(folder):
        with pytest.raises(OutputError, match="another process is at work in it"), open_alone(folder):
            pass
        with open_alone(tmp_path):
            pass
    with open_alone(folder):
        assert names_in(folder) == []


def test_nobody_is_kept_out_of_a_folder_that_cannot_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(file, shared, wait):
        raise OSError(errno.EBADF, "not opened for writing")

    monkeypatch.setattr(presence, "lock", refuse)
    with open_alone(tmp_path), open_alone(tmp_path):
        pass


@pytest.mark.parametrize("when", [1, 2])
def test_a_lock_that_goes_while_it_is_looked_at_is_made_anew(tmp_path, monkeypatch, when):
    looks, stat = count(1), Path.stat

    def gone_once(path, **more):
        if path.name == presence.LOCK_NAME and next(looks) == when:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return stat(path, **more)

    monkeypatch.setattr(Path, "stat", gone_once)
    with open_presence(tmp_path) as ours:
        assert ours.is_alone()
