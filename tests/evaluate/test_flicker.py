"""The protocol `flicker`, from clips to figures."""

import shutil

import numpy as np
import pytest

from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate import clips, flicker
from mvinverse_cli.evaluate.flicker import PAPER, evaluate_flicker
from mvinverse_cli.evaluate.result import JOINT, SINGLE
from mvinverse_cli.evaluate.table import notes
from mvinverse_cli.flow.dis import DisFlow
from mvinverse_cli.maps import MAPS
from mvinverse_cli.protocols import FlickerOptions
from tests.card import mirror
from tests.evaluate.sets import WRONG, write_pictures
from tests.flow.motion import texture
from tests.frames.media import write_numbered, write_png


@pytest.fixture
def measured(tiny_model, monkeypatch):
    """A network whose albedo is its input; `change` is done to the maps of every second frame."""

    def measure(data, change=None, picks=0, **options):
        mirror(monkeypatch)
        if change:
            whole = clips.decompose_shot

            def changed(*arguments, quiet):
                for frame in whole(*arguments, quiet=quiet):
                    if frame.index % 2:
                        frame.maps["albedo"][:] = change("albedo", frame.maps["albedo"].copy())
                    yield frame

            monkeypatch.setattr(clips, "decompose_shot", changed)
        return evaluate_flicker(data, FlickerOptions(**options), model=tiny_model, picks=picks)

    return measure


def test_a_still_clip_seen_the_same_way_has_no_flicker(tmp_path, measured):
    result = measured(write_pictures(tmp_path / "a", 4, step=0))
    figures = result.rows[JOINT]
    for name in (*MAPS, "input"):
        assert figures[f"flicker_{name}"] == pytest.approx(0, abs=1e-4), name
        assert figures[f"flicker_all_{name}"] == pytest.approx(0, abs=1e-4), name
    assert figures["contrast_albedo"] == pytest.approx(figures["contrast_input"], rel=0.05)
    assert figures["contrast_albedo"] > 0.05
    assert result.counts == {"clips": 1, "pairs": 3, "dropped_pairs": 0}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_whose_every_second_frame_is_shifted_scaled_or_flipped_has(wrong, tmp_path, measured):
    figures = measured(write_pictures(tmp_path / "a", 4, step=0), WRONG[wrong]).rows[SINGLE]
    assert figures["flicker_albedo"] > 0.02
    assert figures["flicker_input"] == pytest.approx(0, abs=1e-4)


def test_of_a_moving_clip_the_input_is_the_floor_and_what_leaves_the_picture_does_not_count(tmp_path, measured):
    figures = measured(write_pictures(tmp_path / "a", 4)).rows[JOINT]
    assert figures["flicker_albedo"] == pytest.approx(figures["flicker_input"], abs=2e-3)
    assert figures["flicker_input"] < 0.03
    assert figures["flicker_input"] < figures["flicker_all_input"]


def test_the_rmse_of_a_known_step_is_known(tmp_path, measured):
    folder = tmp_path / "a"
    folder.mkdir()
    picture = texture(56, 84) // 2 + 40
    for i in range(2):
        write_png(folder / f"f.{i + 1:04d}.png", picture + np.uint8(10 * i))
    assert measured(folder).rows[JOINT]["flicker_input"] == pytest.approx(10 / 255, abs=2e-3)


def test_the_paper_stands_beside_the_model(tmp_path, measured):
    rows = measured(write_pictures(tmp_path / "a", 2)).rows
    assert rows.keys() == {JOINT, SINGLE, *PAPER}
    assert [rows[name]["flicker_albedo"] for name in PAPER] == [0.0341, 0.0161]


def test_clips_count_alike_whatever_their_length(tmp_path, measured):
    write_pictures(tmp_path / "still", 3, step=0)
    write_pictures(tmp_path / "moving", 2)
    result = measured(tmp_path)
    per_clip = result.more["per_clip"]
    means = [per_clip[name][JOINT]["flicker_albedo"] for name in ("still", "moving")]
    assert result.rows[JOINT]["flicker_albedo"] == pytest.approx(sum(means) / 2)
    assert result.counts["pairs"] == 3


def test_pairs_that_show_too_little_of_the_same_are_dropped(tmp_path, measured, monkeypatch):
    folder = write_pictures(tmp_path / "a", 3)
    write_png(folder / "f.0003.png", texture(56, 84, seed=9))
    result = measured(folder)
    assert (result.counts["pairs"], result.counts["dropped_pairs"]) == (1, 1)
    write_png(folder / "f.0002.png", texture(56, 84, seed=5))
    with pytest.raises(InputError, match="no two adjacent frames show 60% of the same"):
        measured(folder)


def test_flow_from_a_folder_is_taken_instead(tmp_path, measured):
    folder = write_pictures(tmp_path / "a", 2)
    flows = tmp_path / "flows" / "a"
    flows.mkdir(parents=True)
    ahead = np.zeros((56, 84, 2), np.float32)
    ahead[..., 0] = 2
    np.savez(flows / "0000.npz", forward=ahead, backward=-ahead)
    exact = measured(folder, flow=str(tmp_path / "flows")).rows[JOINT]
    assert exact["flicker_input"] == pytest.approx(0, abs=1e-4)
    np.savez(flows / "0000.npz", forward=0 * ahead, backward=0 * ahead)
    assert measured(folder, flow=str(tmp_path / "flows")).rows[JOINT]["flicker_input"] > 0.02


def test_two_clips_of_one_name_cannot_share_flows(tmp_path, measured):
    write_pictures(tmp_path / "data/shot", 3)
    write_numbered(tmp_path / "data/shot.mp4", 3)
    (tmp_path / "flows").mkdir()
    with pytest.raises(InputError, match=r"shot and .*shot\.mp4: the flows of both would be those of a clip shot"):
        measured(tmp_path / "data", flow=str(tmp_path / "flows"))


def test_pairs_are_kept_to_be_shown_beside_the_next_frame(tmp_path, measured):
    result = measured(write_pictures(tmp_path / "a", 4), picks=1)
    assert result.beside == "next, warped"
    first = result.picks[0]
    assert first.predicted["albedo"].shape == first.beside["albedo"].shape == (56, 84, 3)
    assert srgb_to_linear(first.picture) == pytest.approx(first.predicted["albedo"], abs=0.02)


def test_clips_that_cannot_be_measured_are_listed_and_the_rest_is(tmp_path, measured):
    write_pictures(tmp_path / "a", 3)
    write_pictures(tmp_path / "b", 1)
    (tmp_path / "c.mp4").write_text("no video")
    for path in write_pictures(tmp_path / "d", 2).iterdir():
        shutil.copy(path, path.with_name(f"other_{path.name}"))
    result = measured(tmp_path)
    assert result.counts["clips"] == 1
    assert result.is_incomplete
    assert [path.name for path, _ in result.broken] == ["b", "c.mp4", "d"]
    assert "d: pictures of several sequences" in result.broken[2][1]


def test_numbers_anywhere_in_the_names_are_those_of_one_sequence(tmp_path, measured):
    for number, path in enumerate(sorted(write_pictures(tmp_path / "a", 3).iterdir())):
        path.rename(path.with_name(f"plate_000{number}_L{path.suffix}"))
    assert measured(tmp_path).counts["pairs"] == 2


def test_frames_that_cannot_be_read_are_listed_once_and_the_rest_is_measured(tmp_path, measured, caplog):
    folder = write_pictures(tmp_path / "a", 5)
    (folder / "f.0002.png").write_bytes((folder / "f.0002.png").read_bytes()[:-600])
    result = measured(folder)
    assert result.counts["pairs"] == 2
    assert result.is_incomplete
    assert [(path.name, "frame 2 is left out" in said) for path, said in result.lost] == [("a", True)]
    assert (result.counts["clips"], result.broken) == (1, ())  # the clip itself is measured
    assert "frames that cannot be read left out of a" in list(notes(result))
    assert caplog.text.count("frame 2 is left out") == 1


def test_flow_is_found_at_the_size_of_the_clip(tmp_path, measured, monkeypatch):
    seen = []
    find = DisFlow.pair

    def noted(self, clip, position, first, second):
        seen.append((clip, position, first.shape, first.dtype))
        return find(self, clip, position, first, second)

    monkeypatch.setattr(DisFlow, "pair", noted)
    measured(write_pictures(tmp_path / "a", 2), max_size=42)
    assert seen == [("a", 0, (56, 84, 3), np.uint8)] * len(flicker.ways_of(FlickerOptions()))
