"""From paths to maps in memory: right numbers, right light, right sizes, as they are asked for."""

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from mvinverse_cli import DecomposeOptions, DeviceMemoryError, InputError, decompose
from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.frames import Frame, Shot
from mvinverse_cli.maps import MAPS, SPECS
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.pipeline import decompose_frames
from tests.frames.media import cut, write_numbered

SHOT = Shot("shot", "video", (Path("shot.mov"),), (), ((56, 42),), Fraction(24), None)


def endless_frames(made: list[int]) -> Iterator[Frame]:
    """Noise of the shot's size for ever; `made` lists the indices that were asked for."""
    for index in itertools.count():
        made.append(index)
        pixels = np.random.default_rng(index).integers(0, 256, (42, 56, 3), np.uint8)
        yield Frame(pixels, "srgb", index, 1001 + index, Fraction(index, 24), "shot", Path("shot.mov"))


def some_frames(count: int) -> Iterator[Frame]:
    return itertools.islice(endless_frames([]), count)


def network(model: MVInverse, frames: list[Frame]) -> dict[str, np.ndarray]:
    """What the network says of these frames together, with no pipeline around it; (N, H, W, C)."""
    images = torch.from_numpy(np.stack([frame.pixels for frame in frames])).permute(0, 3, 1, 2)[None] / 255
    with torch.inference_mode():
        return {name: values[0].numpy() for name, values in model(images).items()}


def test_maps_are_the_networks_window_by_window_with_colour_in_linear_light(tiny_model: MVInverse):
    frames = list(some_frames(5))
    results = list(decompose_frames(iter(frames), SHOT, tiny_model, DecomposeOptions(window=3)))
    assert [(result.index, result.number, result.time) for result in results] == [
        (index, 1001 + index, Fraction(index, 24)) for index in range(5)
    ]
    for window in (slice(0, 3), slice(3, 5)):
        expected = network(tiny_model, frames[window])
        for i, result in enumerate(results[window]):
            for name in MAPS:
                values = expected[name][i]
                if SPECS[name].kind == "color":
                    values = srgb_to_linear(values)
                # a normal that is short before it is normalised magnifies the rounding of other batches
                limit = 1e-4 if SPECS[name].kind == "vector" else 1e-5
                assert np.abs(result.maps[name] - values).max() < limit, name


def test_a_model_that_speaks_linear_light_is_fed_and_read_so(tiny: MVInverse):
    frames = list(some_frames(1))
    linear = replace(frames[0], pixels=srgb_to_linear(frames[0].pixels / np.float32(255)))
    tiny.config = replace(tiny.config, input_transfer="linear", albedo_transfer="linear")
    (result,) = decompose_frames(iter(frames), SHOT, tiny, DecomposeOptions())
    images = torch.from_numpy(linear.pixels).permute(2, 0, 1)[None, None]
    with torch.inference_mode():
        expected = {name: values[0, 0].numpy() for name, values in tiny(images).items()}
    assert np.abs(result.maps["albedo"] - expected["albedo"]).max() < 1e-5
    assert np.abs(result.maps["shading"] - srgb_to_linear(expected["shading"])).max() < 1e-5


def test_options_override_the_curves_of_the_model(tiny_model: MVInverse):
    def albedo(**choices: str) -> np.ndarray:
        (result,) = decompose_frames(some_frames(1), SHOT, tiny_model, DecomposeOptions(maps=("albedo",), **choices))
        return result.maps["albedo"]

    assert np.allclose(albedo(), srgb_to_linear(albedo(albedo_transfer="linear")), atol=1e-6)
    assert np.abs(albedo() - albedo(input_transfer="linear")).max() > 1e-3


def test_linear_plates_and_srgb_pictures_of_one_scene_give_one_answer(tiny_model: MVInverse):
    srgb = next(some_frames(1))
    plate = replace(srgb, pixels=srgb_to_linear(srgb.pixels / np.float32(255)), transfer="linear")
    first, second = (
        next(decompose_frames(iter([frame]), SHOT, tiny_model, DecomposeOptions())) for frame in (srgb, plate)
    )
    for name in MAPS:
        assert np.abs(first.maps[name] - second.maps[name]).max() < 1e-4


def test_frames_that_are_not_wanted_still_take_part_in_their_windows(tiny_model: MVInverse):
    options = DecomposeOptions(window=3)
    every = list(decompose_frames(some_frames(7), SHOT, tiny_model, options))
    some = list(decompose_frames(some_frames(7), SHOT, tiny_model, options, wanted=lambda number: number == 1004))
    assert [result.number for result in some] == [1004]
    for name in MAPS:
        assert np.array_equal(some[0].maps[name], every[3].maps[name])


def test_a_window_that_nobody_wants_is_not_computed(tiny_model: MVInverse):
    passes = []
    hook = tiny_model.register_forward_pre_hook(lambda module, arguments: passes.append(arguments[0].shape[1]))
    try:
        wanted = decompose_frames(
            some_frames(9), SHOT, tiny_model, DecomposeOptions(window=3), wanted=lambda number: number > 1006
        )
        assert len(list(wanted)) == 3
    finally:
        hook.remove()
    assert passes == [3]


def test_a_lost_frame_leaves_the_windows_of_the_others_as_they_were(tiny_model: MVInverse):
    frames = list(some_frames(6))
    options = DecomposeOptions(window=3)
    whole = list(decompose_frames(iter(frames), SHOT, tiny_model, options))
    holed = list(decompose_frames(iter(frames[:1] + frames[2:]), SHOT, tiny_model, options))
    assert [result.index for result in holed] == [0, 2, 3, 4, 5]
    assert np.array_equal(holed[-1].maps["albedo"], whole[-1].maps["albedo"])


def test_a_shot_without_end_is_read_as_far_as_it_is_used(tiny_model: MVInverse):
    made: list[int] = []
    results = decompose_frames(endless_frames(made), SHOT, tiny_model, DecomposeOptions(window=2))
    for _ in range(6):
        next(results)
    results.close()
    assert len(made) <= 16


def test_network_size_leaves_the_maps_as_the_network_made_them(tiny_model: MVInverse):
    shot = replace(SHOT, sizes=((64, 50),))
    frame = replace(next(some_frames(1)), pixels=np.zeros((50, 64, 3), np.uint8))
    for size, shape in (("model", (42, 56)), ("source", (50, 64))):
        (result,) = decompose_frames(iter([frame]), shot, tiny_model, DecomposeOptions(size=size))
        for name in MAPS:
            assert result.maps[name].shape == (*shape, SPECS[name].channels)
            assert result.maps[name].dtype == np.float32
        assert np.allclose(np.linalg.norm(result.maps["normal"], axis=-1), 1, atol=1e-5)


def test_views_of_different_sizes_come_back_at_their_own(tiny_model: MVInverse, stills: list[Path]):
    results = list(decompose(stills, model=tiny_model))
    assert [result.name for result in results] == ["left", "middle", "right"]
    assert [result.maps["albedo"].shape for result in results] == [(48, 64, 3), (60, 40, 3), (48, 64, 3)]


def test_one_path_may_be_a_plain_string(tiny_model: MVInverse, clip: Path):
    results = list(decompose(str(clip), DecomposeOptions(frames="3-4", maps=("metallic",)), model=tiny_model))
    assert [(result.number, tuple(result.maps)) for result in results] == [(1003, ("metallic",)), (1004, ("metallic",))]


def test_every_shot_of_a_call_is_decomposed_by_itself(tiny_model: MVInverse, clip: Path, stills: list[Path]):
    shots = [result.shot for result in decompose([clip, *stills], DecomposeOptions(every=5), model=tiny_model)]
    assert shots == ["clip", "clip", "views"]


def test_the_model_is_loaded_as_the_options_say(tiny_file: Path, clip: Path):
    options = DecomposeOptions(model=str(tiny_file), device="cpu", frames="1")
    assert len(list(decompose(clip, options))) == 1


def test_the_end_of_a_cut_clip_is_a_warning(tiny_model: MVInverse, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = cut(write_numbered(tmp_path / "cut.mkv", 10, "ffv1", pix_fmt="yuv444p"), 6)
    with caplog.at_level(logging.WARNING):
        results = list(decompose(path, model=tiny_model))
    assert len(results) == 6
    assert "cut.mkv" in caplog.text


def test_a_path_that_is_not_there_is_said_before_a_model_is_sought(tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        next(decompose(tmp_path / "nowhere.mp4", DecomposeOptions(model="nowhere.safetensors")))


def exhaust_gpu(*arguments: object, **named: object) -> None:
    raise torch.OutOfMemoryError("CUDA ran out of its memory")


def exhaust_cpu(*arguments: object, **named: object) -> None:
    torch.empty(2**60)


@pytest.mark.parametrize("exhaust", [exhaust_gpu, exhaust_cpu])
def test_a_device_without_memory_is_said_with_what_to_do(
    tiny: MVInverse, monkeypatch: pytest.MonkeyPatch, exhaust: Callable[..., None]
):
    monkeypatch.setattr(MVInverse, "forward", exhaust)
    with pytest.raises(DeviceMemoryError, match=r"3 frames of 56x42 .* --window or --max-size"):
        list(decompose_frames(some_frames(3), SHOT, tiny, DecomposeOptions()))


def test_any_other_error_of_the_network_stays_itself(tiny: MVInverse, monkeypatch: pytest.MonkeyPatch):
    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(MVInverse, "forward", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(decompose_frames(some_frames(1), SHOT, tiny, DecomposeOptions()))


def test_light_outside_the_unit_range_is_clipped_before_the_network(tiny_model: MVInverse, tmp_path: Path):
    values = np.linspace(-1, 4, 42 * 56 * 3, dtype=np.float32).reshape(42, 56, 3)
    frame = replace(next(some_frames(1)), pixels=values, transfer="linear")
    clipped = replace(frame, pixels=values.clip(0, 1))
    first, second = (
        next(decompose_frames(iter([item]), SHOT, tiny_model, DecomposeOptions())) for item in (frame, clipped)
    )
    assert np.array_equal(first.maps["albedo"], second.maps["albedo"])


def test_the_network_sees_pictures_at_the_size_its_config_asks_for(tiny: MVInverse, clip: Path):
    tiny.config = replace(tiny.config, max_size=42)
    options = DecomposeOptions(frames="1", size="model")
    (result,) = decompose(clip, options, model=tiny)  # of 64x48
    assert result.maps["albedo"].shape == (28, 42, 3)
    (larger,) = decompose(clip, replace(options, max_size=56), model=tiny)
    assert larger.maps["albedo"].shape == (42, 56, 3)


REALDATA = Path(__file__).parents[2] / "shared" / "realdata"


@pytest.mark.skipif(not REALDATA.is_dir(), reason="third-party clips are not part of the repository")
def test_a_real_clip_gives_finite_maps_of_its_size(tiny_model: MVInverse):
    options = DecomposeOptions(frames="1-2", max_size=126)
    for result in decompose(REALDATA / "imageio_realshort" / "realshort.mp4", options, model=tiny_model):
        assert result.maps["shading"].shape == (240, 320, 3)
        assert all(np.isfinite(values).all() for values in result.maps.values())
