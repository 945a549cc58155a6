"""Lessons: what is drawn of clips and scenes, the same in every run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mvinverse_cli.errors import InputError
from mvinverse_cli.model.mvinverse import MVInverse
from mvinverse_cli.train.clips import Clip
from mvinverse_cli.train.lessons import Lessons, draw_triplet, open_scenes
from mvinverse_cli.trainings import FinetuneOptions
from tests.conftest import TINY
from tests.scenes.views import make_scenes
from tests.train.panning import SIZE, STEP, make_stretch

OPTIONS = FinetuneOptions(device="cpu")
CLIP = Clip("pan", "0", (make_stretch(),))


def test_a_triplet_is_the_first_frame_and_a_pair_and_some_are_mirrored():
    stretch = make_stretch(12)
    first = torch.from_numpy(stretch.frames[0].astype(np.float32)).permute(2, 0, 1)
    mirrored = 0
    for step in range(12):
        triplet = draw_triplet([stretch], OPTIONS, TINY, step)
        at = int(triplet.names[0].rsplit(" ", 1)[1]) - 1
        assert at in stretch.trained
        assert triplet.images.shape == (1, 3 if at else 2, 3, *SIZE)
        is_mirrored = bool((triplet.flow[..., 0] == STEP).all())
        mirrored += is_mirrored
        assert torch.equal(triplet.images[0, 0], first.flip(-1) if is_mirrored else first)
        rows = triplet.images[0, -2, :, 5], triplet.images[0, -1, :, 5]
        assert torch.equal(rows[0][:, :-STEP], rows[1][:, STEP:]) == is_mirrored
        assert torch.equal(rows[0][:, STEP:], rows[1][:, :-STEP]) != is_mirrored
    assert 0 < mirrored < 12
    again = draw_triplet([stretch], OPTIONS, TINY, 3)
    assert torch.equal(again.images, draw_triplet([stretch], OPTIONS, TINY, 3).images)


def test_a_part_is_whole_patches_of_all_three_frames_and_what_leaves_it_does_not_count():
    stretch = make_stretch(6)
    places = set()
    for step in range(12):
        triplet = draw_triplet([stretch], replace(OPTIONS, crop=20), TINY, step)
        assert triplet.images.shape[-2:] == triplet.flow.shape[1:3] == triplet.valid.shape[1:3] == (14, 14)
        leaving = triplet.valid[0, :, -STEP:, 0] if triplet.flow[0, 0, 0, 0] > 0 else triplet.valid[0, :, :STEP, 0]
        assert not leaving.any()
        assert triplet.valid.any()
        places.add(triplet.images[0, 0].sum().item())
    assert len(places) > 6
    assert draw_triplet([stretch], replace(OPTIONS, crop=14), replace(TINY, patch_size=28), 0).images.shape[-2:] == (
        28,
        28,
    )


def test_varied_the_parts_of_a_clip_are_seen_at_other_sizes_and_in_other_light():
    stretch = make_stretch(6)
    options = replace(OPTIONS, vary=True, crop=28)
    scales, means = set(), set()
    for step in range(16):
        triplet = draw_triplet([stretch], options, TINY, step)
        height, width = triplet.images.shape[-2:]
        assert {height, width} <= {14, 28}
        assert triplet.flow.shape[1:] == (height, width, 2)
        assert triplet.valid.shape[1:] == (height, width, 1)
        assert 0 <= triplet.images.min() <= triplet.images.max() <= 1
        scales.add(round(abs(triplet.flow[0, 5, 5, 0].item()) / STEP, 2))
        means.add(round(triplet.images.mean().item(), 2))
    assert min(scales) < 0.9
    assert max(scales) > 1.3
    assert max(means) - min(means) > 0.1
    assert torch.equal(triplet.images, draw_triplet([stretch], options, TINY, 15).images)


def test_without_scenes_a_lesson_is_a_triplet_of_a_clip(tiny_model: MVInverse):
    lessons = Lessons([CLIP], None, tiny_model.config, OPTIONS)
    for step in range(4):
        lesson = lessons.lesson(step)
        assert lesson.scenes is None
        assert lesson.names == lesson.triplet.names == draw_triplet([*CLIP.stretches], OPTIONS, TINY, step).names
        assert lesson.views == lesson.triplet.images.shape[1]


@pytest.mark.slow
def test_with_scenes_some_of_the_triplets_are_theirs_and_all_lessons_have_their_truth(tiny_model, tmp_path: Path):
    scenes = open_scenes(make_scenes(tmp_path, range(3)))
    lessons, again = (Lessons([CLIP], scenes, tiny_model.config, OPTIONS) for _ in range(2))
    moved = 0
    for step in range(20):
        lesson = lessons.lesson(step)
        assert lesson.scenes is not None
        assert lesson.names == lesson.triplet.names + lesson.scenes.names
        count, views = lesson.scenes.images.shape[:2]
        assert lesson.views == count * views + lesson.triplet.images.shape[0] * lesson.triplet.images.shape[1]
        moved += lesson.triplet.names[0].endswith(", moved")
        assert torch.equal(lesson.triplet.images, again.lesson(step).triplet.images)
    assert 1 < moved < 10


def test_a_folder_without_scenes_is_refused(tmp_path: Path):
    with pytest.raises(InputError):
        open_scenes(tmp_path)
