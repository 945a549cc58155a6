"""The protocol `interiorverse`, from files to figures."""

from itertools import product

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio as torch_psnr
from torchmetrics.functional.image import structural_similarity_index_measure as torch_ssim

from mvinverse_cli.color import linear_to_srgb
from mvinverse_cli.errors import InputError
from mvinverse_cli.evaluate import interiorverse as protocol
from mvinverse_cli.evaluate import prediction
from mvinverse_cli.evaluate.datasets.interiorverse import pictures_of
from mvinverse_cli.evaluate.example import Example
from mvinverse_cli.evaluate.interiorverse import Cell, evaluate_interiorverse, score_cell
from mvinverse_cli.evaluate.lpips import Lpips, Perceptual
from mvinverse_cli.evaluate.result import SINGLE
from mvinverse_cli.protocols import InteriorVerseOptions
from tests.evaluate.sets import SIZE, WRONG, oracle, same, scaled, write_exr, write_interiorverse

RNG = np.random.default_rng(0)
CELLS = [Cell(*choice) for choice in product(("srgb", "linear"), ("none", "scale", "channel"), ("none", "valid"))]


@pytest.fixture(autouse=True)
def lpips_at_hand(monkeypatch):
    """LPIPS with random weights, all of them positive."""
    torch.manual_seed(0)
    network = Lpips().eval()
    for name, value in network.named_parameters():
        if name.startswith("lin"):
            value.data.fill_(1.0)
    monkeypatch.setattr(protocol, "open_lpips", lambda: Perceptual(network, ""))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_interiorverse(tmp_path_factory.mktemp("iv"), {"L3A": 2, "L3B": 1})


@pytest.fixture
def measured(data, tiny_model, monkeypatch):
    def measure(change=same, picks=0, **options):
        scenes = [data / "test" / scene for scene in ("L3A", "L3B")]
        examples = [source.read() for source in pictures_of(scenes, protocol.MAPS)[0]]
        monkeypatch.setattr(prediction, "predict_views", oracle(examples, change))
        return evaluate_interiorverse(data, InteriorVerseOptions(**options), model=tiny_model, picks=picks)

    return measure


def test_a_perfect_prediction_scores_perfectly_in_every_cell(measured):
    result = measured(grid=True)
    assert [*result.rows] == [cell.name for cell in CELLS]
    for name, figures in result.rows.items():
        assert figures == pytest.approx(
            {"albedo_psnr": 100, "albedo_ssim": 1, "albedo_lpips": 0, "metallic_rmse": 0, "roughness_rmse": 0}, abs=1e-5
        ), name
    assert result.counts == {"scenes": 2, "pictures": 3}
    assert not result.is_incomplete


@pytest.mark.parametrize("wrong", WRONG)
def test_one_that_is_shifted_scaled_or_flipped_does_not(measured, wrong):
    figures = measured(WRONG[wrong]).rows[SINGLE]
    assert figures["albedo_psnr"] < 30
    assert figures["albedo_ssim"] < 0.98
    assert figures["albedo_lpips"] > 1e-4
    assert figures["metallic_rmse"] > 0.02
    assert figures["roughness_rmse"] > 0.02


def test_an_alignment_forgives_a_scale_and_the_space_is_the_one_asked_for(measured):
    rows = measured(scaled, grid=True).rows
    assert rows["srgb, none, valid"]["albedo_psnr"] < 25
    for align in ("scale", "channel"):
        assert rows[f"srgb, {align}, valid"]["albedo_psnr"] > 95
    assert rows["linear, none, valid"]["albedo_psnr"] != rows["srgb, none, valid"]["albedo_psnr"]
    assert rows["srgb, none, none"]["albedo_psnr"] != rows["srgb, none, valid"]["albedo_psnr"]


def test_figures_agree_with_scikit_image_and_torchmetrics_on_random_pictures():
    truth, guess = RNG.random((2, 64, 80, 3), dtype=np.float32)
    true, maps = (
        {"albedo": values, "metallic": values[..., :1], "roughness": values[..., :1]} for values in (truth, guess)
    )
    example = Example("a", "a", truth, true, np.ones((64, 80), bool))
    for space, (one, other) in {"linear": (truth, guess), "srgb": map(linear_to_srgb, (truth, guess))}.items():
        scores = score_cell(Cell(space, "none", "none"), maps, example, None)
        assert scores["albedo_psnr"] == pytest.approx(peak_signal_noise_ratio(one, other, data_range=1), abs=1e-4)
        similarity = structural_similarity(
            one, other, channel_axis=-1, data_range=1, gaussian_weights=True, use_sample_covariance=False
        )
        assert scores["albedo_ssim"] == pytest.approx(similarity, abs=1e-4)
        tensors = [torch.from_numpy(values).permute(2, 0, 1)[None] for values in (other, one)]
        assert scores["albedo_psnr"] == pytest.approx(float(torch_psnr(*tensors, data_range=1.0)), abs=1e-4)
        windows = torch_ssim(*tensors, data_range=1.0, return_full_image=True)[1]
        inner = windows[..., 5:-5, 5:-5]  # its own mean takes in windows that reach over the border, in its own way
        assert scores["albedo_ssim"] == pytest.approx(float(inner.mean()), abs=1e-4)


def test_without_lpips_a_sentence_says_so_and_all_else_is_measured(measured, monkeypatch):
    monkeypatch.setattr(protocol, "open_lpips", lambda: Perceptual(None, "no weights here"))
    result = measured()
    assert "albedo_lpips" not in result.rows[SINGLE]
    assert result.rows[SINGLE]["albedo_psnr"] == 100
    assert "LPIPS is not measured: no weights here" in result.notes


def test_the_worst_pictures_are_kept_to_be_shown(measured):
    result = measured(scaled, picks=1)
    assert len(result.picks) == 2
    assert result.picks[0].goodness <= result.picks[1].goodness
    assert {pick.group for pick in result.picks} == {"L3A", "L3B"}


def test_the_network_sees_the_curve_and_size_that_are_asked_for(data, tiny_model):
    rows = [
        evaluate_interiorverse(data, InteriorVerseOptions(limit=1, **options), model=tiny_model).rows[SINGLE]
        for options in ({}, {"input_transfer": "linear"}, {"max_size": 28})
    ]
    assert len({row["roughness_rmse"] for row in rows}) == 3


def test_pictures_without_their_files_are_listed_and_the_rest_is_measured(tmp_path, tiny_model):
    write_interiorverse(tmp_path, {"L3A": 2})
    (tmp_path / "test.txt").write_text("L3A\nL3Z\n")
    (tmp_path / "test" / "L3A" / "001_albedo.exr").unlink()
    result = evaluate_interiorverse(tmp_path, InteriorVerseOptions(), model=tiny_model)
    assert result.counts["pictures"] == 1
    assert result.is_incomplete
    assert [reason.partition(": ")[2] for _, reason in result.broken] == [
        "listed in test.txt and not there",
        "lacks 001_albedo.exr; fetch it again",
    ]


def test_pictures_in_which_no_pixel_counts_are_not_measured(tmp_path, tiny_model, caplog):
    write_interiorverse(tmp_path, {"L3A": 2})
    write_exr(tmp_path / "test" / "L3A" / "000_mask.exr", np.zeros((*SIZE, 3)))
    assert evaluate_interiorverse(tmp_path, InteriorVerseOptions(), model=tiny_model).counts["pictures"] == 1
    assert "left out: no pixel counts" in caplog.text
    write_exr(tmp_path / "test" / "L3A" / "001_mask.exr", np.zeros((*SIZE, 3)))
    with pytest.raises(InputError, match="no picture can be evaluated: no pixel counts"):
        evaluate_interiorverse(tmp_path, InteriorVerseOptions(), model=tiny_model)


def test_a_folder_with_nothing_whole_is_an_error(tmp_path, tiny_model):
    write_interiorverse(tmp_path, {"L3A": 1})
    (tmp_path / "test" / "L3A" / "000_im.exr").unlink()
    with pytest.raises(InputError, match=r"no picture can be evaluated: .*lacks 000_im\.exr"):
        evaluate_interiorverse(tmp_path, InteriorVerseOptions(), model=tiny_model)
    (tmp_path / "val").mkdir()
    with pytest.raises(InputError, match=r"no scene with NNN_im\.exr"):
        evaluate_interiorverse(tmp_path, InteriorVerseOptions(split="val"), model=tiny_model)
