"""The protocol `normals`, from files of every layout to figures."""

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate import prediction
from mvinverse_cli.evaluate.baselines import FACING
from mvinverse_cli.evaluate.normals import evaluate_normals, find_examples
from mvinverse_cli.evaluate.result import SINGLE
from mvinverse_cli.protocols import MeasureOptions
from tests.evaluate.sets import WRONG, oracle, same, write_exr, write_hypersim, write_interiorverse
from tests.frames.media import write_png
from tests.scenes.views import make_scenes, make_view

LAYOUTS = {
    "rendered scenes": lambda folder: make_scenes(folder, range(2), views=2),
    "Hypersim": lambda folder: write_hypersim(folder, frames=2),
    "InteriorVerse": lambda folder: write_interiorverse(folder, {"L3A": 2}),
    "pairs of picture and normals": lambda folder: write_pairs(folder, 2),
}


def write_pairs(folder, count):
    for i in range(count):
        view = make_view(i)
        write_png(folder / f"room{i}.png", np.rint(np.clip(view.color, 0, 1) * 255).astype(np.uint8))
        np.save(folder / f"room{i}_normal.npy", view.maps["normal"])
    return folder


@pytest.fixture(params=LAYOUTS)
def layout(request, tmp_path):
    return request.param, LAYOUTS[request.param](tmp_path)


@pytest.fixture
def measured(tiny_model, monkeypatch):
    def measure(folder, change=same, picks=0, **options):
        examples = [source.read() for source in find_examples(folder)[1]]
        monkeypatch.setattr(prediction, "predict_views", oracle(examples, change))
        return evaluate_normals(folder, MeasureOptions(**options), model=tiny_model, picks=picks)

    return measure


def test_a_perfect_prediction_scores_perfectly_in_every_layout(layout, measured):
    name, folder = layout
    result = measured(folder)
    assert result.more["layout"] == name
    figures = result.rows[SINGLE]
    assert [figures["normal_mean_deg"], figures["normal_median_deg"]] == pytest.approx([0, 0], abs=1e-3)
    assert figures["normal_under_11.25"] == figures["normal_under_22.5"] == figures["normal_under_30"] == 1
    assert result.rows[FACING]["normal_mean_deg"] > 5


@pytest.mark.parametrize("wrong", WRONG)
def test_one_that_is_shifted_scaled_or_flipped_does_not(wrong, tmp_path, measured):
    figures = measured(write_interiorverse(tmp_path, {"L3A": 2}), WRONG[wrong]).rows[SINGLE]
    assert figures["normal_mean_deg"] > 5
    assert figures["normal_under_11.25"] < 0.9


def test_upside_down_is_told_from_right(tmp_path, measured):
    folder = write_pairs(tmp_path, 1)
    figures = measured(folder, lambda name, values: values * np.float32([1, -1, 1])).rows[SINGLE]
    assert figures["normal_mean_deg"] > 20


def test_figures_are_of_a_picture_and_then_the_mean(tmp_path, measured):
    folder = write_pairs(tmp_path, 2)
    turned = []

    def one_of_two(name, values):
        turned.append(name)
        return -values if len(turned) == 1 else values

    figures = measured(folder, one_of_two).rows[SINGLE]
    assert figures["normal_mean_deg"] == pytest.approx(90, abs=1e-2)
    assert figures["normal_under_30"] == 0.5


def test_the_network_itself_is_measured_and_pictures_are_kept(tmp_path, tiny_model):
    folder = write_pairs(tmp_path, 3)
    result = evaluate_normals(folder, MeasureOptions(limit=2), model=tiny_model, picks=1)
    assert result.counts == {"pictures": 2}
    assert 0 < result.rows[SINGLE]["normal_mean_deg"] < 180
    assert [*result.picks[0].predicted] == ["normal"]
    assert result.picks[0].goodness < result.picks[1].goodness < 0


def test_broken_pictures_are_listed_and_the_rest_is_measured(tmp_path, tiny_model):
    folder = write_pairs(tmp_path, 2)
    (folder / "room1_normal.npy").write_bytes(b"nothing")
    result = evaluate_normals(folder, MeasureOptions(), model=tiny_model)
    assert result.counts == {"pictures": 1}
    assert result.is_incomplete
    assert "room1_normal.npy: not readable as .npy" in result.broken[0][1]


def test_a_picture_of_hardly_any_normals_is_left_out_and_said(tmp_path, tiny_model, caplog):
    folder = write_pairs(tmp_path, 2)
    normals = np.zeros_like(np.load(folder / "room1_normal.npy"))
    normals[:5, :5, 2] = 1
    np.save(folder / "room1_normal.npy", normals)
    result = evaluate_normals(folder, MeasureOptions(), model=tiny_model)
    assert (result.counts, result.more["left_out"], result.is_incomplete) == ({"pictures": 1}, 1, False)
    assert caplog.messages == ["room1: left out: 25 valid normals, and figures take 64"]


@pytest.mark.parametrize("layout", ["InteriorVerse", "pairs of picture and normals"])
def test_folders_are_followed_through_links_and_no_link_in_circles(layout, tmp_path):
    (tmp_path / "real").mkdir()
    LAYOUTS[layout](tmp_path / "real")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "back").symlink_to(tmp_path / "real")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set")
    called, sources, broken = find_examples(tmp_path / "set")
    assert (called, len(sources), broken) == (layout, 2, [])


def test_what_is_broken_past_the_limit_does_not_count(tmp_path, tiny_model):
    folder = write_pairs(tmp_path, 3)
    (folder / "room1.png").unlink()
    result = evaluate_normals(folder, MeasureOptions(limit=1), model=tiny_model)
    assert (result.counts, result.is_incomplete) == ({"pictures": 1}, False)
    result = evaluate_normals(folder, MeasureOptions(limit=2), model=tiny_model)
    assert (result.counts, len(result.broken)) == ({"pictures": 2}, 1)


def test_pairs_in_a_folder_called_images_are_no_hypersim(tmp_path):
    (tmp_path / "images").mkdir()
    write_pairs(tmp_path / "images", 1)
    layout, sources, _ = find_examples(tmp_path)
    assert (layout, len(sources)) == ("pairs of picture and normals", 1)


def test_pairs_whose_pictures_end_in_im_are_no_interiorverse(tmp_path):
    view = make_view(0)
    write_exr(tmp_path / "kitchen_im.exr", view.color)
    write_exr(tmp_path / "kitchen_normal.exr", view.maps["normal"])
    layout, sources, _ = find_examples(tmp_path)
    assert (layout, len(sources)) == ("pairs of picture and normals", 1)
    assert sources[0].read().mask.all()


def test_scenes_without_normals_are_listed(tmp_path, tiny_model):
    make_scenes(tmp_path, range(1), views=1, maps=("albedo",))
    with pytest.raises(InputError, match=r"no picture can be evaluated: .*has no normals"):
        evaluate_normals(tmp_path, MeasureOptions(), model=tiny_model)


def test_a_folder_of_a_name_that_no_file_has_is_an_error(tmp_path, tiny_model):
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        evaluate_normals(tmp_path / ("x" * 300), MeasureOptions(), model=tiny_model)


def test_a_folder_that_is_empty_or_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="holds no rendered scenes, no InteriorVerse, no Hypersim, and no pairs"):
        find_examples(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        find_examples(tmp_path / "gone")
