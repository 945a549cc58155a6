"""Rotary positions: what the decoder's attention may and may not depend on."""

import torch
from torch.testing import assert_close

from mvinverse_cli.model.rope import patch_positions, rope_table, rotate

CPU = torch.device("cpu")


def test_registers_stand_at_zero_and_patches_from_one_row_first():
    positions = patch_positions(2, 3, 2, CPU)
    assert positions.tolist() == [[0, 0], [0, 0], [1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3]]


def test_rotation_is_written_out_as_complex_numbers():
    positions = patch_positions(3, 4, 1, CPU)
    x = torch.rand(2, 2, 13, 16, dtype=torch.float64)
    y_half, x_half = x.chunk(2, dim=-1)
    turned = []
    for half, coordinate in ((y_half, positions[:, 0]), (x_half, positions[:, 1])):
        angles = coordinate[:, None] * 100.0 ** -(torch.arange(4) / 4)
        pairs = torch.complex(*half.chunk(2, dim=-1)) * torch.polar(torch.ones(()), angles)
        turned += [pairs.real, pairs.imag]
    assert_close(rotate(x, rope_table(positions, 16, 100.0)), torch.cat(turned, dim=-1), rtol=0, atol=1e-6)


def test_scores_depend_on_the_distance_between_patches_alone():
    rope = rope_table(patch_positions(4, 4, 0, CPU), 8, 100.0)
    q, k = torch.rand(2, 1, 1, 1, 8).expand(-1, 1, 1, 16, 8)
    scores = (rotate(q, rope) @ rotate(k, rope).mT)[0, 0].unflatten(0, (4, 4)).unflatten(2, (4, 4))
    assert_close(scores[0, 0, 1, 2], scores[2, 1, 3, 3])


def test_one_table_serves_every_frame_of_a_sequence():
    rope = rope_table(patch_positions(2, 2, 1, CPU), 8, 100.0)
    frames = torch.rand(1, 2, 3, 5, 8)
    together = rotate(frames.flatten(2, 3), rope)
    assert_close(together.unflatten(2, (3, 5))[:, :, 1], rotate(frames[:, :, 1], rope))
