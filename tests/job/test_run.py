"""A job: what goes in as a picture comes out where it was, and a plan touches nothing."""

from pathlib import Path

import cv2
import OpenEXR
import pytest

from mvinverse_cli.errors import InputError, OptionError, OutputError
from mvinverse_cli.formats import OnExists
from mvinverse_cli.frames import Fault, Shot
from mvinverse_cli.job.planning import plan_job
from mvinverse_cli.job.run import run_job, shot_fault
from mvinverse_cli.options import DecomposeOptions, Format, WriteOptions
from mvinverse_cli.outputs import ShotProgress
from tests.card import mirror, write_card


@pytest.fixture(autouse=True)
def sees_what_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the network."""
    mirror(monkeypatch)


def run(path: Path, out: Path, weights: Path, *formats: Format, **write: str) -> None:
    options = DecomposeOptions(model=str(weights), device="cpu")
    run_job(plan_job([path], out, options, WriteOptions(format=formats, **write)))


def test_up_is_up_and_right_is_red_in_what_is_written(tmp_path: Path, tiny_file: Path):
    path, _ = write_card("png 8", tmp_path)
    run(path, tmp_path / "out", tiny_file, "png", "exr")
    metallic = cv2.imread(str(tmp_path / "out/metallic/card_metallic.png"), cv2.IMREAD_UNCHANGED)
    assert (metallic[:24] == 0).all()
    assert (metallic[40:] == 255).all()
    normal = cv2.imread(str(tmp_path / "out/normal/card_normal.png"))[..., ::-1]
    assert (normal == (255, 128, 128)).all()
    with OpenEXR.File(str(tmp_path / "out/card.exr"), separate_channels=True) as file:
        assert [float(file.channels()[f"normal.{axis}"].pixels.max()) for axis in "XYZ"] == [1, 0, 0]


def test_a_plan_touches_nothing_and_a_run_tells_of_every_frame(tmp_path: Path, tiny_file: Path):
    path, _ = write_card("mp4 tagged", tmp_path)
    plan = plan_job([path], tmp_path / "out", DecomposeOptions(model=str(tiny_file), device="cpu"), WriteOptions())
    assert not (tmp_path / "out").exists()
    assert plan.to_do == 2
    heard = []
    outcome = run_job(plan, heard.append)
    assert outcome.written == 2
    assert [(progress.number, progress.done, progress.total) for progress in heard] == [(1001, 1, 2), (1002, 2, 2)]


def test_a_run_that_ends_just_after_its_movies_got_their_names_is_gone_on_with(
    tmp_path: Path, tiny_file: Path, monkeypatch: pytest.MonkeyPatch
):
    path, _ = write_card("mp4 tagged", tmp_path)

    def interrupted(progress: ShotProgress) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ShotProgress, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(path, tmp_path / "out", tiny_file, "mp4")
    movie = tmp_path / "out/card_albedo.mp4"
    before = movie.stat()
    run(path, tmp_path / "out", tiny_file, "mp4", on_exists="skip")
    assert movie.stat() == before
    assert '"complete": true' in (tmp_path / "out/mvinverse.json").read_text()


def test_two_manifests_never_tell_of_one_folder(tmp_path: Path, tiny_file: Path):
    paths = []
    for name in ("a", "b"):
        path, _ = write_card("png 8", tmp_path)
        paths.append(path.rename(tmp_path / f"{name}.png"))
    folders = [tmp_path / name for name in "ab"]
    for folder, path in zip(folders, paths, strict=True):
        folder.mkdir()
        path.rename(folder / path.name)
    options = DecomposeOptions(model=str(tiny_file), device="cpu", maps=("albedo",))

    def write(inputs: list[Path], out: str, on_exists: OnExists) -> None:
        run_job(plan_job(inputs, tmp_path / out, options, WriteOptions(on_exists=on_exists)))

    write(folders, "out", "error")
    for on_exists in ("skip", "overwrite"):
        with pytest.raises(OptionError, match=r"out/a: is the folder of 'a' in .*out/mvinverse\.json"):
            write(folders[:1], "out/a", on_exists)
    write(folders[:1], "other/a", "error")
    with pytest.raises(OutputError, match=r"other/a/mvinverse\.json: is of a run over 'a' alone"):
        write(folders, "other", "overwrite")


@pytest.mark.parametrize("named", ["-", "/tmp/copy/stdin.nut"])
def test_a_fault_of_stdin_is_told_of_the_name_that_the_user_knows(named: str):
    shot = Shot("stdin", "video", (Path("/tmp/copy/stdin.nut"),), (), ((64, 48),), None, None, given=Path("-"))
    assert shot_fault(InputError(f"{named}: cannot be read"), shot) == Fault(None, Path("-"), "cannot be read", "stdin")
