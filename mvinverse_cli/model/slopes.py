"""How sure a map is on either side of one half: the slopes of its logits, which `evaluate/calibration.py` finds.

Where training counts what is rare for more than it is, both sides err: below one half lies a haze of doubt, and what is
above it is called surer than it is. One factor on the logits (temperature scaling, Guo 2017, "On calibration of modern
neural networks") mends one of them at the other's cost; a slope for each mends both, and what is above one half stays
above it. Beta calibration (Kull 2017, "Beyond sigmoids") has two such slopes; here the middle is held in its place.
"""

import torch
from torch import Tensor

NEAREST = 1e-6  # to 0 and 1, of which there are no logits


def steepened(values: Tensor, below: float | Tensor, above: float | Tensor) -> Tensor:
    """Values in [0, 1] whose logits are `below` times as large under one half, and `above` times over it."""
    logits = values.logit(eps=NEAREST)
    return (logits * torch.where(logits < 0, below, above)).sigmoid()
