"""From paths to maps in memory: right numbers, right light, right sizes, as they are asked for."""

import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch

from mvinverse_cli import DecomposeOptions, DeviceMemoryError, InputError, decompose
from mvinverse_cli.color import srgb_to_linear
from mvinverse_cli.frames import Choice, Fault, Fit, Frame, FrameReader, Grid, Shot, fit_pixels, restore_map
from mvinverse_cli.maps import MAPS, SPECS, FrameMaps, MapName
from mvinverse_cli.model.mvinverse import Attended, MVInverse
from mvinverse_cli.shot.decompose import Findings, decompose_shot
from mvinverse_cli.shot.layout import Layout, wanted_windows
from mvinverse_cli.shot.passes import Network
from mvinverse_cli.shot.seams import align, fade_share, with_gain
from tests.frames.media import cut, write_numbered

SHOT = Shot("shot", "video", (Path("shot.mov"),), (), ((56, 42),), Fraction(24), None)
ALONE = {"anchors": 0, "overlap": 0}  # windows that know nothing of each other


def some_frames(count: int) -> list[Frame]:
    """A patch of noise that moves, of the shot's size."""
    noise = np.random.default_rng(0).integers(0, 256, (42, 56, 3), np.uint8)
    return [
        Frame(np.roll(noise, index, 1), "srgb", index, 1001 + index, Fraction(index, 24), "shot", Path("shot.mov"))
        for index in range(count)
    ]


class ListReader(FrameReader):
    """Hands out frames of a list; those that are not in it are faults. `made` lists what it handed out."""

    def __init__(self, frames: dict[int, Frame], positions: Sequence[int], made: list[int]) -> None:
        super().__init__(len(positions))
        self.frames, self.positions, self.made = frames, positions, made

    def __iter__(self) -> Iterator[Frame]:
        for position in self.positions:
            if position in self.frames:
                self.made.append(position)
                yield self.frames[position]
            else:
                self.faults.append(Fault(1001 + position, Path("shot.mov"), "cannot be read"))
        if self.positions and len(self.faults) == len(self.positions):
            raise InputError("shot.mov: not one of its frames can be read")

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Run:
    """Decomposes frames in memory: what `decompose_shot` does with a shot of them."""

    model: MVInverse
    frames: Sequence[Frame]
    options: DecomposeOptions
    monkeypatch: pytest.MonkeyPatch
    cuts: tuple[int, ...] = ()
    asked: tuple[int, ...] | None = None  # positions; None: all
    shot: Shot = SHOT
    made: list[int] = field(default_factory=list)
    made_again: list[int] = field(default_factory=list)  # for maps that follow them

    def __post_init__(self) -> None:
        by_index = {frame.index: frame for frame in self.frames}
        self.count = max(by_index) + 1
        asked = tuple(range(self.count)) if self.asked is None else self.asked
        choice = Choice(Grid(1, 0), self.count, asked, range(1001, 1001 + self.count), ("shot",) * self.count)
        self.layout = Layout(self.shot, choice, self.cuts, exposure=0.0)
        self.findings = Findings(wanted_windows(self.options))
        for reading, made in (("decompose", self.made), ("plates", self.made_again)):
            self.monkeypatch.setattr(
                f"mvinverse_cli.shot.{reading}.open_positions",
                lambda shot, choice, positions, made=made, quiet=False: ListReader(by_index, positions, made),
            )

    def results(self, **more: Any) -> Iterator[FrameMaps]:
        network = Network.of(self.model, self.options)
        return decompose_shot(self.layout, network, self.options, self.findings, **more)


Start: TypeAlias = Callable[..., Run]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Start:
    """`run(model, frames, options, cuts=..., asked=...)`."""

    def start(model: MVInverse, frames: Sequence[Frame], options: DecomposeOptions | None = None, **more: Any) -> Run:
        return Run(model, frames, options or DecomposeOptions(), monkeypatch, **more)

    return start


def network(model: MVInverse, frames: Sequence[Frame]) -> dict[str, np.ndarray]:
    """What the network says of these frames together, with no pipeline around it; (N, H, W, C), colours linear."""
    images = torch.from_numpy(np.stack([frame.pixels for frame in frames])).permute(0, 3, 1, 2)[None] / 255
    with torch.inference_mode():
        maps = {name: values[0].numpy() for name, values in model(images).items()}
    return {name: srgb_to_linear(values) if SPECS[name].kind == "color" else values for name, values in maps.items()}


def assert_alike(result: FrameMaps, expected: dict[str, np.ndarray], place: int) -> None:
    for name in MAPS:
        # a normal that is short before it is normalised magnifies the rounding of other batches
        limit = 1e-4 if SPECS[name].kind == "vector" else 1e-5
        assert np.abs(result.maps[name] - expected[name][place]).max() < limit, name


def assert_same(first: FrameMaps, second: FrameMaps) -> None:
    assert (first.index, first.number) == (second.index, second.number)
    for name in MAPS:
        assert np.array_equal(first.maps[name], second.maps[name]), name


def test_two_sources_of_one_stem_are_two_shots_where_nothing_is_written(tiny_model, tmp_path: Path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_numbered(tmp_path / folder / "v.mkv", 2, "ffv1", pix_fmt="yuv444p")
    given = [tmp_path / "x/v.mkv", tmp_path / "y/v.mkv"]
    made = list(decompose(given, model=tiny_model))
    assert [frame.source for frame in made] == [str(path) for path in given for _ in range(2)]


def test_maps_are_the_networks_window_by_window_with_colour_in_linear_light(run: Start, tiny_model: MVInverse):
    frames = some_frames(5)
    results = list(run(tiny_model, frames, DecomposeOptions(window=3, **ALONE)).results())
    assert [(result.index, result.number, result.time) for result in results] == [
        (index, 1001 + index, Fraction(index, 24)) for index in range(5)
    ]
    for window in (slice(0, 3), slice(3, 5)):
        expected = network(tiny_model, frames[window])
        for place, result in enumerate(results[window]):
            assert_alike(result, expected, place)


@pytest.mark.parametrize("window", ["auto", "all", 20])
def test_a_short_scene_is_seen_whole(run: Start, tiny_model: MVInverse, window: int | str):
    frames = some_frames(12)
    results = list(run(tiny_model, frames, DecomposeOptions(window=window)).results())
    expected = network(tiny_model, frames)
    for place, result in enumerate(results):
        assert_alike(result, expected, place)


def test_no_pass_sees_beyond_a_cut(run: Start, tiny_model: MVInverse):
    frames = some_frames(7)
    results = list(run(tiny_model, frames, cuts=(4,)).results())
    for scene in (slice(0, 4), slice(4, 7)):
        expected = network(tiny_model, frames[scene])
        for place, result in enumerate(results[scene]):
            assert_alike(result, expected, place)


LONG = DecomposeOptions(window=7, anchors=2, overlap=2)


@pytest.mark.parametrize("looks", [1, 2])
@pytest.mark.parametrize("asked", [range(8, 12), [0], [16], [4, 11], range(5, 17)])
def test_frames_of_a_range_are_those_of_the_full_run_bit_for_bit(
    run: Start, tiny_model: MVInverse, asked: Sequence[int], looks: int
):
    frames, options = some_frames(17), replace(LONG, looks=looks)
    every = list(run(tiny_model, frames, options, cuts=(14,)).results())
    some = list(run(tiny_model, frames, options, cuts=(14,), asked=tuple(asked)).results())
    assert [result.index for result in some] == list(asked)
    for result in some:
        assert_same(result, every[result.index])


def test_frames_that_are_there_already_change_nothing_in_the_others(run: Start, tiny_model: MVInverse):
    frames = some_frames(12)
    every = list(run(tiny_model, frames, LONG).results())
    some = list(run(tiny_model, frames, LONG).results(wanted=lambda number: number in (1004, 1009)))
    assert [result.number for result in some] == [1004, 1009]
    for result in some:
        assert_same(result, every[result.index])


def test_overlaps_are_cross_faded_and_gains_taken_back(
    run: Start, tiny_model: MVInverse, monkeypatch: pytest.MonkeyPatch
):
    frames, options = some_frames(11), DecomposeOptions(window=8, anchors=2, overlap=2)
    started = run(tiny_model, frames, options)
    (scene,) = started.findings.windows.plan(11, ())
    assert [tuple(this.frames) for this in scene.passes] == [(0, 1, 2, 3, 4, 5), (4, 5, 6, 7, 8, 9), (8, 9, 10)]
    assert scene.anchors == (2, 8)
    results = list(started.results())
    first = network(tiny_model, [frames[8], *frames[0:6]])
    second = network(tiny_model, [frames[2], *frames[4:10]])
    ours, theirs = [second["albedo"][0], second["albedo"][5]], [first["albedo"][3], first["albedo"][0]]
    seam = align(ours, theirs, 6)
    assert [found.position for found in started.findings.seams] == [6, 10]
    assert started.findings.seams[0].gain == pytest.approx(seam.gain, abs=1e-4)
    for at in (4, 5):
        share = fade_share(at - 4, 2)
        later = with_gain({"albedo": second["albedo"][1 + at - 4]}, seam.gain)["albedo"]
        wanted = (1 - share) * first["albedo"][1 + at] + share * later
        np.testing.assert_allclose(results[at].maps["albedo"], wanted, atol=1e-4)
    np.testing.assert_allclose(results[6].maps["roughness"], second["roughness"][3], atol=1e-5)


def test_without_albedo_and_shading_there_is_no_gain_to_find(run: Start, tiny_model: MVInverse):
    started = run(tiny_model, some_frames(12), DecomposeOptions(window=7, anchors=2, overlap=2, maps=("normal",)))
    assert len(list(started.results())) == 12
    assert started.findings.seams == []


def test_shading_alone_gets_the_gain_that_it_has_beside_albedo(run: Start, tiny_model: MVInverse):
    frames = some_frames(12)
    both = list(run(tiny_model, frames, LONG).results())
    alone = list(run(tiny_model, frames, replace(LONG, maps=("shading",))).results())
    assert np.array_equal(alone[9].maps["shading"], both[9].maps["shading"])


def test_of_lent_anchors_only_what_the_gain_takes_is_read_out(
    run: Start, tiny_model: MVInverse, monkeypatch: pytest.MonkeyPatch
):
    read: list[tuple[int, Sequence[str]]] = []
    read_out = Network.read_out

    def counted(self: Network, attended: Attended, part: slice, maps: Sequence[MapName]) -> dict[MapName, np.ndarray]:
        read.append((part.stop - part.start, maps))
        return read_out(self, attended, part, maps)

    monkeypatch.setattr(Network, "read_out", counted)
    monkeypatch.setattr("mvinverse_cli.shot.passes.frame_batch", lambda size, device: 1)
    started = run(tiny_model, some_frames(17), LONG)
    (scene,) = started.findings.windows.plan(17, ())
    assert len(list(started.results())) == 17
    assert sum(count for count, maps in read if len(maps) > 1) == sum(len(this.frames) for this in scene.passes)
    assert sum(count for count, maps in read if [*maps] == ["albedo"]) == len(scene.anchors) * len(scene.passes)


def test_a_pass_that_nobody_wants_is_not_computed(run: Start, tiny_model: MVInverse, monkeypatch: pytest.MonkeyPatch):
    passes = []
    attend = MVInverse.attend

    def counted(self: MVInverse, images: torch.Tensor, **more: Any) -> Attended:
        passes.append(images.shape[1])
        return attend(self, images, **more)

    monkeypatch.setattr(MVInverse, "attend", counted)
    options = DecomposeOptions(window=3, **ALONE)
    started = run(tiny_model, some_frames(12), options, asked=(7, 8))
    assert len(list(started.results())) == 2
    assert passes == [3]
    assert started.made == [6, 7, 8]


def test_the_first_pass_is_seen_for_its_gain_alone(run: Start, tiny_model: MVInverse):
    started = run(tiny_model, some_frames(24), LONG, asked=(20,))
    assert [result.index for result in started.results()] == [20]
    assert [at for at in started.made if at not in (6, 18)] == [*range(5), 19, 20, 21, 22]
    assert started.findings.windows.plan(24, ())[0].anchors == (6, 18)


def test_a_lost_frame_leaves_the_windows_of_the_others_as_they_were(run: Start, tiny_model: MVInverse):
    frames = some_frames(6)
    options = DecomposeOptions(window=3, **ALONE)
    whole = list(run(tiny_model, frames, options).results())
    holed = run(tiny_model, frames[:1] + frames[2:], options)
    results = list(holed.results())
    assert [result.index for result in results] == [0, 2, 3, 4, 5]
    assert np.array_equal(results[-1].maps["albedo"], whole[-1].maps["albedo"])
    assert [fault.number for fault in holed.findings.faults] == [1002]


@pytest.mark.parametrize("lost", [2, 8, 5])
def test_a_lost_anchor_or_shared_frame_is_done_without(run: Start, tiny_model: MVInverse, lost: int):
    frames = [frame for frame in some_frames(12) if frame.index != lost]
    started = run(tiny_model, frames, LONG)
    assert [result.index for result in started.results()] == [frame.index for frame in frames]
    assert [fault.number for fault in started.findings.faults] == [1001 + lost]


@pytest.mark.parametrize("lost", [3, 9])
def test_a_frame_that_is_gone_after_it_was_read_as_an_anchor_is_lost_alone(
    run: Start, tiny_model: MVInverse, monkeypatch: pytest.MonkeyPatch, lost: int
):
    whole = {frame.number: frame for frame in run(tiny_model, some_frames(12), LONG).results()}
    started = run(tiny_model, some_frames(12), LONG)
    by_index = {frame.index: frame for frame in some_frames(12)}

    def opened(shot: Shot, choice: Choice, positions: Sequence[int], quiet: bool = False) -> ListReader:
        left = by_index if quiet else {index: frame for index, frame in by_index.items() if index != lost}
        return ListReader(left, positions, [])

    monkeypatch.setattr("mvinverse_cli.shot.decompose.open_positions", opened)  # the anchors' reader is the quiet one
    results = list(started.results())
    assert [result.index for result in results] == [index for index in range(12) if index != lost]
    assert [fault.number for fault in started.findings.faults] == [1001 + lost]
    assert np.abs(results[-1].maps["albedo"] - whole[results[-1].number].maps["albedo"]).max() < 1e-4


def test_a_scene_whose_first_pass_cannot_be_read_goes_without_gains(run: Start, tiny_model: MVInverse):
    options = DecomposeOptions(window=4, anchors=1, overlap=0)
    whole = run(tiny_model, some_frames(12), options)
    first = whole.findings.windows.plan(12, ())[0].passes[0].frames
    list(whole.results())
    assert whole.findings.seams
    started = run(tiny_model, [frame for frame in some_frames(12) if frame.index not in first], options)
    assert len(list(started.results())) == 12 - len(first)
    assert started.findings.seams == []


def test_a_shot_without_a_readable_anchor_goes_without_gains(run: Start, tiny_model: MVInverse):
    started = run(tiny_model, [frame for frame in some_frames(12) if frame.index not in (3, 9)], LONG)
    assert started.findings.windows.plan(12, ())[0].anchors == (3, 9)
    assert len(list(started.results())) == 10
    assert started.findings.seams == []


def test_only_frames_that_were_asked_for_are_missed(run: Start, tiny_model: MVInverse):
    started = run(tiny_model, [frame for frame in some_frames(12) if frame.index not in (5, 6)], LONG, asked=(6, 7))
    assert [result.index for result in started.results()] == [7]
    assert [fault.number for fault in started.findings.faults] == [1007]


def test_a_long_shot_is_read_as_far_as_it_is_used(run: Start, tiny_model: MVInverse):
    started = run(tiny_model, some_frames(200), DecomposeOptions(window=2, **ALONE))
    results = started.results()
    for _ in range(6):
        next(results)
    results.close()
    assert len(started.made) <= 50


def test_a_model_that_speaks_linear_light_is_fed_and_read_so(run: Start, tiny: MVInverse):
    frames = some_frames(1)
    linear = srgb_to_linear(frames[0].pixels / np.float32(255))
    tiny.config = replace(tiny.config, input_transfer="linear", albedo_transfer="linear")
    (result,) = run(tiny, frames).results()
    images = torch.from_numpy(linear).permute(2, 0, 1)[None, None]
    with torch.inference_mode():
        expected = {name: values[0, 0].numpy() for name, values in tiny(images).items()}
    assert np.abs(result.maps["albedo"] - expected["albedo"]).max() < 1e-5
    assert np.abs(result.maps["shading"] - srgb_to_linear(expected["shading"])).max() < 1e-5


def test_options_override_the_curves_of_the_model(run: Start, tiny_model: MVInverse):
    def albedo(**choices: str) -> np.ndarray:
        (result,) = run(tiny_model, some_frames(1), DecomposeOptions(maps=("albedo",), **choices)).results()
        return result.maps["albedo"]

    assert np.allclose(albedo(), srgb_to_linear(albedo(albedo_transfer="linear")), atol=1e-6)
    assert np.abs(albedo() - albedo(input_transfer="linear")).max() > 1e-3


def test_linear_plates_and_srgb_pictures_of_one_scene_give_one_answer(run: Start, tiny_model: MVInverse):
    (srgb,) = some_frames(1)
    plate = replace(srgb, pixels=srgb_to_linear(srgb.pixels / np.float32(255)), transfer="linear")
    first, second = (next(run(tiny_model, [frame]).results()) for frame in (srgb, plate))
    for name in MAPS:
        assert np.abs(first.maps[name] - second.maps[name]).max() < 1e-4


def test_network_size_leaves_the_maps_as_the_network_made_them(run: Start, tiny_model: MVInverse):
    shot = replace(SHOT, sizes=((64, 50),))
    frame = replace(some_frames(1)[0], pixels=np.zeros((50, 64, 3), np.uint8))
    for size, shape in (("model", (42, 56)), ("source", (50, 64))):
        (result,) = run(tiny_model, [frame], DecomposeOptions(size=size), shot=shot).results()
        for name in MAPS:
            assert result.maps[name].shape == (*shape, SPECS[name].channels)
            assert result.maps[name].dtype == np.float32
        assert np.allclose(np.linalg.norm(result.maps["normal"], axis=-1), 1, atol=1e-5)


def test_squeezed_pixels_are_seen_square_and_maps_come_back_squeezed(run: Start, tiny_model: MVInverse):
    shot = replace(SHOT, sizes=((28, 42),), pixel_aspect=2.0)
    frames = [replace(frame, pixels=frame.pixels[:, ::2]) for frame in some_frames(2)]
    fit = Fit((28, 42), (42, 56), (42, 56))
    seen = network(tiny_model, [replace(frame, pixels=fit_pixels(frame.pixels, fit) * 255) for frame in frames])
    for index, result in enumerate(run(tiny_model, frames, shot=shot).results()):
        for name in MAPS:
            expected = restore_map(seen[name][index], fit, unit_vectors=name == "normal")
            np.testing.assert_allclose(result.maps[name], expected, atol=1e-4)
    (first, _) = run(tiny_model, frames, DecomposeOptions(size="model"), shot=shot).results()
    np.testing.assert_allclose(first.maps["albedo"], seen["albedo"][0], atol=1e-4)


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


def exhaust_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA ran out of its memory")


def exhaust_cpu() -> None:
    torch.empty(2**60)


def attend_at_most(frames: int, exhaust: Callable[[], None]) -> Callable[..., Attended]:
    """`MVInverse.attend` on a device whose memory holds passes of so many frames."""
    attend = MVInverse.attend

    def limited(self: MVInverse, images: torch.Tensor, **more: Any) -> Attended:
        if images.shape[1] > frames:
            exhaust()
        return attend(self, images, **more)

    return limited


@pytest.mark.parametrize("exhaust", [exhaust_gpu, exhaust_cpu])
def test_a_device_without_memory_is_said_with_what_to_do(
    run: Start, tiny: MVInverse, monkeypatch: pytest.MonkeyPatch, exhaust: Callable[[], None]
):
    monkeypatch.setattr(MVInverse, "attend", attend_at_most(0, exhaust))
    with pytest.raises(DeviceMemoryError, match=r"3 frames of 56x42 .* --window, --memory or --max-size"):
        list(run(tiny, some_frames(3)).results())


def test_windows_are_halved_once_where_memory_runs_out(
    run: Start, tiny: MVInverse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(MVInverse, "attend", attend_at_most(10, exhaust_gpu))
    started, heard = run(tiny, some_frames(20), DecomposeOptions(anchors=2, overlap=1)), []
    assert len(list(started.results(on_windows=heard.append))) == 20
    assert heard == [started.findings.windows]
    assert started.findings.windows.window == 10
    assert "trying again with 10 frames" in caplog.text
    halved = run(tiny, some_frames(20), DecomposeOptions(window=10, anchors=2, overlap=1))
    assert len(started.findings.seams) == len(list(halved.results())) // 7


def test_memory_that_runs_out_again_ends_the_shot(run: Start, tiny: MVInverse, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(MVInverse, "attend", attend_at_most(4, exhaust_gpu))
    with pytest.raises(DeviceMemoryError):
        list(run(tiny, some_frames(20)).results())


def test_any_other_error_of_the_network_stays_itself(run: Start, tiny: MVInverse, monkeypatch: pytest.MonkeyPatch):
    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(MVInverse, "attend", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(run(tiny, some_frames(1)).results())


def test_light_outside_the_unit_range_is_clipped_before_the_network(run: Start, tiny_model: MVInverse):
    values = np.linspace(-1, 4, 42 * 56 * 3, dtype=np.float32).reshape(42, 56, 3)
    frame = replace(some_frames(1)[0], pixels=values, transfer="linear")
    clipped = replace(frame, pixels=values.clip(0, 1))
    first, second = (next(run(tiny_model, [item]).results()) for item in (frame, clipped))
    assert np.array_equal(first.maps["albedo"], second.maps["albedo"])


def test_the_network_sees_pictures_at_the_size_its_config_asks_for(tiny: MVInverse, clip: Path):
    tiny.config = replace(tiny.config, max_size=42)
    options = DecomposeOptions(frames="1", size="model")
    (result,) = decompose(clip, options, model=tiny)  # of 64x48
    assert result.maps["albedo"].shape == (28, 42, 3)
    (larger,) = decompose(clip, replace(options, max_size=56), model=tiny)
    assert larger.maps["albedo"].shape == (42, 56, 3)
    tiny.config = replace(tiny.config, max_size=518, min_size=112)
    (enlarged,) = decompose(clip, options, model=tiny)
    assert enlarged.maps["albedo"].shape == (84, 112, 3)
    (source,) = decompose(clip, replace(options, size="source"), model=tiny)
    assert source.maps["albedo"].shape == (48, 64, 3)
    for name, values in source.maps.items():
        restored = restore_map(enlarged.maps[name], Fit((64, 48), (84, 112), (84, 112)), unit_vectors=name == "normal")
        np.testing.assert_allclose(values, restored, atol=1e-5)


def test_each_picture_is_seen_as_often_as_asked_for_or_else_as_the_config_says(tiny: MVInverse, clip: Path):
    options = DecomposeOptions(frames="1-3", size="model")
    once, twice = (
        [result.maps for result in decompose(clip, replace(options, looks=looks), model=tiny)] for looks in (1, 2)
    )
    tiny.config = replace(tiny.config, looks=2)
    by_config = [result.maps for result in decompose(clip, options, model=tiny)]
    for first, second, third in zip(once, twice, by_config, strict=True):
        for name in MAPS:
            assert first[name].shape == second[name].shape
            assert not np.array_equal(first[name], second[name]), name
            assert np.array_equal(second[name], third[name]), name


REALDATA = Path(__file__).parents[2] / "shared" / "realdata"


@pytest.mark.skipif(not REALDATA.is_dir(), reason="third-party clips are not part of the repository")
def test_a_real_clip_gives_finite_maps_of_its_size(tiny_model: MVInverse):
    options = DecomposeOptions(frames="1-2", max_size=126)
    for result in decompose(REALDATA / "imageio_realshort" / "realshort.mp4", options, model=tiny_model):
        assert result.maps["shading"].shape == (240, 320, 3)
        assert all(np.isfinite(values).all() for values in result.maps.values())


def overflowing(tiny: MVInverse) -> MVInverse:
    """A network whose numbers are too large for half precision where its last block widens, and fit float32."""
    for block in (tiny.decoder[6], tiny.decoder[7]):
        block.ls2.gamma.fill_(6e4)
    return tiny


def test_nan_out_of_half_precision_is_computed_again_in_float32(
    run: Start, tiny: MVInverse, caplog: pytest.LogCaptureFixture
):
    options = DecomposeOptions(window=8, anchors=2, overlap=2)
    half = overflowing(tiny).to(torch.float16)
    results = list(run(half, some_frames(20), options).results())
    assert "shot: frames 1001-1006: NaN or infinity out of float16; this window again in float32" in caplog.text
    assert len(results) == 20
    assert half.register_token.dtype == torch.float16
    expected = list(run(half.float(), some_frames(20), options).results())
    for ours, theirs in zip(results, expected, strict=True):
        assert_same(ours, theirs)


def test_a_pass_again_in_float32_gives_a_range_the_numbers_of_the_whole(run: Start, tiny: MVInverse):
    options = DecomposeOptions(window=8, anchors=2, overlap=2)
    half = overflowing(tiny).to(torch.float16)
    whole = list(run(half, some_frames(12), options).results())
    part = list(run(half, some_frames(12), options, asked=(5, 6, 7)).results())
    for ours, theirs in zip(part, whole[5:8], strict=True):
        assert_same(ours, theirs)


def test_of_a_pass_that_nobody_reads_no_copy_in_float32_outlives_its_gain(
    run: Start, tiny: MVInverse, monkeypatch: pytest.MonkeyPatch
):
    copies: list[weakref.ref[MVInverse]] = []
    alive: list[int] = []
    exact = Network.exact

    def counted(self: Network) -> Network:
        alive.append(sum(copy() is not None for copy in copies))
        network = exact(self)
        copies.append(weakref.ref(network.model))
        return network

    monkeypatch.setattr(Network, "exact", counted)
    options = DecomposeOptions(window=6, anchors=2, overlap=1)
    list(run(overflowing(tiny).to(torch.float16), some_frames(12), options, asked=(10, 11)).results())
    assert len(alive) > 1
    assert not any(alive)


@pytest.mark.parametrize(("maps", "passes"), [(("albedo",), 2), (("normal", "metallic"), 1)])
def test_the_first_pass_is_made_for_a_range_where_its_gain_is_wanted(
    run: Start, tiny_model: MVInverse, maps: tuple[MapName, ...], passes: int
):
    options = DecomposeOptions(window=6, anchors=2, overlap=1, maps=maps)
    started = run(tiny_model, some_frames(12), options, asked=(11,))
    list(started.results())
    assert (0 in started.made) == (passes == 2)
    assert started.layout.count_passes(started.findings.windows, maps) == passes


def test_what_waits_in_half_precision_for_lack_of_memory_waits_in_float32_then(
    run: Start, tiny: MVInverse, caplog: pytest.LogCaptureFixture
):
    started = run(overflowing(tiny), some_frames(3))
    network = Network.of(started.model, started.options).short(True)
    results = list(decompose_shot(started.layout, network, started.options, started.findings))
    assert "this window again in float32" in caplog.text
    for ours, theirs in zip(results, started.results(), strict=True):
        assert_same(ours, theirs)


def test_nan_in_float32_too_is_handed_on_for_the_writers_to_refuse(
    run: Start, tiny: MVInverse, caplog: pytest.LogCaptureFixture
):
    tiny.register_token.fill_(torch.nan)
    (result,) = run(tiny, some_frames(1)).results()
    assert np.isnan(result.maps["albedo"]).any()
    assert "again" not in caplog.text
