"""Clips and their pairs of adjacent frames."""

from dataclasses import replace

import numpy as np
import pytest

from mvinverse_cli.errors import InputError, OptionError
from mvinverse_cli.evaluate.clips import clips_of, lay_out_clips, pairs_of
from mvinverse_cli.flow import DisFlow
from mvinverse_cli.options import DecomposeOptions
from mvinverse_cli.shot.passes import Network
from tests.card import mirror
from tests.evaluate.sets import write_pictures
from tests.frames.media import to_frame, write_png, write_video


def pairs(folder, model, monkeypatch, **options):
    mirror(monkeypatch)
    way = DecomposeOptions(size="model", **options)
    (clip,) = lay_out_clips([folder], way, [])
    return list(pairs_of(clip, Network.of(model, way), way, DisFlow(), [], quiet=False))


def test_clips_are_a_video_a_folder_of_frames_or_a_folder_of_both(tmp_path, caplog):
    video = write_video(tmp_path / "b.mkv", [to_frame(np.full((48, 64, 3), 0.5), "yuv444p")] * 2, "ffv1")
    frames = write_pictures(tmp_path / "a", 2)
    assert clips_of(video) == [video]
    assert clips_of(frames) == [frames]
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    assert clips_of(tmp_path) == [frames, video]
    assert not caplog.messages
    write_pictures(tmp_path, 1)  # a stray sheet, perhaps: it makes the folder one clip, and that is told
    assert clips_of(tmp_path) == [tmp_path]
    assert caplog.messages == [f"{tmp_path}: its pictures are taken for one clip; left out: a, b.mkv"]


def test_a_folder_without_clips_is_an_error(tmp_path):
    with pytest.raises(InputError, match="holds no video and no folder of pictures"):
        clips_of(tmp_path)
    with pytest.raises(InputError, match="no such clip"):
        clips_of(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        clips_of(tmp_path / ("x" * 300))


def test_a_folder_that_may_not_be_read_is_left_out_and_named(tmp_path, caplog, close):
    closed = tmp_path / "lost+found"
    close(closed)
    closed.mkdir()
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "1.png").touch()
    assert clips_of(tmp_path) == [tmp_path / "clip"]
    assert f"{closed}: left out: Permission denied" in caplog.text
    with pytest.raises(InputError, match=r"lost.found: cannot be read: Permission denied"):
        clips_of(closed)


def test_pairs_are_adjacent_frames_at_the_size_of_the_network(tmp_path, tiny_model, monkeypatch):
    found = pairs(write_pictures(tmp_path / "a", 4), tiny_model, monkeypatch)
    assert [(pair.before.index, pair.after.index) for pair in found] == [(0, 1), (1, 2), (2, 3)]
    for pair in found:
        assert pair.before.shown["input"].shape == (56, 84, 3)
        assert pair.before.shown["albedo"] == pytest.approx(pair.before.shown["input"], abs=1e-2)
        assert pair.is_alike
        assert np.median(pair.flow.forward[..., 0]) == pytest.approx(2, abs=0.2)


def test_the_input_beside_the_maps_is_what_the_network_was_shown_of_small_frames(tmp_path, tiny, monkeypatch):
    tiny.config = replace(tiny.config, min_size=280)
    for pair in pairs(write_pictures(tmp_path / "a", 3), tiny, monkeypatch):
        assert pair.before.shown["input"].shape[1] == 280
        assert pair.before.shown["albedo"] == pytest.approx(pair.before.shown["input"], abs=1e-2)


def test_no_pair_crosses_a_cut(tmp_path, tiny_model, monkeypatch):
    found = pairs(write_pictures(tmp_path / "a", 4), tiny_model, monkeypatch, cuts="3")
    assert [pair.before.index for pair in found] == [0, 2]


def test_a_frame_that_cannot_be_read_takes_both_of_its_pairs(tmp_path, tiny_model, monkeypatch):
    folder = write_pictures(tmp_path / "a", 4)
    (folder / "f.0002.png").write_bytes((folder / "f.0002.png").read_bytes()[:-600])
    assert [pair.before.index for pair in pairs(folder, tiny_model, monkeypatch)] == [2]


def test_frames_beside_a_gap_of_a_sequence_are_no_pair(tmp_path, tiny_model, monkeypatch):
    folder = write_pictures(tmp_path / "a", 5)
    (folder / "f.0003.png").unlink()
    found = pairs(folder, tiny_model, monkeypatch)
    assert [(pair.before.number, pair.after.number) for pair in found] == [(1, 2), (4, 5)]


def test_frames_of_two_sizes_are_no_pair(tmp_path, tiny_model, monkeypatch):
    folder = write_pictures(tmp_path / "a", 3)
    (folder / "f.0003.png").unlink()
    write_png(folder / "f.0003.png", 128, (56, 42))
    assert [pair.before.index for pair in pairs(folder, tiny_model, monkeypatch)] == [0]


def test_frames_that_one_of_several_clips_does_not_hold_leave_it_out(tmp_path):
    folders = [write_pictures(tmp_path / name, count) for name, count in (("a", 2), ("b", 6))]
    way, broken = DecomposeOptions(size="model", frames="4-5"), []
    assert [clip.name for clip in lay_out_clips(folders, way, broken)] == ["b"]
    assert [path.name for path, _ in broken] == ["a"]
    with pytest.raises(OptionError, match="--frames 4-5"):
        list(lay_out_clips(folders[:1], way, []))


@pytest.mark.parametrize("option", [{"frames": "8-9"}, {"frames": "some"}, {"cuts": "some"}])
def test_an_option_that_suits_no_clip_is_a_mistake_of_its_own(tmp_path, option):
    folders = [write_pictures(tmp_path / name, count) for name, count in (("a", 2), ("b", 6))]
    with pytest.raises(OptionError, match=f"--{next(iter(option))} "):
        list(lay_out_clips(folders, DecomposeOptions(size="model", **option), []))


def test_clips_of_one_frame_are_left_out(tmp_path, caplog):
    broken = []
    folder = write_pictures(tmp_path / "a", 1)
    assert list(lay_out_clips([folder], DecomposeOptions(), broken)) == []
    assert broken == [(folder, f"{folder}: one frame, and flicker takes two; give a longer clip")]
    assert "clip left out" in caplog.text
