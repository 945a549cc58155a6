"""Clips and photos from the world, where this checkout has them beside it."""

from pathlib import Path

import pytest

from mvinverse_cli.frames import find_shots, open_positions
from tests.frames.finding import choice_of

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"

SHOTS = {
    "cosmos_videos/video1.mp4": ("video", (1280, 704), 57),
    "cotracker_apple/apple.mp4": ("video", (1296, 720), 50),
    "deepv2d_golf_video/golf.mov": ("video", (1920, 1080), 40),
    "imageio_realshort/realshort.mp4": ("video", (320, 240), 36),
    "ingp_fox": ("stills", (1080, 1920), 24),
    "cut3r_001_interior": ("stills", (1920, 1080), 13),
    "gt_mit_intrinsic_sun": ("stills", (534, 600), 6),
}


@pytest.mark.parametrize("name", SHOTS)
def test_clips_and_photos_from_the_world_are_read_whole(name):
    if not (REALDATA / name).exists():
        pytest.skip(f"{REALDATA / name} is not here")
    kind, size, count = SHOTS[name]
    (shot,) = find_shots([REALDATA / name], allow_gaps=False)
    assert (shot.kind, shot.sizes, shot.frame_count) == (kind, (size,), count)
    choice = choice_of(shot, "1-12" if count > 12 else None)
    with open_positions(shot, choice, choice.wanted) as reader:
        frames = list(reader)
    assert len(frames) == reader.expected == min(count, 12)
    assert not reader.faults
    assert {frame.pixels.shape for frame in frames} == {(size[1], size[0], 3)}
