"""Before a model is loaded: what is in the way, what is done, where there is room."""

import os

import pytest

from mvinverse_cli.errors import OutputError
from mvinverse_cli.outputs import check, check_folder, check_shot, identities, make_folder
from mvinverse_cli.outputs.check import find_frames

FRAMES = [(1001, ""), (1002, ""), (1003, "")]


def put(shot, *numbers, movies=False):
    paths = [file.path for number in numbers for file in shot.frame_files(number, "")]
    for path in [*paths, *((movie.path for movie in shot.movie_files()) if movies else ())]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"whole")


def test_an_empty_folder_needs_every_frame(make_shot):
    standing = check_shot(make_shot(format=("png",)), FRAMES, {})
    assert standing.frames_done == frozenset()
    assert all(standing.needs(number) for number, _ in FRAMES)


def test_error_names_the_first_file_how_many_and_the_way_out(make_shot):
    shot = make_shot(format=("png",), maps=("albedo", "normal"))
    put(shot, 1002, 1003)
    message = r"clip_albedo\.1002\.png: is there already, as are 3 more .* --on-exists skip or overwrite, or another"
    with pytest.raises(OutputError, match=message):
        check_shot(shot, FRAMES, {})


def test_files_of_other_frames_are_not_in_the_way(make_shot):
    shot = make_shot(format=("exr",))
    put(shot, 990, 1004)
    assert check_shot(shot, FRAMES, {}).frames_done == frozenset()


def test_a_movie_is_in_the_way(make_shot):
    shot = make_shot(format=("mp4",), maps=("normal",))
    put(shot, movies=True)
    with pytest.raises(OutputError, match=r"clip_normal\.mp4: is there already;"):
        check_shot(shot, FRAMES, {})


@pytest.mark.parametrize(
    "other", ["clip2.1001.exr", "aclip.1001.exr", "clip.1001.png", "clip.101.exr", "clip.1001.exr.bak"]
)
def test_files_of_another_name_are_not_in_the_way_of_a_video(make_shot, other):
    shot = make_shot(format=("exr",))
    shot.folder.mkdir()
    (shot.folder / other).write_bytes(b"")
    assert check_shot(shot, FRAMES, {}).frames_done == frozenset()


@pytest.mark.parametrize("stem", ["clip[1]", "a.b", "*", "x(y"])
def test_a_stem_is_no_pattern(make_shot, stem):
    shot = make_shot(format=("exr",), stem=stem, on_exists="skip")
    put(shot, 1001)
    assert check_shot(shot, FRAMES, {}).frames_done == {1001}


def test_skip_tells_the_frames_that_have_all_their_files(make_shot):
    shot = make_shot(format=("png", "exr"), on_exists="skip")
    put(shot, 1001, 1002)
    shot.frame_files(1002, "")[-1].path.unlink()
    standing = check_shot(shot, FRAMES, {})
    assert standing.frames_done == {1001}
    assert [number for number, _ in FRAMES if standing.needs(number)] == [1002, 1003]


def test_a_missing_movie_needs_every_frame(make_shot):
    shot = make_shot(format=("png", "mp4"), on_exists="skip")
    put(shot, 1001, 1002, 1003)
    standing = check_shot(shot, FRAMES, {})
    assert standing.movies_left == {"mp4"}
    assert standing.needs(1001)


def test_finished_movies_alone_need_no_frame(make_shot):
    shot = make_shot(format=("mp4",), on_exists="skip")
    put(shot, movies=True)
    assert not check_shot(shot, FRAMES, {}).needs(1001)


@pytest.mark.parametrize("formats", [("png",), ("png", "mp4"), ("mp4",)])
def test_overwrite_needs_every_frame_again(make_shot, formats):
    shot = make_shot(format=formats, on_exists="overwrite")
    put(shot, 1001, 1002, 1003, movies=True)
    standing = check_shot(shot, FRAMES, {})
    assert all(standing.needs(number) for number, _ in FRAMES)


@pytest.mark.parametrize("on_exists", ["skip", "overwrite", "error"])
@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_a_source_is_never_overwritten(make_shot, tmp_path, on_exists, link):
    shot = make_shot(format=("exr",), on_exists=on_exists)
    put(shot, 1001)
    source = shot.folder / "clip.1001.exr"
    if link is not None:
        source = tmp_path / "plate.exr"
        link(shot.folder / "clip.1001.exr", source)
    with pytest.raises(OutputError, match=r"clip\.1001\.exr: is the source .* another output folder"):
        check_shot(shot, FRAMES, identities([tmp_path / "gone.exr", source]))


def test_a_link_to_nowhere_is_in_the_way_like_a_file(make_shot):
    shot = make_shot(format=("exr",))
    shot.folder.mkdir()
    (shot.folder / "clip.1001.exr").symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"clip\.1001\.exr: is there already"):
        check_shot(shot, FRAMES, identities([shot.folder]))


def test_stills_of_one_name_are_refused(make_shot):
    shot = make_shot(stills=True, format=("png",))
    with pytest.raises(OutputError, match="stills 1 and 3 are both named 'IMG_1'"):
        check_shot(shot, [(1, "IMG_1"), (2, "IMG_2"), (3, "IMG_1")], {})


def test_looking_creates_nothing(make_shot, tmp_path):
    check_shot(make_shot(format=("png", "mp4")), FRAMES, {})
    check_folder(tmp_path / "out" / "deeper")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError, match=r"out: .*out is not a folder"):
        check_folder(tmp_path / "out")


def test_a_file_above_the_folder_is_refused(tmp_path):
    (tmp_path / "plate.mov").write_bytes(b"")
    with pytest.raises(OutputError, match=r"plate\.mov is not a folder"):
        check_folder(tmp_path / "plate.mov" / "out" / "shot")


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match=f"no permission to write in {tmp_path}"):
        check_folder(tmp_path / "out")


def test_a_folder_of_a_map_without_permission_is_refused(make_shot, monkeypatch):
    shot = make_shot(format=("png",))
    put(shot, 990)
    monkeypatch.setattr(os, "access", lambda path, *_: path != shot.folder / "albedo")
    with pytest.raises(OutputError, match=f"no permission to write in {shot.folder / 'albedo'}"):
        check_shot(shot, FRAMES, {})


@pytest.mark.parametrize("formats", [("png",), ("mp4",), ("exr",)])
def test_a_name_that_no_file_can_have_is_refused(make_shot, formats):
    check_shot(make_shot(format=formats, stem="n" * 200), FRAMES, {})
    with pytest.raises(OutputError, match=r"a name of 2[5-9][0-9] bytes, where 255 is the most here"):
        check_shot(make_shot(format=formats, stem="ä" * 125), FRAMES, {})


def test_a_folder_is_made_and_left_empty(tmp_path):
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_full_disk_is_noticed_before_the_first_frame(small_disk, files_under):
    (small_disk / "rest").write_bytes(bytes(256 * 1024))
    with pytest.raises(OutputError, match="cannot write: No space left on device"):
        make_folder(small_disk)
    assert files_under(small_disk) == ["rest"]


def test_a_folder_that_cannot_be_listed_is_an_output_error(make_shot, monkeypatch):
    def fail(_):
        raise PermissionError(13, "Permission denied")

    shot = make_shot(format=("png",))
    shot.folder.mkdir()
    monkeypatch.setattr(check.Path, "iterdir", fail)
    with pytest.raises(OutputError, match="out: cannot write: Permission denied"):
        check_shot(shot, FRAMES, {})


def test_frames_are_found_by_the_names_of_their_files_alone(make_shot):
    folder = make_shot().folder
    names = ["albedo/clip_albedo.1002.png", "albedo/clip_normal.1003.png", "clip.1004.png", "clip.1005.exr"]
    names += ["normal/clip_normal.10006.png", "normal/other_normal.1007.png", "albedo/clip_albedo.1008.exr"]
    names += ["sheet/clip_sheet.1009.png", "albedo/clip_albedo.png", "clip_sheet.mp4"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    kinds = ("png", "exr", "tiff", "mp4")
    assert find_frames(make_shot(), kinds, ()) == {"png": {1002, 10006}, "exr": {1005}, "tiff": set()}
    in_files = make_shot(format=("exr",), exr_layout="files")
    assert find_frames(in_files, ("exr",), ()) == {"exr": {1008}}


def test_stills_are_found_by_their_own_names(make_shot):
    folder = make_shot().folder
    for name in ("albedo/a.b_albedo.png", "albedo/clip_albedo.png", "sheet/left_sheet.png", "sheet/a_sheet.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    found = find_frames(make_shot(stills=True), ("png", "sheet"), ("left", "a.b", "right"))
    assert found == {"png": {2}, "sheet": {1}}
