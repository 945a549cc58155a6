"""Rendering a set of scenes: seeds in, one folder each out; several processes, and an interrupted run goes on."""

import gc
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from threading import Thread

import numpy as np

from ..errors import InputError, MvInverseError, OptionError, OutputError
from ..maps import Array
from ..options import RenderDevice, RenderOptions
from .layouts import compose
from .materials import Split
from .record import SCENE_JSON, View, remove_leftovers, scene_path, view_path, write_scene
from .stage import Scenery
from .tracer import Quality

# Rises with every change that makes another scene of the same seed.
GENERATOR: Mapping[Split, int] = {"train": 9, "held-out": 7}

# Of a scene's time the denoiser takes a third or more; balanced quality takes .4 of that, and costs some .4 dB: three
# scenes teach more than two clean ones. What is judged by is as clean as can be.
QUALITY: Mapping[Split, Quality] = {"train": "balanced", "held-out": "high"}

ASPECTS = ((4, 3), (3, 4), (3, 2), (16, 9), (1, 1))
LARGE, LARGE_SHARE = 1.5, 0.1  # a tenth of the scenes is rendered larger, for fine detail
SIDE_STEP = 14  # sides are multiples of the network's patch

# A worker keeps kernels and buffers, some 5 MB a scene. New pools, not max_tasks_per_child: with work in its queue,
# that one can wait for ever (CPython issue 115634).
SCENES_OF_A_WORKER = 100

ATTEMPTS = 30
NEAR, NEAR_SHARE = 0.35, 0.2  # metres; a view that is nearly all one close surface teaches nothing
LAMP_SHARE, EMPTY_SHARE = 0.3, 0.65
DARK = 2e-3  # mean radiance

MEAN_COLOR, MEAN_SHADING = 0.2, 0.6  # a photographer's exposure, less where dark surfaces would push the shading over 1
EXPOSURE_SPREAD = 0.2  # standard deviation of its logarithm


def render_scenes(folder: Path, options: RenderOptions) -> Iterator[Path]:
    """Renders the scenes of the options' seeds that are not in `folder` yet; yields each as it is written.

    The pixels of a seed depend on nothing but the seed and the options' split, samples and size, and the noise of their
    light on the device.
    Raises MvInverseError where the renderer is not installed, OptionError where one of the seeds is there and was
    rendered otherwise, OutputError where the folder cannot be written.
    """
    from .renderer import start_mitsuba

    start_mitsuba(options.device)  # what is missing is said once, before any process starts
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write: {error.strerror or error}; choose another folder") from error
    seeds = [
        seed
        for seed in range(options.first_seed, options.first_seed + options.count)
        if not is_rendered(scene_path(folder, seed), options)
    ]
    jobs = min(options.jobs or os.cpu_count() or 1, max(len(seeds), 1))
    threads = max((os.cpu_count() or 1) // jobs, 1)
    work = partial(render_scene, folder, options=options)
    begin = partial(start_worker, threads, options.device)
    for start in range(0, len(seeds), jobs * SCENES_OF_A_WORKER):
        some = seeds[start : start + jobs * SCENES_OF_A_WORKER]
        yield from render_some(some, work, min(jobs, len(some)), begin)
        gc.collect()  # the pool's locks live in cycles; left over, the interpreter warns of them when it ends


def render_some(
    seeds: Sequence[int], work: Callable[[int], Path], jobs: int, begin: Callable[[], object]
) -> Iterator[Path]:
    """Renders `seeds` in `jobs` new processes, which call `begin` first; yields the scenes as they are written.

    Raises MvInverseError where one of them is killed.
    """
    with ProcessPoolExecutor(
        jobs,
        multiprocessing.get_context("spawn"),  # Dr.Jit's threads do not survive a fork
        initializer=begin,
    ) as pool:
        try:
            futures = [pool.submit(work, seed) for seed in seeds]
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise MvInverseError(
                "a rendering process was killed, perhaps for want of memory; lower --jobs, and call again to go on"
            ) from error
        except BaseException:  # an interrupt too: scenes in work are finished, in seconds, and no others begun
            pool.shutdown(cancel_futures=True)
            raise


def split_of(options: RenderOptions) -> Split:
    """The half of the vocabulary that they draw from."""
    return "held-out" if options.held_out else "train"


def rendering_of(options: RenderOptions) -> dict[str, int]:
    """Those of them that the pixels of a seed depend on, as `scene.json` keeps them."""
    return {"size": options.size, "samples": options.samples}


def is_rendered(path: Path, options: RenderOptions) -> bool:
    """True where the scene that these options make lies at `path`; raises OptionError where another does.

    A scene of an earlier version does not tell its size and samples, and is taken for the one.
    """
    if not path.exists():
        return False
    split = split_of(options)
    try:
        about = json.loads((path / SCENE_JSON).read_text())
        found = (about["generator"], about["split"])
        others = {name: about[name] for name, value in rendering_of(options).items() if about.get(name, value) != value}
        for view in range(about["views"]):
            view_path(path, view).stat()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a whole scene ({error}); remove it to render it again") from error
    if found != (GENERATOR[split], split):
        raise OptionError(
            f"{path}: is a {found[1]} scene of generator {found[0]}, this would make {split} scenes of generator"
            f" {GENERATOR[split]}; choose another folder"
        )
    if others:
        said = " ".join(f"--{name} {value}" for name, value in others.items())
        raise OptionError(f"{path}: was rendered with {said}; give the same, or choose another folder")
    return True


def start_worker(threads: int, device: RenderDevice) -> None:
    """Sets up a rendering process that keeps to its share of the cores."""
    import cv2

    from .renderer import start_mitsuba

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of the terminal; the first one decides
    Thread(target=end_with_parent, daemon=True).start()
    start_mitsuba(device)
    import drjit

    drjit.set_thread_count(threads)
    cv2.setNumThreads(1)


def end_with_parent() -> None:
    """Ends this process when the one that started it is gone, killed or not; half a scene is never seen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def render_scene(folder: Path, seed: int, *, options: RenderOptions) -> Path:
    """Renders and writes the scene of a seed, unless another run in the same folder has done so; returns its folder."""
    path, split, rendering = scene_path(folder, seed), split_of(options), rendering_of(options)
    if is_rendered(path, options):
        return path
    scenery, views = see_scene(seed, split, options.samples, options.size)
    try:
        return write_scene(
            folder, seed, views, layout=scenery.layout, split=split, generator=GENERATOR[split], rendering=rendering
        )
    except OutputError:
        if is_rendered(path, options):  # meanwhile: it is the same
            return path
        raise


def see_scene(seed: int, split: Split, samples: int, size: int) -> tuple[Scenery, list[View]]:
    """The scene of a seed, exposed; compositions whose cameras see too little are drawn again.

    size: side of a square of the mean picture area.
    """
    from .renderer import load
    from .tracer import survey, trace

    rng = np.random.default_rng([seed, split == "held-out"])
    height, width = picture_size(rng, size)
    for attempt in range(ATTEMPTS):
        scenery = compose(seed, split, attempt)
        scene = None  # before the next is loaded: what lives at the same time counts for the kernel, see `filled`
        scene = load(scenery)
        depths, shines = survey(scene, scenery.cameras)
        if not sees_enough(depths, shines):
            continue
        views = trace(scene, scenery.cameras, height, width, samples, seed, QUALITY[split])
        if min(float(view.color.mean()) for view in views) > DARK:
            return scenery, expose(views, float(np.exp(rng.normal(0, EXPOSURE_SPREAD))))
    raise MvInverseError(f"scene {seed}: no composition out of {ATTEMPTS} shows enough; choose another seed")


def picture_size(rng: np.random.Generator, size: int) -> tuple[int, int]:
    """(height, width) of about size^2 pixels, or now and then more, sides multiples of the patch."""
    across, down = ASPECTS[rng.integers(len(ASPECTS))]
    side = size * (LARGE if rng.random() < LARGE_SHARE else 1.0)
    width, height = side * np.sqrt(across / down), side * np.sqrt(down / across)
    return _whole_patches(height), _whole_patches(width)


def _whole_patches(length: float) -> int:
    """The nearest multiple of the patch, one at least."""
    return max(SIDE_STEP, round(float(length) / SIDE_STEP) * SIDE_STEP)


def sees_enough(depths: Array, shines: Array) -> bool:
    """True where no view (rows of a survey) is blocked, blinded by lamps, or empty."""
    near = ((depths > 0) & (depths < NEAR)).mean(1).max()
    empty = (depths == 0).mean(1).max()
    return bool(near < NEAR_SHARE and shines.mean(1).max() < LAMP_SHARE and empty < EMPTY_SHARE)


def expose(views: list[View], spread: float) -> list[View]:
    """The views with the gain of a camera that was set for all of them."""
    color = np.concatenate([view.color.ravel() for view in views])
    gain = 1.0
    for _ in range(8):  # a window that is white either way does not darken the room
        gain *= MEAN_COLOR / float(np.minimum(color * gain, 1).mean())
    shading = float(np.mean([view.maps["shading"].mean() for view in views]))
    gain = min(gain, MEAN_SHADING / shading) * spread
    return [
        View(
            view.color * gain, {**view.maps, "shading": view.maps["shading"] * gain}, view.depth, view.mask, view.camera
        )
        for view in views
    ]
