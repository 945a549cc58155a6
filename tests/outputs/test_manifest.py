"""The books of an output folder."""

import json
from contextlib import suppress
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import pytest

from mvinverse_cli.errors import OutputError
from mvinverse_cli.maps import SPECS
from mvinverse_cli.options import DecomposeOptions, WriteOptions
from mvinverse_cli.outputs import (
    MANIFEST_NAME,
    About,
    Standing,
    changes,
    check_shot,
    load_manifest,
    manifest,
    open_presence,
    open_writers,
)

ABOUT = About("mvinverse 0.1.0", "small", None, "ab" * 32, "clip.mov", "srgb", "srgb", "linear")
FRAMES = range(1001, 1049)
NO_MOVIE = Standing(frozenset())
NEW_MOVIES = Standing(frozenset(), movies_left=frozenset({"mp4"}))


PASSES = {"window": 24, "cuts": [1025]}


def add(
    books, shot, decompose=None, *, about=ABOUT, sources=("clip.mov",), passes=PASSES, standing=None, frames=FRAMES
):
    standing = standing or (NEW_MOVIES if shot.movie_files() else NO_MOVIE)
    decompose = decompose or DecomposeOptions()
    return books.add_shot(shot, about, "video", sources, 1000, decompose, passes, standing, frames)


def read(shot):
    return json.loads((shot.folder / MANIFEST_NAME).read_text())


def run(shot, numbers, decompose=None, **fields):
    books = load_manifest(shot.folder)
    progress = add(books, shot, decompose, **fields)
    progress.begin()
    for number in numbers:
        progress.wrote(number)
    progress.finish()


def fill(disk):
    with suppress(OSError), (disk / "rest").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_manifest_tells_what_was_made_from_what_with_what(make_shot):
    shot = make_shot(format=("png", "exr"), fps=Fraction(24000, 1001))
    run(shot, range(1001, 1049))
    content = read(shot)
    assert content["software"] == "mvinverse 0.1.0"
    assert set(content["maps"]) == set(SPECS)
    assert content["maps"]["albedo"]["float_files"].startswith("scene-linear, Rec.709 primaries")
    assert content["maps"]["normal"]["integer_files"] == "n * 0.5 + 0.5"
    (entry,) = content["shots"]
    assert "OpenGL" in entry["about"]["normal_convention"]
    assert (entry["name"], entry["folder"], entry["kind"], entry["sources"]) == ("clip", ".", "video", ["clip.mov"])
    assert entry["about"] == {field.name: getattr(ABOUT, field.name) for field in fields(ABOUT)}
    assert set(entry["decompose"]) == {field.name for field in fields(DecomposeOptions)}
    assert set(entry["write"]) == {field.name for field in fields(WriteOptions)}
    assert entry["write"]["fps"] == "24000/1001"
    assert entry["formats"] == {
        "png": {"bits": "8", "frames": "1001-1048"},
        "exr": {"bits": "half", "frames": "1001-1048"},
    }
    assert entry["faults"] == []
    assert entry["complete"] is True


def test_a_shot_is_not_complete_before_it_is_finished(make_shot):
    shot = make_shot(format=("png",))
    books = load_manifest(shot.folder)
    progress = add(books, shot)
    progress.wrote(1001)
    books.save()
    assert read(shot)["shots"][0]["complete"] is False
    assert read(shot)["shots"][0]["formats"]["png"]["frames"] == "1001"


def test_lost_frames_are_listed_with_their_reason(make_shot):
    shot = make_shot(format=("png",))
    books = load_manifest(shot.folder)
    progress = add(books, shot)
    progress.wrote(1001)
    progress.lost(None, Path("clip.mov"), "ends early")
    progress.lost(1002, Path("clip.mov"), "damaged packet")
    progress.finish()
    (entry,) = read(shot)["shots"]
    assert entry["complete"] is False
    assert entry["faults"] == [
        {"number": 1002, "source": "clip.mov", "reason": "damaged packet"},
        {"number": None, "source": "clip.mov", "reason": "ends early"},
    ]


def test_a_movie_counts_when_the_shot_is_finished(make_shot):
    shot = make_shot(format=("mp4",))
    books = load_manifest(shot.folder)
    progress = add(books, shot)
    progress.wrote(1001)
    books.save()
    assert read(shot)["shots"][0]["formats"]["mp4"]["frames"] == ""
    progress.finish()
    assert read(shot)["shots"][0]["formats"]["mp4"]["frames"] == "1001"


def test_two_runs_write_the_same_manifest(make_shot, tmp_path):
    one, two = (make_shot(folder=tmp_path / name, format=("png", "mp4")) for name in ("one", "two"))
    run(one, range(1001, 1011))
    run(two, range(1001, 1011))
    assert (one.folder / MANIFEST_NAME).read_bytes() == (two.folder / MANIFEST_NAME).read_bytes()


def test_several_shots_share_the_manifest_of_the_top_folder(make_shot, tmp_path):
    books = load_manifest(tmp_path)
    for name in ("a", "b"):
        add(books, make_shot(folder=tmp_path / name, stem=name, format=("png",))).finish()
    content = json.loads((tmp_path / MANIFEST_NAME).read_text())
    assert [(shot["folder"], shot["name"]) for shot in content["shots"]] == [("a", "a"), ("b", "b")]


def test_frames_of_an_earlier_run_stay_listed(make_shot):
    run(make_shot(format=("png",)), range(1001, 1011))
    shot = make_shot(format=("png", "exr"), on_exists="skip")
    run(shot, range(1011, 1021), standing=Standing(frozenset({1000})))
    assert read(shot)["shots"][0]["formats"] == {
        "png": {"bits": "8", "frames": "1000-1020"},
        "exr": {"bits": "half", "frames": "1000,1011-1020"},
    }


def test_formats_of_an_earlier_run_stay_listed(make_shot):
    run(make_shot(format=("png",)), range(1001, 1011))
    run(make_shot(format=("exr",)), range(1001, 1003))
    formats = read(make_shot())["shots"][0]["formats"]
    assert {name: entry["frames"] for name, entry in formats.items()} == {"exr": "1001-1002", "png": "1001-1010"}


def test_a_movie_that_was_skipped_keeps_the_frames_it_had(make_shot):
    run(make_shot(format=("png", "mp4")), range(1001, 1011))
    shot = make_shot(format=("png", "mp4"), on_exists="skip")
    run(shot, range(1005, 1011), standing=NO_MOVIE, frames=range(1005, 1011))
    assert read(shot)["shots"][0]["formats"]["mp4"]["frames"] == "1001-1010"


def test_a_lost_frame_that_is_written_later_is_lost_no_more(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    books = load_manifest(shot.folder)
    progress = add(books, shot)
    progress.lost(1002, Path("clip.mov"), "damaged packet")
    progress.lost(None, Path("clip.mov"), "ends early")
    progress.finish()
    run(shot, [1002])
    assert read(shot)["shots"][0]["faults"] == []
    assert read(shot)["shots"][0]["complete"] is True


@pytest.mark.parametrize("on_exists", ["error", "skip"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"max_size": 512}, "max_size was None and is 512"),
        ({"looks": 2}, "looks was None and is 2"),
        ({"size": "model"}, "size was 'source' and is 'model'"),
        ({"window": 12}, "window was 'auto' and is 12"),
        ({"anchors": 2}, "anchors was 4 and is 2"),
        ({"overlap": 2}, "overlap was 4 and is 2"),
        ({"kv_stride": 4}, "kv_stride was 1 and is 4"),
        ({"kv_stride": 4, "kv_mean": True}, "kv_stride was 1 and is 4; kv_mean was False and is True"),
        ({"every": 2}, "every was 1 and is 2"),
        ({"start_frame": 1}, "start_frame was 1001 and is 1"),
        ({"maps": ("albedo",)}, "maps was .* and is"),
    ],
)
def test_going_on_with_options_that_change_pixels_is_refused(make_shot, change, told, on_exists):
    run(make_shot(format=("png",)), [1001])
    books = load_manifest(make_shot().folder)
    with pytest.raises(OutputError, match=rf"mvinverse\.json: 'clip' was written with other settings \({told}"):
        add(books, make_shot(format=("png",), on_exists=on_exists), DecomposeOptions(**change))


@pytest.mark.parametrize("change", [{"window": 12}, {"cuts": [1026]}])
def test_going_on_with_passes_that_memory_or_cuts_made_others_is_refused(make_shot, change):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1001])
    with pytest.raises(OutputError, match=f"passes: {next(iter(change))} was"):
        add(load_manifest(shot.folder), shot, passes=PASSES | change)


def test_seams_of_all_runs_of_a_shot_are_listed_in_their_order(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    for number in (1040, 1020):
        progress = add(load_manifest(shot.folder), shot)
        progress.found_seam(number, {"gain": [1.0, 1.1, 0.9], "residual": 0.01})
        progress.wrote(number)
        progress.finish()
    (entry,) = read(shot)["shots"]
    assert [seam["number"] for seam in entry["seams"]] == [1020, 1040]
    assert entry["seams"][0]["gain"] == [1.0, 1.1, 0.9]


def test_windows_made_smaller_on_the_way_are_in_the_books_at_once(make_shot):
    shot = make_shot(format=("png",))
    progress = add(load_manifest(shot.folder), shot)
    progress.begin()
    progress.change_passes(PASSES | {"window": 12})
    assert read(shot)["shots"][0]["passes"]["window"] == 12


def test_a_shot_with_more_frames_goes_on_and_says_so_once(make_shot, caplog):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, range(1001, 1005), passes=PASSES | {"frames": 24})
    done = Standing(frozenset(range(1001, 1005)))
    for _ in range(2):
        progress = add(load_manifest(shot.folder), shot, passes=PASSES | {"frames": 48}, standing=done)
        progress.begin()
    replaced = make_shot(format=("png",), on_exists="overwrite")
    add(load_manifest(shot.folder), replaced, passes=PASSES | {"frames": 50}, standing=done)
    (warning,) = (record.getMessage() for record in caplog.records)
    assert "clip: had 24 frames when the maps that are there were made, and has 48" in warning
    assert read(shot)["shots"][0]["passes"]["frames"] == 48


def test_frames_that_a_killed_run_was_to_overwrite_are_not_taken_for_done(make_shot):
    run(make_shot(format=("png",)), FRAMES)
    anew, skip = (make_shot(format=("png",), on_exists=how) for how in ("overwrite", "skip"))
    progress = add(load_manifest(anew.folder), anew, frames=range(1001, 1005))
    progress.begin()  # and killed
    put(anew, FRAMES)
    done = Standing(frozenset(FRAMES))
    with pytest.raises(OutputError, match=r"frames 1001-1004 of 'clip' are from .* or still to be overwritten"):
        add(load_manifest(skip.folder), skip, standing=done)
    run(anew, range(1001, 1005), frames=range(1001, 1005))
    run(skip, (), standing=done)
    (entry,) = read(skip)["shots"]
    assert (entry["formats"]["png"], entry["complete"]) == ({"bits": "8", "frames": "1001-1048"}, True)


def test_parts_that_overwrite_side_by_side_know_what_the_other_has_still_to_do(make_shot):
    numbers, whole = (range(1001, 1005), range(1005, 1009)), PASSES | {"frames": 8}
    run(make_shot(format=("png",)), range(1001, 1009), passes=whole, frames=range(1001, 1009))
    shot = make_shot(format=("png",), on_exists="overwrite")
    with open_presence(shot.folder) as presence, open_presence(shot.folder) as other:
        parts = begun_parts(shot, (presence, other), numbers, whole)
        assert read(shot)["shots"][0]["stale"] == "1001-1008"
        for part, own, there, left in zip(parts, numbers, ("1001-1004", "1001-1008"), ("1005-1008", ""), strict=True):
            for number in own:
                part.wrote(number)
            part.finish()
            (entry,) = read(shot)["shots"]
            assert (entry["formats"]["png"]["frames"], entry["stale"]) == (there, left)
            assert entry["complete"] is not bool(left)


def test_parts_that_end_at_one_time_make_the_shot_complete(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    shot.folder.mkdir()
    numbers = (range(1001, 1005), range(1005, 1009))
    with open_presence(shot.folder) as presence, open_presence(shot.folder) as other:
        parts = begun_parts(shot, (presence, other), numbers, PASSES | {"frames": 8})
        for part, own in zip(parts, numbers, strict=True):
            for number in own:
                part.wrote(number)
        for part in parts:
            part.finish()
    assert read(shot)["shots"][0]["complete"]


def begun_parts(shot, presences, numbers, passes):
    """Runs over parts of a shot, added to the books before the first of them begins."""
    books = [load_manifest(shot.folder, who) for who in presences]
    parts = [add(book, shot, passes=passes, frames=part) for book, part in zip(books, numbers, strict=True)]
    for part in parts:
        part.begin()
    return parts


def test_overwriting_a_part_of_a_sequence_of_other_pictures_leaves_the_rest_to_be_overwritten(make_shot):
    def sequence(on_exists, size, numbers):
        shot = make_shot(format=("png",), on_exists=on_exists)
        how = (DecomposeOptions(), PASSES | {"frames": 4, "numbers": "1001-1004"}, NO_MOVIE, numbers)
        about = replace(ABOUT, source_sha256=str(size))
        progress = load_manifest(shot.folder).add_shot(shot, about, "sequence", ("p.####.png",), size, *how)
        progress.begin()
        for number in numbers:
            progress.wrote(number)
        progress.finish()
        return read(shot)["shots"][0]

    assert sequence("error", 1000, range(1001, 1005))["complete"]
    entry = sequence("overwrite", 2000, range(1001, 1003))
    assert (entry["formats"]["png"]["frames"], entry["stale"], entry["complete"]) == ("1001-1002", "1003-1004", False)
    assert sequence("overwrite", 2000, range(1003, 1005))["complete"]
    entry = sequence("overwrite", 3000, [1001])  # that one alone was mended
    assert (entry["about"]["source_sha256"], entry["complete"]) == ("3000", True)


def test_a_lost_frame_that_comes_back_beside_a_kept_movie_ends_in_words(make_shot):
    shot = make_shot(format=("png", "mp4"))
    progress = add(load_manifest(shot.folder), shot, frames=range(1001, 1004))
    progress.begin()
    for number in (1001, 1003):
        progress.wrote(number)
    progress.lost(1002, Path("p.1002.png"), "damaged")
    progress.finish()
    again = make_shot(format=("png", "mp4"), on_exists="skip")
    kept = Standing(frozenset({1001, 1003}), movies_done=frozenset({"mp4"}))
    progress = add(load_manifest(shot.folder), again, standing=kept, frames=range(1001, 1004))
    progress.begin()
    progress.wrote(1002)
    progress.finish()
    with pytest.raises(OutputError, match=r"movies of 'clip' \(mp4\) .* without frame 1002; choose --on-exists"):
        progress.check_movies()
    (entry,) = read(shot)["shots"]
    assert (entry["formats"]["png"]["frames"], entry["formats"]["mp4"]["frames"]) == ("1001-1003", "1001,1003")


def lose_one(shot):
    """A run over three frames that loses the second, and one of whose movies is there."""
    progress = add(load_manifest(shot.folder), shot, frames=range(1001, 1004))
    progress.begin()
    progress.lost(1002, Path("p.1002.png"), "damaged")
    for number in (1001, 1003):
        progress.wrote(number)
    progress.finish()
    shot.movie_files()[0].path.write_bytes(b"whole")


def test_a_shot_that_lost_a_frame_goes_on_with_the_movies_that_are_left(make_shot):
    lose_one(make_shot(format=("mp4",)))
    shot = make_shot(format=("mp4",), on_exists="skip")
    standing = check_shot(shot, [(number, "") for number in range(1001, 1004)], {})
    progress = add(load_manifest(shot.folder), shot, standing=standing, frames=range(1001, 1004))
    progress.begin()
    progress.lost(1002, Path("p.1002.png"), "damaged")
    for number in (1001, 1003):
        progress.wrote(number)
    progress.encoded()
    progress.finish()
    assert read(shot)["shots"][0]["formats"]["mp4"]["frames"] == "1001,1003"
    progress = add(load_manifest(shot.folder), shot, standing=standing, frames=range(1001, 1004))
    progress.begin()
    for number in range(1001, 1004):  # it came back
        progress.wrote(number)
    with pytest.raises(
        OutputError, match=r"\(mp4\) that are there hold frames 1001,1003, and the new ones .* 1001-1003"
    ):
        progress.encoded()


def test_movies_of_other_settings_that_are_gone_are_not_in_the_way(make_shot):
    shot = make_shot(format=("mp4",))
    run(shot, FRAMES)
    for movie in shot.movie_files():
        movie.path.write_bytes(b"old")
    new = DecomposeOptions(window=9)
    run(make_shot(format=("png",), on_exists="overwrite"), FRAMES, new)
    with pytest.raises(OutputError, match="remove them"):
        add(load_manifest(shot.folder), shot, new)
    for movie in shot.movie_files():
        movie.path.unlink()
    run(shot, FRAMES, new)
    assert read(shot)["shots"][0]["stale"] == ""


def test_a_run_without_movies_leaves_the_rate_of_those_that_are_there(make_shot):
    shot = make_shot(format=("mkv",), fps=Fraction(30))
    run(shot, FRAMES, standing=Standing(frozenset(), movies_left=frozenset({"mkv"})))
    for movie in shot.movie_files():
        movie.path.write_bytes(b"whole")
    run(make_shot(format=("png",)), FRAMES)
    assert read(shot)["shots"][0]["write"]["fps"] == "30"
    kept = Standing(frozenset(), movies_done=frozenset({"mkv"}))
    add(load_manifest(shot.folder), make_shot(format=("mkv",), fps=Fraction(30), on_exists="skip"), standing=kept)
    with pytest.raises(OutputError, match="is there at 30 frames per second, and --fps is 24"):
        add(load_manifest(shot.folder), make_shot(format=("mkv",), on_exists="skip"), standing=kept)


def test_stills_that_were_overwritten_with_fewer_are_stale_by_their_names(make_shot):
    def add_stills(names, on_exists):
        shot, books = make_shot(stills=True, on_exists=on_exists), load_manifest(make_shot().folder)
        frames = range(1, len(names) + 1)
        sources = [f"{name}.png" for name in names]
        progress = books.add_shot(shot, ABOUT, "stills", sources, 1, DecomposeOptions(), PASSES, NO_MOVIE, frames)
        progress.begin()
        return progress

    first = add_stills("abc", "error")
    for number in (1, 2, 3):
        first.wrote(number)
    first.finish()
    second = add_stills("cb", "overwrite")
    (entry,) = read(make_shot())["shots"]
    assert entry["stale"] == "1-2"
    second.wrote(2)
    second.finish()
    (entry,) = read(make_shot())["shots"]
    assert (entry["formats"]["png"]["frames"], entry["stale"]) == ("2", "1")


def test_a_part_that_goes_on_does_not_bring_back_what_another_has_mended(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1004, 1006], frames=range(1004, 1007))
    progress = add(load_manifest(shot.folder), shot, frames=range(1004, 1007))
    progress.lost(1005, Path("p.1005.png"), "damaged")
    progress.finish()
    with open_presence(shot.folder) as presence, open_presence(shot.folder) as other:
        numbers = (range(1001, 1004), range(1004, 1007))
        parts = begun_parts(shot, (presence, other), numbers, PASSES | {"frames": 6})
        parts[1].wrote(1005)
        parts[1].finish()
        for number in numbers[0]:
            parts[0].wrote(number)
        parts[0].finish()
    (entry,) = read(shot)["shots"]
    assert (entry["formats"]["png"]["frames"], entry["faults"], entry["complete"]) == ("1001-1006", [], True)


def test_frames_to_be_overwritten_that_somebody_removed_are_in_nobodys_way(make_shot):
    run(make_shot(format=("png",)), range(1001, 1005), frames=range(1001, 1005))
    anew, skip = (make_shot(format=("png",), on_exists=how) for how in ("overwrite", "skip"))
    put(anew, range(1001, 1005))
    add(load_manifest(anew.folder), anew, frames=range(1001, 1005)).begin()  # and killed
    with pytest.raises(OutputError, match=r"frames 1001-1004 .* remove them"):
        add(load_manifest(skip.folder), skip, frames=range(1001, 1005))
    for path in skip.folder.glob("*/*.png"):
        path.unlink()
    run(skip, range(1001, 1005), frames=range(1001, 1005))
    assert read(skip)["shots"][0]["stale"] == ""


def put(shot, numbers):
    for number in numbers:
        for file in shot.frame_files(number, ""):
            file.path.parent.mkdir(parents=True, exist_ok=True)
            file.path.write_bytes(b"")


def test_light_of_another_curve_is_another_setting(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1001])  # by an earlier version, which did not tell
    with pytest.raises(OutputError, match=r"passes: light was None and is \{'transfer': 18, 'primaries': 9\}"):
        run(shot, [1002], passes=PASSES | {"light": {"transfer": 18, "primaries": 9}})


def test_pixels_of_another_shape_are_another_setting(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1001])  # by an earlier version, which did not tell
    run(shot, [1002], passes=PASSES | {"pixel_aspect": 1.0})
    with pytest.raises(OutputError, match=r"passes: pixel_aspect was 1\.0 and is 2\.0"):
        run(shot, [1003], passes=PASSES | {"pixel_aspect": 2.0})


def test_windows_made_smaller_on_the_way_do_not_go_beside_frames_of_the_larger_ones(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, range(1001, 1005))
    progress = add(load_manifest(shot.folder), shot, standing=Standing(frozenset(range(1001, 1005))))
    progress.begin()
    with pytest.raises(OutputError, match="frames 1001-1004 of 'clip' are of larger passes"):
        progress.change_passes(PASSES | {"window": 12})
    progress = add(load_manifest(shot.folder), make_shot(format=("png",), on_exists="overwrite"))
    progress.begin()
    progress.change_passes(PASSES | {"window": 12})
    progress.wrote(1001)
    progress.finish()
    (told,) = read(shot)["shots"]
    assert (told["formats"]["png"]["frames"], told["stale"]) == ("1001", "1002-1004")


@pytest.mark.parametrize(
    "change",
    [{"sha256": "cd" * 32}, {"input_transfer": "linear"}, {"albedo_transfer": "linear"}, {"shading_transfer": "srgb"}],
)
def test_going_on_with_other_weights_or_curves_is_refused(make_shot, change):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1001])
    with pytest.raises(OutputError, match=next(iter(change))):
        add(load_manifest(shot.folder), shot, about=replace(ABOUT, **change))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("config_sha256", "config was 'ab' and is 'cd'"),
        ("source_sha256", "content of the sources was 'ab' and is 'cd'"),
    ],
)
def test_another_config_or_other_content_is_refused_and_of_earlier_versions_unknown(make_shot, field, said):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1001], about=replace(ABOUT, **{field: "ab"}))
    with pytest.raises(OutputError, match=said):
        add(load_manifest(shot.folder), shot, about=replace(ABOUT, **{field: "cd"}))
    content = read(shot)
    del content["shots"][0]["about"][field]
    (shot.folder / MANIFEST_NAME).write_text(json.dumps(content))
    add(load_manifest(shot.folder), shot, about=replace(ABOUT, **{field: "cd"}))


def test_going_on_with_another_source_is_refused(make_shot):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1001])
    with pytest.raises(OutputError, match=r"sources was \['clip.mov'\] and is \['other.mov'\]"):
        add(load_manifest(shot.folder), shot, sources=["other.mov"])


def test_going_on_with_other_bits_of_a_format_is_refused(make_shot):
    run(make_shot(format=("png",)), [1001])
    with pytest.raises(OutputError, match="png bits was '8' and is '16'"):
        add(load_manifest(make_shot().folder), make_shot(format=("png",), bits="16", on_exists="skip"))


@pytest.mark.parametrize(
    "change",
    [{"device": "cpu"}, {"dtype": "float32"}, {"frames": "1001-1005"}, {"allow_gaps": True}, {"model": "./small"}],
)
def test_options_that_leave_pixels_alone_may_differ(make_shot, change):
    shot = make_shot(format=("png",), on_exists="skip")
    run(shot, [1001])
    run(shot, [1002], DecomposeOptions(**change))
    assert read(shot)["shots"][0]["formats"]["png"]["frames"] == "1001-1002"


@pytest.mark.parametrize(
    ("before", "now", "left", "outdated"),
    [
        ({}, {"format": ("png",), "bits": "16"}, "exr", "png"),
        ({}, {"format": ("exr",), "exr_compression": "piz"}, "png", "exr"),
        ({}, {"format": ("exr",), "colorspace": "acescg"}, "png", "exr"),
        ({"format": ("tiff", "exr"), "bits": "float"}, {"format": ("exr",), "colorspace": "acescg"}, None, "tiff"),
    ],
)
def test_other_ways_to_write_one_format_leave_the_files_of_others_current(make_shot, before, now, left, outdated):
    shot = make_shot(**({"format": ("png", "exr")} | before))
    run(shot, range(1001, 1004))
    again = make_shot(on_exists="overwrite", **now)
    books = load_manifest(shot.folder)
    progress = add(books, again)
    progress.begin()
    progress.wrote(1001)
    progress.finish()
    formats = read(shot)["shots"][0]["formats"]
    if left is not None:
        assert (formats[left]["frames"], formats[left].get("stale", "")) == ("1001-1003", "")
        assert (formats[outdated]["frames"], formats[outdated]["stale"]) == ("1001", "1002-1003")
        kept = make_shot(format=(left,), on_exists="skip")
        add(load_manifest(shot.folder), kept, standing=Standing(frozenset(range(1001, 1004))))
    else:
        assert (formats["tiff"]["frames"], formats["tiff"]["stale"]) == ("", "1001-1003")


def test_every_option_either_decides_pixels_or_is_known_not_to():
    free = {"model", "device", "dtype", "frames", "allow_gaps"}
    # compared as the curves, the windows and the cuts that were used
    resolved = {"input_transfer", "albedo_transfer", "shading_transfer", "memory", "cuts"}
    assert {field.name for field in fields(DecomposeOptions)} == free | resolved | set(changes.PIXEL_OPTIONS)


def test_every_way_to_write_either_decides_pixels_or_is_known_not_to():
    # compared format by format, or as the convention that every file names
    resolved = {"format", "bits", "normals", "sheet"}
    free = {"fps", "on_exists", "writers"}
    assert {field.name for field in fields(WriteOptions)} == free | resolved | {
        *changes.EXR_OPTIONS,
        *changes.FLOAT_OPTIONS,
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exr_layout": "parts"}, "exr_layout was 'single' and is 'parts'"),
        ({"colorspace": "acescg"}, "colorspace was 'srgb-linear' and is 'acescg'"),
        ({"exr_compression": "dwaa"}, "exr_compression was 'zip' and is 'dwaa'"),
    ],
)
def test_going_on_with_other_pixels_in_the_files_is_refused(make_shot, change, said):
    run(make_shot(format=("exr",)), [1001])
    with pytest.raises(OutputError, match=said):
        add(load_manifest(make_shot().folder), make_shot(format=("exr",), on_exists="skip", **change))


def test_going_on_with_normals_turned_over_is_refused(make_shot):
    run(make_shot(format=("png",)), [1001])
    about = replace(ABOUT, normal_convention="camera space, +X right, +Y down, +Z to the camera (DirectX)")
    with pytest.raises(OutputError, match="normal_convention was"):
        add(load_manifest(make_shot().folder), make_shot(format=("png",), on_exists="skip"), about=about)


@pytest.mark.parametrize("other", ["tiff", "mp4"])
def test_files_of_a_format_that_was_not_overwritten_are_never_taken_for_those_of_the_new_settings(other, make_shot):
    run(make_shot(format=("png",)), FRAMES, DecomposeOptions(exposure=0.0))
    run(make_shot(format=(other,), on_exists="overwrite"), FRAMES, DecomposeOptions(exposure=1.0))
    (told,) = read(make_shot())["shots"]
    assert told["formats"]["png"]["frames"] == ""
    assert told["formats"]["png"]["stale"] == told["stale"] == "1001-1048"
    put(make_shot(format=("png",)), FRAMES)
    standing = Standing(frozenset(FRAMES))
    with pytest.raises(OutputError, match=r"frames 1001-1048 of 'clip' are from a run with other settings"):
        run(make_shot(format=("png",), on_exists="skip"), (), DecomposeOptions(exposure=1.0), standing=standing)
    run(make_shot(format=("png",), on_exists="overwrite"), FRAMES, DecomposeOptions(exposure=1.0))
    (told,) = read(make_shot())["shots"]
    assert (told["formats"]["png"]["frames"], told["stale"]) == ("1001-1048", "")
    assert told["formats"][other]["frames"] == "1001-1048"


def test_overwrite_with_other_settings_starts_anew(make_shot):
    run(make_shot(format=("png",)), range(1001, 1011))
    shot = make_shot(format=("png",), on_exists="overwrite")
    run(shot, [1001], DecomposeOptions(window=12))
    assert read(shot)["shots"][0]["formats"]["png"]["frames"] == "1001"


@pytest.mark.parametrize("stills", [False, True])
@pytest.mark.parametrize("format", ["png", "exr"])
def test_frames_that_a_killed_run_did_not_tell_of_are_not_those_of_other_settings(make_shot, format, stills):
    folder = make_shot().folder
    sources = tuple(f"view{index}.jpg" for index in range(1, 4)) if stills else ("clip.mov",)
    numbers = range(1, 4) if stills else range(1001, 1004)
    wanted = [(number, f"view{number}") for number in numbers]

    def entered(decompose, some, **choices):
        shot = make_shot(format=(format,), stills=stills, **choices)
        standing = check_shot(shot, some, {})
        books, asked = load_manifest(folder), [number for number, _ in some]
        kind = "stills" if stills else "video"
        return books.add_shot(shot, ABOUT, kind, sources, 1000, decompose, PASSES, standing, asked)

    entered(DecomposeOptions(), wanted).begin()
    for number, name in wanted[:2]:
        for file in make_shot(format=(format,), stills=stills).frame_files(number, name):
            file.path.parent.mkdir(exist_ok=True)
            file.path.write_bytes(b"whole")
    # killed here, before the books were written
    others = DecomposeOptions(window=9)
    with pytest.raises(OutputError, match="window"):
        entered(others, wanted[2:], on_exists="skip")
    progress = entered(others, wanted[2:], on_exists="overwrite")
    progress.begin()
    progress.finish()
    with pytest.raises(OutputError, match="from a run with other settings"):
        entered(others, wanted, on_exists="skip")


def test_a_still_of_another_choice_of_views_is_not_taken_for_this_ones(make_shot):
    folder = make_shot().folder

    def entered(sources, **choices):
        shot = make_shot(format=("png",), stills=True, stem=Path(sources[0]).stem, **choices)
        frames = [(number, Path(source).stem) for number, source in enumerate(sources, 1)]
        standing = check_shot(shot, frames, {})
        numbers = [number for number, _ in frames]
        books = load_manifest(folder)
        progress = books.add_shot(shot, ABOUT, "stills", sources, 1000, DecomposeOptions(), PASSES, standing, numbers)
        progress.begin()
        for number, name in frames:
            for file in shot.frame_files(number, name):
                file.path.parent.mkdir(parents=True, exist_ok=True)
                file.path.write_bytes(b"whole")
            progress.wrote(number)
        progress.finish()

    entered(["views.jpg", "left.jpg", "right.jpg"])
    with pytest.raises(OutputError, match=r"left_albedo.png: is there already, from a run over 'views'"):
        entered(["left.jpg"], on_exists="skip")
    entered(["left.jpg"], on_exists="overwrite")
    told = {shot["name"]: shot["formats"]["png"] for shot in read(make_shot())["shots"]}
    assert told["views"] == {"bits": "8", "frames": "1,3", "stale": "2"}
    assert told["left"]["frames"] == "1"
    with pytest.raises(OutputError, match=r"left_albedo.png: is there already, from a run over 'left'"):
        entered(["views.jpg", "left.jpg", "right.jpg"], on_exists="skip")
    entered(["views.jpg", "left.jpg", "right.jpg"], on_exists="overwrite")
    told = {shot["name"]: shot["formats"]["png"] for shot in read(make_shot())["shots"]}
    assert told["views"]["frames"] == "1-3"
    assert told["left"] == {"bits": "8", "frames": "", "stale": "1"}


def test_a_plate_that_was_tried_alone_is_not_taken_for_a_frame_of_its_sequence(make_shot):
    alone = make_shot(format=("exr",), stills=True, stem="plate.1001")
    sources = ["plates/plate.1001.exr"]
    books = load_manifest(alone.folder)
    progress = books.add_shot(alone, ABOUT, "stills", sources, 9, DecomposeOptions(), PASSES, NO_MOVIE, [1])
    progress.begin()
    (file,) = alone.frame_files(1, "plate.1001")
    file.path.write_bytes(b"whole")
    progress.wrote(1)
    progress.finish()
    sequence = make_shot(format=("exr",), stem="plate", on_exists="skip")
    standing = check_shot(sequence, [(number, "") for number in (1001, 1002)], {})
    assert standing.frames_done == {1001}
    with pytest.raises(OutputError, match=r"plate.1001.exr: is there already, from a run over 'plate.1001'"):
        add(load_manifest(alone.folder), sequence, standing=standing, frames=[1001, 1002])
    add(load_manifest(alone.folder), sequence, frames=[1002])


def test_another_shot_in_the_folder_may_have_other_settings(make_shot):
    run(make_shot(format=("png",)), [1001])
    run(make_shot(format=("png",), stem="other"), [1001], DecomposeOptions(window=12))
    assert [shot["name"] for shot in read(make_shot())["shots"]] == ["clip", "other"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"layout": 2, "shots": []}',
        '{"layout": 3, "shots": [{}]}',
        '{"layout": 3, "shots": 3}',
    ],
)
def test_a_file_that_is_no_manifest_is_refused_and_kept(make_shot, text):
    shot = make_shot()
    shot.folder.mkdir()
    path = shot.folder / MANIFEST_NAME
    path.write_text(text)
    with pytest.raises(OutputError, match=r"mvinverse\.json: is no manifest of this tool .* move it away"):
        load_manifest(shot.folder)
    assert path.read_text() == text


def test_bytes_that_are_no_text_are_refused(make_shot):
    shot = make_shot()
    shot.folder.mkdir()
    (shot.folder / MANIFEST_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OutputError, match="is no manifest"):
        load_manifest(shot.folder)


def test_loading_creates_nothing(tmp_path):
    load_manifest(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_number_of_saves_does_not_grow_with_the_frames(make_shot, monkeypatch):
    now = 100.0
    monkeypatch.setattr(manifest.time, "monotonic", lambda: now)
    shot = make_shot(format=("png",))
    books = load_manifest(shot.folder)
    progress = add(books, shot)
    books.save()
    saves = []
    monkeypatch.setattr(type(books), "save", lambda self: saves.append(1))
    for number in range(100_000):
        progress.wrote(number)
    assert saves == []
    now += manifest.SAVE_SECONDS
    progress.wrote(100_000)
    assert saves == [1]


def test_a_manifest_of_many_frames_is_small(make_shot):
    shot = make_shot(format=("png", "exr", "tiff"))
    run(shot, range(1, 100_001), frames=range(1, 100_001))
    assert (shot.folder / MANIFEST_NAME).stat().st_size < 5000
    assert len(load_manifest(shot.folder).shots[".", "clip"].formats["png"].frames) == 100_000


def test_names_that_are_not_utf8_come_back(make_shot):
    stem = b"k\xfcche".decode("utf-8", "surrogateescape")
    shot = make_shot(stem=stem, format=("png",), on_exists="skip")
    run(shot, [1001], sources=[stem])
    run(shot, [1002], sources=[stem])
    assert [entry["name"] for entry in read(shot)["shots"]] == [stem]


def test_a_full_disk_keeps_the_manifest_that_was_there(make_shot, small_disk):
    shot = make_shot(folder=small_disk, format=("png",))
    run(shot, [1001])
    before = (small_disk / MANIFEST_NAME).read_bytes()
    fill(small_disk)
    books = load_manifest(small_disk)
    add(books, shot)
    with pytest.raises(OutputError, match=r"mvinverse\.json: cannot write: No space left on device"):
        books.save()
    assert (small_disk / MANIFEST_NAME).read_bytes() == before


def test_the_writers_report_into_the_manifest(make_shot, make_frame):
    shot = make_shot(format=("png", "mp4"), maps=("albedo",))
    books = load_manifest(shot.folder)
    progress = add(books, shot)
    with open_writers(shot, ABOUT, progress.wrote) as opened:
        for index in range(5):
            opened.write(make_frame(index))
    progress.finish()
    (entry,) = read(shot)["shots"]
    assert {name: entry["frames"] for name, entry in entry["formats"].items()} == {
        "png": "1001-1005",
        "mp4": "1001-1005",
    }


def test_a_movie_that_lacks_frames_asked_for_is_not_taken_for_done(make_shot):
    shot = make_shot(format=("mp4",))
    run(shot, range(1001, 1009))
    kept = Standing(None, movies_done=frozenset({"mp4"}))
    again = make_shot(format=("mp4",), on_exists="skip")
    add(load_manifest(shot.folder), again, standing=kept, frames=range(1003, 1009))
    with pytest.raises(OutputError, match=r"without frames 1009-1010.*--on-exists overwrite"):
        add(load_manifest(shot.folder), again, standing=kept, frames=range(1001, 1011))


def test_movies_of_one_shot_hold_the_same_frames_also_where_one_of_them_was_gone(make_shot):
    shot = make_shot(format=("mp4",), on_exists="skip")
    run(shot, range(1001, 1005))
    shot.movie_files()[0].path.write_bytes(b"whole")  # the others are gone
    standing = check_shot(shot, [(number, "") for number in range(1001, 1009)], {})
    assert standing.movies_left == {"mp4"}
    with pytest.raises(OutputError, match=r"clip_albedo.mp4: is there with frames 1001-1004, and other movies"):
        add(load_manifest(shot.folder), shot, standing=standing, frames=range(1001, 1009))
    run(shot, range(1001, 1005), standing=standing, frames=range(1001, 1005))
    overwritten = make_shot(format=("mp4",), on_exists="overwrite")
    run(overwritten, range(1001, 1009), frames=range(1001, 1009))
    assert read(shot)["shots"][0]["formats"]["mp4"]["frames"] == "1001-1008"


@pytest.mark.parametrize("formats", [("mp4",), ("png", "mp4")])
def test_a_run_killed_when_its_movies_have_names_is_gone_on_with(make_shot, make_frame, formats):
    shot = make_shot(format=formats, maps=("albedo",))
    progress = add(load_manifest(shot.folder), shot)
    progress.begin()
    with open_writers(shot, ABOUT, progress.wrote, progress.encoded) as opened:
        for index in range(5):
            opened.write(make_frame(index))
    # killed here, before `finish`
    again = make_shot(format=formats, maps=("albedo",), on_exists="skip")
    numbers = range(1001, 1006)
    standing = check_shot(again, [(number, str(number)) for number in numbers], {})
    assert standing.movies_done == {"mp4"}
    with pytest.raises(OutputError, match="without frame 1006"):
        add(load_manifest(shot.folder), again, standing=standing, frames=range(1001, 1007))
    with pytest.raises(OutputError, match="window"):
        add(load_manifest(shot.folder), again, DecomposeOptions(window=9), standing=standing, frames=numbers)
    run(again, (), standing=standing, frames=numbers)
    (entry,) = read(shot)["shots"]
    assert entry["complete"]
    assert entry["formats"]["mp4"] == {"bits": "8", "frames": "1001-1005"}


def test_a_run_killed_before_its_movies_have_names_makes_them_anew(make_shot):
    shot = make_shot(format=("mp4",))
    progress = add(load_manifest(shot.folder), shot)
    progress.begin()
    progress.wrote(1001)
    progress.encoded()
    assert read(shot)["shots"][0]["formats"]["mp4"] == {"bits": "8", "frames": "", "naming": "1001"}
    # killed here; the next run asks for other frames
    add(load_manifest(shot.folder), shot, DecomposeOptions(frames="2-3"), frames=(1002, 1003)).begin()
    assert read(shot)["shots"][0]["formats"]["mp4"] == {"bits": "8", "frames": ""}


def test_movies_that_replace_others_hold_the_frames_of_their_run_alone(make_shot):
    run(make_shot(format=("mp4",)), range(1001, 1009))
    shot = make_shot(format=("mp4",), on_exists="overwrite")
    progress = add(load_manifest(shot.folder), shot, DecomposeOptions(frames="1-4"), frames=range(1001, 1005))
    progress.begin()
    for number in range(1001, 1005):
        progress.wrote(number)
    progress.encoded()
    # killed here, the old movies or the new ones are there: no frame is promised
    assert read(shot)["shots"][0]["formats"]["mp4"] == {"bits": "8", "frames": ""}
    kept = Standing(None, movies_done=frozenset({"mp4"}))
    with pytest.raises(OutputError, match=r"without frames 1001-1004.*overwrite"):
        add(
            load_manifest(shot.folder),
            make_shot(format=("mp4",), on_exists="skip"),
            standing=kept,
            frames=range(1001, 1005),
        )
    progress.finish()
    assert read(shot)["shots"][0]["formats"]["mp4"]["frames"] == "1001-1004"


def test_what_another_run_has_entered_meanwhile_is_kept(make_shot):
    first, second = make_shot(stem="first"), make_shot(stem="second")
    books = load_manifest(first.folder)
    progress = add(books, first)
    progress.begin()
    run(second, [1001])
    progress.wrote(1001)
    progress.finish()
    assert [(shot["name"], shot["complete"]) for shot in read(first)["shots"]] == [("first", True), ("second", True)]


def test_frames_that_another_run_of_the_shot_enters_meanwhile_are_kept(make_shot):
    shot = make_shot()
    shot.folder.mkdir()
    with open_presence(shot.folder) as presence, open_presence(shot.folder) as other:
        first, second = load_manifest(shot.folder, presence), load_manifest(shot.folder, other)
        parts = [add(books, shot, DecomposeOptions(frames=text)) for books, text in ((first, "1-2"), (second, "3-4"))]
        for number, part in zip((1001, 1003, 1002, 1004), [*parts, *parts], strict=True):
            part.begin()
            part.wrote(number)
        parts[0].lost(1005, Path("clip.mov"), "damaged")
        for part in parts:
            part.finish()
    (entry,) = read(shot)["shots"]
    assert entry["formats"]["png"]["frames"] == "1001-1004"
    assert [fault["number"] for fault in entry["faults"]] == [1005]
    assert not [path for path in shot.folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("on_exists", ["error", "skip", "overwrite"])
def test_a_run_with_other_settings_beside_one_at_work_is_refused(make_shot, on_exists):
    shot = make_shot(on_exists=on_exists)
    shot.folder.mkdir()
    with open_presence(shot.folder) as presence, open_presence(shot.folder) as other:
        books = [load_manifest(shot.folder, who) for who in (presence, other)]
        first, second = add(books[0], shot), add(books[1], shot, DecomposeOptions(window=9))
        first.begin()
        with pytest.raises(OutputError, match=r"another run is at work here.*window"):
            second.begin()
        third = add(load_manifest(shot.folder, other), shot, DecomposeOptions(window=9))
        with pytest.raises(OutputError, match=r"another run is at work here.*window"):
            third.begin()


@pytest.mark.parametrize("planned_first", [True, False])
def test_parts_that_overwrite_with_new_settings_begin_side_by_side(make_shot, planned_first):
    shot = make_shot(on_exists="overwrite")
    run(shot, range(1001, 1005))
    with open_presence(shot.folder) as presence, open_presence(shot.folder) as other:
        options = [DecomposeOptions(frames=text, window=9) for text in ("1-2", "3-4")]
        parts = []
        for who, decompose in zip((presence, other), options, strict=True):
            parts.append(add(load_manifest(shot.folder, who), shot, decompose))
            if not planned_first:
                parts[-1].begin()
        for part, numbers in zip(parts, ((1001, 1002), (1003, 1004)), strict=True):
            if planned_first:
                part.begin()
            for number in numbers:
                part.wrote(number)
        for part in parts:
            part.finish()
    (entry,) = read(shot)["shots"]
    assert (entry["decompose"]["window"], entry["stale"]) == (9, "")
    assert entry["formats"]["png"]["frames"] == "1001-1004"
    assert not [path for path in shot.folder.iterdir() if path.name.startswith(".")]


def test_what_was_planned_with_the_settings_of_before_is_refused_once_new_ones_have_begun(make_shot):
    shot = make_shot(on_exists="overwrite")
    run(shot, range(1001, 1005))
    with open_presence(shot.folder) as presence, open_presence(shot.folder) as other:
        late = add(load_manifest(shot.folder, other), shot)
        add(load_manifest(shot.folder, presence), shot, DecomposeOptions(window=9)).begin()
        with pytest.raises(OutputError, match=r"another run is at work here.*window was 9"):
            late.begin()


def test_a_shot_that_nobody_writes_is_overwritten_beside_a_run_over_another(make_shot):
    first, second = make_shot(stem="first", on_exists="overwrite"), make_shot(stem="second")
    run(first, FRAMES)
    with open_presence(first.folder) as presence, open_presence(first.folder) as other:
        add(load_manifest(first.folder, other), second).begin()
        add(load_manifest(first.folder, presence), first, DecomposeOptions(window=9)).begin()
    assert read(first)["shots"][0]["decompose"]["window"] == 9


def test_a_run_that_died_before_its_first_frame_is_not_in_the_way(make_shot):
    shot = make_shot()
    add(load_manifest(shot.folder), shot).begin()
    with open_presence(shot.folder) as presence:
        add(load_manifest(shot.folder, presence), shot, DecomposeOptions(window=9)).begin()
    assert read(shot)["shots"][0]["decompose"]["window"] == 9


def test_a_movie_of_another_format_leaves_the_one_that_is_there(make_shot):
    run(make_shot(format=("mp4",)), FRAMES)
    shot = make_shot(format=("mp4", "mkv"), on_exists="skip")
    left = Standing(None, movies_done=frozenset({"mp4"}), movies_left=frozenset({"mkv"}))
    run(shot, FRAMES, standing=left)
    formats = read(shot)["shots"][0]["formats"]
    assert {name: entry["frames"] for name, entry in formats.items()} == {"mp4": "1001-1048", "mkv": "1001-1048"}
    with pytest.raises(OutputError, match="without frame 1049"):
        add(load_manifest(shot.folder), shot, standing=left, frames=range(1001, 1050))


def test_movies_of_a_killed_run_stay_known_when_the_next_one_is_killed_too(make_shot):
    shot = make_shot(format=("mp4",), on_exists="skip")
    progress = add(load_manifest(shot.folder), shot)
    progress.begin()
    for number in FRAMES:
        progress.wrote(number)
    progress.encoded()
    shot.movie_files()[0].path.write_bytes(b"whole")  # killed before the others had their names
    for _ in range(3):  # and so is each that goes on, before its own movies are encoded
        add(load_manifest(shot.folder), shot).begin()
