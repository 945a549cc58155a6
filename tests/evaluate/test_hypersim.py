"""The protocol `hypersim`, from files to figures."""

import numpy as np
import pytest

from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate import hypersim as protocol
from mvinverse_cli.evaluate.datasets.hypersim import cameras_of, find_trajectories, views_of
from mvinverse_cli.evaluate.datasets.hypersim_camera import TABLE, pinhole, read_projections
from mvinverse_cli.evaluate.hypersim import correspondences, evaluate_hypersim
from mvinverse_cli.evaluate.result import JOINT, SINGLE, TRUTH
from mvinverse_cli.protocols import HypersimOptions
from tests.evaluate.sets import (
    SIZE,
    WRONG,
    flipped,
    oracle,
    same,
    scaled,
    shifted,
    shifted_lens,
    write_hdf5,
    write_hypersim,
    write_table,
)


def read_views(folder):
    ((trajectory,), _) = find_trajectories(folder)
    cameras = cameras_of(trajectory, read_projections(folder))
    return [source.read() for source in views_of(trajectory, cameras)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_hypersim(tmp_path_factory.mktemp("hs"))


@pytest.fixture
def measured(data, tiny_model, monkeypatch):
    def measure(change=same, picks=0, **options):
        examples = [view.example for view in read_views(data)]
        monkeypatch.setattr(protocol, "predict_views", oracle(examples, change))
        return evaluate_hypersim(data, HypersimOptions(**options), model=tiny_model, picks=picks)

    return measure


def test_a_perfect_prediction_scores_perfectly(measured):
    result = measured()
    figures = result.rows[JOINT]
    assert figures["albedo_psnr"] == 100
    assert figures["albedo_ssim"] == pytest.approx(1, abs=1e-6)
    assert figures["normal_mean_deg"] == pytest.approx(0, abs=1e-3)
    assert figures["cross_view_albedo"] < 2e-3  # interpolated between pixels
    assert figures["cross_view_normal"] < 1e-5
    assert figures["cross_view_albedo_relative"] < 0.03
    assert result.rows[TRUTH]["cross_view_albedo"] == figures["cross_view_albedo"]
    assert "albedo_psnr" not in result.rows[TRUTH]
    assert result.counts == {"trajectories": 1, "pictures": 3, "pairs": 6}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_that_is_shifted_scaled_or_flipped_does_not(measured, wrong):
    figures = measured(WRONG[wrong]).rows[JOINT]
    assert figures["albedo_psnr"] < 35
    if WRONG[wrong] is scaled:
        assert figures["normal_mean_deg"] > 1
    if WRONG[wrong] is flipped:
        assert figures["cross_view_albedo"] > 0.02


def test_a_shift_in_one_view_alone_is_a_disagreement(measured):
    first = []

    def once(name, values):
        first.append(name)
        return shifted(name, values) if len(first) <= 2 else values

    result = measured(once)
    assert result.rows[JOINT]["cross_view_albedo"] > 2 * result.rows[SINGLE]["cross_view_albedo"]


def test_a_constant_map_has_no_error_and_no_relative_one(measured):
    figures = measured().rows[JOINT]  # metallic is 0 everywhere
    assert figures["cross_view_metallic"] == 0
    assert "cross_view_metallic_relative" not in figures


@pytest.mark.parametrize(("lens", "agrees"), [(shifted_lens(), True), (pinhole(*SIZE), False)])
def test_a_shifted_lens_needs_the_matrix_of_its_scene(lens, agrees, tmp_path):
    write_hypersim(tmp_path, projection=shifted_lens())
    write_table(tmp_path, {"ai_001_001": lens})
    matches = correspondences(read_views(tmp_path))
    assert len(matches.source) > 5000 if agrees else len(matches.source) < 500


def test_what_another_view_does_not_see_drops_out(tmp_path):
    write_hypersim(tmp_path, frames=2)
    views = read_views(tmp_path)
    before = correspondences(views)
    blocked = views[1].points.copy()
    blocked[:, 20:40] = views[1].camera.position + 0.5 * (blocked[:, 20:40] - views[1].camera.position)
    object.__setattr__(views[1], "points", blocked)
    after = correspondences(views)
    assert 0.5 * len(before.source) < len(after.source) < 0.9 * len(before.source)


def test_views_that_share_nothing_have_no_figure_across_views(tmp_path, tiny_model):
    write_hypersim(tmp_path, frames=2)
    second, far = read_views(tmp_path)[1], np.array([1e5, 0, 0])
    write_hdf5(find_trajectories(tmp_path)[0][0].file(1, "position"), second.points + far)
    poses = tmp_path / "ai_001_001" / "_detail" / "cam_00"
    write_hdf5(poses / "camera_keyframe_positions.hdf5", np.stack([0 * far, second.camera.position + far]))
    result = evaluate_hypersim(tmp_path, HypersimOptions(), model=tiny_model)
    assert result.counts["pairs"] == 0
    assert "cross_view_albedo" not in result.rows[JOINT]
    assert "albedo_psnr" in result.rows[JOINT]


def test_views_are_spread_over_the_frames(measured):
    assert measured(views=2).counts == {"trajectories": 1, "pictures": 2, "pairs": 2}
    alone = measured(views=1)
    assert alone.counts["pairs"] == 0
    assert "cross_view_albedo" not in alone.rows[JOINT]
    assert "albedo_psnr" in alone.rows[JOINT]


def test_the_model_itself_is_measured_together_and_alone(data, tiny_model):
    result = evaluate_hypersim(data, HypersimOptions(), model=tiny_model, picks=1)
    assert result.rows[JOINT]["cross_view_albedo"] != result.rows[SINGLE]["cross_view_albedo"]
    assert {f"cross_view_{name}" for name in ("albedo", "metallic", "roughness", "normal", "shading")} <= result.rows[
        JOINT
    ].keys()
    assert len(result.picks) == 2


def test_frames_without_truth_are_measured_across_views_alone(tmp_path, tiny_model):
    write_hypersim(tmp_path, frames=2)
    ((trajectory,), _) = find_trajectories(tmp_path)
    for frame in trajectory.frames:
        for kind in ("diffuse_reflectance", "normal_cam", "render_entity_id"):
            trajectory.file(frame, kind).unlink()
    result = evaluate_hypersim(tmp_path, HypersimOptions(), model=tiny_model, picks=2)
    assert TRUTH not in result.rows
    assert "albedo_psnr" not in result.rows[JOINT]
    assert result.picks[0].figure == f"cross-view {result.rows[JOINT]['cross_view_albedo']:.4f}"


def test_a_set_in_which_no_pixel_counts_is_an_error(tmp_path, tiny_model):
    write_hypersim(tmp_path, frames=1)
    ((trajectory,), _) = find_trajectories(tmp_path)
    write_hdf5(trajectory.file(0, "render_entity_id"), np.full(SIZE, -1, np.int32))
    with pytest.raises(InputError, match="no frame can be evaluated: no pixel counts"):
        evaluate_hypersim(tmp_path, HypersimOptions(), model=tiny_model)


def test_missing_and_broken_frames_are_listed_and_the_rest_is_measured(tmp_path, tiny_model):
    write_hypersim(tmp_path, frames=4)
    write_hypersim(tmp_path, scene="ai_002_001", frames=1)
    write_table(tmp_path, {"ai_001_001": pinhole(*SIZE)})
    (first, _), _ = find_trajectories(tmp_path)
    first.file(1, "position").unlink()
    write_hdf5(first.file(2, "color"), np.ones((*SIZE, 3)), key="images")
    result = evaluate_hypersim(tmp_path, HypersimOptions(), model=tiny_model)
    assert result.counts == {"trajectories": 1, "pictures": 2, "pairs": 2}
    assert result.is_incomplete
    reasons = " | ".join(reason for _, reason in result.broken)
    assert "lacks frame.0001.position.hdf5" in reasons
    assert "frame.0002.color.hdf5: has no key 'dataset', only images" in reasons
    assert f"{TABLE} has no projection for ai_002_001" in reasons


def test_a_folder_without_scenes_table_or_whole_frame_is_an_error(tmp_path, tiny_model):
    def evaluate():
        return evaluate_hypersim(tmp_path, HypersimOptions(), model=tiny_model)

    with pytest.raises(InputError, match="no scene ai_VVV_NNN"):
        evaluate()
    write_hypersim(tmp_path, frames=1)
    (tmp_path / TABLE).rename(tmp_path / "table")
    with pytest.raises(InputError, match=f"{TABLE}: not there"):
        evaluate()
    (tmp_path / "table").rename(tmp_path / TABLE)
    find_trajectories(tmp_path)[0][0].file(0, "color").unlink()
    with pytest.raises(InputError, match=r"no frame can be evaluated: .*lacks frame\.0000\.color\.hdf5"):
        evaluate()
