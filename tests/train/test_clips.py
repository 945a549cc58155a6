"""Clips: split at cuts, neighbours with their flow, and every clip that gives nothing to learn from is said."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvinverse_cli.errors import InputError
from mvinverse_cli.flow import DisFlow, FlowFolder, check_names
from mvinverse_cli.frames import Shot
from mvinverse_cli.train.clips import PROBE_FRAMES, Clip, Stretch, find_clips, flow_name, open_clips
from tests.conftest import TINY
from tests.frames.media import write_png
from tests.train.panning import SIZE, STEP, KnownFlow, make_stretch, pan, write_pan


def opened(folder: Path, flows=None, config=TINY) -> Clip:
    (clip,) = open_clips(find_clips([folder]), config, 42, flows or KnownFlow())
    return clip


def test_frames_are_on_the_networks_curve_and_their_flow_is_found(tmp_path: Path):
    clip = opened(write_pan(tmp_path / "shot", 3), DisFlow())
    (stretch,) = clip.stretches
    assert stretch.frames.shape == (3, *SIZE, 3)
    assert np.allclose(stretch.frames[1] * 255, pan(3)[1], atol=0.1)
    assert list(stretch.flows) == [0, 1]
    flow = stretch.flows[0]
    assert np.abs(flow.forward[flow.valid[..., 0]] - [-STEP, 0]).mean() < 0.3
    linear = opened(tmp_path / "shot", config=replace(TINY, input_transfer="linear"))
    assert linear.stretches[0].frames.mean() < stretch.frames.mean()


def test_the_flows_of_pictures_are_found_by_the_name_of_their_folder(tmp_path: Path):
    folder = write_pan(tmp_path / "plates", 3)
    flow = np.broadcast_to(np.float32([-STEP, 0]), (*SIZE, 2))
    for name, sign in (("plates", 1), ("pan", -1)):
        (tmp_path / "flows" / name).mkdir(parents=True)
        for position in (0, 1):
            np.savez(tmp_path / "flows" / name / f"{position}.npz", forward=sign * flow, backward=-sign * flow)
    for source in (folder, folder / "pan.####.png"):
        (clip,) = open_clips(find_clips([source]), TINY, 42, FlowFolder.at(str(tmp_path / "flows")))
        assert np.array_equal(clip.stretches[0].flows[0].forward, flow)


def test_a_folder_of_flows_has_the_name_that_the_user_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pool = write_pan(tmp_path / "pool", 2)
    (tmp_path / "linked").symlink_to(pool)
    (tmp_path / "links").mkdir()
    for path in pool.iterdir():
        (tmp_path / "links" / path.name).symlink_to(path)
    monkeypatch.chdir(pool)
    sources = {"linked": tmp_path / "linked", "links": tmp_path / "links", "pool": "."}
    assert {name: flow_name(find_clips([source])[0]) for name, source in sources.items()} == {
        name: name for name in sources
    }


def test_two_clips_of_one_folder_cannot_share_its_flows(tmp_path: Path):
    folder = write_pan(tmp_path / "plates", 3)
    for number, frame in enumerate(pan(3, seed=1), 1):
        write_png(folder / f"other.{number:04d}.png", np.ascontiguousarray(frame))

    def named(shot: Shot) -> tuple[str, Path]:
        return flow_name(shot), shot.paths[0]

    check_names(map(named, find_clips([folder / "pan.####.png"])))
    with pytest.raises(InputError, match=r"pan\.0001\.png and .*other\.0001\.png: the flows of both .* clip plates"):
        check_names(map(named, find_clips([folder / "pan.####.png", folder / "other.####.png"])))


def test_a_clip_is_split_at_its_cut_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    write_pan(tmp_path / "shot", 9)
    for number, frame in enumerate(pan(9, seed=5), 10):
        write_png(tmp_path / "shot" / f"pan.{number:04d}.png", np.ascontiguousarray(255 - frame[..., ::-1] // 3))
    with caplog.at_level(logging.INFO, "mvinverse_cli"):
        clip = opened(tmp_path / "shot")
    assert [len(stretch.frames) for stretch in clip.stretches] == [9, 9]
    assert all(list(stretch.flows) == list(range(8)) for stretch in clip.stretches)
    assert "pan: split where a new scene begins, at its frame 10" in caplog.messages


def test_a_clip_of_one_frame_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="one frame, which cannot flicker; give a video"):
        find_clips([write_pan(tmp_path / "shot", 1)])


def test_two_sequences_in_one_folder_are_no_clip(tmp_path: Path):
    folder = write_pan(tmp_path / "shot", 3)
    for path in [*folder.iterdir()]:
        shutil.copy(path, path.with_name(f"other{path.name}"))
    with pytest.raises(InputError, match=r"shot: pictures of several sequences \(.*\), of which nobody can tell"):
        find_clips([folder])


def test_clips_of_one_name_are_two_and_one_given_twice_is_said(tmp_path):
    patterns = [write_pan(tmp_path / name, 3) / "pan.####.png" for name in ("a", "b")]
    assert [shot.name for shot in find_clips(patterns)] == ["pan", "pan"]
    with pytest.raises(InputError, match="given twice"):
        find_clips([*patterns, patterns[0]])


def test_clips_in_which_little_is_found_again_are_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    shots = find_clips([write_pan(tmp_path / "shot", 3)])
    with pytest.raises(InputError, match="no clip is left: no two neighbours show 60% of the same"):
        open_clips(shots, TINY, 42, KnownFlow(kept=0.5))
    assert caplog.messages == [
        "pan: 2 of 2 pairs of neighbours are not used, under 60% of their pixels are found again: the clip is left out"
    ]


def test_a_broken_frame_parts_its_neighbours_and_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    folder = write_pan(tmp_path / "shot", 5)
    broken = folder / "pan.0003.png"
    broken.write_bytes(broken.read_bytes()[:200])
    (stretch,) = opened(folder).stretches
    assert stretch.frames.shape[0] == 4
    assert list(stretch.flows) == [0, 2]
    assert f"{broken}: a frame is left out" in caplog.text


def test_the_hash_is_that_of_the_pictures_wherever_they_lie(tmp_path: Path):
    folder = write_pan(tmp_path / "shot", 3)
    shutil.copytree(folder, tmp_path / "copy" / "elsewhere")
    here, there = opened(folder), opened(tmp_path / "copy" / "elsewhere")
    assert here.sha256 == there.sha256 != opened(write_pan(tmp_path / "other", 3, seed=1)).sha256


@given(st.integers(2, 40), st.data())
def test_the_probe_is_of_neighbours_and_held_out_where_enough_are_left(count, data):
    known = data.draw(st.sets(st.integers(0, count - 2), min_size=1))
    flow = make_stretch(2).flows[0]
    stretch = Stretch("", np.empty((count, 1, 1, 3), np.float16), dict.fromkeys(sorted(known), flow))
    probe, trained = stretch.probe, set(stretch.trained)
    assert {*probe[:-1]} <= known
    assert trained
    assert trained <= known
    apart = {at for at in known if not {at, at + 1} & {*probe}}
    assert trained == (apart or known)
    if len(known) == count - 1 and count >= 3 * PROBE_FRAMES:
        assert len(probe) == PROBE_FRAMES
        assert len(trained) == count - 1 - (PROBE_FRAMES + 1)
