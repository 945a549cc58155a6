"""What the user names becomes shots, or one line that says what to do."""

import logging
from pathlib import Path

import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.frames import Shot, find_shots
from tests.frames.media import png_chunk, write_numbered, write_png


def find(*inputs: str | Path, allow_gaps: bool = False) -> tuple[Shot, ...]:
    return find_shots(inputs, allow_gaps=allow_gaps)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder called `shot`, from whose parent names are given."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shot").mkdir()
    return tmp_path / "shot"


def fill(folder: Path, *names: str) -> None:
    for name in names:
        write_png(folder / name)


def names(shot: Shot) -> list[str]:
    return [path.name for path in shot.paths]


def test_a_video_is_a_shot(folder):
    write_numbered(folder / "clip.mp4", 7)
    (shot,) = find("shot/clip.mp4")
    assert (shot.name, shot.kind, shot.frame_count, shot.rate) == ("clip", "video", 7, 25)
    assert shot.sizes == ((64, 48),)
    assert shot.numbers == ()


def test_a_folder_is_stills_in_natural_order_without_hidden_and_other_files(folder):
    fill(folder, "10.png", "2.png", "1.png", ".hidden.png")
    (folder / "notes.txt").write_text("not media")
    (folder / "deeper.png").mkdir()
    (shot,) = find("shot")
    assert (shot.name, shot.kind, shot.numbers, shot.frame_count) == ("shot", "stills", (1, 2, 3), 3)
    assert names(shot) == ["1.png", "2.png", "10.png"]


def test_a_folder_of_one_prefix_is_a_sequence_with_its_own_numbers(folder):
    fill(folder, "plate.1002.png", "plate.1001.png", "plate.1003.png")
    (shot,) = find(folder)
    assert (shot.name, shot.kind, shot.numbers) == ("plate", "sequence", (1001, 1002, 1003))
    assert names(shot) == ["plate.1001.png", "plate.1002.png", "plate.1003.png"]


@pytest.mark.parametrize("files", [["a.1.png", "b.2.png"], ["a.1.png", "a.2.jpg"], ["a_1.png", "a_2.png"], ["a.1.png"]])
def test_names_that_do_not_agree_are_stills(files, folder):
    fill(folder, *files)
    assert find(folder)[0].kind == "stills"


def test_listed_files_keep_their_order_and_are_one_shot(folder):
    fill(folder, "b.png", "a.png", "c.png")
    (shot,) = find("shot/c.png", "shot/a.png", "shot/b.png")
    assert (shot.name, shot.kind) == ("shot", "stills")
    assert names(shot) == ["c.png", "a.png", "b.png"]


def test_one_still_gives_its_name(folder):
    fill(folder, "room.png")
    assert find("shot/room.png")[0].name == "room"


def test_stills_of_several_folders_are_called_stills(folder):
    fill(folder, "a.png")
    fill(folder.parent, "b.png")
    assert find("shot/a.png", "b.png")[0].name == "stills"


def test_a_glob_that_the_shell_left_is_expanded_in_natural_order(folder):
    fill(folder, "v10.png", "v9.png", ".v1.png")
    (shot,) = find("shot/*.png")
    assert names(shot) == ["v9.png", "v10.png"]
    assert find(str(folder / "*.png")) == (Shot(**{**vars(shot), "paths": tuple(folder / n for n in names(shot))}),)


def test_a_glob_of_videos_is_a_shot_each(folder):
    for name in ("b.mp4", "a.mp4"):
        write_numbered(folder / name, 2)
    assert [shot.name for shot in find("shot/*.mp4")] == ["a", "b"]


def test_shots_come_in_the_order_given(folder):
    fill(folder, "x.0001.png", "x.0002.png")
    fill(folder.parent, "a.png", "b.png")
    write_numbered(folder / "clip.mp4", 2)
    shots = find("b.png", "shot/clip.mp4", "a.png", "shot/x.####.png")
    assert [shot.kind for shot in shots] == ["stills", "video", "sequence"]
    assert names(shots[0]) == ["b.png", "a.png"]


@pytest.mark.parametrize("pattern", ["p.####.png", "p.@@@@.png", "p.%04d.png", "p.$F4.png"])
def test_patterns_are_sequences_and_their_padding_grows(pattern, folder):
    fill(folder, "p.9998.png", "p.9999.png", "p.10000.png", "p.99.png", "p.09997.png", "p.x.png")
    (shot,) = find(folder / pattern)
    assert (shot.name, shot.kind, shot.numbers) == ("p", "sequence", (9998, 9999, 10000))


@pytest.mark.parametrize(("pattern", "name"), [("v_%d.png", "v"), ("v_#.png", "v"), ("v_$F.png", "v")])
def test_a_pattern_may_have_any_separator_and_no_padding(pattern, name, folder):
    fill(folder, "v_8.png", "v_9.png", "v_10.png")
    (shot,) = find(folder / pattern)
    assert (shot.name, shot.numbers) == (name, (8, 9, 10))


@pytest.mark.parametrize(
    "pattern", ["p.####.png", "plate_####_L.png", "a-####.png", "line\nbreak.####.png", "v_#.png", "100%.####.png"]
)
def test_a_sequence_is_told_by_the_pattern_of_its_names(pattern, folder):
    digits = pattern.count("#")
    fill(folder, *(pattern.replace("#" * digits, f"{number:0{digits}}") for number in (7, 8, 9)))
    (shot,) = find(folder / pattern)
    assert (shot.kind, shot.sources) == ("sequence", (folder / pattern,))


def test_a_folder_and_its_pattern_tell_the_same_sequence(folder):
    fill(folder, "p.1007.png", "p.1008.png")
    for named in ("shot", "shot/p.#.png", "shot/p.%04d.png", "shot/p.*.png"):
        assert find(named)[0].sources == (Path("shot/p.####.png"),)


def test_a_pattern_of_numbers_alone_is_called_like_its_folder(folder):
    fill(folder, "0001.png", "0002.png")
    assert find("shot/####.png")[0].name == "shot"


def test_a_name_that_exists_is_no_pattern_and_no_glob(folder):
    fill(folder, "100%d.png", "a#.png", "b[1].png")
    (shot,) = find("shot/100%d.png", "shot/a#.png", "shot/b[1].png")
    assert names(shot) == ["100%d.png", "a#.png", "b[1].png"]


def test_files_numbered_below_zero_are_told(folder, caplog):
    fill(folder, "n.-002.png", "n.-001.png", "n.0000.png", "n.0001.png", "take0001.png", "take-0001.png")
    with caplog.at_level(logging.WARNING, "mvinverse_cli"):
        assert find("shot/n.####.png")[0].numbers == (0, 1)
        assert find("shot/take####.png")[0].numbers == (1,)
    assert caplog.text.count("below zero") == 1
    assert "n.####.png: 2 files with a number below zero left out" in caplog.text


def test_of_a_folder_they_are_left_out_as_well(folder, caplog):
    fill(folder, "n.-1.png", "n.0.png", "n.1.png")
    with caplog.at_level(logging.WARNING, "mvinverse_cli"):
        (shot,) = find("shot")
    assert (shot.kind, shot.numbers, str(shot.pattern)) == ("sequence", (0, 1), "shot/n.#.png")
    assert "n.#.png: 1 file with a number below zero left out" in caplog.text
    for name in ("n.0.png", "n.1.png"):
        (folder / name).unlink()
    fill(folder, "n.-2.png")
    for given in ("shot", "shot/n.#.png"):
        with pytest.raises(InputError, match="files with a number below zero are not read"):
            find(given)


def test_a_video_of_a_strange_name_that_is_not_there_is_missing(folder):
    with pytest.raises(InputError, match=r"take#2\.mov: no such file, and a numbered sequence has to be of pictures"):
        find("shot/take#2.mov")


def test_names_that_are_one_on_some_disks_are_refused(folder, monkeypatch):
    for name in ("one", "two"):
        (folder / name).mkdir()
    for pair in (("Room", "room"), ("caf\u00e9", "cafe\u0301")):
        fill(folder, f"one/{pair[0]}.png", f"two/{pair[1]}.png")
        with pytest.raises(InputError, match="would share the name of their outputs"):
            find(f"shot/one/{pair[0]}.png", f"shot/two/{pair[1]}.png")
    fill(folder, "one/A.1.png", "one/A.2.png", "two/a.1.png", "two/a.2.png")
    with pytest.raises(InputError, match="both would be written as 'A'"):
        find("shot/one/A.#.png", "shot/two/a.#.png")


def test_two_sequences_of_one_folder_are_views_and_that_is_said(folder, caplog):
    fill(folder, "a.1.png", "a.2.png", "b.1.png", "b.2.png")
    with caplog.at_level(logging.INFO, "mvinverse_cli"):
        (shot,) = find("shot")
    assert shot.kind == "stills"
    assert "if they are sequences, name each: 'shot/a.#.png' 'shot/b.#.png'" in caplog.text


def test_one_frame_that_is_missing_is_told_in_the_singular(folder):
    fill(folder, "n.1.png", "n.3.png")
    with pytest.raises(InputError, match="n: frame 2 is missing; add it or pass --allow-gaps"):
        find("shot/n.#.png")


def test_a_gap_is_listed_and_may_be_allowed(folder):
    fill(folder, *(f"p.{n}.png" for n in (1001, 1002, 1006, 1008)))
    for source in ("shot", "shot/p.####.png"):
        with pytest.raises(InputError, match=r"frames 1003-1005,1007 are missing.*--allow-gaps"):
            find(source)
        assert find(source, allow_gaps=True)[0].numbers == (1001, 1002, 1006, 1008)


def test_sizes_are_the_distinct_ones_of_stills_and_the_first_of_a_sequence(folder):
    for name, size in (("a", (8, 6)), ("b", (4, 9)), ("c", (8, 6))):
        write_png(folder / f"{name}.png", size=size)
    assert find(folder)[0].sizes == ((8, 6), (4, 9))
    other = folder.parent / "plates"
    other.mkdir()
    for number, size in ((1, (8, 6)), (2, (4, 9))):
        write_png(other / f"p.{number}.png", size=size)
    assert find(other)[0].sizes == ((8, 6),)


def test_symlinks_are_followed(folder):
    fill(folder, "real.png")
    (folder.parent / "link.png").symlink_to(folder / "real.png")
    assert find("link.png")[0].name == "link"


def refused(*inputs: str | Path, allow_gaps: bool = False) -> str:
    with pytest.raises(InputError) as raised:
        find(*inputs, allow_gaps=allow_gaps)
    message = str(raised.value)
    assert "\n" not in message
    assert message.isprintable()
    return message


def test_two_stills_of_one_stem_are_refused_and_both_named(folder):
    fill(folder, "a.png", "a.jpg")
    fill(folder.parent, "a.png")
    for inputs in (["shot"], ["shot/a.png", "a.png"]):
        message = refused(*inputs)
        assert "a.png" in message
        assert "would share the name" in message
    assert "given twice" in refused("a.png", "a.png")


def test_one_frame_number_in_two_files_is_refused(folder):
    fill(folder, "p.1.png", "p.01.png")
    assert "have the same frame number" in refused("shot")


def test_two_shots_of_one_name_are_refused_and_both_named(folder):
    write_numbered(folder / "clip.mp4", 2)
    write_numbered(folder.parent / "clip.mkv", 2)
    message = refused("shot/clip.mp4", "clip.mkv")
    assert "shot/clip.mp4 and clip.mkv" in message
    assert "an --output of its own" in message
    assert refused("shot/clip.mp4", "shot/../shot/clip.mp4").endswith("clip.mp4: is given twice; leave one out")


def test_what_is_not_there_is_named(folder):
    assert refused("gone.mp4").startswith("gone.mp4: no such file")
    assert "no file matches" in refused("shot/*.png")
    assert "no file matches" in refused("shot/p.####.png")
    assert "no file matches" in refused("nowhere/p.####.png")
    assert "no such file" in refused("x" * 5000)
    assert refused("shot/a**b.png").startswith("shot/a**b.png: no ")
    assert "no such file" in refused("nul\0byte.png")
    assert "no input" in refused()


def test_a_folder_without_pictures_says_how_many_videos_it_holds(folder):
    assert "no pictures in this folder, 0 video files" in refused("shot")
    for name in ("a.mp4", "b.mov"):
        (folder / name).write_bytes(b"x")
    assert "2 video files; name the videos themselves" in refused("shot")


def test_videos_beside_the_pictures_of_a_folder_are_told_to_be_left_out(folder, caplog: pytest.LogCaptureFixture):
    fill(folder, "a.png")
    (folder / "b.mov").write_bytes(b"x")
    (shot,) = find("shot")
    assert [path.name for path in shot.paths] == ["a.png"]
    assert "shot: 1 video file beside its pictures is left out" in caplog.text


@pytest.mark.parametrize("name", ["notes.txt", "scene.blend", "README", "photo.avif"])
def test_an_unknown_extension_lists_the_known_ones(name, folder):
    (folder / name).write_text("x")
    message = refused(folder / name)
    assert ".exr" in message
    assert ".mp4" in message


def test_empty_files_are_found_anywhere_before_a_picture_is_read(folder):
    fill(folder, "p.1.png", "p.2.png", "p.3.png")
    (folder / "p.2.png").write_bytes(b"")
    assert "p.2.png: the file is empty" in refused("shot")
    assert "p.2.png: the file is empty" in refused("shot/p.#.png")
    (folder / "clip.mp4").write_bytes(b"")
    assert "clip.mp4: the file is empty" in refused("shot/clip.mp4")


def test_folders_and_broken_links_under_media_names_are_refused(folder):
    (folder / "clip.mp4").mkdir()
    assert "a folder under a media file's name" in refused("shot/clip.mp4")
    (folder / "a.png").symlink_to(folder / "gone.png")
    assert "a.png: No such file" in refused("shot")


def test_a_broken_header_of_any_still_is_told(folder):
    fill(folder, "a.png", "b.png")
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + png_chunk(b"oops", b""))
    assert "b.png: its header is broken" in refused("shot")


def test_a_pattern_of_videos_is_refused(folder):
    write_numbered(folder / "clip.0001.mp4", 2)
    assert "has to be of pictures" in refused("shot/clip.####.mp4")


def test_names_that_are_no_text_are_escaped_in_messages(folder):
    assert "new\\nline\\udcff.mp4: no such file" in refused("new\nline\udcff.mp4")


def test_an_endless_gap_is_summed_up(folder):
    fill(folder, *(f"t.{n * 10**9}.png" for n in range(12)))
    assert "and 3 more ranges are missing" in refused("shot")
