"""The record that all protocols end in: which pictures are kept to be shown."""

import numpy as np

from mvinverse_cli.evaluate.result import Pick, keep_picks

NOTHING = np.zeros((2, 2, 3), np.float32)


def pick(group: str, goodness: float) -> Pick:
    return Pick(group, f"{group} {goodness}", f"{goodness} dB", goodness, NOTHING, {}, {})


def test_the_worst_and_best_pictures_are_kept_each_of_another_group():
    picks: list[Pick] = []
    for group, figures in {"a": (5, 7), "b": (1, 9), "c": (3, 8), "d": (4.5, 4.7)}.items():
        picks = keep_picks(picks, [pick(group, figure) for figure in figures], 2)
    assert [(kept.group, kept.goodness) for kept in picks] == [("b", 1), ("c", 3), ("c", 8), ("b", 9)]


def test_one_picture_alone_is_shown_once_and_none_where_none_is_wanted():
    assert len(keep_picks([], [pick("a", 1)], 4)) == 1
    assert keep_picks([], [pick("a", 1)], 0) == []
