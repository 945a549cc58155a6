"""Rendering: what is missing is said, exposure suits a picture, and a tiny scene comes out true and whole."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mvinverse_cli.errors import InputError, MvInverseError, OptionError
from mvinverse_cli.options import RenderOptions
from mvinverse_cli.scenes import render
from mvinverse_cli.scenes import renderer as mitsuba_renderer
from mvinverse_cli.scenes.record import read_scene, scene_path, write_scene
from mvinverse_cli.scenes.render import (
    GENERATOR,
    MEAN_COLOR,
    expose,
    is_rendered,
    picture_size,
    render_scenes,
    sees_enough,
)
from mvinverse_cli.scenes.store import find_scenes

from .views import make_view


def has_gpu() -> bool:
    drjit = pytest.importorskip("drjit")
    return bool(drjit.has_backend(drjit.JitBackend.CUDA))


def test_missing_llvm_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(mitsuba_renderer.LLVM_VARIABLE, raising=False)
    monkeypatch.setattr(mitsuba_renderer, "LLVM_PLACES", ("/nowhere",))
    with pytest.raises(MvInverseError, match=r"LLVM 17 or newer.*apt install libllvm19"):
        mitsuba_renderer.start_mitsuba()


def test_an_llvm_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(mitsuba_renderer.LLVM_VARIABLE, "/nowhere/libLLVM.so")
    with pytest.raises(MvInverseError, match=r"/nowhere/libLLVM\.so"):
        mitsuba_renderer.start_mitsuba()


def test_missing_mitsuba_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    library = tmp_path / "libLLVM.so.19.1"
    library.touch()
    monkeypatch.setenv(mitsuba_renderer.LLVM_VARIABLE, str(library))
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(MvInverseError, match=r'Mitsuba.*pip install "mvinverse\[train\]"'):
        mitsuba_renderer.start_mitsuba()


def test_a_gpu_that_is_not_there_is_said():
    if has_gpu():
        pytest.skip("there is a GPU")
    with pytest.raises(OptionError, match=r"--device cuda: there is no NVIDIA GPU.*take cpu"):
        mitsuba_renderer.start_mitsuba("cuda")


def test_a_device_that_nothing_renders_on_is_said():
    with pytest.raises(OptionError, match="--device 'mps': choose from cpu, cuda"):
        RenderOptions(device="mps")


def test_sizes_are_multiples_of_the_patch_near_the_area_asked_for():
    rng = np.random.default_rng(0)
    sizes = [picture_size(rng, 146) for _ in range(400)]
    assert all(side % 14 == 0 for size in sizes for side in size)
    areas = np.array([height * width for height, width in sizes]) / 146**2
    assert (np.abs(areas - 1) < 0.2).mean() > 0.8
    assert areas.max() < 2.6
    assert len(set(sizes)) == 10


def test_a_blocked_a_blinded_and_an_empty_view_are_refused():
    far, dark = np.full((4, 100), 2.0), np.zeros((4, 100), bool)
    assert sees_enough(far, dark)
    blocked, empty, blinded = far.copy(), far.copy(), dark.copy()
    blocked[2, :30], empty[1, :80], blinded[3, :40] = 0.1, 0.0, True
    assert not sees_enough(blocked, dark)
    assert not sees_enough(empty, dark)
    assert not sees_enough(far, blinded)


def test_a_white_window_does_not_darken_the_room():
    view = make_view()
    color = np.full_like(view.color, 0.01)
    color[:2] = 500.0
    window = replace(view, color=color, maps={**view.maps, "shading": view.maps["shading"] * np.float32(0.02)})
    (exposed,) = expose([window], 1.0)
    assert np.minimum(exposed.color, 1).mean() <= MEAN_COLOR * 1.01
    assert exposed.color[2:].mean() > 0.05
    np.testing.assert_allclose(
        exposed.maps["shading"] / window.maps["shading"], exposed.color[0, 0, 0] / 500, rtol=1e-4
    )


def test_a_seed_past_those_that_the_renderer_takes_is_said():
    assert RenderOptions(count=1, first_seed=2**32 - 1).count == 1
    with pytest.raises(OptionError, match="--first-seed 20261126170000: with --count 1000 must end before 4294967296"):
        RenderOptions(first_seed=20261126170000)


def test_a_process_that_is_killed_is_said():
    with pytest.raises(MvInverseError, match="process was killed, perhaps for want of memory; lower --jobs"):
        list(render.render_some([9], os._exit, 1, int))  # no renderer is needed to be killed


def test_a_folder_of_another_generator_or_split_is_refused(tmp_path: Path):
    options = RenderOptions()
    write_scene(tmp_path, 3, [make_view(0), make_view(1)], layout="room", split="train", generator=GENERATOR["train"])
    assert is_rendered(scene_path(tmp_path, 3), options)
    assert not is_rendered(scene_path(tmp_path, 4), options)
    write_scene(tmp_path, 4, [make_view(0), make_view(1)], layout="room", split="train", generator=GENERATOR["train"])
    (scene_path(tmp_path, 4) / "view_1.exr").unlink()
    with pytest.raises(InputError, match=r"not a whole scene .*view_1\.exr.*; remove it to render it again"):
        is_rendered(scene_path(tmp_path, 4), options)
    with pytest.raises(OptionError, match="is a train scene"):
        is_rendered(scene_path(tmp_path, 3), replace(options, held_out=True))
    about = scene_path(tmp_path, 3) / "scene.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"generator": GENERATOR["train"] + 1}))
    with pytest.raises(OptionError, match="another folder"):
        is_rendered(scene_path(tmp_path, 3), options)
    for content in ("{", "[]"):
        about.write_text(content)
        with pytest.raises(InputError, match="not a whole scene"):
            is_rendered(scene_path(tmp_path, 3), options)


def test_scenes_of_another_size_or_of_other_samples_are_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    options = RenderOptions(size=56, samples=2)
    seen = (SimpleNamespace(layout="room"), [make_view()])
    monkeypatch.setattr(render, "see_scene", lambda seed, split, samples, size: seen)
    path = render.render_scene(tmp_path, 3, options=options)
    assert is_rendered(path, replace(options, count=7, jobs=2))
    with pytest.raises(OptionError, match="00000003: was rendered with --size 56 --samples 2; give the same, or"):
        is_rendered(path, RenderOptions())
    with pytest.raises(OptionError, match="was rendered with --samples 2;"):
        is_rendered(path, replace(options, samples=8))


def test_a_scene_that_another_run_writes_first_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    options = RenderOptions(size=56, samples=2)
    views, looks = [make_view()], []

    def seen(seed: int, *others: object):
        looks.append(seed)
        if len(looks) == 1:  # meanwhile the other run finishes it
            assert render.render_scene(tmp_path, seed, options=options) == scene_path(tmp_path, seed)
        return SimpleNamespace(layout="room"), views

    monkeypatch.setattr(render, "see_scene", seen)
    assert render.render_scene(tmp_path, 3, options=options) == scene_path(tmp_path, 3)
    assert looks == [3, 3]
    render.render_scene(tmp_path, 3, options=options)
    assert looks == [3, 3]
    with pytest.raises(OptionError, match="was rendered with"):
        render.render_scene(tmp_path, 3, options=replace(options, samples=8))


@pytest.mark.slow
@pytest.mark.usefixtures("renderer")
def test_a_tiny_scene_is_rendered_true_and_whole_and_again_the_same(tmp_path: Path):
    options = RenderOptions(count=1, first_seed=5, samples=32, size=56, jobs=1)
    (path,) = render_scenes(tmp_path / "one", options)
    views = read_scene(path)
    assert len(views) == 4
    for view in views:
        maps, mask = view.maps, view.mask[..., 0]
        assert mask.mean() > 0.3
        np.testing.assert_allclose(np.linalg.norm(maps["normal"], axis=-1)[mask], 1, atol=1e-3)
        assert view.depth is not None
        assert view.depth[mask].min() > 0
        # what is seen faces the camera
        assert view.camera is not None
        rays = view.camera.rays(*view.size)
        assert ((maps["normal"] * rays).sum(-1)[mask] < 0.05).all()
        # on rough surfaces without metal, the picture is the diffuse image and a few per cent of the light as gloss,
        # which on dark paint is much beside what is diffuse
        matte = mask & (maps["roughness"][..., 0] > 0.6) & (maps["metallic"][..., 0] < 0.01)
        if matte.sum() > 200:
            gloss = view.color - maps["albedo"] * maps["shading"]
            assert -0.02 < gloss[matte].mean() / maps["shading"][matte].mean() < 0.08
    assert list(render_scenes(tmp_path / "one", options)) == []  # it is there
    (again,) = render_scenes(tmp_path / "two", options)
    for first, second in zip(views, read_scene(again), strict=True):
        np.testing.assert_allclose(first.color, second.color, rtol=0.02, atol=1e-3)
        np.testing.assert_array_equal(first.maps["albedo"], second.maps["albedo"])
    assert find_scenes(tmp_path / "one").scenes[0].layout == views_layout(path)


def views_layout(path: Path) -> str:
    return str(json.loads((path / "scene.json").read_text())["layout"])


@pytest.mark.slow
@pytest.mark.usefixtures("renderer")
def test_the_command_renders_and_goes_on_where_it_was(tmp_path: Path):
    command = [sys.executable, "-m", "mvinverse_cli", "scenes", "render", "-o", str(tmp_path), "--size", "28"]
    command += ["--samples", "1", "--held-out", "--jobs", "1"]
    first = subprocess.run([*command, "-n", "1"], capture_output=True, text=True, check=True)
    assert "1 scene rendered" in first.stderr
    second = subprocess.run([*command, "-n", "2"], capture_output=True, text=True, check=True)
    assert "1 scene rendered" in second.stderr
    assert "1 was there" in second.stderr
    assert [scene.split for scene in find_scenes(tmp_path).scenes] == ["held-out", "held-out"]


@pytest.mark.slow
@pytest.mark.usefixtures("renderer")
def test_a_gpu_renders_the_same_scene(tmp_path: Path):
    if not has_gpu():
        pytest.skip("there is no GPU")
    options = RenderOptions(count=1, first_seed=5, samples=32, size=56, jobs=1)
    (one,) = render_scenes(tmp_path / "cpu", options)
    (other,) = render_scenes(tmp_path / "gpu", replace(options, device="cuda"))
    for view, again in zip(read_scene(one), read_scene(other), strict=True):
        for name in ("albedo", "metallic", "roughness", "normal"):
            assert np.abs(view.maps[name] - again.maps[name]).mean() < 1e-3, name
        assert again.maps["shading"].mean() == pytest.approx(view.maps["shading"].mean(), rel=0.02)
        assert again.color.mean() == pytest.approx(view.color.mean(), rel=0.02)
