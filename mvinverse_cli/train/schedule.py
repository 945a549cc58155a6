"""How fast the network learns, and how long its running mean remembers, at each step of a training."""

from math import cos, pi

FLOOR = 0.02  # share of the learning rate that the last step still has: the mean of the weights keeps settling


def rate_at(step: int, steps: int, warmup: int) -> float:
    """Share of the full learning rate at `step`, counted from 0: a line up to 1 over `warmup` steps, then half a cosine
    down to FLOOR at the last of `steps`."""
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, steps - 1 - warmup))
    return FLOOR + (1 - FLOOR) * (1 + cos(pi * done)) / 2


def decay_at(step: int, decay: float) -> float:
    """What the running mean of the weights keeps of itself at step t, counted from 0: min(decay, (1 + t) / (10 + t)).

    The first weights, which have learnt nothing, are so forgotten soon.
    """
    return min(decay, (1 + step) / (10 + step))
