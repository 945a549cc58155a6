"""Finds shots and chooses their frames, as the tool does before it reads any."""

from pathlib import Path

from mvinverse_cli.frames import Choice, Shot, choose, choose_grid, find_shots, survey_shot


def shot_of(path: Path) -> Shot:
    """The one shot that a video or a folder is."""
    (shot,) = find_shots([path], allow_gaps=True)
    return shot


def choice_of(shot: Shot, frames: str | None = None, every: int = 1, start_frame: int = 1001) -> Choice:
    """What `frames` and `every` choose of a shot, whose positions are counted first."""
    grid = choose_grid(shot, frames=frames, every=every, start_frame=start_frame)
    count = survey_shot(shot, every=grid.every, phase=grid.phase, cuts=False).count
    return choose(shot, frames=frames, every=every, start_frame=start_frame, count=count)
